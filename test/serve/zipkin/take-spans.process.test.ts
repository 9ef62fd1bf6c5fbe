/** Zipkin's reporters against the collector: what they are answered, and what is made of what they send. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosis, Imported, ServiceMap, Trace, WireError } from '../../../collector/serve/wire.ts';
import { startZipkin } from '../../../collector/serve/zipkin-port.ts';
import type { Port } from '../../../collector/receive/listen.ts';
import { PY_ZIPKIN_PROTOBUF, ZIPKIN_JS_V1, ZIPKIN_JS_V2 } from '../../decode/zipkin-captures.ts';
import { startApi, type Api } from '../start-api.ts';

const SITE = { host: '127.0.0.1', port: 0, names: [], tls: null, corsOrigins: [] };
const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';

let api: Api;
let own: Port;
beforeAll(async () => {
  api = await startApi();
  own = await startZipkin({ ...SITE, token: null }, api.sources);
});
afterAll(async () => {
  await own.close();
  await api.close();
});

type Body = string | Uint8Array<ArrayBuffer>;
const send = (url: string, type: string, body: Body, more: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { ...(type !== '' && { 'content-type': type }), ...more }, body });
const web = (version: string): string => `${api.url}/zipkin/api/${version}/spans`;
const atRoot = (version: string): string => `http://${own.address}/api/${version}/spans`;

/** What a reporter is answered that gives the collector this name; `fetch` gives none but the URL's. */
async function statusByHost(url: string, host: string): Promise<number | undefined> {
  const sent = request(url, { method: 'POST', headers: { host, 'content-type': JSON_TYPE } }).end('[]');
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

/** Those of the captures, with ids of a trace of their own. */
function ofTrace(spans: readonly object[], traceId: string): string {
  return JSON.stringify(spans.map((span) => ({ ...span, traceId })));
}

describe('what is taken', () => {
  it.each([
    ['v2', JSON_TYPE, ofTrace(ZIPKIN_JS_V2, 'a1'), 3],
    ['v2', 'Application/JSON; charset=utf-8', ofTrace(ZIPKIN_JS_V2, 'a2'), 3],
    ['v2', PROTOBUF_TYPE, new Uint8Array(PY_ZIPKIN_PROTOBUF), 2],
    ['v2', 'application/x-www-form-urlencoded', ofTrace(ZIPKIN_JS_V2, 'b1'), 3],
    ['v1', 'text/plain;charset=UTF-8', ofTrace(ZIPKIN_JS_V1, 'b2'), 3],
    ['v2', 'application/octet-stream', ofTrace(ZIPKIN_JS_V2, 'b3'), 3],
    ['v1', JSON_TYPE, ofTrace(ZIPKIN_JS_V1, 'a3'), 3],
    ['v2', JSON_TYPE, '[]', 0],
  ])(
    '%s as %s is 202 once it is stored; sent again, to the other port, it is known',
    async (version, type, body, count) => {
      const first = await send(web(version), type, body);
      expect(first.status).toBe(202);
      expect(await first.json()).toEqual({
        stored: count,
        duplicate: 0,
        refused: 0,
        message: '',
      } satisfies Imported);
      const again = await send(atRoot(version), type, body);
      expect([again.status, await again.json()]).toMatchObject([202, { stored: 0, duplicate: count }]);
    },
  );

  it('leaves the connection open for what is sent next, a minute later too', async () => {
    for (const url of [web('v2'), atRoot('v2')]) {
      const answer = await send(url, JSON_TYPE, '[]');
      expect(answer.headers.get('keep-alive')).toBe('timeout=120');
    }
  });

  it('without a content type is JSON, and may be compressed', async () => {
    const body = new Uint8Array(gzipSync(ofTrace(ZIPKIN_JS_V2, 'a4')));
    const answer = await send(atRoot('v2'), '', body, { 'content-encoding': 'gzip' });
    expect([answer.status, await answer.json()]).toMatchObject([202, { stored: 3 }]);
  });

  it('of spans with ids that no one could find again is the rest, and only they are a 400', async () => {
    const [bad, good] = [
      { traceId: '0', id: '1' },
      { traceId: 'a5', id: '1', timestamp: 1 },
    ];
    const some = await send(web('v2'), JSON_TYPE, JSON.stringify([bad, good]));
    expect([some.status, await some.json()]).toMatchObject([
      202,
      { stored: 1, refused: 1, message: expect.stringContaining('trace id is all zero') },
    ]);
    const none = await send(web('v2'), JSON_TYPE, JSON.stringify([bad]));
    expect([none.status, await none.json()]).toMatchObject([400, { error: { code: 'refused' } }]);
  });

  it('is a trace whose server answers its call on the map, with nobody in front of it', async () => {
    await send(web('v2'), JSON_TYPE, ofTrace(ZIPKIN_JS_V2, 'a6'));
    const trace = (await (await fetch(`${api.url}/api/traces/a6`)).json()) as Trace;
    const told = trace.spans.map(({ service, kind, status, spanId, parentSpanId }) => {
      return [service, kind, status.code, spanId, parentSpanId];
    });
    expect(told).toEqual([
      ['web', 'client', 'error', '0e52f0ccfd306e59', 'c9d87d278ec06b3e'],
      ['api', 'server', 'error', 'f1ad0f3302cf91a6', '0e52f0ccfd306e59'],
      ['api', 'internal', 'unset', 'e3210174788d0a68', '0e52f0ccfd306e59'],
    ]);
    const [from, to] = [
      ZIPKIN_JS_V2[0]!.timestamp / 1000 - 60_000,
      ZIPKIN_JS_V2[0]!.timestamp / 1000 + 60_000,
    ];
    const map = await fetch(`${api.url}/api/map?from=${Math.floor(from)}&to=${Math.floor(to)}`);
    const { edges } = (await map.json()) as ServiceMap;
    expect(edges.filter(({ to: callee }) => callee === 'api')).toMatchObject([
      { from: 'web', to: 'api', kind: 'http', serverP95Ms: expect.any(Number) },
    ]);
  });

  it('is diagnosed like any other, though each service sends its sides by itself', async () => {
    const traceId = 'd9'.repeat(16);
    const startUs = Date.now() * 1000 - 10_000_000;
    const side = (
      service: string,
      kind: string,
      id: string,
      fromMs: number,
      tookMs: number,
      more: object = {},
    ) => ({
      traceId,
      id,
      kind,
      name: 'get',
      localEndpoint: { serviceName: service },
      timestamp: startUs + fromMs * 1000,
      duration: tookMs * 1000,
      tags: { 'http.path': '/pay' },
      ...more,
    });
    const timedOut = { tags: { 'http.path': '/pay', error: 'Read timed out' } };
    const failed = { tags: { 'http.path': '/pay', 'http.status_code': '500', error: '500' } };
    // What a service called leaves before the answer that waits for it.
    const sent = [
      side('shop', 'CLIENT', 'b', 20, 2000, {
        parentId: 'a',
        remoteEndpoint: { serviceName: 'pay' },
        ...timedOut,
      }),
      side('shop', 'SERVER', 'a', 10, 2020, { shared: true, ...failed }),
      side('web', 'CLIENT', 'a', 0, 2040, { remoteEndpoint: { serviceName: 'shop' }, ...failed }),
      side('pay', 'SERVER', 'b', 30, 5000, { shared: true, parentId: 'a' }),
    ];
    for (const one of sent)
      expect((await send(web('v2'), JSON_TYPE, JSON.stringify([one]))).status).toBe(202);
    const diagnosed = await fetch(`${api.url}/api/traces/${traceId}/diagnosis`);
    const { complete, verdicts } = (await diagnosed.json()) as Diagnosis;
    expect(complete).toBe(true);
    expect(verdicts[0]).toMatchObject({
      giveUp: { kind: 'timeout', service: 'shop' },
      // It works on, after shop has given up.
      origin: { service: 'pay', edge: 'pay' },
      phase: 'none',
    });
    const { edges } = (await (await fetch(`${api.url}/api/map?focus=shop`)).json()) as ServiceMap;
    expect(edges.map(({ from, to, timeouts }) => `${from}->${to} ${timeouts}`).toSorted()).toEqual([
      'shop->pay 1',
      'web->shop 0',
    ]);
  });

  it('comes from OpenTelemetry’s exporter too', async () => {
    const exporter = new ZipkinExporter({ url: atRoot('v2') });
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'sender' }),
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    });
    const span = provider.getTracer('tracer').startSpan('GET /cart', { kind: SpanKind.CLIENT });
    span.setAttribute('http.response.status_code', 504);
    span.addEvent('retry');
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'timed out' });
    span.end();
    await provider.shutdown();
    const trace = await fetch(`${api.url}/api/traces/${span.spanContext().traceId}`);
    expect(((await trace.json()) as Trace).spans).toMatchObject([
      {
        service: 'sender',
        operation: 'GET /cart',
        kind: 'client',
        status: { code: 'error', message: 'timed out' },
        attributes: { 'http.response.status_code': 504 },
        events: [{ name: 'retry' }],
      },
    ]);
  });
});

