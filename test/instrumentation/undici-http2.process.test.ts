/** Calls over HTTP/2 with TLS, by undici and by a session: each has one span, which ends, and says where it went. */
import { readFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, runApp, withHook, type AppRun } from './run-app.ts';

let receiver: Receiver;
let server: Http2SecureServer;
let port: number;
let runs: AppRun[];

const tls = (file: string) => readFileSync(new URL(`tls/${file}`, import.meta.url));

beforeAll(async () => {
  receiver = await startReceiver();
  server = createSecureServer({ key: tls('key.pem'), cert: tls('certificate.pem') });
  let last: Socket | undefined;
  server.on('connection', (socket: Socket) => (last = socket));
  server.on('session', (session) => session.on('error', () => {}));
  server.on('stream', (stream, { ':path': path }) => {
    stream.on('error', () => {});
    if (path === '/given-up') return;
    if (path === '/first')
      stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => pushed.end('pushed'));
    stream.respond({ ':status': 200, ...(path === '/garbled' && { 'content-encoding': 'gzip' }) });
    stream.write('a part of the answer');
    if (path === '/reset') setTimeout(() => last?.resetAndDestroy(), 50);
    if (path === '/well' || path === '/first') stream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  const args = [`https://127.0.0.1:${port}`];
  runs = [await runApp(appFile('undici-http2.cjs'), { args })];
  runs.push(await runApp(appFile('undici-http2.cjs'), { args, ...withHook(receiver.url) }));
});

afterAll(() => {
  server?.close();
  receiver?.close();
});

it.each([
  { path: '/well' },
  { path: '/given-up', type: 'TimeoutError', timer: 'abort_signal' },
  { path: '/piped' },
  { path: '/reset', type: 'ECONNRESET' },
  { path: '/garbled', type: 'Z_DATA_ERROR' },
  { path: '/first' },
])('$path has one span, which says how it ended', ({ path, type, timer }) => {
  const spans = receiver.spans.filter(({ attributes }) => String(attributes['url.full']).endsWith(path));
  expect(spans).toMatchObject([{ kind: 'client', error: type !== undefined }]);
  const { attributes } = spans[0]!;
  expect(attributes['error.type']).toBe(type);
  expect(attributes['sockeye.timeout.timer']).toBe(timer);
  // Also where the session was not connected when the call began.
  expect(attributes).toMatchObject({
    'url.full': `https://127.0.0.1:${port}${path}`,
    'network.protocol.version': '2',
    'sockeye.phase.tls_ms': expect.any(Number),
  });
});

it('none is left open, nor told of otherwise', () => {
  expect(receiver.snapshots).toEqual([]);
  expect(receiver.spans.filter(({ kind }) => kind === 'client')).toHaveLength(6);
});

it('the program sees what it sees without the hook', () => {
  expect(runs[1]).toEqual(runs[0]);
  expect(runs[0]).toMatchObject({ code: 0, stderr: '' });
});
