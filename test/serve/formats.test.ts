import { expect, describe, it } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { decodeTraces } from '../../collector/decode/decode-traces.ts';
import { decodeResource, decodeScope, decodeSpan } from '../../collector/decode/otlp-protobuf.ts';
import { encodeMessage } from '../../collector/decode/otlp-json.ts';
import { TRACES_DATA } from '../../collector/decode/otlp-schema.ts';
import { walkRequest } from '../../collector/decode/walk-request.ts';
import {
  fromJaegerJson,
  isJaegerJson,
  toJaegerJson as toJaegerJsonOf,
} from '../../collector/serve/formats/jaeger-json.ts';
import { isZipkinJson, tracesFromZipkinJson } from '../../collector/decode/zipkin.ts';
import { toZipkinSpan } from '../../collector/serve/formats/zipkin-json.ts';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import type { Span } from '../../collector/span.ts';
import { drawTrace } from '../diagnose/draw-trace.ts';

/** OTLP JSON to domain spans, by the road that received spans take. */
function spansOf(otlpJson: unknown): Span[] {
  return walkRequest(encodeMessage(TRACES_DATA, otlpJson)).spans.map((span) =>
    decodeSpan(
      span.bytes,
      decodeResource(span.resource.bytes, span.resource.schemaUrl),
      decodeScope(span.scope.bytes, span.scope.schemaUrl),
    ),
  );
}

const toJaegerJson = (spans: readonly Span[]) => toJaegerJsonOf(spans, (all, make) => all.map(make));
const toZipkinJson = (spans: readonly Span[]) => spans.map(toZipkinSpan);
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const attribute = (key: string, value: object) => ({ key, value });

/** A client call that failed, with everything these formats can hold. */
const REQUEST = {
  resourceSpans: [
    {
      resource: {
        attributes: [
          attribute('service.name', { stringValue: 'checkout' }),
          attribute('host.name', { stringValue: 'node-7' }),
        ],
      },
      scopeSpans: [
        {
          scope: { name: 'http', version: '1.2' },
          spans: [
            {
              traceId: TRACE_ID,
              spanId: 'b7ad6b7169203331',
              parentSpanId: '00f067aa0ba902b7',
              traceState: 'a=1',
              flags: 1,
              name: 'POST /pay',
              kind: 3,
              startTimeUnixNano: '1700000000000001000',
              endTimeUnixNano: '1700000003000001000',
              status: { code: 2, message: 'socket hang up' },
              attributes: [
                attribute('network.peer.address', { stringValue: '10.0.3.7' }),
                attribute('network.peer.port', { intValue: '8443' }),
                attribute('peer.service', { stringValue: 'payments' }),
                attribute('sockeye.phase.connect_ms', { doubleValue: 2999.5 }),
                attribute('retried', { boolValue: true }),
              ],
              events: [
                {
                  timeUnixNano: '1700000001000000000',
                  name: 'retransmit',
                  attributes: [attribute('count', { intValue: '2' })],
                },
                { timeUnixNano: '1700000002000000000', name: 'gave up' },
              ],
              links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16) }],
            },
          ],
        },
      ],
    },
  ],
};

