/** The wire formats that Jaeger's clients send, thrift and protobuf: every field, and bytes that are not what they claim to be. */
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { DecodeError, TooLarge } from '../../collector/decode/decode-error.ts';
import { decodeTraces } from '../../collector/decode/decode-traces.ts';
import { tracesFromJaegerProtobuf } from '../../collector/decode/jaeger-protobuf.ts';
import { tracesFromJaegerThrift } from '../../collector/decode/jaeger-thrift.ts';
import { readResourceSpans } from '../../collector/decode/otlp-json.ts';
import { walkRequest } from '../../collector/decode/walk-request.ts';
import { JAEGER_CLIENT_THRIFT, OTEL_PYTHON_PROTOBUF } from './jaeger-captures.ts';
import { batch, batchOf, IDS, named, ofProtobuf, ofThrift, TIMES } from './read-jaeger.ts';
import { told } from './read-zipkin.ts';
import { binary, bool, double, i32, i64, list, map, string, struct, type Value } from './write-thrift.ts';

describe('thrift', () => {
  it('ids are signed there, and unsigned here', () => {
    expect(ofThrift(batch(struct({ ...IDS, ...TIMES })))[0]).toMatchObject({
      traceId: '00000000000000010000000000000002',
      spanId: 'f'.repeat(16),
      parentSpanId: '',
      startUnixNano: 1_000_000_000n,
      endUnixNano: 1_000_005_000n,
    });
  });

  it('the process may come last, and what is not known is passed over', () => {
    const unknown = {
      90: map(11, 15, [[string('k'), list(2, [bool(true), bool(false)])]]),
      91: list(12, [struct({ 1: double(1) })]),
      92: { type: 3, bytes: Buffer.from([1]) },
      93: { type: 6, bytes: Buffer.from([0, 1]) },
    };
    const spans = list(12, [struct({ ...unknown, ...IDS, ...TIMES, 5: string('x') })]);
    const body = struct({ 3: i64(7n), 2: spans, 4: struct(unknown), 1: struct({ 1: string('late') }) });
    expect(ofThrift(body.bytes).map(told)).toMatchObject([{ service: 'late', name: 'x' }]);
  });

  it('a value counts by its type; a field of another type than it has is not known', () => {
    const tag = (key: string, fields: Parameters<typeof struct>[0]) => struct({ 1: string(key), ...fields });
    const tags = list(12, [
      tag('text', { 2: i32(0), 3: string('\ud83d\ude00') }),
      tag('long', { 2: i32(3), 3: string(''), 6: i64(2n ** 62n) }),
      tag('bytes', { 2: i32(4), 7: binary(Buffer.from([9])) }),
      tag('none', { 2: i32(1) }),
      tag('odd', { 2: i32(77), 3: string('kept') }),
    ]);
    const [span] = ofThrift(batch(struct({ ...IDS, ...TIMES, 5: i64(1n), 10: tags })));
    expect(span!.name).toBe('');
    expect(Object.fromEntries(span!.attributes)).toEqual({
      text: '\ud83d\ude00',
      long: 2n ** 62n,
      bytes: Uint8Array.of(9),
      none: '',
      odd: 'kept',
    });
  });

  it('the process is written once, however many spans there are', () => {
    const process = struct({ 1: string('a'), 2: list(12, Array<Value>(1_000).fill(struct({}))) });
    const spans = list(12, Array<Value>(2_001).fill(struct({})));
    const resources = [...readResourceSpans(tracesFromJaegerThrift(struct({ 1: process, 2: spans }).bytes))];
    expect(resources).toHaveLength(1);
    expect(resources[0]).toMatchObject({ scopeSpans: { length: 2_001 } });
  });

  it('a clock that was set back begins at 0, and no time goes beyond what OTLP can say', () => {
    const [back, far] = [
      { 8: i64(-5n), 9: i64(-1n) },
      { 8: i64(2n ** 63n - 1n), 9: i64(9n) },
    ].map((times) => ofThrift(batch(struct({ ...IDS, ...times })))[0]);
    expect(back).toMatchObject({ startUnixNano: 0n, endUnixNano: 0n });
    expect(far).toMatchObject({ startUnixNano: 2n ** 64n - 1n, endUnixNano: 2n ** 64n - 1n });
  });

  it('what is no batch is refused, with the place', () => {
    const deep = (depth: number): Buffer => Buffer.alloc(depth * 3, '0c0009', 'hex');
    const cases: [body: Buffer, message: RegExp][] = [
      [Buffer.alloc(0), /thrift, byte 0: got 0 bytes before the end, expected 1/],
      [Buffer.from([0]), /got no process, expected a Batch of jaeger.thrift/],
      [struct({ 1: struct({}) }).bytes, /got no spans/],
      [Buffer.from('0f00020c7fffffff', 'hex'), /got 2147483647 elements, expected at most the 0 bytes/],
      [Buffer.from('0f00020cffffffff', 'hex'), /got -1 elements/],
      [Buffer.from('0b0005fffffff0', 'hex'), /got a length of -16/],
      [Buffer.from('0b000500000009', 'hex'), /got 0 bytes before the end, expected 9/],
      [Buffer.from('050001', 'hex'), /got type 5, expected a type of thrift/],
      [deep(40), /got deeper nesting, expected at most 32 in each other/],
    ];
    for (const [body, message] of cases) {
      expect(() => tracesFromJaegerThrift(body), body.toString('hex')).toThrow(message);
      expect(() => tracesFromJaegerThrift(body)).toThrow(DecodeError);
    }
  });
});

