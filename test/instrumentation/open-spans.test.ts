/** Which of the spans that are open are due to be told of, and when. */
import { describe, expect, it } from 'vitest';
import { OpenSpans, TICKS_PER_SECOND } from '../../instrumentation/record/open-spans.ts';
import { SpanRecord, type SpanOwner } from '../../instrumentation/record/span-record.ts';
import { spanLimits } from '../../instrumentation/record/limits.ts';

const origin = { traceId: '1'.repeat(32), traceFlags: 1, traceState: undefined, parent: undefined };

function follow() {
  const open = new OpenSpans<SpanRecord>();
  const owner: SpanOwner = { limits: spanLimits({}), open, take: () => {} };
  const start = (name: string) => {
    const span = new SpanRecord(owner, origin, name, 1, 0);
    open.add(span);
    return span;
  };
  /** The names that are due in each of the ticks to come. */
  const tick = (ticks: number, max = Infinity) =>
    Array.from({ length: ticks }, () => open.takeDue(max).map(({ name }) => name));
  return { open, start, tick };
}

/** The first tick, from 1, at which the name is due, and those after it. */
const ticksOf = (name: string, due: string[][]) =>
  due.flatMap((names, index) => (names.includes(name) ? [index + 1] : []));

describe('an open span', () => {
  it('is due when it is more than a second old, then each time it is twice as old', () => {
    const { start, tick } = follow();
    start('a');
    const seconds = ticksOf('a', tick(70)).map((each) => (each - 1) / TICKS_PER_SECOND);
    expect(seconds).toEqual([1, 2, 4, 8, 16]);
  });

  it('is never due when it ends before', () => {
    const { open, start, tick } = follow();
    const span = start('a');
    tick(4);
    span.finish(0);
    expect(tick(20).flat()).toEqual([]);
    expect(open.count).toBe(0);
  });

  it('may end while it waits to be told of again', () => {
    const { open, start, tick } = follow();
    const spans = ['a', 'b', 'c'].map(start);
    tick(5);
    spans[1]!.finish(0);
    spans[1]!.finish(0);
    expect(tick(4).flat()).toEqual(['a', 'c']);
    expect([...open.all()].map(({ name }) => name)).toEqual(['a', 'c']);
    expect(open.count).toBe(2);
  });
});

describe('many open spans', () => {
  it('are told of a few at a time; the others follow', () => {
    const { start, tick } = follow();
    for (const name of ['a', 'b', 'c', 'd', 'e']) start(name);
    expect(tick(8, 2)).toEqual([[], [], [], [], ['a', 'b'], ['c', 'd'], ['e'], []]);
  });

  it('that were never told of come before those that were', () => {
    const { start, tick } = follow();
    start('known');
    tick(4);
    start('new');
    expect(tick(6, 1)).toEqual([['known'], [], [], [], ['new'], ['known']]);
  });

  it('beyond 10,000 are forgotten, the one told of most often first', () => {
    const { open, start, tick } = follow();
    start('oldest');
    tick(5);
    for (let index = 0; index < 100_000; index++) start('later');
    expect(open.count).toBe(10_000);
    expect([...open.all()].some(({ name }) => name === 'oldest')).toBe(false);
    expect([...open.all()]).toHaveLength(10_000);
  });

  it('that were forgotten end as the others do', () => {
    const { open, start } = follow();
    const spans = Array.from({ length: 10_001 }, () => start('a'));
    for (const span of spans) span.finish(0);
    expect(open.count).toBe(0);
    expect(spans.every(({ isOpen }) => !isOpen)).toBe(true);
  });
});
