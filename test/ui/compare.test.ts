import { describe, expect, it } from 'vitest';
import type { TraceSummary } from '../../collector/serve/wire.ts';
import { alignTraces } from '../../ui/timeline/align.ts';
import { serviceAt, operationAt, type TraceColumns } from '../../ui/timeline/columns.ts';
import { findDifferences } from '../../ui/timeline/differences.ts';
import { chooseNormal } from '../../ui/timeline/normal-trace.ts';
import { modelOf } from './columns-of.ts';
import { drawSpans } from './spans.ts';

const draw = (drawing: string) => modelOf(drawSpans(drawing));

/** The rows of two traces, beside each other, as they would be read. */
function align(here: string, there: string): string[] {
  const [a, b] = [draw(here), draw(there)];
  const aligned = alignTraces(a, b);
  const name = (columns: TraceColumns, span = -1) =>
    span < 0 ? '–' : `${serviceAt(columns, span)} ${operationAt(columns, span)}`.trim();
  return Array.from(
    { length: aligned.count },
    (_, row) =>
      `${'  '.repeat(aligned.depth[row]!)}${name(a.columns, aligned.here[row])} | ${name(b.columns, aligned.there[row])}`,
  );
}

describe('two traces beside each other', () => {
  it('stand on the same rows where service, operation and kind are the same', () => {
    const shop = `
      shop buy     |=====|
        shop pay   | === | kind=client
          bank pay |  =  | kind=server`;
    expect(align(shop, shop)).toEqual([
      'shop buy | shop buy',
      '  shop pay | shop pay',
      '    bank pay | bank pay',
    ]);
  });

  it('keep what only one of them has in its place', () => {
    const here = `
      shop buy        |==========|
        shop reserve  |==        |
        shop pay      |  ===     |
        shop release  |     ==   |`;
    const there = `
      shop buy        |==========|
        shop look     |=         |
        shop reserve  | ==       |
        shop pay      |   ===    |
          bank charge |    =     |
        shop ship     |      ==  |`;
    expect(align(here, there)).toEqual([
      'shop buy | shop buy',
      '  – | shop look',
      '  shop reserve | shop reserve',
      '  shop pay | shop pay',
      '    – | bank charge',
      '  – | shop ship',
      '  shop release | –',
    ]);
  });

  it('pair repeated calls in their order, and leave a further attempt alone', () => {
    const here = `
      shop buy   |==========|
        shop pay |==        |
        shop pay |   ==     |
        shop pay |      ==  |`;
    const there = 'shop buy |====|\n  shop pay | == |';
    expect(align(here, there)).toEqual([
      'shop buy | shop buy',
      '  shop pay | shop pay',
      '  shop pay | –',
      '  shop pay | –',
    ]);
  });

  it('stand one after the other when they have nothing in common', () => {
    expect(align('a x |==|', 'b y |==|\n  b z |==|')).toEqual(['– | b y', '  – | b z', 'a x | –']);
  });

  it('look through parents that were not received', () => {
    expect(align('a x |==|', 'b y |==| parent=00000000000feed0')).toEqual(['– | b y', 'a x | –']);
    expect(align('b y |==|', 'b y |==| parent=00000000000feed0')).toEqual(['b y | b y']);
  });

  it('may be a chain of 20,000 calls', () => {
    const [template] = drawSpans('a x |==|');
    const id = (index: number) => (index + 1).toString(16).padStart(16, '0');
    const chain = modelOf(
      Array.from({ length: 20_000 }, (_, index) => ({
        ...template!,
        spanId: id(index),
        parentSpanId: index === 0 ? '' : id(index - 1),
      })),
    );
    const { count, depth } = alignTraces(chain, chain);
    expect([count, depth[19_999]]).toEqual([20_000, 19_999]);
  });
});

describe('differences', () => {
  const find = (here: string, there: string) => {
    const [a, b] = [draw(here), draw(there)];
    const aligned = alignTraces(a, b);
    return findDifferences(a, b, aligned).map(({ row, part, hereMs, thereMs }) => [
      row,
      part,
      hereMs,
      thereMs,
    ]);
  };

  it('are in the phase where the time went, not in every caller that waited for it', () => {
    const here = `
      gateway buy      |==========|
        gateway pay    |==========| kind=client phases=wait:100
          shop pay     |==========| kind=server
            shop bank  |=========X| kind=client phases=dns:2,connect:98!`;
    const there = `
      gateway buy      |==|
        gateway pay    |==| kind=client phases=wait:20
          shop pay     |==| kind=server
            shop bank  |==| kind=client phases=dns:2,connect:4,wait:14`;
    expect(find(here, there)).toEqual([
      [3, 'connect', 98, 4],
      [3, 'wait', null, 14],
    ]);
  });

  it('are in a span’s own work, without what its calls took', () => {
    const here = 'a x |==========|\n  b y | == |';
    const there = 'a x |====|\n  b y | == |';
    expect(find(here, there)).toEqual([[0, 'own work', 80, 20]]);
  });

  it('of a call that only one has are its whole time', () => {
    expect(find('a x |====|\n  b y |==|', 'a x |==|\n  c z |==|')).toEqual([
      [0, 'own work', 20, 0],
      [1, 'own work', null, 20],
      [2, 'own work', 20, null],
    ]);
  });

  it('are none between a trace and itself', () => {
    const shop = 'a x |==========|\n  b y | == | kind=client phases=connect:5,wait:15';
    expect(find(shop, shop)).toEqual([]);
  });
});

describe('the normal trace of an operation', () => {
  const root = { traceId: 'mine', service: 'shop', operation: 'buy', startUnixMs: 1000e3 };
  const trace = (traceId: string, durationMs: number, more: Partial<TraceSummary> = {}): TraceSummary => ({
    traceId,
    root: { service: 'shop', operation: 'buy' },
    startedAt: new Date(root.startUnixMs).toISOString(),
    durationMs,
    spans: 3,
    services: ['shop'],
    errors: 0,
    timeouts: 0,
    verdict: null,
    ...more,
  });

  it('is one of middling duration among those that went well', () => {
    const traces = [
      trace('slow', 900),
      trace('middling', 50),
      trace('fast', 1),
      trace('mine', 51),
      trace('failed', 49, { errors: 1 }),
      trace('timed out', 48, { timeouts: 1 }),
      trace('another operation', 47, { root: { service: 'shop', operation: 'sell' } }),
    ];
    expect(chooseNormal(root, traces)).toEqual({ traceId: 'middling', p50Ms: 50, count: 3 });
  });

  it('is the nearest in time of several that lasted as long', () => {
    const early = { startedAt: new Date(root.startUnixMs - 9000).toISOString() };
    expect(chooseNormal(root, [trace('early', 50, early), trace('near', 50)])?.traceId).toBe('near');
  });

  it('is none when none went well', () => {
    expect(chooseNormal(root, [trace('mine', 5), trace('failed', 5, { errors: 2 })])).toBeNull();
  });
});
