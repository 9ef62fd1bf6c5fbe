import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import type { Span } from '../../collector/span.ts';
import { drawTrace } from './draw-trace.ts';
import { checkInvariants, diagnoseDrawing, verdictOf } from './expect-verdict.ts';

const NO_HISTORY = { normals: new Map() };
const diagnose = (spans: readonly Span[]) => {
  const diagnosis = diagnoseTrace('1', spans, NO_HISTORY);
  checkInvariants(diagnosis, spans);
  return diagnosis;
};

describe('no verdict', () => {
  it.each([
    ['an empty trace', ''],
    [
      'a trace that succeeded, however slow',
      `
      gate         |=====================================================================|
        gate>shop  |=====================================================================|  wait=7000
          shop     |=====================================================================|`,
    ],
    [
      'a service that answered 500 at once',
      `
      gate         |===!
        gate>shop  |===!  code=500
          shop     |==!   code=500`,
    ],
    [
      'a hedged call whose sibling won',
      `
      shop         |=========|
        shop>a     |========|
        shop>b       |======X  phase=wait timer=abort type=AbortError`,
    ],
    [
      'a closed tab: the server was left, and what it called was cancelled',
      `
      shop         |=========!  left=900 code=499
        shop>a     |=========X  phase=wait timer=abort type=AbortError
          a        |=========!  code=499`,
    ],
    [
      'a cancelled RPC',
      `
      shop         |=========!  rpc.grpc.status_code=1
        shop>a     |=========!  rpc.grpc.status_code=1`,
    ],
    [
      'a timeout event without a destroy',
      `
      shop         |===================|
        shop>a     |===================|  sockeye.timeout.phase=wait sockeye.timeout.timer=http_timeout`,
    ],
    ['a stream cut by its own timer', 'shop>events |===================X  phase=receive sockeye.stream=true'],
    ['a long poll that ended empty', 'shop>queue |===================X  phase=wait sockeye.stream=true'],
    [
      'work that was left running on purpose',
      `
      shop           |===|
        shop>mail     |====================|
          mail        |===================|`,
    ],
    [
      'a consumer that works long after its producer',
      `
      shop           |===|
        shop>orders   |=|  kind=producer
          worker        |==================================|  kind=consumer`,
    ],
  ])('%s', (_, drawing) => {
    expect(diagnoseDrawing(drawing).verdicts).toEqual([]);
  });
});

describe("a program's own timer", () => {
  it('a parent that ended in error while its call was open gave up on it', () => {
    const verdict = verdictOf(`
      shop         |==========!
        shop>pay    |=================|  wait=1700
          pay       |================|`);
    expect(verdict).toMatchObject({ by: 'shop', at: 'pay', giveUp: { kind: 'timeout', timer: 'app' } });
    expect(verdict.sentence).toBe(
      'shop gave up after 1.100 s: pay was still in "serve pay", with nothing recorded below, 1.000 s of it.',
    );
  });
  it('a call that its failing parent cancelled counts as given up', () => {
    const verdict = verdictOf(`
      shop         |==========!
        shop>pay    |=========X  phase=connect timer=abort type=AbortError peer=pay:80`);
    expect(verdict).toMatchObject({ by: 'shop', at: 'shop>pay', phase: 'connect' });
  });
  it('a parent that ended well left the call running on purpose', () => {
    expect(
      diagnoseDrawing(`
      shop         |==========|
        shop>pay    |=================|`).verdicts,
    ).toEqual([]);
  });
  it('a parent that failed with one call did not give up on the other', () => {
    expect(
      diagnoseDrawing(`
      shop         |==========!
        shop>pay    |=========!         code=500
        shop>mail   |=================|`).verdicts,
    ).toEqual([]);
  });
  it('an earlier failure that was handled does not explain a later end', () => {
    const verdict = verdictOf(`
      shop         |==================!
        shop>pay    |==!                        code=500
        shop>mail        |===================|`);
    expect(verdict).toMatchObject({ by: 'shop', at: 'shop>mail' });
  });
});

