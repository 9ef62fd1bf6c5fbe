import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { Client, compressionAlgorithms, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES } from '../../collector/receive/grpc-port.ts';
import { hostReport, metricsOf } from '../decode/metrics-proto.ts';
import { decode, encode } from '../decode/otlp-proto.ts';
import { newSpans, startReceivers, tracesOf, type Receivers } from './receivers.ts';

const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const accepted = { error: null, body: Buffer.alloc(0) };
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

let receivers: Receivers;
const clients: Client[] = [];
beforeAll(async () => {
  receivers = await startReceivers();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => receivers.close());

interface Answer {
  readonly error: ServiceError | null;
  readonly body: Buffer | undefined;
}

function clientOf(to: Receivers, compression: number): Client {
  const client = new Client(to.grpc.address, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': compression,
    'grpc.max_send_message_length': -1,
  });
  clients.push(client);
  return client;
}

function send(
  bytes: Buffer,
  options: { to?: Receivers; path?: string; compression?: number; metadata?: Metadata } = {},
): Promise<Answer> {
  const { to = receivers, path = TRACES, compression = 0, metadata = new Metadata() } = options;
  const asIs = (value: Buffer): Buffer => value;
  return new Promise((resolve) => {
    clientOf(to, compression).makeUnaryRequest(path, asIs, asIs, bytes, metadata, (error, body) =>
      resolve({ error, body }),
    );
  });
}

/**
 * One gRPC call written by hand: a frame whose compressed bit and `grpc-encoding` say what its bytes may not be.
 */
