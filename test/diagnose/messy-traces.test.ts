/** Traces with missing, doubled, late and looping spans are diagnosed all the same; work that went on for nobody is counted. */
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