describe('protobuf', () => {
  const { root } = protobuf.parse(`
    syntax = "proto3";
    message PostSpansRequest { Batch batch = 1; }
    message Batch { repeated Span spans = 1; Process process = 2; }
    message Process { string service_name = 1; repeated KeyValue tags = 2; }
    message Span {
      bytes trace_id = 1; bytes span_id = 2; string operation_name = 3; repeated SpanRef references = 4; uint32 flags = 5;
      Time start_time = 6; Time duration = 7; repeated KeyValue tags = 8; repeated Log logs = 9; Process process = 10;
      string process_id = 11; repeated string warnings = 12;
    }
    message Time { int64 seconds = 1; int32 nanos = 2; }
    message SpanRef { bytes trace_id = 1; bytes span_id = 2; int32 ref_type = 3; }
    message Log { Time timestamp = 1; repeated KeyValue fields = 2; }
    message KeyValue {
      string key = 1; int32 v_type = 2; string v_str = 3; bool v_bool = 4; int64 v_int64 = 5; double v_float64 = 6; bytes v_binary = 7;
    }
  `);
  const type = root.lookupType('PostSpansRequest');
  const encode = (request: object) => Buffer.from(type.encode(type.fromObject(request)).finish());
  const ids = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) };

  it('every field has its place', () => {
    const request = {
      batch: {
        process: { serviceName: 'shop', tags: [{ key: 'v', vStr: '2' }] },
        spans: [
          {
            ...ids,
            operationName: 'GET /',
            flags: 1,
            startTime: { seconds: 1_700_000_000, nanos: 7 },
            duration: { nanos: 30 },
            references: [
              { traceId: Buffer.alloc(16, 9), spanId: Buffer.alloc(8, 9) },
              { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 3) },
              { traceId: Buffer.alloc(8, 4), spanId: Buffer.alloc(8, 4), refType: 1 },
            ],
            tags: [
              { key: 'span.kind', vStr: 'consumer' },
              { key: 'yes', vType: 1, vBool: true },
              { key: 'no', vType: 1 },
              { key: 'long', vType: 2, vInt64: '-9007199254740993' },
              { key: 'zero', vType: 2 },
              { key: 'float', vType: 3, vFloat64: 0.5 },
              { key: 'bytes', vType: 4, vBinary: Buffer.from([7]) },
            ],
            logs: [{ timestamp: { seconds: 1 }, fields: [{ key: 'event', vStr: 'retry' }] }],
            processId: 'p1',
            warnings: ['clock'],
          },
          { ...ids, process: { serviceName: 'other' } },
          { ...ids, spanId: Buffer.alloc(8, 5) },
        ],
      },
    };
    const spans = ofProtobuf(encode(request));
    const span = named(spans, 'GET /');
    expect(span).toMatchObject({
      traceId: '01'.repeat(16),
      spanId: '02'.repeat(8),
      parentSpanId: '03'.repeat(8),
      kind: 'consumer',
      flags: 1,
      startUnixNano: 1_700_000_000_000_000_007n,
      endUnixNano: 1_700_000_000_000_000_037n,
      links: [
        { traceId: '09'.repeat(16), spanId: '09'.repeat(8) },
        { traceId: '0'.repeat(16) + '04'.repeat(8), spanId: '04'.repeat(8) },
      ],
      events: [{ name: 'retry', timeUnixNano: 1_000_000_000n }],
    });
    expect(Object.fromEntries(span.attributes)).toEqual({
      yes: true,
      no: false,
      long: -9007199254740993n,
      zero: 0,
      float: 0.5,
      bytes: Uint8Array.of(7),
    });
    expect(spans.map((each) => told(each).service).toSorted()).toEqual(['other', 'shop', 'shop']);
    expect(span.resource.attributes.get('v')).toBe('2');
  });

  it('a process is written once, however often spans come back to it', () => {
    const tags = Array.from({ length: 1_000 }, () => ({}));
    const own = { process: { tags: [{}] } };
    const other = { process: { serviceName: 'other' } };
    const spans = Array.from({ length: 2_100 }, (_, at) => [{}, own, other][at % 3]!);
    const request = encode({ batch: { process: { serviceName: 'shop', tags }, spans } });
    const written = tracesFromJaegerProtobuf(request);
    const resources = [...readResourceSpans(written)] as { scopeSpans: unknown[] }[];
    expect(resources[0]!.scopeSpans).toHaveLength(700);
    expect(written.length).toBeLessThan(20 * request.length);
    expect(decodeTraces(written)).toHaveLength(2_100);
  });

  it('nothing, or a batch of nothing, is a request without spans', () => {
    for (const request of [Buffer.alloc(0), encode({ batch: {} })])
      expect(tracesFromJaegerProtobuf(request)).toHaveLength(0);
  });

  it('what is no protobuf is refused, with the place', () => {
    for (const bytes of ['0aff', '0a05', '0f', '0a0a0a08420608'])
      expect(() => tracesFromJaegerProtobuf(Buffer.from(bytes, 'hex')), bytes).toThrow(DecodeError);
  });
});

