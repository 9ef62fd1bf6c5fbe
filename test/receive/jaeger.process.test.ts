/** Jaeger's clients and a real collector, by thrift over HTTP and by gRPC: what is stored, and what is answered. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as requestHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIntake } from '../../collector/receive/intake.ts';
import { startJaegerGrpc } from '../../collector/receive/jaeger-grpc.ts';
import { startJaegerHttp } from '../../collector/serve/jaeger-port.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import type { Status, Trace } from '../../collector/serve/wire.ts';
import { JAEGER_CLIENT_THRIFT, OTEL_PYTHON_PROTOBUF, OTEL_PYTHON_THRIFT } from '../decode/jaeger-captures.ts';
import { i64, list, string, struct, type Value } from '../decode/write-thrift.ts';
import { FREE_PORTS, startCollector, type Collector } from '../main/collector.ts';

const JAEGER_PORTS = ['--jaeger-http', '127.0.0.1:0', '--jaeger-grpc', '127.0.0.1:0'];
const POST_SPANS = '/jaeger.api_v2.CollectorService/PostSpans';
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

interface Ports {
  readonly addresses: Pick<Status['addresses'], 'jaegerHttp' | 'jaegerGrpc'>;
  close(): Promise<void>;
}
interface Started extends Ports {
  readonly collector: Collector;
}

async function start(...flags: string[]): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-jaeger-'));
  const collector = await startCollector([...FREE_PORTS, '--data', folder, ...JAEGER_PORTS, ...flags]);
  const printed = (label: string) =>
    new RegExp(`^${label} +(?:https?://)?(\\S+)$`, 'm').exec(collector.stdout)![1]!;
  return {
    collector,
    addresses: { jaegerHttp: printed('Jaeger'), jaegerGrpc: printed('Jaeger gRPC') },
    async close() {
      await collector.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Both ports in this process, over a real store. */
