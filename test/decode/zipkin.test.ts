import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { DecodeError, TooLarge } from '../../collector/decode/decode-error.ts';
import { tracesFromZipkin } from '../../collector/decode/zipkin.ts';
import { toZipkinSpan } from '../../collector/serve/formats/zipkin-json.ts';
import { at, drawn, IDS, spansOf, told } from './read-zipkin.ts';
import { PY_ZIPKIN_PROTOBUF, PY_ZIPKIN_V1, ZIPKIN_JS_V1, ZIPKIN_JS_V2 } from './zipkin-captures.ts';

const WEB = {
  service: 'web',
  name: 'get',
  kind: 'client',
  status: { code: 'error', message: 'Error: socket hang up' },
  attributes: { 'http.path': '/pay', 'peer.service': 'api' },
  events: ['waiting'],
};
const API = {
  service: 'api',
  name: 'get',
  kind: 'server',
  status: { code: 'error', message: '500' },
  events: [],
};
const SERVED = {
  'http.path': '/pay',
  'http.status_code': 500,
  'network.local.address': '192.0.2.2',
  'network.local.port': 8080,
  'zipkin.shared': true,
};
/** Zipkin-js says it of both sides of a call. */
const sharedParent = (parentId: string) => ({ 'zipkin.parent_id': parentId });

describe('what zipkin-js sends', () => {
  it('in v2 is read with service, kind, times, tags, annotations, endpoints and error', () => {
    const [client, server, local] = spansOf(ZIPKIN_JS_V2);
    expect(told(server!)).toEqual({
      ...API,
      durationUs: 20_376,
      attributes: { ...SERVED, ...sharedParent('c9d87d278ec06b3e'), 'cart.size': '3' },
    });
    expect(told(client!)).toEqual({ ...WEB, durationUs: 41_343 });
    expect(told(local!)).toMatchObject({ service: 'api', name: 'price', kind: 'internal', durationUs: 12 });
    expect(client).toMatchObject({
      traceId: '0000000000000000c9d87d278ec06b3e',
      spanId: '0e52f0ccfd306e59',
      parentSpanId: 'c9d87d278ec06b3e',
      startUnixNano: 1795417547510530000n,
    });
  });

  it('in v1 says the same', () => {
    const [client, server, local] = spansOf(ZIPKIN_JS_V1, 'v1');
    const attributes = { ...SERVED, ...sharedParent('cfc796f663a3cf3e') };
    expect(told(server!)).toEqual({ ...API, durationUs: 20_661, attributes });
    expect(told(client!)).toEqual({ ...WEB, durationUs: 41_868 });
    expect(told(local!)).toMatchObject({ service: 'unknown_service', name: 'price', durationUs: 31 });
  });

  it.each([
    ['v1', ZIPKIN_JS_V1, 'unknown_service'],
    ['v2', ZIPKIN_JS_V2, 'api'],
  ] as const)(
    'in %s hangs together: the server below its call, and what it did below the server',
    (format, spans, local) => {
      expect(drawn(spansOf(spans, format))).toEqual([
        'web client get',
        '  api server get',
        `    ${local} internal price`,
      ]);
    },
  );
});

describe('what py_zipkin sends', () => {
  const select = {
    service: 'orders',
    name: 'select',
    kind: 'client',
    status: { code: 'error', message: 'timeout' },
    attributes: {
      'network.local.address': '127.0.0.1',
      'network.local.port': 8080,
      'peer.service': 'postgres',
      'network.peer.address': '10.0.3.7',
      'network.peer.port': 5432,
    },
    events: ['row lock'],
  };

  it.each([
    ['protobuf', PY_ZIPKIN_PROTOBUF, 5186],
    ['v1', PY_ZIPKIN_V1, 5197],
  ] as const)('in %s is read, both sides of a span that is shared', (format, sent, durationUs) => {
    const spans = spansOf(sent, format);
    expect(told(spans[1]!)).toEqual({ ...select, durationUs });
    expect(told(spans[0]!)).toMatchObject({
      kind: 'server',
      status: { code: 'unset' },
      attributes: { 'http.status_code': 200, 'http.path': '/orders', 'zipkin.shared': true },
    });
    // Its call was not reported.
    expect(spans[0]!.parentSpanId).toBe('a2fb4a1d1a96d312');
    expect(drawn(spans)).toEqual(['orders server GET /orders', '  orders client select']);
  });
});