/** Seeded, so that a failure can be repeated. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

describe.each([
  ['thrift', tracesFromJaegerThrift, JAEGER_CLIENT_THRIFT],
  ['protobuf', tracesFromJaegerProtobuf, OTEL_PYTHON_PROTOBUF],
] as const)('bytes of %s that are not what they claim to be', (_, read, real) => {
  /** What is not refused is an OTLP request that is taken. */
  const check = (bytes: Buffer): boolean => {
    let otlp: Buffer;
    try {
      otlp = read(bytes);
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    }
    walkRequest(otlp);
    decodeTraces(otlp);
    return true;
  };

  it('cut off anywhere', () => {
    const taken = Array.from({ length: real.length }, (_unused, length) => check(real.subarray(0, length)));
    // Protobuf may end between two fields.
    expect(taken.filter(Boolean).length).toBeLessThanOrEqual(real === JAEGER_CLIENT_THRIFT ? 0 : 2);
    expect(check(real)).toBe(true);
  });

  it('with bytes changed', () => {
    const random = makeRandom(11);
    let taken = 0;
    for (let round = 0; round < 3_000; round += 1) {
      const bytes = Buffer.from(real);
      for (let left = 1 + (random() % 4); left > 0; left -= 1) bytes[random() % bytes.length] = random();
      if (check(bytes)) taken += 1;
    }
    expect(taken).toBeGreaterThan(100);
    expect(taken).toBeLessThan(3_000);
  });

  it('random', () => {
    const random = makeRandom(12);
    for (let round = 0; round < 3_000; round += 1) {
      const bytes = Buffer.alloc(random() % 80);
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = random();
      expect(check(bytes)).toBeTypeOf('boolean');
    }
  });
});

it('what is larger as OTLP than a request may be is refused as too large', () => {
  const body = batch(struct({ ...IDS, ...TIMES }));
  const { length } = tracesFromJaegerThrift(body);
  expect(tracesFromJaegerThrift(body, length)).toHaveLength(length);
  expect(() => tracesFromJaegerThrift(body, length / 2)).toThrow(TooLarge);
  expect(() => tracesFromJaegerProtobuf(OTEL_PYTHON_PROTOBUF, 100)).toThrow(
    /more than 100 bytes when written as OTLP, expected at most as many \(--max-request-bytes\)/,
  );
});

/** Empty ones, in one batch. */
function spansOfProtobuf(count: number): Buffer {
  const spans = Buffer.alloc(2 * count, '0a00', 'hex');
  const length = [0x80 | (spans.length & 127), 0x80 | ((spans.length >> 7) & 127), spans.length >> 14];
  return Buffer.concat([Buffer.from([0x0a, ...length]), spans]);
}

it('more than is made at once is refused', () => {
  const tagged = (count: number, padding = 0) =>
    batch(
      struct({
        ...IDS,
        ...TIMES,
        10: list(12, Array<Value>(count).fill(struct({}))),
        90: string(' '.repeat(padding)),
      }),
    );
  // The process and the span count, too.
  expect(ofThrift(tagged(99_998))).toHaveLength(1);
  expect(() => tracesFromJaegerThrift(tagged(99_999))).toThrow(
    /more than 100000 spans, tags, logs and references, expected at most 100000 in one request: send fewer/,
  );
  expect(() => tracesFromJaegerThrift(tagged(200_000, 600_000 - 105))).toThrow(
    /more than 100000 spans, tags/,
  );
  expect(ofThrift(tagged(200_000, 1_400_016))).toHaveLength(1);
  expect(() => tracesFromJaegerThrift(tagged(2_000_001, 20_000_000))).toThrow(
    /more than 2000000 spans, tags/,
  );
  const spans = Array<Value>(250_001).fill(struct({}));
  expect(() => tracesFromJaegerThrift(batchOf(spans))).toThrow(/more than 250000 spans/);
  expect(() => tracesFromJaegerProtobuf(spansOfProtobuf(250_001))).toThrow(/more than 250000 spans/);
});
