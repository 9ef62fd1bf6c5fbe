import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../collector/serve/wire.ts';
import { findSpan, spanAt } from '../../ui/timeline/columns.ts';
import { createFinder } from '../../ui/timeline/find.ts';
import { flameBoxes } from '../../ui/timeline/flame.ts';
import { drawLane, labelText } from '../../ui/timeline/lane.ts';
import { drawMinimap } from '../../ui/timeline/minimap.ts';
import { abandonedWork, deadlineAtMs, giveUpAtMs, problemAt } from '../../ui/timeline/problems.ts';
import { rowAt, visibleRows } from '../../ui/timeline/rows.ts';
import {
  formatWindow,
  placeLabel,
  readWindow,
  timeTicks,
  toPercent,
  wholeWindow,
  windowAround,
} from '../../ui/timeline/scale.ts';
import { assignServiceColours, SERVICE_COLOURS } from '../../ui/timeline/service-colour.ts';
import { sortSpans } from '../../ui/timeline/sort-spans.ts';
import { matchFilter } from '../../ui/timeline/trace-model.ts';
import { modelOf, textFileOf } from './columns-of.ts';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import { drawSpans } from './spans.ts';

const template = diagnosis.verdicts[0] as Verdict;
/** The verdict of a give-up at a span. */
function verdictAt(spanId: string, giveUp: Partial<Verdict['giveUp']>, rest: Partial<Verdict> = {}): Verdict {
  return {
    ...template,
    ...rest,
    giveUp: { ...template.giveUp, spanId, ...giveUp },
    origin: { ...template.origin, spanId },
  };
}

const window = { startMs: 0, endMs: 100 };
const context = {
  window,
  widthPx: 500,
  deadlineMs: null,
  traceEndMs: 100,
  problem: null,
  wastedFromMs: null,
  budgetMs: null,
};
const model = (drawing: string) => modelOf(drawSpans(drawing));
const rowOf = ({ columns, rows }: ReturnType<typeof modelOf>, row: number) => rowAt(columns, rows, row);

describe('a lane of the waterfall', () => {
  const laneOf = (drawing: string, changes = {}) =>
    drawLane(rowOf(model(drawing), 0), { ...context, ...changes });

  it('is one bar in the colour of its service without phases', () => {
    expect(laneOf('a x | ===  |').pieces).toEqual([{ left: 10, width: 30, phase: null, open: false }]);
  });

  it('shows phases one after the other, the stuck one open', () => {
    expect(laneOf('a x |====| kind=client phases=dns:10,connect:30!').pieces).toEqual([
      { left: 0, width: 10, phase: 'dns', open: false },
      { left: 10, width: 30, phase: 'connect', open: true },
    ]);
  });

  it('keeps the bar below phases that do not fill it', () => {
    expect(laneOf('a x |====| kind=client phases=wait:20').pieces.map((piece) => piece.phase)).toEqual([
      null,
      'wait',
    ]);
  });

  it('is torn while the span has not ended', () => {
    expect(laneOf('a x |==~|')).toMatchObject({ torn: true, label: { text: 'not ended' } });
  });

  it('goes to the end of the trace when nothing says how long it lasted', () => {
    const [span] = drawSpans('a x | ~ |');
    const row = rowOf(modelOf([{ ...span!, durationMs: 0 }]), 0);
    expect(drawLane(row, context).pieces).toMatchObject([{ left: 10, width: 90 }]);
  });

  it('shows how long the caller was willing to wait', () => {
    expect(laneOf('a x |====|', { budgetMs: 30 }).budget).toEqual({ left: 0, width: 30 });
    expect(laneOf('a x |====|').budget).toBeNull();
  });

  it('is cut off at the ends of the window', () => {
    expect(laneOf('a x |====|', { window: { startMs: 20, endMs: 30 } }).pieces[0]).toMatchObject({
      left: 0,
      width: 100,
    });
    expect(laneOf('a x |====|', { window: { startMs: 50, endMs: 90 } })).toMatchObject({
      pieces: [],
      label: null,
    });
  });

  it('is an outline where the callee never arrived', () => {
    const call = model('a x |===X| kind=client server.address=b phases=connect:40!');
    expect(drawLane(rowOf(call, 1), context)).toMatchObject({
      outline: true,
      pieces: [{ left: 0, width: 40 }],
    });
  });

  it('says which phase did not finish, and how much work was for nobody', () => {
    const { columns } = model('a x |===X| kind=client phases=dns:2,connect:38!\nb y |  ====|');
    expect(labelText(spanAt(columns, 0), null)).toBe('connect 38 ms, unfinished');
    expect(labelText(spanAt(columns, 1), 45)).toBe('40 ms, 15 ms wasted');
  });

  it('names the phase that took the time before the one that had just begun', () => {
    const { columns } = model('a x |===X| kind=client phases=queue:39,connect:1!');
    expect(labelText(spanAt(columns, 0), null)).toBe('queue 39 ms, connect unfinished');
  });
});