describe('a span of v2', () => {
  it('keeps 128 bits of its trace’s id, and pads 64', () => {
    const long = 'ABCDEF0123456789abcdef0123456789';
    expect(spansOf([{ ...IDS, traceId: long }])[0]!.traceId).toBe(long.toLowerCase());
    expect(spansOf([IDS])[0]!.traceId).toBe('abc'.padStart(32, '0'));
  });

  it('that is debugged says so', () => {
    expect(spansOf([{ ...IDS, debug: true }])[0]!.attributes.get('zipkin.debug')).toBe(true);
  });

  it('of a message ends when it starts, any other without a duration has not ended', () => {
    const ends = ['PRODUCER', 'CONSUMER', 'CLIENT', undefined].map(
      (kind) => spansOf([{ ...IDS, kind, timestamp: 5 }])[0]!.endUnixNano,
    );
    expect(ends).toEqual([5_000n, 5_000n, 0n, 0n]);
  });

  it('that took less than a microsecond ends when it starts: only without a duration it has not ended', () => {
    const ends = [0, '0', null, undefined].map(
      (duration) => spansOf([{ ...IDS, kind: 'CLIENT', timestamp: 5, duration }])[0]!.endUnixNano,
    );
    expect(ends).toEqual([5_000n, 5_000n, 0n, 0n]);
  });

  it('with times before 1970, or that took less than nothing, is read as of 1970, as having taken nothing', () => {
    const read = (span: object) =>
      spansOf([
        { ...IDS, ...span },
        { ...IDS, id: '2', timestamp: 9 },
      ])[0]!;
    const times = (span: object) => [read(span).startUnixNano, read(span).endUnixNano];
    expect(times({ timestamp: '-9223372036854775808', duration: 7 })).toEqual([0n, 7_000n]);
    expect(times({ timestamp: 5, duration: -3, kind: 'CONSUMER' })).toEqual([5_000n, 5_000n]);
    expect(read({ annotations: [{ timestamp: -1, value: 'a' }] }).events).toMatchObject([
      { timeUnixNano: 0n },
    ]);
  });

  it.each([
    ['', 'error', ''],
    ['true', 'error', ''],
    ['no route', 'error', 'no route'],
    [undefined, 'unset', ''],
  ])('with the tag error %j is %s', (error, code, message) => {
    expect(spansOf([{ ...IDS, tags: error === undefined ? {} : { error } }])[0]!.status).toEqual({
      code,
      message,
    });
  });

  it('has tags that are numbers as text, and no address where it has none', () => {
    const [span] = spansOf([
      {
        ...IDS,
        tags: { tries: 3, ok: true },
        remoteEndpoint: { serviceName: '', ipv6: '2001:db8::1', port: 0 },
      },
    ]);
    expect(Object.fromEntries(span!.attributes)).toEqual({
      tries: '3',
      ok: 'true',
      'network.peer.address': '2001:db8::1',
    });
  });

  it.each([
    ['"exception":{"exception.message":"Read timed out","lines":3}', 'exception'],
    ['{"exception":{"exception.message":"Read timed out","lines":3}}', 'exception'],
  ])('has an event with attributes as OpenTelemetry’s exporters write it: %s', (value, name) => {
    const [span] = spansOf([{ ...IDS, annotations: [{ timestamp: 7, value }] }]);
    expect(span!.events).toMatchObject([{ name, timeUnixNano: 7_000n }]);
    expect([...span!.events[0]!.attributes]).toEqual([
      ['exception.message', 'Read timed out'],
      ['lines', 3],
    ]);
  });

  it.each([
    'waiting',
    '"quoted"',
    '{',
    '{}',
    '{"a":1}',
    '{"a":{},"b":{}}',
    '"a": 1',
    '"a":{"b":',
    '[]',
    'null',
  ])('has an annotation of any other text as that: %s', (value) => {
    const [span] = spansOf([{ ...IDS, annotations: [{ timestamp: 7, value }] }]);
    expect(span!.events).toMatchObject([{ name: value, attributes: new Map() }]);
  });

  it('has values of events of every kind', () => {
    const value = '{"e":{"text":"a","yes":true,"half":0.5,"list":[1,"b"],"none":null,"__proto__":1}}';
    const [span] = spansOf([{ ...IDS, annotations: [{ timestamp: 7, value }] }]);
    expect([...span!.events[0]!.attributes]).toEqual([
      ['text', 'a'],
      ['yes', true],
      ['half', 0.5],
      ['list', '[1,"b"]'],
      ['none', 'null'],
      ['__proto__', 1],
    ]);
  });

  it('is given back as it was sent, a shared id and debug included', () => {
    const sent = { ...ZIPKIN_JS_V2[0]!, debug: true };
    const given = toZipkinSpan(spansOf([sent])[0]!);
    expect(given).toMatchObject({
      ...sent,
      traceId: sent.traceId.padStart(32, '0'),
      localEndpoint: { serviceName: 'api' },
    });
    expect(spansOf([given])[0]).toMatchObject({ spanId: 'f1ad0f3302cf91a6', parentSpanId: sent.id });
  });
});

