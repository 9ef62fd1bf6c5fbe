import { expect, test } from 'vitest';
import { buildWireTrace, wireAttributes } from '../../collector/query/wire-trace.ts';
import type { AttributeValue, Span } from '../../collector/span.ts';
import { makeSpan, START_UNIX_NANO } from '../diagnose/make-span.ts';

const id = (short: string) => short.padStart(16, '0');
const atMs = (ms: number) => START_UNIX_NANO + BigInt(ms) * 1_000_000n;

function span(short: string, parent: string, fromMs: number, toMs: number, more: Partial<Span> = {}): Span {
  const { attributes: _attributes, resource: _resource, ...plain } = makeSpan();
  const base = makeSpan({
    ...plain,
    spanId: id(short),
    parentSpanId: parent === '' ? '' : id(parent),
    kind: 'internal',
  });
  return { ...base, startUnixNano: atMs(fromMs), endUnixNano: atMs(toMs), ...more };
}
function trace(...spans: Span[]) {
  const wire = buildWireTrace('1', spans);
  return { ...wire, spans: [...wire.spans] };
}
const flawsOf = (...spans: Span[]) =>
  trace(...spans).spans.map(({ spanId, flaws }) => [spanId.at(-1), flaws ?? []]);

test('offsets and durations count from the first start, children may outlive their parents', () => {
  const wire = trace(span('1', '', 0, 100), span('2', '1', 20, 500));
  expect(wire).toMatchObject({ startUnixNano: String(START_UNIX_NANO), durationMs: 500, complete: true });
  expect(wire.spans.map(({ startOffsetMs, durationMs }) => [startOffsetMs, durationMs])).toEqual([
    [0, 100],
    [20, 480],
  ]);
  expect(wire.spans[0]).not.toHaveProperty('flaws');
});

test('a server that shares the id of a call that has not arrived says so, though who called is known', () => {
  const attributes = new Map([['zipkin.parent_id', id('1')]]);
  const server = span('f'.repeat(15) + 'd', '2', 0, 10, { kind: 'server', attributes });
  expect(flawsOf(span('1', '', 0, 10), server)).toEqual([
    ['1', []],
    ['d', ['the call that it answers has not arrived']],
  ]);
  expect(trace(span('1', '', 0, 10), server).complete).toBe(false);
  expect(flawsOf(span('1', '', 0, 10), span('2', '1', 0, 10), server).flatMap(([, flaws]) => flaws)).toEqual(
    [],
  );
});

test('a trace without its parents, or with several roots, is shown and not complete', () => {
  expect(flawsOf(span('2', '1', 0, 10))).toEqual([['2', ['its parent has not arrived']]]);
  expect(trace(span('2', '1', 0, 10)).complete).toBe(false);
  expect(trace(span('1', '', 0, 10), span('2', '', 0, 10)).complete).toBe(false);
});

test('a cycle is cut once, so that following parents always ends', () => {
  const { spans } = trace(span('1', '2', 0, 10), span('2', '1', 0, 10), span('3', '3', 0, 10));
  const parents = new Map(spans.map(({ spanId, parentSpanId }) => [spanId, parentSpanId]));
  for (const start of parents.keys()) {
    let steps = 0;
    for (let at = start; at !== ''; at = parents.get(at) ?? '') expect(steps++).toBeLessThan(4);
  }
  expect(spans.filter(({ flaws }) => flaws?.some((flaw) => /own descendant/.test(flaw)))).toHaveLength(2);
});

test('two different spans with one id are both shown, and it is said', () => {
  const wire = flawsOf(span('1', '', 0, 10, { name: 'a' }), span('1', '', 0, 20, { name: 'b' }));
  expect(wire.filter(([, flaws]) => flaws!.includes('another span has the same id'))).toHaveLength(1);
  expect(wire).toHaveLength(2);
});

test('a span that ends before it starts is shown without length, and it is said', () => {
  const [shown] = trace(span('1', '', 10, 5)).spans;
  expect(shown).toMatchObject({ durationMs: 0, pending: false, flaws: ['ends 5 ms before it starts'] });
});

test('a span that starts more than a day from now, or has a name of over 1 KiB, says so', () => {
  const now = Number(START_UNIX_NANO / 1_000_000n);
  const flawsAt = (nowUnixMs: number) =>
    [...buildWireTrace('1', [span('1', '', 0, 1)], nowUnixMs).spans][0]!.flaws;
  expect(flawsAt(now - 86_400_000)).toBeUndefined();
  expect(flawsAt(now - 86_400_001)).toEqual(['starts more than a day from now']);
  expect(flawsOf(span('1', '', 0, 1, { name: 'x'.repeat(1024) }))).toEqual([['1', []]]);
  expect(flawsOf(span('1', '', 0, 1, { name: 'x'.repeat(1025) }))).toEqual([
    ['1', ['its name is over 1024 bytes']],
  ]);
});