describe('Jaeger JSON', () => {
  it('holds a span with its process, references, typed tags and logs', () => {
    const answer = toJaegerJson(spansOf(REQUEST));
    expect(answer).toMatchObject({ total: 1, errors: null });
    expect(answer.data[0]?.processes).toEqual({
      p1: { serviceName: 'checkout', tags: [{ key: 'host.name', type: 'string', value: 'node-7' }] },
    });
    const span = answer.data[0]?.spans[0];
    expect(span).toMatchObject({
      traceID: TRACE_ID,
      spanID: 'b7ad6b7169203331',
      operationName: 'POST /pay',
      startTime: 1700000000000001,
      duration: 3_000_000,
      processID: 'p1',
      references: [
        { refType: 'CHILD_OF', traceID: TRACE_ID, spanID: '00f067aa0ba902b7' },
        { refType: 'FOLLOWS_FROM', traceID: 'f'.repeat(32), spanID: 'e'.repeat(16) },
      ],
    });
    expect(span?.tags).toEqual(
      expect.arrayContaining([
        { key: 'network.peer.port', type: 'int64', value: 8443 },
        { key: 'sockeye.phase.connect_ms', type: 'float64', value: 2999.5 },
        { key: 'retried', type: 'bool', value: true },
        { key: 'span.kind', type: 'string', value: 'client' },
        { key: 'otel.status_code', type: 'string', value: 'ERROR' },
        { key: 'error', type: 'bool', value: true },
      ]),
    );
    expect(span?.logs[0]?.fields).toEqual([
      { key: 'event', type: 'string', value: 'retransmit' },
      { key: 'count', type: 'int64', value: 2 },
    ]);
  });

  it('comes back as the span it was made from', () => {
    const [sent] = spansOf(REQUEST);
    const json: unknown = JSON.parse(JSON.stringify(toJaegerJson(spansOf(REQUEST))));
    if (!isJaegerJson(json)) throw new Error('not recognised');
    const [span] = spansOf(fromJaegerJson(json));
    // References have no trace state, flags or attributes of their own.
    expect(span).toEqual({
      ...sent,
      resource: expect.anything(),
      links: [expect.objectContaining({ spanId: 'e'.repeat(16) })],
    });
    expect(span?.resource.attributes).toEqual(sent?.resource.attributes);
  });

  it('writes values that it has no type for as text', () => {
    const values = [
      attribute('list', { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'b' }] } }),
      attribute('map', { kvlistValue: { values: [attribute('k', { intValue: '9007199254740993' })] } }),
      attribute('big', { intValue: '9007199254740993' }),
      attribute('bytes', { bytesValue: 'AQI=' }),
      attribute('nothing', {}),
      attribute('not a number', { doubleValue: 'NaN' }),
    ];
    const tags = toJaegerJson(spansOf(withSpan({ attributes: values }))).data[0]?.spans[0]?.tags;
    expect(tags?.slice(0, 6).map(({ type, value }) => [type, value])).toEqual([
      ['string', '[1,"b"]'],
      ['string', '{"k":"9007199254740993"}'],
      ['int64', '9007199254740993'],
      ['binary', 'AQI='],
      ['string', ''],
      ['string', 'NaN'],
    ]);
  });

  it('is read with short ids, a parent in a field, and one trace alone', () => {
    const trace = {
      spans: [
        {
          traceID: 'ab',
          spanID: '1',
          parentSpanID: '2',
          operationName: 'x',
          startTime: 5,
          duration: 7,
          processID: 'p1',
        },
      ],
      processes: { p1: { serviceName: 'old' } },
    };
    expect(isJaegerJson(trace)).toBe(true);
    expect(spansOf(fromJaegerJson(trace))[0]).toMatchObject({
      traceId: 'ab'.padStart(32, '0'),
      spanId: '1'.padStart(16, '0'),
      parentSpanId: '2'.padStart(16, '0'),
      startUnixNano: 5000n,
      endUnixNano: 12000n,
    });
  });

  it('of a clock that was set back took nothing', () => {
    const span = {
      traceID: 'ab',
      spanID: '1',
      operationName: 'x',
      startTime: 5,
      duration: -7,
      processID: 'p1',
    };
    const trace = { spans: [span], processes: { p1: { serviceName: 'old' } } };
    expect(spansOf(fromJaegerJson(trace))[0]).toMatchObject({ startUnixNano: 5000n, endUnixNano: 5000n });
  });

  it.each([
    [{ data: [7] }, 'data[0]'],
    [{ data: [{ spans: {} }] }, 'data[0].spans'],
    [{ data: [{ spans: [{ startTime: 'soon' }] }] }, 'startTime'],
    [{ data: [{ spans: [{ tags: [{ key: 'a', type: 'string', value: {} }] }] }] }, 'tags[0]'],
    [{ data: [{ spans: [{ references: 'x' }] }] }, 'references'],
  ])('is refused where it is broken: %j', (json, where) => {
    expect(() => fromJaegerJson(json)).toThrow(DecodeError);
    expect(() => fromJaegerJson(json)).toThrow(where);
  });
});

