/** What a timeline is made of: its axis, problems, deadline, colours, and what is found in it. */
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../collector/serve/wire.ts';
import { findSpan } from '../../ui/timeline/columns.ts';
import { createFinder } from '../../ui/timeline/find.ts';
import { abandonedWork, deadlineAtMs, giveUpAtMs, problemAt } from '../../ui/timeline/problems.ts';
import {
  formatWindow,
  readWindow,
  timeTicks,
  toPercent,
  wholeWindow,
  windowAround,
} from '../../ui/timeline/scale.ts';
import { assignServiceColours, SERVICE_COLOURS } from '../../ui/timeline/service-colour.ts';
import { matchFilter } from '../../ui/timeline/trace-model.ts';
import { modelOf, textFileOf } from './columns-of.ts';
import { drawSpans } from './spans.ts';
import { verdictAt } from './verdict-at.ts';

const window = { startMs: 0, endMs: 100 };

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