test('U+FFFD, as which broken bytes are read, is found wherever it stands', () => {
  const broken = 'a\uFFFD';
  const attributes = new Map<string, AttributeValue>([['list', [1n, new Map([[broken, null]])]]]);
  const { resource, scope } = makeSpan();
  const event = { timeUnixNano: 0n, name: '', attributes, droppedAttributes: 0 };
  for (const more of [
    { name: broken },
    { traceState: broken },
    { status: { code: 'error' as const, message: broken } },
    { attributes },
    { events: [event] },
    { resource: { ...resource, attributes } },
    { scope: { ...scope, name: broken } },
  ]) {
    expect(flawsOf(span('1', '', 0, 1, more))).toEqual([['1', [expect.stringContaining('U+FFFD')]]]);
  }
  const bytes = new Map([['bytes', Uint8Array.of(0xff)]]);
  expect(flawsOf(span('1', '', 0, 1, { attributes: bytes }))).toEqual([['1', []]]);
});

test('a span that has not ended is pending', () => {
  const wire = trace(span('1', '', 0, 10), span('2', '1', 0, 0, { endUnixNano: 0n }));
  expect(wire.spans.map(({ pending }) => pending)).toEqual([false, true]);
  expect(wire).toMatchObject({ complete: false, durationMs: 10 });
});

test('clocks that disagree are shifted, and the shift is shown', () => {
  const client = span('1', '', 0, 100, { kind: 'client' });
  const other = { ...client.resource, attributes: new Map([['service.name', 'payments']]) };
  const server = span('2', '1', -40, 20, { kind: 'server', resource: other });
  const { spans, durationMs, startUnixNano } = trace(client, server);
  const shown = spans.find(({ spanId }) => spanId === id('2'))!;
  expect(shown.skewMs).toBeGreaterThanOrEqual(40);
  expect(shown.startOffsetMs).toBeGreaterThanOrEqual(0);
  expect([durationMs, startUnixNano]).toEqual([100, String(client.startUnixNano)]);
});

test('phases are those of the call', () => {
  const attributes = new Map<string, AttributeValue>([
    ['sockeye.phase.dns_ms', 5],
    ['sockeye.phase.connect_ms', 95],
    ['sockeye.timeout.phase', 'connect'],
  ]);
  expect(trace(span('1', '', 0, 100, { kind: 'client', attributes })).spans[0]!.phases).toEqual([
    { phase: 'dns', startOffsetMs: 0, durationMs: 5, open: false },
    { phase: 'connect', startOffsetMs: 5, durationMs: 95, open: true },
  ]);
});

test('events, links, state, flags and dropped counts are there', () => {
  const attributes = new Map([['k', 'v']]);
  const nothing = { droppedAttributes: 0 };
  const [shown] = trace(
    span('1', '', 0, 10, {
      events: [{ timeUnixNano: atMs(3), name: 'e', attributes, ...nothing }],
      links: [{ traceId: '9', spanId: '8', traceState: '', flags: 0, attributes, ...nothing }],
      traceState: 'a=b',
      flags: 257,
      droppedEvents: 2,
      scope: { name: 'lib', version: '1.2', attributes, schemaUrl: '', ...nothing },
    }),
  ).spans;
  expect(shown).toMatchObject({
    events: [{ name: 'e', offsetMs: 3, attributes: { k: 'v' } }],
    links: [{ traceId: '9', spanId: '8', attributes: { k: 'v' } }],
    traceState: 'a=b',
    flags: 257,
    dropped: { events: 2 },
    scope: { name: 'lib', version: '1.2', k: 'v' },
  });
});

test('every attribute value is JSON, whatever it is and is called', () => {
  const values = new Map<string, AttributeValue>([
    ['__proto__', 'mine'],
    ['big', 9007199254740993n],
    ['nan', NaN],
    ['infinite', -Infinity],
    ['bytes', new Uint8Array([0, 255])],
    ['nothing', null],
    ['list', [1, 'a', null, [true]]],
    ['map', new Map<string, AttributeValue>([['inner', 1n]])],
  ]);
  expect(JSON.parse(JSON.stringify(wireAttributes(values)), undefined)).toEqual(
    JSON.parse(`{
      "__proto__": "mine", "big": "9007199254740993", "nan": "NaN", "infinite": "-Infinity", "bytes": {"bytes": "AP8="},
      "nothing": null, "list": [1, "a", null, [true]], "map": {"inner": "1"}
    }`),
  );
});