async function sendFrame(message: Buffer, encoding: string): Promise<{ status: string; message: string }> {
  const session = connectHttp2(`http://${receivers.grpc.address}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': TRACES,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-encoding': encoding,
    });
    const head = Buffer.alloc(5);
    head.writeUInt8(1);
    head.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([head, message]));
    return await new Promise((resolve, reject) => {
      const read = (headers: Record<string, unknown>): void => {
        if (headers['grpc-status'] === undefined) return;
        resolve({
          status: String(headers['grpc-status']),
          message: decodeURIComponent(String(headers['grpc-message'])),
        });
      };
      stream.on('response', read);
      stream.on('trailers', read);
      stream.on('error', reject);
      stream.resume();
    });
  } finally {
    session.close();
  }
}

async function isStored(span: { traceId: Buffer }): Promise<boolean> {
  return (await receivers.store.readTrace(span.traceId.toString('hex'))).length > 0;
}

describe('what is accepted', () => {
  test.each([
    ['identity', compressionAlgorithms.identity],
    ['gzip', compressionAlgorithms.gzip],
    ['deflate', compressionAlgorithms.deflate],
  ])('%s, answered by an empty response: partial_success is not set', async (_name, compression) => {
    const [span] = newSpans(1);
    const { error, body } = await send(encode('TracesData', tracesOf([span!])), { compression });
    expect(error).toBeNull();
    expect(body).toHaveLength(0);
    expect(await isStored(span!)).toBe(true);
  });

  test('an empty request', async () => {
    expect(await send(Buffer.alloc(0))).toMatchObject({ error: null, body: Buffer.alloc(0) });
  });

  test('logs, which are counted and dropped', async () => {
    const before = receivers.intake.requests().logs;
    expect(await send(Buffer.from('anything'), { path: LOGS })).toMatchObject(accepted);
    expect(receivers.intake.requests().logs).toBe(before + 1);
  });

  test('metrics, which are counted and dropped but for the counters of hosts', async () => {
    const before = receivers.intake.requests();
    expect(await send(hostReport('a-grpc-host', { 'tcp.retransmits': 7 }), { path: METRICS })).toMatchObject(
      accepted,
    );
    expect(await send(metricsOf('http.server.request.duration'), { path: METRICS })).toMatchObject(accepted);
    expect(receivers.intake.requests()).toMatchObject({
      metrics: before.metrics + 2,
      metricsDropped: before.metricsDropped + 1,
    });
    const report = receivers.intake.hosts().find(({ host }) => host === 'a-grpc-host');
    expect([...report!.reports[0]!.counters]).toEqual([['tcp.retransmits', 7]]);
  });

  test('200,000 spans in one request', { timeout: 120_000 }, async () => {
    const before = receivers.intake.counters().stored;
    expect(await send(encode('TracesData', tracesOf(newSpans(200_000))))).toMatchObject({ error: null });
    expect(receivers.intake.counters().stored).toBe(before + 200_000);
  });

  test('300 calls at once over one connection', async () => {
    const before = receivers.intake.counters().stored;
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => send(encode('TracesData', tracesOf(newSpans(2))))),
    );
    expect(answers.filter(({ error }) => error !== null)).toEqual([]);
    expect(receivers.intake.counters().stored).toBe(before + 600);
  });
});

test('spans with ids that no one could find again are rejected with a message, the rest is stored', async () => {
  const [good, short, zero] = newSpans(3);
  const spans = [good!, { ...short, traceId: Buffer.alloc(3, 1) }, { ...zero, spanId: Buffer.alloc(8) }];
  const { error, body } = await send(encode('TracesData', tracesOf(spans)));
  expect(error).toBeNull();
  expect(decode('ExportTraceServiceResponse', body!)).toEqual({
    partialSuccess: {
      rejectedSpans: '2',
      errorMessage:
        '2 of 3 spans refused: span 2: trace id has 3 bytes, expected 16; span 3: span id is all zero',
    },
  });
  expect(await isStored(good!)).toBe(true);
});

test('what looks wrong is stored as sent, and the answer says so', async () => {
  const now = BigInt(Date.now()) * 1_000_000n;
  const [span] = newSpans(1, { startTimeUnixNano: String(now), endTimeUnixNano: String(now - 5n) });
  const { body } = await send(encode('TracesData', tracesOf([span!])));
  expect(decode('ExportTraceServiceResponse', body!)).toEqual({
    partialSuccess: { errorMessage: 'stored as sent, though odd: end before start (1)' },
  });
  expect(await isStored(span!)).toBe(true);
});

describe('what is refused, with its code', () => {
  /** Nothing of a refused request is stored, and the next one is served. */
  async function expectServedAfter(stored: number): Promise<void> {
    expect(receivers.intake.counters().stored).toBe(stored);
    expect(await send(encode('TracesData', tracesOf(newSpans(1))))).toMatchObject({ error: null });
  }

  test('malformed protobuf is INVALID_ARGUMENT and says where', async () => {
    const { stored } = receivers.intake.counters();
    const { error } = await send(Buffer.from('no protobuf'));
    expect(error).toMatchObject({
      code: INVALID_ARGUMENT,
      details: expect.stringMatching(/^protobuf, byte 0: got .*, expected/),
    });
    const [details] = error!.metadata.get('grpc-status-details-bin');
    expect(decode('RpcStatus', details as Buffer)).toEqual({
      code: INVALID_ARGUMENT,
      message: error!.details,
    });
    await expectServedAfter(stored);
  });

  test('a message of 65 MB is RESOURCE_EXHAUSTED, without RetryInfo', async () => {
    const { stored } = receivers.intake.counters();
    const { error } = await send(Buffer.alloc(65 * 2 ** 20));
    expect(error).toMatchObject({ code: RESOURCE_EXHAUSTED, details: expect.stringContaining('67108864') });
    expect(error!.metadata.get('grpc-status-details-bin')).toEqual([]);
    await expectServedAfter(stored);
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('a %s bomb is RESOURCE_EXHAUSTED', async (encoding, compress) => {
    const { stored } = receivers.intake.counters();
    const { status, message } = await sendFrame(compress(Buffer.alloc(512 * 2 ** 20)), encoding);
    expect(Number(status)).toBe(RESOURCE_EXHAUSTED);
    expect(message).toContain('larger than 67108864');
    await expectServedAfter(stored);
  });

  test.each([
    ['bytes that are not gzip', Buffer.from('not gzip'), 'gzip'],
    ['gzip that is cut short', gzipSync(encode('TracesData', tracesOf(newSpans(1)))).subarray(0, -9), 'gzip'],
    ['bytes that are not deflate', Buffer.from('not deflate'), 'deflate'],
  ])('%s cannot be decompressed, which gRPC calls INTERNAL', async (_what, bytes, encoding) => {
    const { stored } = receivers.intake.counters();
    const { status, message } = await sendFrame(bytes, encoding);
    expect(Number(status)).toBe(INTERNAL);
    expect(message).toBe('Failed to decompress message');
    await expectServedAfter(stored);
  });

  test('an encoding that gRPC does not have is UNIMPLEMENTED', async () => {
    const { stored } = receivers.intake.counters();
    const { status, message } = await sendFrame(Buffer.from('x'), 'snappy');
    expect(Number(status)).toBe(UNIMPLEMENTED);
    expect(message).toContain('snappy');
    await expectServedAfter(stored);
  });

  test('a content type that is not gRPC’s is HTTP 415', async () => {
    const { stored } = receivers.intake.counters();
    const session = connectHttp2(`http://${receivers.grpc.address}`);
    try {
      const headers = { ':method': 'POST', ':path': TRACES, 'content-type': 'application/json' };
      const stream = session.request(headers).on('error', () => {});
      stream.end('{}');
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(answer[':status']).toBe(415);
    } finally {
      session.close();
    }
    await expectServedAfter(stored);
  });

  test.each([
    ['HTTP/1.1', 'POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n'],
    ['random bytes', Buffer.from('a1b2c3d4e5f60718293a4b5c6d7e8f90'.repeat(20), 'hex')],
  ])('%s instead of HTTP/2 end their connection alone', async (_what, bytes) => {
    const { stored } = receivers.intake.counters();
    const { hostname, port } = new URL(`http://${receivers.grpc.address}`);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.end(bytes);
    socket.resume();
    await once(socket, 'close');
    await expectServedAfter(stored);
  });

  test('a service that is not there is UNIMPLEMENTED', async () => {
    const { stored } = receivers.intake.counters();
    const { error } = await send(Buffer.alloc(0), {
      path: '/opentelemetry.proto.collector.profiles.v1.X/Export',
    });
    expect(error).toMatchObject({ code: UNIMPLEMENTED });
    await expectServedAfter(stored);
  });
});