describe('messy traces', () => {
  const chain = `
      gate           |==============================!
        gate>shop    |==============================X  phase=wait budget=3000
          shop       |===================================|
            shop>pay |===================================|
              pay    |===================================|`;

  it('are complete when one root, every parent and both sides are there', () => {
    expect(diagnoseDrawing(chain).complete).toBe(true);
  });
  it('a missing parent: the verdict stands on what is there, and the trace is incomplete', () => {
    const diagnosis = diagnoseDrawing(
      `${chain}
      lost           |==| orphan`,
    );
    expect(diagnosis.complete).toBe(false);
    expect(diagnosis.verdicts[0]?.at).toBe('pay');
  });
  it('a span that has not ended: incomplete, and open', () => {
    const diagnosis = diagnoseDrawing(`
      gate           |==============================!
        gate>shop    |==============================X  phase=wait budget=3000
          shop       |~`);
    expect(diagnosis.complete).toBe(false);
    expect(diagnosis.verdicts[0]).toMatchObject({ at: 'shop', cause: 'G3', open: ['shop'] });
  });
  it('several roots: incomplete, each judged', () => {
    const diagnosis = diagnoseDrawing(`
      shop>pay  |=========X  phase=connect budget=1000 peer=pay:80
      cart>db     |=======X  phase=wait budget=800`);
    expect(diagnosis.complete).toBe(false);
    expect(diagnosis.verdicts.map(({ at }) => at).toSorted()).toEqual(['cart>db', 'shop>pay']);
  });
  it('a call to an instrumented peer without its server span is incomplete', () => {
    const drawing = (phase: string) => `
      shop         |===================!
        shop>pay   |====|                  peer=pay:80
          pay      |====|
        shop>pay          |===========X    peer=pay:80 phase=${phase}`;
    expect(diagnoseDrawing(drawing('wait')).complete).toBe(false);
    expect(diagnoseDrawing(drawing('connect')).complete).toBe(true);
  });

  const { spans, id } = drawTrace(chain);
  const of = (label: string) => spans.find(({ spanId }) => spanId === id(label)) as Span;

  it('spans in any order and twice give the same verdict', () => {
    const once = diagnose(spans);
    expect(diagnose(spans.toReversed())).toEqual(once);
    expect(diagnose([...spans, ...spans])).toEqual(once);
  });
  it('of two versions of a span the one that ended counts', () => {
    const open = { ...of('pay'), endUnixNano: 0n };
    expect(diagnose([...spans, open]).complete).toBe(true);
    expect(diagnose([open, ...spans]).complete).toBe(true);
  });
  it('a cycle becomes a root, and a span that is its own parent too', () => {
    const looped = spans.map((span) =>
      span.spanId === id('gate') ? { ...span, parentSpanId: id('pay') } : span,
    );
    expect(diagnose(looped).verdicts.length).toBeGreaterThan(0);
    const selfish = spans.map((span) =>
      span.spanId === id('shop') ? { ...span, parentSpanId: id('shop') } : span,
    );
    expect(buildTraceTree(selfish).roots).toHaveLength(2);
    diagnose(selfish);
  });
  it('an end before the start is a span without duration', () => {
    const backwards = { ...of('pay'), endUnixNano: of('pay').startUnixNano - 1_000_000n };
    const diagnosis = diagnose(spans.map((span) => (span.spanId === id('pay') ? backwards : span)));
    expect(diagnosis.verdicts).toHaveLength(1);
  });
  it('times of 0 and of the far future do not throw', () => {
    for (const startUnixNano of [0n, 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      for (const endUnixNano of [0n, 1n, 2n ** 64n - 1n]) {
        for (const changed of spans) {
          const changedSpans = spans.map((span) =>
            span === changed ? { ...span, startUnixNano, endUnixNano } : span,
          );
          expect(() => diagnose(changedSpans)).not.toThrow();
        }
      }
    }
  });
  it('a late span changes the verdict', () => {
    const early = spans.filter(({ spanId }) => spanId !== id('pay') && spanId !== id('shop>pay'));
    expect(diagnose(early).verdicts[0]?.origin.spanId).toBe(id('shop'));
    expect(diagnose(spans).verdicts[0]?.origin.spanId).toBe(id('pay'));
  });
  it('a client and a server span that share an id are both kept', () => {
    const server = { ...of('shop'), spanId: id('gate>shop'), parentSpanId: id('gate') };
    const shared = spans.map((span) => {
      if (span.spanId === id('shop')) return server;
      return span.parentSpanId === id('shop') ? { ...span, parentSpanId: id('gate>shop') } : span;
    });
    const diagnosis = diagnose(shared);
    expect(diagnosis.verdicts[0]?.origin.spanId).toBe(id('pay'));
    expect(diagnosis.complete).toBe(true);
  });
  it('more calls of one span than a function takes arguments do not overflow it', () => {
    const call = of('shop>pay');
    const wide = Array.from({ length: 130_000 }, (_, index): Span => {
      const parentSpanId = id('shop');
      return { ...call, spanId: (index + 4_096).toString(16).padStart(16, '0'), parentSpanId };
    });
    const all = [...spans.slice(0, 3), ...wide];
    expect(diagnoseTrace('1', all, NO_HISTORY).verdicts).toHaveLength(1);
  }, 60_000);
  it('fifty thousand callers deep does not overflow the stack', () => {
    const pay = of('pay');
    const deep = Array.from({ length: 50_000 }, (_, index): Span => {
      const own = index.toString(16).padStart(16, '0');
      const parentSpanId = index === 0 ? '' : (index - 1).toString(16).padStart(16, '0');
      return {
        ...pay,
        spanId: own,
        parentSpanId,
        kind: 'internal',
        status: { code: 'error', message: 'timed out' },
      };
    });
    expect(diagnoseTrace('1', deep, NO_HISTORY).verdicts).toHaveLength(1);
  }, 60_000);
});

describe('clocks', () => {
  const withClock = (skew: number) => `
      shop         |=============================!
        shop>pay   |=============================X  phase=wait budget=3000 connect=5 wait=2995
          pay       |==============================================|  skew=${skew} left=2900`;
  const skewOf = (drawing: string, label: string) => {
    const trace = drawTrace(drawing);
    return buildTraceTree(trace.spans).byId.get(trace.id(label))?.skewMs;
  };

  it('a server that knows when its client left is placed exactly, whatever its clock says', () => {
    expect(skewOf(withClock(0), 'pay')).toBe(0);
    expect(skewOf(withClock(-5000), 'pay')).toBe(5000);
    expect(skewOf(withClock(60_000), 'pay')).toBe(-60_000);
    expect(verdictOf(withClock(-5000))).toMatchObject({ at: 'pay', abandonedMs: 1800 });
    expect(verdictOf(withClock(60_000))).toMatchObject({ at: 'pay', abandonedMs: 1800 });
  });
  it('without that, only as much as causality demands', () => {
    const answered = (skew: number) => `
      shop         |=========|
        shop>pay   |=========|
          pay         |====|  skew=${skew}`;
    expect(skewOf(answered(0), 'pay')).toBe(0);
    expect(skewOf(answered(-300), 'pay')).toBe(0);
    expect(skewOf(answered(-301), 'pay')).toBe(1);
    expect(skewOf(answered(200), 'pay')).toBe(0);
    expect(skewOf(answered(201), 'pay')).toBe(-1);
  });
  it('a shift is that of a process: its other spans move with it', () => {
    const drawing = `
      shop             |=========|
        shop>pay       |=========|
          pay          |========|   skew=-500
            pay>bank     |====|     skew=-500
              bank       |====|`;
    expect(skewOf(drawing, 'pay>bank')).toBe(500);
    expect(skewOf(drawing, 'bank')).toBe(0);
  });
  const gaveUp = (skew: number, pay = '====|      ') => `
      shop>pay   |=========X  phase=wait budget=1000
        pay          |${pay}  skew=${skew}`;
  const DAY_MS = 86_400_000;

  it('a server that seems to begin a day after its caller gave up has another clock; one before that was late', () => {
    expect(skewOf(gaveUp(DAY_MS), 'pay')).toBe(0);
    expect(skewOf(gaveUp(DAY_MS + 700), 'pay')).toBe(-DAY_MS - 600);
    expect(skewOf(gaveUp(3653 * DAY_MS), 'pay')).toBe(100 - 3653 * DAY_MS);
    // It worked for longer than its caller waited.
    expect(skewOf(gaveUp(3653 * DAY_MS, '=================|'), 'pay')).toBe(-400 - 3653 * DAY_MS);
  });
  it('a trace begins with its first span, also where a clock is years behind', () => {
    const { spans, traceId } = drawTrace(gaveUp(-3653 * DAY_MS));
    const { nodes, startUnixNano } = buildTraceTree(spans);
    expect(startUnixNano).toBe(spans[0]!.startUnixNano);
    expect(nodes.map(({ startMs }) => startMs)).toEqual([0, 0]);
    expect(diagnoseTrace(traceId, spans, NO_HISTORY).verdicts).toHaveLength(1);
  });
  it('a server that outlived an impatient client is not pushed back', () => {
    expect(
      skewOf(
        `
      shop>pay   |====X  phase=wait
        pay         |==========|`,
        'pay',
      ),
    ).toBe(0);
  });
});

describe('abandoned work', () => {
  const after = (below: string) =>
    verdictOf(`
      shop           |=========!
        shop>pay     |=========X  phase=wait budget=1000
${below}`).abandonedMs;

  it('is what servers did after their caller had left', () => {
    expect(after('          pay        |===================|')).toBe(1000);
    expect(after('          pay        |=========|')).toBe(0);
  });
  it('counts the same time once, however many worked', () => {
    expect(
      after(`          pay        |===================|
            pay>bank |===============|
              bank   |===============|`),
    ).toBe(1000);
  });
  it('goes on below a server that noticed and failed', () => {
    expect(
      after(`          pay        |==========!
            pay>bank |===================X  phase=wait
              bank    |===================|`),
    ).toBe(1100);
  });
  it('is not what a server that ended well left running, nor what a queue carried on', () => {
    expect(
      after(`          pay        |==============|
            pay>mail   |===========================|
              mail     |===========================|`),
    ).toBe(500);
    expect(
      after(`          pay        |==============|
            pay>jobs   |=|                             kind=producer
              jobs       |===========================|  kind=consumer`),
    ).toBe(500);
  });
});
