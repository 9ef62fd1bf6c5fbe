/** What Jaeger's clients send is read as its JSON is: whose span it is, its kind, status and events. */
import { describe, expect, it } from 'vitest';
import { scopeSpansOf, withParent, type JaegerReference } from '../../collector/decode/jaeger-spans.ts';
import type { Span } from '../../collector/span.ts';
import { JAEGER_CLIENT_THRIFT, OTEL_PYTHON_PROTOBUF, OTEL_PYTHON_THRIFT } from './jaeger-captures.ts';
import { batch, IDS, named, ofProtobuf, ofThrift, TIMES } from './read-jaeger.ts';
import { drawn, told } from './read-zipkin.ts';
import { bool, i32, i64, list, string, struct, type Value } from './write-thrift.ts';

describe('what jaeger-client sends', () => {
  const spans = ofThrift(JAEGER_CLIENT_THRIFT);
  const [buy, charge, notify] = ['POST /buy', 'charge', 'notify'].map((name) => named(spans, name));

  it('is read with service, kind, status, tags of every type and logs', () => {
    expect(drawn(spans)).toEqual([
      'checkout server POST /buy',
      '  checkout client charge',
      '    checkout unspecified notify',
    ]);
    expect(told(buy!)).toMatchObject({
      status: { code: 'unset' },
      attributes: { 'http.status_code': 504, 'cart.total': 12.5, 'cart.gift': true },
    });
    expect(told(charge!)).toEqual({
      service: 'checkout',
      name: 'charge',
      kind: 'client',
      status: { code: 'error', message: '' },
      durationUs: expect.any(Number) as number,
      attributes: { 'peer.service': 'payments', raw: Uint8Array.of(0, 255, 1) },
      events: ['error'],
    });
    expect(Object.fromEntries(charge!.events[0]!.attributes)).toEqual({
      message: 'connect ETIMEDOUT',
      attempt: 3,
    });
    expect(buy!.resource.attributes.get('shop.version')).toBe('1.4');
    expect(charge!.traceId).toMatch(/^0{16}[0-9a-f]{16}$/);
    expect(Number(charge!.startUnixNano / 1_000_000n)).toBeGreaterThan(Date.parse('2026-11-01'));
  });

  it('links to what a span follows from, which is its parent where it says so', () => {
    expect(notify).toMatchObject({ parentSpanId: charge!.spanId });
    expect(notify!.links).toMatchObject([{ traceId: charge!.traceId, spanId: charge!.spanId }]);
  });
});

describe('what OpenTelemetry for Python sends', () => {
  const [thrift, proto] = [ofThrift(OTEL_PYTHON_THRIFT), ofProtobuf(OTEL_PYTHON_PROTOBUF)];

  it('is the same trace by thrift and by gRPC, whose times are finer', () => {
    const coarse = (spans: readonly Span[]) =>
      spans.map((span) => ({ ...told(span), durationUs: 0, spanId: span.spanId, links: span.links }));
    expect(coarse(proto)).toEqual(coarse(thrift));
    for (const [index, { startUnixNano }] of thrift.entries())
      expect(Math.abs(Number(startUnixNano - proto[index]!.startUnixNano))).toBeLessThanOrEqual(1_000);
    expect(drawn(proto)).toEqual(['stock server GET /stock', '  stock client select']);
  });

  it('has scope, status and event where OpenTelemetry has them', () => {
    const select = named(proto, 'select');
    expect(select).toMatchObject({
      status: { code: 'error', message: 'no rows' },
      scope: { name: 'shop.stock', version: '0.3' },
      events: [{ name: 'row' }],
    });
    expect(select.attributes.has('otel.status_code')).toBe(false);
    expect(named(proto, 'GET /stock').attributes.get('ratio')).toBe(0.25);
    expect(named(proto, 'GET /stock').attributes.get('cached')).toBe(false);
  });

  it('has one resource for all spans of the same process', () => {
    expect(new Set(proto.map(({ resource }) => resource)).size).toBe(1);
  });
});