describe('Zipkin JSON', () => {
  it('holds a span with its endpoints, annotations and tags', () => {
    expect(toZipkinJson(spansOf(REQUEST))).toEqual([
      {
        traceId: TRACE_ID,
        id: 'b7ad6b7169203331',
        parentId: '00f067aa0ba902b7',
        name: 'POST /pay',
        kind: 'CLIENT',
        timestamp: 1700000000000001,
        duration: 3_000_000,
        localEndpoint: { serviceName: 'checkout' },
        remoteEndpoint: { serviceName: 'payments', ipv4: '10.0.3.7', port: 8443 },
        annotations: [
          { timestamp: 1700000001000000, value: '{"retransmit":{"count":2}}' },
          { timestamp: 1700000002000000, value: 'gave up' },
        ],
        tags: {
          'host.name': 'node-7',
          'sockeye.phase.connect_ms': '2999.5',
          retried: 'true',
          'otel.status_code': 'ERROR',
          error: 'socket hang up',
          'otel.scope.name': 'http',
          'otel.scope.version': '1.2',
          'w3c.tracestate': 'a=1',
        },
      },
    ]);
  });

  it('says one microsecond for what was shorter, and nothing for what has not ended', () => {
    const short = withSpan({ startTimeUnixNano: '1000', endTimeUnixNano: '1001' });
    expect(toZipkinJson(spansOf(short))[0]?.duration).toBe(1);
    const open = withSpan({ startTimeUnixNano: '1000', endTimeUnixNano: '0' });
    expect(toZipkinJson(spansOf(open))[0]).not.toHaveProperty('duration');
  });

  it('comes back with its ids, times, kind, status, events and service', () => {
    const json: unknown = JSON.parse(JSON.stringify(toZipkinJson(spansOf(REQUEST))));
    if (!isZipkinJson(json)) throw new Error('not recognised');
    const [span] = decodeTraces(tracesFromZipkinJson(json));
    const [sent] = spansOf(REQUEST);
    for (const field of [
      'traceId',
      'spanId',
      'parentSpanId',
      'name',
      'kind',
      'startUnixNano',
      'endUnixNano',
      'status',
      'events',
      'traceState',
    ] as const)
      expect([field, span?.[field]]).toEqual([field, sent?.[field]]);
    expect(span?.resource.attributes.get('service.name')).toBe('checkout');
    expect(span?.attributes).toEqual(
      new Map(
        [['host.name', 'node-7'], ...(sent?.attributes ?? [])].map(([key, value]) => [
          key,
          key === 'retried' ? 'true' : value,
        ]),
      ),
    );
  });

  it.each([
    ['sockeye.phase.tls_ms', '685.95', 685.95],
    ['sockeye.tcp.bytes_acked', '277', 277],
    ['sockeye.connection.reused', 'false', false],
    ['http.status_code', '504', 504],
    ['sockeye.tcp.state', 'ESTABLISHED', 'ESTABLISHED'],
    ['sockeye.pending.span_id', '1234567890123456', '1234567890123456'],
    ['sockeye.tcp.bytes_acked', '9007199254740993', '9007199254740993'],
    ['sockeye.phase.tls_ms', '1.50', '1.50'],
    ['server.port', '', ''],
    ['customer.number', '277', '277'],
  ])('%s "%s" is read as what it is', (key, text, value) => {
    const span = { traceId: 'a', id: '1', timestamp: 1, tags: { [key]: text } };
    expect(decodeTraces(tracesFromZipkinJson([span]))[0]?.attributes.get(key)).toBe(value);
  });

  it('a trace read again gets the verdict it had', () => {
    const { traceId, spans } = drawTrace(`
      shop       |===================!
        shop>pay |===================X  peer=pay:443 phase=wait budget=2000 timer=abort_signal tls=1700 wait=200 sockeye.tcp.bytes_acked=277 sockeye.tcp.unacked=0`);
    const sentences = [spans, decodeTraces(tracesFromZipkinJson(toZipkinJson(spans)))].map((read) =>
      diagnoseTrace(traceId, read, { normals: new Map() }).verdicts.map(({ sentence }) => sentence),
    );
    expect(sentences[0]?.[0]).toContain('1.700 s of it went into the TLS handshake');
    expect(sentences[1]).toEqual(sentences[0]);
  });

  it('is read as Zipkin’s own API gives it: traces in an array, endpoints without tags', () => {
    const span = {
      traceId: 'abc',
      id: '1',
      kind: 'SERVER',
      timestamp: 1_700_000_000_000_000,
      duration: 10,
      localEndpoint: { serviceName: 'api', ipv4: '10.0.0.1' },
      remoteEndpoint: { serviceName: 'web', ipv6: '::1', port: 9 },
    };
    expect(isZipkinJson([[span]])).toBe(true);
    const [read] = decodeTraces(tracesFromZipkinJson([[span]]));
    expect(read).toMatchObject({ kind: 'server', endUnixNano: 1_700_000_000_000_010_000n });
    expect(Object.fromEntries(read?.attributes ?? [])).toEqual({
      'network.local.address': '10.0.0.1',
      'peer.service': 'web',
      'network.peer.address': '::1',
      'network.peer.port': 9,
    });
  });

  it.each(['CLIENT', 'SERVER'])('gives the endpoints that it was read with: %s', (kind) => {
    const span = {
      traceId: TRACE_ID,
      id: '0000000000000001',
      name: 'get',
      kind,
      timestamp: 1_700_000_000_000_000,
      duration: 10,
      localEndpoint: { serviceName: 'api', ipv4: '10.0.0.1', port: 8080 },
      remoteEndpoint: { serviceName: 'web', ipv6: '2001:db8::1', port: 9 },
      annotations: [],
      tags: { 'http.path': '/' },
    };
    expect(toZipkinJson(decodeTraces(tracesFromZipkinJson([span])))).toEqual([span]);
  });

  it('has in tags what no endpoint can say', () => {
    const attributes = [
      attribute('network.peer.address', { stringValue: '/run/db.sock' }),
      attribute('network.peer.port', { intValue: '70000' }),
      attribute('server.address', { stringValue: 'db' }),
    ];
    const [span] = toZipkinJson(spansOf(withSpan({ kind: 3, attributes })));
    expect(span?.remoteEndpoint).toEqual({ serviceName: 'db' });
    expect(span?.tags).toEqual({
      'network.peer.address': '/run/db.sock',
      'network.peer.port': '70000',
      'server.address': 'db',
    });
  });

  it.each([
    [[7], '[0]'],
    [[{ traceId: 7 }], 'traceId'],
    [[{ traceId: 'a', id: 'b', tags: [] }], 'tags'],
    [[{ traceId: 'a', id: 'b', timestamp: 'soon' }], 'timestamp'],
  ])('is refused where it is broken: %j', (json, where) => {
    expect(() => tracesFromZipkinJson(json)).toThrow(DecodeError);
    expect(() => tracesFromZipkinJson(json)).toThrow(where);
  });
});

it('names of attributes are only names, whatever they are', () => {
  const hostile = ['__proto__', 'constructor', 'toString'].map((key) => attribute(key, { stringValue: 'x' }));
  const spans = spansOf(withSpan({ attributes: hostile }));
  expect(Object.keys(toZipkinJson(spans)[0]?.tags ?? {})).toEqual(['__proto__', 'constructor', 'toString']);
  const jaeger: unknown = JSON.parse(JSON.stringify(toJaegerJson(spans)));
  expect(spansOf(fromJaegerJson(jaeger as Record<string, unknown>))[0]?.attributes.size).toBe(3);
});

function withSpan(fields: object): unknown {
  const span = {
    traceId: TRACE_ID,
    spanId: 'b7ad6b7169203331',
    name: 'x',
    startTimeUnixNano: '1700000000000001000',
    endTimeUnixNano: '1700000003000001000',
    ...fields,
  };
  return { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
}
