/** What changes the store by a real collector's API: traces of files are taken, or refused whole, and purge. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeMessage } from '../../collector/decode/otlp-json.ts';
import { TRACES_DATA } from '../../collector/decode/otlp-schema.ts';
import type { Imported, Status, Trace, TracePage } from '../../collector/serve/wire.ts';
import { shopTrace, TRACE_ID } from './shop-trace.ts';
import { startCollector, type Collector } from './start-collector.ts';

let collector: Collector;
const sent = shopTrace(60_000);

const get = (path: string, init: RequestInit = {}) => fetch(collector.url + path, init);
const post = (path: string, body: RequestInit['body'], headers: Record<string, string> = {}) =>
  get(path, { method: 'POST', body, headers });
const read = async <T>(path: string) => (await (await get(path)).json()) as T;
const importTrace = async (body: unknown) =>
  (await (await post('/api/import', JSON.stringify(body))).json()) as Imported;

beforeAll(async () => {
  collector = await startCollector('--max-request-bytes', '1MiB', '--max-queue-bytes', '8MiB');
  await importTrace(sent);
});
afterAll(async () => {
  await collector?.close();
});

it('import takes protobuf, gzip, Jaeger and Zipkin', async () => {
  const bytes = encodeMessage(TRACES_DATA, shopTrace(50_000, 'a'.repeat(32)));
  expect(await (await post('/api/import', bytes)).json()).toMatchObject({ stored: 4 });
  const zipped = gzipSync(JSON.stringify(shopTrace(50_000, 'b'.repeat(32))));
  const answer = await post('/api/import', zipped, { 'content-encoding': 'gzip' });
  expect(await answer.json()).toMatchObject({ stored: 4 });
  for (const format of ['jaeger', 'zipkin']) {
    const text = JSON.stringify(await read(`/api/traces/${TRACE_ID}?format=${format}`));
    const copyId = (format === 'jaeger' ? 'c' : 'd').repeat(32);
    expect(await importTrace(JSON.parse(text.replaceAll(TRACE_ID, copyId)))).toMatchObject({ stored: 4 });
    expect((await read<Trace>(`/api/traces/${copyId}`)).spans).toHaveLength(4);
  }
});

it.each(['application/json', 'Application/JSON; charset=utf-8'])(
  'says of %s what is wrong with it as JSON',
  async (type) => {
    const response = await post('/api/import', 'nonsense', { 'content-type': type });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { got: string } };
    expect(error.got).toContain('is not valid JSON');
    const bytes = encodeMessage(TRACES_DATA, shopTrace(50_000, 'f'.repeat(32)));
    const protobuf = await post('/api/import', bytes, { 'content-type': 'application/x-protobuf' });
    expect(await protobuf.json()).toMatchObject({ refused: 0 });
  },
);

it('stores the good spans of a request and says why the others were refused', async () => {
  const mixed = shopTrace(50_000, 'e'.repeat(32));
  mixed.resourceSpans[0]!.scopeSpans[0]!.spans[0] = {
    ...mixed.resourceSpans[0]!.scopeSpans[0]!.spans[0]!,
    traceId: '0'.repeat(32),
  } as never;
  const outcome = await importTrace(mixed);
  expect(outcome).toMatchObject({ stored: 3, refused: 1, message: expect.stringContaining('zero') });
});

it.each([
  ['', {}, 400, 'undecodable'],
  ['{"a":1}', {}, 400, 'undecodable'],
  ['{"resourceSpans":[', {}, 400, 'undecodable'],
  ['not a trace at all', {}, 400, 'undecodable'],
  ['\u0001\u0002\u0003', {}, 400, 'undecodable'],
  ['{"resourceSpans":[]}', { 'content-encoding': 'gzip' }, 400, 'undecodable'],
  ['{"resourceSpans":[]}', { 'content-encoding': 'lzma' }, 415, 'unknown_encoding'],
])('refuses %j %j with %i %s and stores nothing', async (body, headers, status, code) => {
  const before = await read<Status>('/api/status');
  const response = await post('/api/import', body, headers);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: { code, got: expect.stringMatching(/./) } });
  expect((await read<Status>('/api/status')).store.spans).toBe(before.store.spans);
});

it('takes a body as large as --max-request-bytes, and none that is larger', async () => {
  const limit = 1024 * 1024;
  const text = '{"resourceSpans":[]}';
  expect((await post('/api/import', text.padEnd(limit))).status).toBe(200);
  const response = await post('/api/import', text.padEnd(limit + 1));
  expect([response.status, await response.json()]).toMatchObject([413, { error: { code: 'too_large' } }]);
});

it('refuses a gzip bomb without unpacking it', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  expect((await post('/api/import', bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
  expect((await get('/healthz')).status).toBe(200);
});

it('with a foreign Origin cannot import or purge', async () => {
  const before = (await read<Status>('/api/status')).store.spans;
  for (const path of ['/api/import', '/api/purge']) {
    const response = await post(path, JSON.stringify(shopTrace(1000, '8'.repeat(32))), {
      origin: 'http://evil.example',
    });
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { error: { code: 'foreign_origin' } },
    ]);
    expect(response.headers.has('access-control-allow-origin')).toBe(false);
  }
  expect((await read<Status>('/api/status')).store.spans).toBe(before);
});

it('purge, where it was allowed, deletes everything', async () => {
  const other = await startCollector('--allow-purge');
  try {
    await fetch(`${other.url}/api/import`, { method: 'POST', body: JSON.stringify(sent) });
    const purged = await fetch(`${other.url}/api/purge`, { method: 'POST' });
    expect(await purged.json()).toEqual({ spans: 4 });
    const page = (await (await fetch(`${other.url}/api/traces?from=0`)).json()) as TracePage;
    expect(page).toMatchObject({ traces: [], total: 0 });
  } finally {
    await other.close();
  }
});