describe('the parent', () => {
  const trace = '0'.repeat(31) + '1';
  const reference = (isParent: boolean, spanId: string, traceId = trace) => ({ isParent, traceId, spanId });
  const [a, b, other] = ['a'.repeat(16), 'b'.repeat(16), 'f'.repeat(32)];
  const times = { startUnixNano: 1n, endUnixNano: 2n, flags: 0, name: '', tags: [], logs: [] };
  const spanOf = (references: readonly JaegerReference[]) => {
    const { spans } = scopeSpansOf({
      traceId: trace,
      spanId: '0'.repeat(15) + '1',
      references,
      ...times,
    }) as {
      spans: [{ parentSpanId: string; links: { spanId: string }[] }];
    };
    return [spans[0].parentSpanId, spans[0].links.map(({ spanId }) => spanId)];
  };

  it('is what a span is a child of, else what it follows from, of the same trace', () => {
    expect(spanOf([reference(false, a), reference(true, b)])).toEqual([b, [a]]);
    expect(spanOf([reference(false, a), reference(false, b)])).toEqual([a, [a, b]]);
    expect(spanOf([reference(true, a, other), reference(false, b)])).toEqual([b, [a, b]]);
    expect(spanOf([reference(true, a, other), reference(false, b, other)])).toEqual(['', [a, b]]);
    // No span has these ids; what is linked to one is stored all the same.
    for (const none of ['', '0'.repeat(16), 'ab'.repeat(9)])
      expect(spanOf([reference(false, none)])).toEqual(['', [none]]);
  });

  it('is that of the field, where the span is a child only of another trace', () => {
    expect(spanOf(withParent([reference(true, a, other)], trace, b))).toEqual([b, [a]]);
    expect(spanOf(withParent([reference(true, a)], trace, b))).toEqual([a, []]);
    expect(spanOf(withParent([reference(false, a)], trace, b))).toEqual([b, [a]]);
  });
});

describe('tags that stand for fields of the span', () => {
  const text = (key: string, value: string) => struct({ 1: string(key), 2: i32(0), 3: string(value) });
  const yes = (key: string) => struct({ 1: string(key), 2: i32(2), 5: bool(true) });
  const long = (key: string, value: bigint) => struct({ 1: string(key), 2: i32(3), 6: i64(value) });
  const spanWith = (...tags: Value[]) => {
    const [span] = ofThrift(batch(struct({ ...IDS, ...TIMES, 10: list(12, tags) })));
    const { status, kind, scope, attributes } = span!;
    return { status, kind, scope: scope.name, attributes: Object.fromEntries(attributes) };
  };
  const [unset, failed] = [
    { code: 'unset', message: '' },
    { code: 'error', message: '' },
  ];

  it.each<[string, Value[], object, object?]>([
    ['true', [yes('error')], failed],
    ['a text that says so', [text('error', 'True')], failed],
    ['a number', [long('error', 1n)], failed],
    ['no error', [text('error', 'FALSE')], unset],
    ['no error as a number', [long('error', 0n)], unset],
    ['what it was', [text('error', 'connection refused')], { code: 'error', message: 'connection refused' }],
    ['nothing', [text('error', '')], unset, { error: '' }],
    ['twice', [yes('error'), yes('error')], failed],
    ['both that it was and what', [yes('error'), text('error', 'reset')], failed, { error: 'reset' }],
    [
      'what it was beside a description',
      [text('error', 'reset'), text('otel.status_description', 'no stock')],
      { code: 'error', message: 'no stock' },
      { error: 'reset' },
    ],
    ['the status itself', [text('otel.status_code', 'ok')], { code: 'ok', message: '' }],
    ['no status', [text('otel.status_code', '7')], unset, { 'otel.status_code': '7' }],
  ])('error: %s', (_, tags, status, attributes = {}) => {
    expect(spanWith(...tags)).toMatchObject({ status, attributes });
    expect(Object.keys(spanWith(...tags).attributes)).toEqual(Object.keys(attributes));
  });

  it('the kind in any case; what is not understood stays an attribute', () => {
    expect(spanWith(text('span.kind', 'CLIENT'))).toMatchObject({ kind: 'client', attributes: {} });
    const odd = [text('span.kind', 'proxy'), long('otel.scope.name', 3n)];
    expect(spanWith(...odd)).toEqual({
      status: unset,
      kind: 'unspecified',
      scope: '',
      attributes: { 'span.kind': 'proxy', 'otel.scope.name': 3 },
    });
  });

  it('an event that is no text stays an attribute of its log', () => {
    const log = struct({ 1: i64(1n), 2: list(12, [long('event', 7n), text('message', 'retry')]) });
    const [span] = ofThrift(batch(struct({ ...IDS, ...TIMES, 11: list(12, [log]) })));
    expect(span!.events[0]!.name).toBe('retry');
    expect(Object.fromEntries(span!.events[0]!.attributes)).toEqual({ event: 7 });
  });
});