describe('a label', () => {
  it('stands right of its bar', () => {
    expect(placeLabel({ start: 10, end: 100 }, 40, 500, [])).toEqual({ x: 106, inside: false });
  });

  it('goes inside when there is no room to the right', () => {
    expect(placeLabel({ start: 10, end: 490 }, 40, 500, [])).toEqual({ x: 444, inside: true });
  });

  it('goes left of a short bar at the end', () => {
    expect(placeLabel({ start: 480, end: 490 }, 40, 500, [])).toEqual({ x: 434, inside: false });
  });

  it('never crosses the deadline', () => {
    for (let deadline = 0; deadline <= 500; deadline += 5) {
      const place = placeLabel({ start: 10, end: 490 }, 120, 500, [deadline]);
      expect(place && deadline >= place.x && deadline <= place.x + 120).toBeFalsy();
    }
    expect(placeLabel({ start: 10, end: 440 }, 50, 500, [440])).toEqual({ x: 446, inside: false });
  });

  it('is left out when it fits nowhere', () => {
    expect(placeLabel({ start: 0, end: 60 }, 80, 100, [])).toBeNull();
  });
});

describe('the time axis', () => {
  it('has round steps inside the window', () => {
    expect(timeTicks({ startMs: 0, endMs: 3262 }, 6)).toEqual([0, 1000, 2000, 3000]);
    expect(timeTicks({ startMs: 0.13, endMs: 0.41 }, 3)).toEqual([0.2, 0.3, 0.4]);
    expect(timeTicks({ startMs: 5, endMs: 5 }, 3)).toEqual([5]);
  });

  it('covers early and late spans and the deadline, with room for labels', () => {
    const spans = { start: Float64Array.of(-10, 0), duration: Float64Array.of(5, 90) };
    expect(wholeWindow(spans, 40).startMs).toBe(-10);
    expect(wholeWindow(spans, 40).endMs).toBeCloseTo(102);
    expect(wholeWindow(spans, 190).endMs).toBeCloseTo(214);
    expect(wholeWindow({ start: new Float64Array(), duration: new Float64Array() }, 0).endMs).toBeGreaterThan(
      0,
    );
  });

  it('shows a span with a little of what is around it, never what is before the trace', () => {
    const { startMs, endMs } = windowAround(50, 100);
    expect([startMs < 50, endMs > 150, windowAround(0, 0).startMs]).toEqual([true, true, 0]);
  });

  it('comes back from the URL as it was written there', () => {
    expect(readWindow(formatWindow({ startMs: -1.5, endMs: 40.25 }))).toEqual({
      startMs: -1.5,
      endMs: 40.25,
    });
    for (const text of [undefined, '', '40-12', '5', 'a-b']) expect(readWindow(text)).toBeNull();
  });

  it('gives no place to what lies outside', () => {
    expect(toPercent(-50, 20, window)).toBeNull();
    expect(toPercent(-50, 70, window)).toEqual({ left: 0, width: 20 });
    expect(toPercent(50, -5, window)).toEqual({ left: 50, width: 0 });
  });
});