describe('what is refused, with what was got and expected', () => {
  const errorOf = async (answer: Response) => ({
    status: answer.status,
    ...((await answer.json()) as WireError).error,
  });

  it.each([
    ['v2', JSON_TYPE, 'nonsense', 400, 'a JSON array of Zipkin v2 spans'],
    ['v2', JSON_TYPE, '{"spans":[]}', 400, 'a JSON array of Zipkin v2 spans'],
    ['v2', JSON_TYPE, JSON.stringify(ZIPKIN_JS_V1), 400, 'v2; spans of v1 go to /api/v1/spans'],
    ['v2', PROTOBUF_TYPE, '[]', 400, ''],
    ['v2', 'application/x-thrift', '[]', 415, 'application/json or application/x-protobuf'],
    ['v1', 'application/x-thrift', '[]', 415, 'application/json'],
    ['v1', PROTOBUF_TYPE, '[]', 415, 'application/json'],
    ['v2', 'text/plain', 'nonsense', 400, 'a JSON array of Zipkin v2 spans'],
  ])('%s as %s: %s', async (version, type, body, status, expected) => {
    const before = api.sources.intake.requests().refused;
    expect(await errorOf(await send(web(version), type, body))).toMatchObject({
      status,
      expected: expect.stringContaining(expected),
    });
    expect(api.sources.intake.requests().refused).toBe(before + 1);
  });

  it('more than --max-request-bytes', async () => {
    const body = JSON.stringify([{ traceId: '1', id: '1', name: 'n'.repeat(api.sources.maxRequestBytes) }]);
    expect(await errorOf(await send(web('v2'), JSON_TYPE, body))).toMatchObject({ status: 413 });
    const bomb = new Uint8Array(gzipSync(body));
    const inflated = await send(web('v2'), JSON_TYPE, bomb, { 'content-encoding': 'gzip' });
    expect(await errorOf(inflated)).toMatchObject({ status: 413 });
  });

  it('while there is no room: 503 with Retry-After, and then it is taken', async () => {
    const [host, port] = own.address.split(':') as [string, string];
    const { intake, maxRequestBytes } = api.sources;
    const slow = Array.from({ length: 4 }, () => connect(Number(port), host));
    for (const socket of slow) {
      await once(socket, 'connect');
      socket.write(
        `POST /api/v2/spans HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: ${maxRequestBytes}\r\n\r\n`,
      );
      socket.write(Buffer.alloc(maxRequestBytes - 1, ' '));
    }
    await expect.poll(() => intake.queue().bytes, { interval: 5 }).toBe(4 * (maxRequestBytes - 1));
    const answer = await send(web('v2'), JSON_TYPE, ofTrace(ZIPKIN_JS_V2, 'a7'));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    for (const socket of slow) socket.destroy();
    await expect.poll(() => intake.queue().bytes, { interval: 5 }).toBe(0);
    expect((await send(web('v2'), JSON_TYPE, ofTrace(ZIPKIN_JS_V2, 'a7'))).status).toBe(202);
  });

  it('a parameter that there is not, or cannot be read: it is counted, of an import too', async () => {
    for (const url of [web('v2'), `${api.url}/api/import`]) {
      const before = api.sources.intake.requests().refused;
      expect(await errorOf(await send(`${url}?source=x`, JSON_TYPE, '[]'))).toMatchObject({
        status: 400,
        got: 'x',
      });
      expect(api.sources.intake.requests().refused).toBe(before + 1);
      expect(await errorOf(await send(`${url}?source=%zz`, JSON_TYPE, '[]'))).toMatchObject({ status: 400 });
      expect(api.sources.intake.requests().refused).toBe(before + 2);
    }
  });

  it('what the guard lets nobody pass with: it is counted, on both ports', async () => {
    const guarded = await startApi({ token: 'secret' });
    const port = await startZipkin({ ...SITE, token: 'secret' }, guarded.sources);
    const refused = (): number => guarded.sources.intake.requests().refused;
    try {
      const before = refused();
      expect((await send(`${guarded.url}/api/import`, JSON_TYPE, '[]')).status).toBe(401);
      expect(refused()).toBe(before + 1);
      for (const base of [`${guarded.url}/zipkin`, `http://${port.address}`]) {
        const before = refused();
        expect((await send(`${base}/api/v2/spans`, JSON_TYPE, '[]')).status).toBe(401);
        expect(refused()).toBe(before + 1);
        expect(await statusByHost(`${base}/api/v1/spans`, 'collector_cluster')).toBe(403);
        expect(refused()).toBe(before + 2);
        expect((await fetch(`${base}/api/v2/spans`)).status).toBe(401);
        expect((await send(`${base}/elsewhere`, JSON_TYPE, '[]')).status).toBe(401);
        expect(refused()).toBe(before + 2);
      }
    } finally {
      await port.close();
      await guarded.close();
    }
  });

  it('what is there for others: the page, other methods, a stranger without the token', async () => {
    expect((await fetch(`http://${own.address}/`)).status).toBe(404);
    expect((await fetch(`http://${own.address}/api/status`)).status).toBe(404);
    const get = await fetch(atRoot('v1'));
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    const guarded = await startZipkin({ ...SITE, token: 'secret' }, api.sources);
    try {
      const url = `http://${guarded.address}/api/v2/spans`;
      expect((await send(url, JSON_TYPE, '[]')).status).toBe(401);
      expect((await send(url, JSON_TYPE, '[]', { authorization: 'Bearer secret' })).status).toBe(202);
      const foreign = { authorization: 'Bearer secret', origin: 'http://elsewhere.test' };
      expect((await send(url, JSON_TYPE, '[]', foreign)).status).toBe(403);
    } finally {
      await guarded.close();
    }
  });
});