async function open(options: {
  token?: string;
  maxRequestBytes?: number;
  maxQueueBytes?: number;
}): Promise<Ports> {
  const { token = null, maxRequestBytes = 2 ** 26, maxQueueBytes = 2 ** 27 } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-jaeger-'));
  const store = await openStore({ folder });
  const log = (): void => {};
  const intake = createIntake({ store, maxQueueBytes, log });
  const shared = { tls: null, token, maxRequestBytes, intake, log };
  const place = { host: '127.0.0.1', port: 0, corsOrigins: [] };
  const http = await startJaegerHttp({ ...place, ...shared }, shared);
  const grpc = await startJaegerGrpc({ address: '127.0.0.1:0', ...shared });
  return {
    addresses: { jaegerHttp: http.address, jaegerGrpc: grpc.address },
    async close() {
      await Promise.all([http.close(), grpc.close()]);
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

let started: Started;
beforeAll(async () => {
  started = await start();
});
afterAll(() => started.close());

const THRIFT = { 'content-type': 'application/x-thrift' };
function post(body: Buffer, { to = started as Ports, query = '', headers = {}, path = '/api/traces' } = {}) {
  return fetch(`http://${to.addresses.jaegerHttp}${path}${query}`, {
    method: 'POST',
    headers: { ...THRIFT, ...headers },
    body: Uint8Array.from(body),
  });
}

interface Answer {
  readonly error: ServiceError | null;
  readonly body: Buffer | undefined;
}

function postSpans(
  request: Buffer,
  { to = started as Ports, metadata = new Metadata(), creds = credentials.createInsecure() } = {},
): Promise<Answer> {
  const asIs = (value: Buffer): Buffer => value;
  const client = new Client(to.addresses.jaegerGrpc!, creds, {
    'grpc.ssl_target_name_override': 'localhost',
  });
  return new Promise((done) => {
    client.makeUnaryRequest(POST_SPANS, asIs, asIs, request, metadata, (error, body) => {
      client.close();
      done({ error, body });
    });
  });
}

/** What was captured gets older: it is asked for without regard to when. */
const readJson = async (path: string): Promise<unknown> =>
  (await fetch(`${started.collector.web}${path}`)).json();
const readTrace = async (id: string) => (await readJson(`/api/traces/${id}`)) as Trace;
const status = async () => (await readJson('/api/status')) as Status;

test('what jaeger-client sends is stored when it is acknowledged, and read as a trace', async () => {
  const answer = await post(JAEGER_CLIENT_THRIFT, { query: '?format=jaeger.thrift' });
  expect(answer.status).toBe(202);
  expect(await answer.json()).toMatchObject({ stored: 3, refused: 0 });
  const [found] = (
    (await readJson('/jaeger/api/traces?service=checkout&start=0&end=9999999999999999')) as {
      data: { traceID: string }[];
    }
  ).data;
  const trace = await readTrace(found!.traceID);
  expect(trace.spans.map(({ operation }) => operation).toSorted()).toEqual(['POST /buy', 'charge', 'notify']);
  expect(trace.spans.find(({ operation }) => operation === 'charge')).toMatchObject({
    kind: 'client',
    status: { code: 'error' },
    attributes: { 'peer.service': 'payments' },
    resource: { 'service.name': 'checkout', 'shop.version': '1.4' },
  });
  // Sent again, it is known.
  expect(await (await post(JAEGER_CLIENT_THRIFT)).json()).toMatchObject({ stored: 0, duplicate: 3 });
});

test('by gRPC, too; and the status names both ports', async () => {
  expect(await postSpans(OTEL_PYTHON_PROTOBUF)).toEqual({ error: null, body: Buffer.alloc(0) });
  expect(await readJson('/api/traces?service=stock&from=0')).toMatchObject({
    traces: [{ spans: 2, errors: 1 }],
  });
  const { jaegerHttp, jaegerGrpc } = started.addresses;
  expect((await status()).addresses).toMatchObject({ jaegerHttp, jaegerGrpc });
});

test('either content type, with parameters; a body that is compressed', async () => {
  const headers = { 'content-type': 'Application/VND.apache.thrift.binary; charset=x' };
  expect((await post(OTEL_PYTHON_THRIFT, { headers })).status).toBe(202);
  const gzipped = { 'content-encoding': 'gzip' };
  expect((await post(gzipSync(OTEL_PYTHON_THRIFT), { headers: gzipped })).status).toBe(202);
});

async function refusedCount(): Promise<number> {
  const metrics = await (await fetch(`${started.collector.web}/metrics`)).text();
  return Number(/^sockeye_requests_refused_total\S* (\d+)$/m.exec(metrics)![1]);
}

test('what cannot be read is refused and counted, and nothing of it is stored', async () => {
  const refusedBefore = await refusedCount();
  const storedBefore = (await status()).spans.stored;
  const cut = JAEGER_CLIENT_THRIFT.subarray(0, 400);
  const undecodable = await post(cut);
  expect(undecodable.status).toBe(400);
  expect(await undecodable.text()).toMatch(/thrift, byte \d+: got/);
  const json = await post(Buffer.from('{}'), { headers: { 'content-type': 'application/json' } });
  expect(json.status).toBe(415);
  expect((await post(cut, { query: '?format=zipkin.thrift' })).status).toBe(400);
  expect((await post(cut, { path: '/other' })).status).toBe(404);
  expect((await fetch(`http://${started.addresses.jaegerHttp}/api/traces`)).status).toBe(405);
  expect((await postSpans(Buffer.from('0aff', 'hex'))).error).toMatchObject({ code: INVALID_ARGUMENT });
  expect((await status()).spans.stored).toBe(storedBefore);
  expect(await refusedCount()).toBe(refusedBefore + 4);
});

test('ids of zeros are refused; beside others, the others are stored', async () => {
  const span = (id: bigint) =>
    struct({ 1: i64(id), 2: i64(0n), 3: i64(id), 5: string('x'), 8: i64(1n), 9: i64(1n) });
  const batch = (...ids: bigint[]) =>
    struct({ 1: struct({ 1: string('zeros') }), 2: list(12, ids.map(span)) }).bytes;
  const none = await post(batch(0n));
  expect(none.status).toBe(400);
  const some = await post(batch(0n, 77n));
  expect(some.status).toBe(202);
  expect(await some.json()).toMatchObject({ stored: 1, refused: 1 });
});

test('a token is asked for before anything is read', async () => {
  const guarded = await open({ token: 'a-secret-of-tests' });
  try {
    expect((await post(OTEL_PYTHON_THRIFT, { to: guarded })).status).toBe(401);
    const headers = { authorization: 'Bearer a-secret-of-tests' };
    expect((await post(OTEL_PYTHON_THRIFT, { to: guarded, headers })).status).toBe(202);
    expect((await postSpans(OTEL_PYTHON_PROTOBUF, { to: guarded })).error).toMatchObject({
      code: UNAUTHENTICATED,
    });
    const metadata = new Metadata();
    metadata.set('authorization', headers.authorization);
    expect((await postSpans(OTEL_PYTHON_PROTOBUF, { to: guarded, metadata })).error).toBeNull();
  } finally {
    await guarded.close();
  }
});

/** Messages one after the other are one message. */
const LARGER_PROTOBUF = Buffer.concat([OTEL_PYTHON_PROTOBUF, OTEL_PYTHON_PROTOBUF]);

test('too large is final, too much at once is to be tried again', async () => {
  const small = await open({ maxRequestBytes: 1024 });
  try {
    expect((await post(OTEL_PYTHON_THRIFT, { to: small })).status).toBe(413);
    expect((await postSpans(LARGER_PROTOBUF, { to: small })).error).toMatchObject({
      code: RESOURCE_EXHAUSTED,
    });
    // Larger as OTLP alone: a tag of thrift may take a byte.
    const tags = list(12, Array<Value>(900).fill(struct({})));
    const span = struct({ 1: i64(1n), 3: i64(1n), 10: tags });
    const body = struct({ 1: struct({}), 2: list(12, [span]) }).bytes;
    expect(body.length).toBeLessThan(1024);
    const answer = await post(body, { to: small });
    expect([answer.status, await answer.text()]).toEqual([
      413,
      expect.stringContaining('when written as OTLP'),
    ]);
    const nested = (value: Buffer) =>
      Buffer.concat([Buffer.from([0x0a, 0x80 | (value.length & 0x7f), value.length >> 7]), value]);
    expect(
      (await postSpans(nested(nested(Buffer.alloc(900, '4200', 'hex'))), { to: small })).error,
    ).toMatchObject({
      code: RESOURCE_EXHAUSTED,
      details: expect.stringContaining('when written as OTLP') as string,
    });
  } finally {
    await small.close();
  }
  const busy = await open({ maxQueueBytes: 1024 });
  try {
    const answer = await post(OTEL_PYTHON_THRIFT, { to: busy });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect((await postSpans(LARGER_PROTOBUF, { to: busy })).error).toMatchObject({ code: UNAVAILABLE });
  } finally {
    await busy.close();
  }
});

test('with a certificate both ports speak TLS alone', async () => {
  const [cert, key] = ['cert', 'key'].map((part) => resolve(`test/main/localhost.${part}.pem`)) as [
    string,
    string,
  ];
  const secure = await start('--tls-cert', cert, '--tls-key', key);
  try {
    const ca = readFileSync(cert);
    const [, port] = secure.addresses.jaegerHttp!.split(':');
    const code = await new Promise((done, fail) => {
      const options = {
        host: '127.0.0.1',
        servername: 'localhost',
        port,
        path: '/api/traces',
        method: 'POST',
        ca,
      };
      requestHttps({ ...options, headers: THRIFT }, (answer) => done(answer.resume().statusCode))
        .once('error', fail)
        .end(OTEL_PYTHON_THRIFT);
    });
    expect(code).toBe(202);
    const creds = credentials.createSsl(ca);
    expect((await postSpans(OTEL_PYTHON_PROTOBUF, { to: secure, creds })).error).toBeNull();
    expect((await postSpans(OTEL_PYTHON_PROTOBUF, { to: secure })).error).toMatchObject({
      code: UNAVAILABLE,
    });
  } finally {
    await secure.close();
  }
});
