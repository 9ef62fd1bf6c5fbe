/** Requests that turn into something else, WebSocket and CONNECT, seen from both sides; their connections stay open. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook, type AppRun, type RunningApp } from './run-app.ts';

let receiver: Receiver;
let server: RunningApp;
let client: RunningApp;
let port: number;
let bare: AppRun;
let lines: string[];

beforeAll(async () => {
  receiver = await startReceiver();
  const hook = withHook(receiver.url);
  server = startApp(appFile('websockets.cjs'), hook);
  port = Number((await server.line('port ')).slice(5));
  const args = [`ws://127.0.0.1:${port}`];
  client = startApp(appFile('websockets.cjs'), { args, ...hook });
  lines = JSON.parse(await client.line('[')) as string[];
  const bareClient = startApp(appFile('websockets.cjs'), { args });
  await bareClient.line('[');
  bareClient.child.kill('SIGTERM');
  bare = await bareClient.ended;
});

afterAll(async () => {
  for (const app of [client, server]) app?.child.kill('SIGKILL');
  receiver?.close();
  await Promise.all([client?.ended, server?.ended]);
});

const asked = (path: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(path),
  );
const served = (path: string, parentSpanId?: string) =>
  receiver.waitFor(
    (span) =>
      span.kind === 'server' &&
      span.attributes['url.path'] === path &&
      (parentSpanId === undefined || span.parentSpanId === parentSpanId),
  );

describe('a WebSocket', () => {
  it.each(['ws', 'global'])(
    'has spans of its upgrade on both sides while it is still open (%s)',
    async (kind) => {
      const call = await asked(`/asks-${kind}`);
      expect(call).toMatchObject({ name: 'GET', error: false });
      expect(call.attributes).toMatchObject({ 'http.response.status_code': 101, 'sockeye.stream': true });
      expect(call.attributes['sockeye.phase.connect_ms']).toBeGreaterThan(0);
      const visit = await served(`/asks-${kind}`, call.spanId);
      expect(visit).toMatchObject({ name: 'GET', error: false, traceId: call.traceId });
      expect(visit.attributes).toMatchObject({
        'http.response.status_code': 101,
        'sockeye.stream': true,
        'server.port': port,
      });
    },
  );

  it('is upgraded within its span: what the handler calls first belongs to it', async () => {
    const visit = await served('/asks-ws', (await asked('/asks-ws')).spanId);
    const inner = await receiver.waitFor(({ parentSpanId }) => parentSpanId === visit.spanId);
    expect(inner.attributes['url.full']).toContain('/asked');
  });

  it('that is refused has the status, and fails for the caller', async () => {
    const [call, visit] = [await asked('/private'), await served('/private')];
    expect(visit).toMatchObject({ error: false, attributes: { 'http.response.status_code': 401 } });
    expect(call).toMatchObject({ error: true, attributes: { 'error.type': '401' } });
  });

  it('that is given up calls nobody: what undici opens in its place is in store', async () => {
    expect(await asked('/silent')).toMatchObject({ error: true });
    const opening = await receiver.waitFor(
      ({ name, attributes }) => name === 'connect' && attributes['server.port'] === port,
    );
    expect(opening).toMatchObject({ kind: 'internal', error: false });
  });

  it('works as without the hook', () => {
    expect(lines.slice(0, 2)).toEqual(['echo', 'echo']);
    expect(lines).toEqual(JSON.parse(bare.stdout));
    expect(bare.stderr).toBe('');
  });
});

/** Asks for a tunnel or an upgrade and gives what came of it. */
function ask(options: object): Promise<string> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, ...options });
    sent.on('connect', (answer, socket) => {
      socket.destroy();
      resolve(`connect ${answer.statusCode}`);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    sent.end();
  });
}

describe('a server', () => {
  it('that answers CONNECT has a span of that', async () => {
    expect(await ask({ method: 'CONNECT', path: 'far.test:443' })).toBe('connect 200');
    const visit = await receiver.waitFor(({ name, kind }) => name === 'CONNECT' && kind === 'server');
    expect(visit.attributes).toMatchObject({ 'http.response.status_code': 200, 'sockeye.stream': true });
  });

  it('that destroys the socket instead of upgrading has a span without a status', async () => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    expect(await ask({ path: '/gone', headers })).toBe('ECONNRESET');
    const visit = await served('/gone');
    expect(visit.attributes).not.toHaveProperty(['http.response.status_code']);
  });
});