describe('a problem', () => {
  const spans = drawSpans(`
    a v |==X| kind=client sockeye.timeout.phase=connect
    a w |==X|
    a x |== |
    a y |==~|
    a z |== | kind=client http.response.status_code=500 error.type=500
  `);
  const problems = (verdicts: Verdict[] = []) => {
    const found = modelOf(spans, verdicts);
    return spans.map(({ spanId }) => problemAt(found.problems, findSpan(found.columns, spanId)));
  };

  it('is a timeout or an error as the span itself ended, or pending while it has not', () => {
    expect(problems()).toEqual(['timeout', 'error', null, 'pending', 'error']);
  });

  it('is a timeout when a verdict says that the caller waited in vain', () => {
    expect(problems([verdictAt(spans[1]!.spanId, { kind: 'timeout' })])[1]).toBe('timeout');
    expect(problems([verdictAt(spans[1]!.spanId, { kind: 'refused' })])[1]).toBe('error');
  });

  it('is what a filter by status goes by, together with the service', () => {
    const found = modelOf(spans);
    const shown = (status: string, service = '') => {
      const matches = matchFilter(found, { status, service });
      return spans.map(({ spanId }) => matches?.(findSpan(found.columns, spanId)) ?? true);
    };
    expect(matchFilter(found, { status: '', service: '' })).toBeNull();
    expect(shown('problems')).toEqual([true, true, false, true, true]);
    expect(shown('timeouts')).toEqual([true, false, false, false, false]);
    expect(shown('errors')).toEqual([false, true, false, false, true]);
    expect(shown('open')).toEqual([false, false, false, true, false]);
    expect(shown('timeouts', 'b')).toEqual(spans.map(() => false));
  });
});

describe('the deadline and the work after it', () => {
  const spans = drawSpans(`
    a call      |===X      | kind=client
      b serve   | =======  | kind=server
        b query |  ==      |
        b late  |      ==  |
        b queue |      ==  | kind=producer
          c job |       == | kind=consumer
  `);
  const { columns, rows } = modelOf(spans);
  const verdict = verdictAt(spans[0]!.spanId, { budgetMs: 40, elapsedMs: 41 }, { abandonedMs: 40 });

  it('are at the budget and at the give-up', () => {
    expect(deadlineAtMs(verdict, columns)).toBe(40);
    expect(giveUpAtMs(verdict, columns)).toBe(41);
    expect(deadlineAtMs(verdictAt(spans[0]!.spanId, { budgetMs: null }), columns)).toBeNull();
    expect(deadlineAtMs(verdictAt('gone', {}), columns)).toBeNull();
  });

  it('begin at the give-up or at the span, and never behind a queue', () => {
    expect([...abandonedWork(verdict, columns, rows)]).toEqual([
      [1, 41],
      [3, 60],
    ]);
  });

  it('are none when the verdict found none', () => {
    expect(abandonedWork({ ...verdict, abandonedMs: 0 }, columns, rows).size).toBe(0);
  });
});

describe('service colours', () => {
  it('depend on the names alone', () => {
    expect(assignServiceColours(['b', 'a', 'b'])).toEqual(assignServiceColours(['a', 'b']));
  });

  it('differ as long as there are enough', () => {
    const names = Array.from({ length: SERVICE_COLOURS }, (_, index) => `service-${index}`);
    expect(new Set(assignServiceColours(names).values()).size).toBe(SERVICE_COLOURS);
    expect(assignServiceColours([...names, 'one-more']).size).toBe(SERVICE_COLOURS + 1);
  });
});

describe('find', () => {
  const spans = drawSpans(`
    shop pay   |==| http.request.method=POST
      bank book |=| server.address=10.0.0.1 id=00000000000fa1ce
  `);
  const { columns } = modelOf(spans);
  /** The texts are newer: one more span, and in another order. */
  const late = drawSpans('shop late |=| http.request.method=POST id=00000000000000ff');
  const finder = createFinder(
    textFileOf({ traceId: '1', spans: [...late, ...spans.toReversed()] }).buffer,
    columns.spanId,
  );
  const find = async (query: string) => [...(await finder.find(query))];

  it('looks at names and attributes, in any case, for all words', async () => {
    expect(await find('PAY post')).toEqual([1, 0]);
    expect(await find('server.address=10')).toEqual([0, 1]);
    expect(await find('pay 10.0.0.1')).toEqual([0, 0]);
  });

  it('looks at what the sender says of itself', async () => {
    expect(await find('service.name=bank')).toEqual([0, 1]);
  });

  it('looks at a part of the span id', async () => {
    expect(await find('fa1ce')).toEqual([0, 1]);
  });

  it('of nothing finds nothing', async () => {
    expect(await find('  ')).toEqual([0, 0]);
  });
});

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
