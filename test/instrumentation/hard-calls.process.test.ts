/** Calls that do not go as planned, by each of the HTTP clients: addresses that refuse, connections that break, bodies that stop. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];
const budgetMs = 1200;

/** What each calls its own time-out, here of a body that stalls; the budget is known unless it says otherwise. */
const stalls: Record<string, { timer: string; budgetMs?: undefined }> = {
  http: { timer: 'http_timeout' },
  fetch: { timer: 'abort_signal' },
  'npm-fetch': { timer: 'abort_signal' },
  'undici-request': { timer: 'abort_signal' },
  'undici-stream': { timer: 'abort_signal' },
  axios: { timer: 'socket_timeout' },
  'axios-fetch': { timer: 'abort' },
  got: { timer: 'app' },
  'node-fetch': { timer: 'abort_signal' },
  superagent: { timer: 'app' },
};
const clients = Object.keys(stalls);
/** Their pools are the program's; those of the others may open another connection instead of using one again. */
const withPool = ['npm-fetch', 'undici-request', 'undici-stream'];
const withAgent = ['http', 'axios', 'got', 'node-fetch', 'superagent'];
/** They give the answer as a stream; got and node-fetch end the whole request with it. */
const streaming = ['http', 'fetch', 'npm-fetch', 'undici-request', 'axios', 'got', 'node-fetch'];

let receiver: Receiver;
let server: Server;
let bare: Record<string, unknown>;
let hooked: Record<string, unknown>;

/** `/dropped…` resets a connection used before, `/cut…` resets within its answer, `/stall…` sends half of it, `/big…` is long; `/deaf…` does not read. */
async function startServer(): Promise<Server> {
  const used = new WeakSet<Socket>();
  const started = createServer((request, response) => {
    const path = request.url!;
    const isReused = used.has(request.socket);
    used.add(request.socket);
    if (path.startsWith('/deaf')) return;
    request.resume();
    if (path.startsWith('/dropped') && isReused) request.socket.resetAndDestroy();
    else if (path.startsWith('/cut') || path.startsWith('/stall')) {
      response.writeHead(200, { 'content-length': 100 });
      response.write('a part', () => {
        // What was written has been read when the reset comes.
        if (path.startsWith('/cut')) setTimeout(() => request.socket.resetAndDestroy(), 100);
      });
    } else if (path.startsWith('/big')) response.end(Buffer.alloc(8 << 20));
    else response.end('answer');
  });
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return started;
}

beforeAll(async () => {
  receiver = await startReceiver();
  server = await startServer();
  const { port } = server.address() as AddressInfo;
  const call = (
    client: string,
    path: string,
    { host = '127.0.0.1', ...more }: { host?: string; [option: string]: unknown } = {},
  ) => ({
    client,
    name: `${path}-${client}`,
    url: `http://${host}:${port}/${path}-${client}`,
    ...more,
  });
  const all = (path: string, more: Record<string, unknown> = {}) =>
    clients.map((client) => call(client, path, more));
  const kept = (path: string) => [
    ...withAgent.map((client) => call(client, path, { pool: `of ${client}` })),
    ...withPool.map((client) => call(client, path, { connections: 1 })),
  ];
  const steps = [
    all('dual', { host: 'dual.test' }),
    kept('warm'),
    kept('dropped'),
    all('cut'),
    all('stall', { budgetMs }),
    // More than the kernels of both sides hold.
    all('deaf', { bodyBytes: 30 << 20, budgetMs }),
    streaming.map((client) => call(client, 'big', { read: 'some' })),
    [call('http', 'last')],
  ];
  const run = async (options: object) => {
    const app = startApp(appFile('clients.mjs'), { args: [JSON.stringify(steps)], ...options });
    const line = await app.line('{');
    if ('flags' in options) await spanOf('last-http');
    app.child.kill('SIGTERM');
    const { stderr } = await app.ended;
    // What superagent has to say of itself.
    const lines = stderr.split('\n').filter((each) => each !== '' && !each.startsWith('superagent: '));
    return { ...(JSON.parse(line) as Record<string, unknown>), stderr: lines };
  };
  bare = await run({});
  hooked = await run(withHook(receiver.url));
});

afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  receiver?.close();
});

const spanOf = (name: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );

const timeoutOf = (attributes: object) =>
  Object.keys(attributes).filter((key) => key.startsWith('sockeye.timeout.'));

describe.each(clients)('a call of %s', (client) => {
  it('to a name with two addresses tries them in turn, and says how each went', async () => {
    const { error, attributes } = await spanOf(`dual-${client}`);
    expect(error).toBe(false);
    expect(attributes['sockeye.connect.attempts']).toEqual([
      expect.stringMatching(/^\[::1\]:\d+ (ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH) \d+ms/),
      expect.stringMatching(/^127\.0\.0\.1:\d+ connected \d+ms$/),
    ]);
    expect(attributes['network.peer.address']).toBe('127.0.0.1');
  });

  it('whose answer is cut off by the peer failed within it, and nobody gave up', async () => {
    const { error, attributes } = await spanOf(`cut-${client}`);
    expect(error).toBe(true);
    expect(attributes).toMatchObject({ 'http.response.status_code': 200 });
    expect(attributes['error.type']).toMatch(/^(ECONNRESET|UND_ERR_SOCKET)$/);
    expect(attributes).toHaveProperty(['sockeye.phase.receive_ms']);
    expect(timeoutOf(attributes)).toEqual([]);
  });

  it('whose answer stalls is given up within it, by the timer that it was', async () => {
    const { error, attributes } = await spanOf(`stall-${client}`);
    expect(error).toBe(true);
    expect(attributes).toMatchObject({
      'http.response.status_code': 200,
      'sockeye.timeout.phase': 'receive',
    });
    expect({
      timer: attributes['sockeye.timeout.timer'],
      budgetMs: attributes['sockeye.timeout.budget_ms'],
    }).toEqual({ budgetMs, ...stalls[client] });
  });

  it('that uploads to a peer that does not read is given up in send', async () => {
    const { error, attributes } = await spanOf(`deaf-${client}`);
    expect(error).toBe(true);
    expect(phaseOrder.filter((phase) => `sockeye.phase.${phase}_ms` in attributes).at(-1)).toBe('send');
    expect(attributes).toMatchObject({ 'sockeye.timeout.phase': 'send' });
  });
});

describe('a call on a used connection', () => {
  it.each([...withAgent, ...withPool])(
    'that the server resets just then failed for that, after how long a rest, and nobody gave up (%s)',
    async (client) => {
      const { error, attributes } = await spanOf(`dropped-${client}`);
      expect(error).toBe(true);
      expect(attributes).toMatchObject({ 'error.type': 'ECONNRESET', 'sockeye.connection.reused': true });
      expect(attributes['sockeye.connection.idle_ms']).toBeGreaterThan(0);
      expect(timeoutOf(attributes)).toEqual([]);
    },
  );
});

describe('a call whose answer the program stops reading', () => {
  it.each(streaming)('is no error, and was not given up (%s)', async (client) => {
    const { error, attributes } = await spanOf(`big-${client}`);
    expect(error).toBe(false);
    expect(attributes).toMatchObject({ 'http.response.status_code': 200 });
    expect(attributes).toHaveProperty(['sockeye.phase.receive_ms']);
    expect(timeoutOf(attributes)).toEqual([]);
  });
});

it('every client gets what it gets without the hook', () => {
  expect(hooked).toEqual(bare);
  expect(bare['stderr']).toEqual([]);
});