it('protobuf has kinds, addresses of both lengths, debug, and a trace id of 64 bits', () => {
  const { root } = protobuf.parse(`syntax = "proto3";
    message List { repeated Span spans = 1; }
    message Span { bytes trace_id = 1; bytes id = 3; int32 kind = 4; Endpoint remote = 9; bool debug = 12; }
    message Endpoint { bytes ipv4 = 2; bytes ipv6 = 3; int32 port = 4; }`);
  const type = root.lookupType('List');
  const id = Buffer.from('00000000000000a1', 'hex');
  const span = (more: object) => ({ traceId: id, id, ...more });
  const kinds = [0, 1, 2, 3, 4, 9].map((kind) => span({ kind }));
  const ipv6 = Buffer.from('20010db8000000000000000000000001', 'hex');
  const list = [
    ...kinds,
    span({ debug: true, remote: { ipv6, port: 9411 } }),
    span({ remote: { ipv4: Buffer.from([10, 0, 3, 7]) } }),
    span({ remote: { ipv4: Buffer.from([10]) } }),
  ];
  const spans = spansOf(Buffer.from(type.encode(type.fromObject({ spans: list })).finish()), 'protobuf');
  expect(spans[0]).toMatchObject({
    traceId: 'a1'.padStart(32, '0'),
    spanId: '00000000000000a1',
  });
  expect(spans.slice(0, 6).map(({ kind }) => kind)).toEqual([
    'internal',
    'client',
    'server',
    'producer',
    'consumer',
    'internal',
  ]);
  expect(spans.slice(6).map(({ attributes }) => Object.fromEntries(attributes))).toEqual([
    { 'network.peer.address': '2001:db8::1', 'network.peer.port': 9411, 'zipkin.debug': true },
    { 'network.peer.address': '10.0.3.7' },
    {},
  ]);
});

it('a list without spans is a request without spans', () => {
  expect(spansOf([])).toEqual([]);
  expect(spansOf([], 'v1')).toEqual([]);
  expect(spansOf(Buffer.alloc(0), 'protobuf')).toEqual([]);
});

it.each([
  ['v2', '', 'body: got nothing, expected a JSON array of Zipkin v2 spans'],
  ['v2', '[{', 'expected a JSON array of Zipkin v2 spans'],
  ['v1', '{}', 'body: got an object, expected a JSON array of Zipkin v1 spans'],
  ['v2', '[7]', '[0]: got number 7, expected an object'],
  ['v2', '[{"traceId":"x1","id":"1"}]', '[0].traceId: got string x1, expected 1 to 32 hex digits'],
  ['v2', '[{"traceId":"1","id":"1","timestamp":"soon"}]', '[0].timestamp: got string soon'],
  ['v2', '[{"traceId":"1","id":"1","annotations":{}}]', '[0].annotations: got an object, expected an array'],
  ['v2', '[{"traceId":"1","id":"1","localEndpoint":{"serviceName":7}}]', '[0].localEndpoint.serviceName'],
  ['v2', '[{"traceId":"1","id":"1","binaryAnnotations":[]}]', '[0]: got a span of v1, expected v2'],
  ['v1', '[{"traceId":"1","id":"1","tags":{}}]', '[0]: got a span of v2, expected v1'],
  ['v1', '[{"traceId":"1","id":"1","annotations":[{"timestamp":"soon"}]}]', '[0].annotations[0].timestamp'],
  ['v1', '[{"traceId":"1","id":"1","binaryAnnotations":[7]}]', '[0].binaryAnnotations[0]'],
  ['v1', '[null]', '[0]: got null, expected an object'],
] as const)('%s %s is refused, and where it is wrong is said', (format, body, message) => {
  const convert = () => tracesFromZipkin(Buffer.from(body), format);
  expect(convert).toThrow(DecodeError);
  expect(convert).toThrow(message);
});