test('a request of some hundred kilobytes may be sent in one go', async () => {
  const session = connectHttp2(`http://${receivers.grpc.address}`);
  try {
    await expect
      .poll(() => [session.remoteSettings.initialWindowSize, session.state.remoteWindowSize])
      .toEqual([STREAM_WINDOW_BYTES, CONNECTION_WINDOW_BYTES]);
  } finally {
    session.destroy();
  }
});

test('an overloaded intake is UNAVAILABLE with RetryInfo', async () => {
  const small = await startReceivers({ maxQueueBytes: 10_000, maxRequestBytes: 10_000_000 });
  try {
    const { error } = await send(encode('TracesData', tracesOf(newSpans(1, { name: 'n'.repeat(20_000) }))), {
      to: small,
    });
    expect(error).toMatchObject({ code: UNAVAILABLE, details: expect.stringContaining('intake is full') });
    const [bytes] = error!.metadata.get('grpc-status-details-bin');
    const { code, details } = decode('RpcStatus', bytes as Buffer) as {
      code: number;
      details: { typeUrl: string; value: string }[];
    };
    expect(code).toBe(UNAVAILABLE);
    expect(details[0]!.typeUrl).toBe('type.googleapis.com/google.rpc.RetryInfo');
    expect(decode('RetryInfo', Buffer.from(details[0]!.value, 'base64'))).toEqual({
      retryDelay: { seconds: '1' },
    });
    expect(await send(encode('TracesData', tracesOf(newSpans(1))), { to: small })).toMatchObject({
      error: null,
    });
  } finally {
    await small.close();
  }
});

test('with a token, a call without it is UNAUTHENTICATED and stores nothing', async () => {
  const closed = await startReceivers({ token: 's3cret' });
  try {
    const bytes = encode('TracesData', tracesOf(newSpans(1)));
    const bearer = (token: string): Metadata => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${token}`);
      return metadata;
    };
    const { error } = await send(bytes, { to: closed });
    expect(error).toMatchObject({
      code: UNAUTHENTICATED,
      details: expect.stringContaining('got no authorization metadata, expected authorization: Bearer TOKEN'),
    });
    expect((await send(bytes, { to: closed, metadata: bearer('wrong') })).error).toMatchObject({
      code: UNAUTHENTICATED,
    });
    expect((await send(bytes, { to: closed, metadata: bearer('s3cret') })).error).toBeNull();
    expect(closed.intake.counters().stored).toBe(1);
  } finally {
    await closed.close();
  }
});
