/** The whole of a trace in other ways than the waterfall: as a table, a mini-map, a flame. */
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../collector/serve/wire.ts';
import { flameBoxes } from '../../ui/timeline/flame.ts';
import { drawMinimap } from '../../ui/timeline/minimap.ts';
import { visibleRows } from '../../ui/timeline/rows.ts';
import { sortSpans } from '../../ui/timeline/sort-spans.ts';
import { modelOf } from './columns-of.ts';
import { drawSpans } from './spans.ts';
import { verdictAt } from './verdict-at.ts';

const window = { startMs: 0, endMs: 100 };
const model = (drawing: string) => modelOf(drawSpans(drawing));

describe('the table', () => {
  const table = model(`
    b x    |==========|
      a y  | ====     |
      a x  |   ====== |
  `);
  const order = (by: Parameters<typeof sortSpans>[2], matches: ((span: number) => boolean) | null = null) => [
    ...sortSpans(table, matches, by).spans,
  ];

  it('is in the order of self time, duration, start or name', () => {
    expect(order('self')).toEqual([2, 1, 0]);
    expect(order('duration')).toEqual([0, 2, 1]);
    expect(order('start')).toEqual([0, 1, 2]);
    expect(order('service')).toEqual([2, 1, 0]);
  });

  it('lists what a filter lets through', () => {
    expect(order('duration', (span) => span > 0)).toEqual([2, 1]);
  });
});

describe('the mini-map', () => {
  const picture = (drawing: string, verdicts: Verdict[] = [], height = 8) => {
    const found = modelOf(drawSpans(drawing), verdicts);
    return drawMinimap(found, visibleRows(found.rows, new Set()), window, 10, height);
  };
  /** A line of pixels as digits: how many spans run. */
  const print = (counts: Int32Array) =>
    Array.from(counts.slice(0, -1))
      .join('')
      .match(/.{10}/g)
      ?.map((line) => line.replaceAll('0', ' ').trimEnd());

  it('shows a row as a bar with a gap below it', () => {
    expect(print(picture('a x |==========|\n  b y | ===      |').spans)).toEqual([
      '1111111111',
      '1111111111',
      '1111111111',
      '',
      ' 111',
      ' 111',
      ' 111',
      '',
    ]);
  });

  it('counts the rows that share a pixel, and what is wrong with them', () => {
    const names = Array.from({ length: 100 }, (_, index) => `a s${index} |  ===     |`);
    const stuck = verdictAt((51).toString(16).padStart(16, '0'), { kind: 'timeout' });
    const { spans, timeouts, errors } = picture(names.join('\n'), [stuck], 2);
    expect(Array.from(spans).slice(0, 10)).toEqual([0, 0, 50, 50, 50, 0, 0, 0, 0, 0]);
    expect([...timeouts].filter((count) => count > 0)).toEqual([1, 1, 1]);
    expect(errors.every((count) => count === 0)).toBe(true);
  });

  it('keeps what lies outside of it, and what has no length, at one pixel', () => {
    expect(print(picture('a x |                 ==|').spans)?.[0]).toBe('         1');
    expect(print(picture('a x |=|', [], 1).spans)).toEqual(['1']);
  });
});

describe('the flame', () => {
  const flame = (drawing: string, boxesMax = 10, kept?: number[]) => {
    const found = model(drawing);
    const rows = kept ? Int32Array.from(kept) : visibleRows(found.rows, new Set());
    return flameBoxes(found, rows, window, boxesMax);
  };

  it('puts callees below callers and pushes overlapping siblings down', () => {
    const { boxes, total } = flame(`
      a x   |==========|
        b y | ====     |
        c z |   ====   |
    `);
    expect(boxes.map(({ span, line }) => [span, line])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(total).toBe(3);
  });

  it('keeps the longest when there are too many, and says of how many', () => {
    const { boxes, total } = flame('a x |==|\nb y |  ====|\nc z |      =|', 1);
    expect(boxes.map(({ span }) => span)).toEqual([1]);
    expect(total).toBe(3);
  });

  it('leaves out what a filter does not let through, and keeps the others in their lines', () => {
    const { boxes, total } = flame('a x |====|\n  b y | == |\n  c z | == |', 10, [0, 2]);
    expect(boxes.map(({ span, line }) => [span, line])).toEqual([
      [0, 0],
      [2, 1],
    ]);
    expect(total).toBe(2);
  });

  it('counts calls that are beside too many others, and does not place them', () => {
    const { boxes, total } = flame(
      Array.from({ length: 700 }, (_, i) => `a s${i} |==========|`).join('\n'),
      1000,
    );
    expect([boxes.length, total]).toEqual([500, 700]);
  });
});