it('what is wrong with a span of v1 is said of the span that was sent, though one before it became two', () => {
  const both = { ...IDS, annotations: [at('cs', 1, 'a'), at('sr', 2, 'b')] };
  expect(() => spansOf([both, { ...IDS, id: 'none' }], 'v1')).toThrow('[1].id: got string none');
});

describe('of more spans than are converted at a time', () => {
  const many = Array.from({ length: 2_500 }, (_, index) => ({
    ...IDS,
    id: (index + 1).toString(16),
    localEndpoint: { serviceName: `s${index % 3}` },
  }));

  it('every one is read, whichever service sent it', () => {
    const read = spansOf(many);
    expect(new Set(read.map(({ spanId }) => parseInt(spanId, 16))).size).toBe(2_500);
    expect(read.find(({ spanId }) => spanId === '9c4'.padStart(16, '0'))!.resource.attributes).toEqual(
      new Map([['service.name', 's0']]),
    );
  });

  it.each(['v1', 'v2'] as const)('the place of what is wrong in %s is that among all', (format) => {
    const spans = many.map(({ traceId, id }) => ({ traceId, id }));
    expect(() => spansOf([...spans, { ...IDS, id: 'none' }], format)).toThrow('[2500].id: got string none');
  });
});

describe('what would fill the memory is refused', () => {
  it.each([
    ['spans', `[${'{},'.repeat(250_000)}{}]`, 'v2', 'got more than 250000 spans, expected at most 250000 in'],
    ['traces', `[[${'{},'.repeat(250_000)}{}]]`, 'v2', 'got more than 250000 spans'],
    ['spans', `[${'{},'.repeat(250_000)}{}]`, 'v1', 'got more than 250000 spans'],
    ['objects', `[${'{},'.repeat(4_000_000)}`, 'v2', 'got more than 4000000 objects and arrays'],
    ['arrays', '['.repeat(4_000_001), 'v1', 'got more than 4000000 objects and arrays'],
    [
      'values',
      `[${'0,'.repeat(16_000_001)}`,
      'v2',
      'got more than 16000000 values, expected at most 16000000',
    ],
    ['spans', `\x0a\x10\x2a\x0e${'x'.repeat(14)}`.repeat(250_001), 'protobuf', 'got more than 250000 spans'],
  ] as const)('as %s: %#', (_, body, format, message) => {
    const convert = () => tracesFromZipkin(Buffer.from(body), format);
    expect(convert).toThrow(DecodeError);
    expect(convert).toThrow(message);
  });
});

/** A span of nothing else. */
const annotated = (count: number) =>
  Buffer.concat([
    Buffer.from([0x0a, ...lengthOf(2 * count)]),
    Buffer.from(Array.from({ length: count }, () => [0x52, 0]).flat()),
  ]);
const lengthOf = (length: number) => [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];

it('annotations and tags of protobuf, two bytes each, are bounded before they are made', () => {
  expect(tracesFromZipkin(annotated(99_999), 'protobuf').length).toBeGreaterThan(99_999);
  expect(() => tracesFromZipkin(annotated(100_000), 'protobuf')).toThrow(
    'body: got more than 100000 spans, tags and annotations, expected at most 100000 in one request: send fewer',
  );
});

it.each(['v1', 'v2'] as const)('what %s becomes is no larger than a request may be', (format) => {
  const body = Buffer.from(JSON.stringify([{ ...IDS, name: 'x'.repeat(500) }]));
  const { length } = tracesFromZipkin(body, format);
  expect(tracesFromZipkin(body, format, length)).toHaveLength(length);
  const convert = () => tracesFromZipkin(body, format, length - 1);
  expect(convert).toThrow(TooLarge);
  expect(convert).toThrow(
    `more than ${length - 1} bytes when written as OTLP, expected at most as many (--max-request-bytes)`,
  );
});

it('protobuf cut short at any byte is refused, or holds whole spans', () => {
  const countAt = (length: number): number => {
    try {
      return spansOf(PY_ZIPKIN_PROTOBUF.subarray(0, length), 'protobuf').length;
    } catch (error) {
      if (error instanceof DecodeError) return 0;
      throw error;
    }
  };
  const counts = Array.from({ length: PY_ZIPKIN_PROTOBUF.length }, (_, length) => countAt(length));
  expect(new Set(counts)).toEqual(new Set([0, 1]));
});
