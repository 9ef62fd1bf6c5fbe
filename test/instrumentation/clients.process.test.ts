/** The HTTP clients that people use, each in the situations that calls get into: what its spans say in each of them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFile, closedPort, startHttpServer, type Fault } from './faults.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { startProxy } from './proxy.ts';
import { appFile, startApp, withHook } from './run-app.ts';

const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];
const budgetMs = 700;
/** How long the holder of a pool's only connection waits for its answer. */
const heldMs = 400;

/** What a client's own time-out is called on the span. */
const clients = [
  { client: 'http', timer: 'http_timeout' },
  { client: 'fetch', timer: 'abort_signal' },
  { client: 'npm-fetch', timer: 'abort_signal' },
  { client: 'undici-request', timer: 'abort_signal' },
  { client: 'undici-stream', timer: 'abort_signal' },
  { client: 'axios', timer: 'app' },
  { client: 'got', timer: 'app' },
  { client: 'node-fetch', timer: 'abort_signal' },
  { client: 'superagent', timer: 'app' },
];
const overHttp = ['http', 'axios', 'got', 'node-fetch', 'superagent'];
const overPools = ['undici-request', 'npm-fetch'];
const ofUndici = [...overPools, 'undici-stream'];
/** They leave redirects to the program. */
const stayPut = ['http', 'undici-request', 'undici-stream'];

let receiver: Receiver;
let server: Server;
let url: string;
const faults: Fault[] = [];
let bare: Record<string, unknown>;
let hooked: Record<string, unknown>;

/** `/hang…` is never answered, `/held…` late, `/redirect…` leads on. */
async function startServer(): Promise<Server> {
  const started = createServer((request, response) => {
    const path = request.url!;
    if (path.startsWith('/hang')) return;
    if (path.startsWith('/redirect'))
      response.writeHead(302, { location: path.replace('redirect', 'landed') }).end();
    else if (path.startsWith('/held')) setTimeout(() => response.end('late'), heldMs);
    else request.resume().on('end', () => response.end('answer'));
  });
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return started;
}

beforeAll(async () => {
  receiver = await startReceiver();
  server = await startServer();
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  faults.push(await startHttpServer('https'), await startProxy(), await startProxy({ isSilent: true }));
  const [secure, proxy, silentProxy] = faults as [Fault, Fault, Fault];
  const call = (client: string, path: string, more: object = {}) => ({
    client,
    name: `${path}-${client}`,
    url: `${url}/${path}-${client}`,
    ...more,
  });
  const all = (path: string, more: object = {}) => clients.map(({ client }) => call(client, path, more));
  const secured = (client: string, path: string, more: object = {}) =>
    call(client, path, { url: `https://127.0.0.1:${secure.port}/${path}-${client}`, ...more });
  const through = (client: string) => {
    const proxied = { proxy: `http://127.0.0.1:${proxy.port}` };
    return [secured(client, 'tunnelled', proxied), call(client, 'forwarded', proxied)];
  };
  const steps = [
    all('first'),
    all('again'),
    all('redirect'),
    all('upload', { bodyBytes: 300_000 }),
    all('hang', { budgetMs }),
    clients.map(({ client }) => secured(client, 'secure')),
    ...overHttp.map((client) => [
      call(client, 'held', { pool: 'one' }),
      call(client, 'queued', { pool: 'one' }),
    ]),
    ...overPools.map((client) => [
      call(client, 'held', { connections: 1 }),
      call(client, 'queued', { connections: 1 }),
    ]),
    [
      call('http', 'held-long', { pool: 'one' }),
      call('http', 'given-up', { pool: 'one', signalMs: heldMs / 2 }),
    ],
    overPools.flatMap(through),
    [secured('npm-fetch', 'lost', { proxy: `http://127.0.0.1:${silentProxy.port}`, budgetMs })],
    [call('axios', 'refused', { url: `http://127.0.0.1:${closedPort}/refused-axios` })],
  ];
  const args = [JSON.stringify(steps)];
  const env = { NODE_EXTRA_CA_CERTS: certificateFile };
  const hook = withHook(receiver.url);
  const run = async (options: object) => {
    const app = startApp(appFile('clients.mjs'), { args, ...options });
    const line = await app.line('{');
    if ('flags' in options) await spanOf('refused-axios');
    app.child.kill('SIGTERM');
    const { stderr } = await app.ended;
    return { ...(JSON.parse(line) as Record<string, unknown>), stderr };
  };
  [bare, hooked] = await Promise.all([run({ env }), run({ ...hook, env: { ...hook.env, ...env } })]);
});

afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  for (const fault of faults) fault.close();
  receiver?.close();
});

const spanOf = (name: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );

function phasesOf({ attributes }: ReceivedSpan): string[] {
  return phaseOrder.filter((phase) => attributes[`sockeye.phase.${phase}_ms`] !== undefined);
}

const phaseMs = ({ attributes }: ReceivedSpan, phase: string) =>
  Number(attributes[`sockeye.phase.${phase}_ms`]);

describe.each(clients)('a call of $client', ({ client, timer }) => {
  it('on a new connection has all phases, on a used one those of the request alone', async () => {
    const [first, again] = [await spanOf(`first-${client}`), await spanOf(`again-${client}`)];
    expect(phasesOf(first)).toEqual(['connect', 'send', 'wait', 'receive']);
    expect(first.attributes['sockeye.connection.reused']).toBe(false);
    // undici may still be busy with the first answer, and then opens another connection.
    const isReused = again.attributes['sockeye.connection.reused'];
    expect(phasesOf(again)).toEqual(isReused ? ['send', 'wait', 'receive'] : phasesOf(first));
    expect(isReused === true || !overHttp.includes(client)).toBe(true);
  });

  it('over TLS has the handshake too', async () => {
    const span = await spanOf(`secure-${client}`);
    const [first, ...others] = phasesOf(span);
    // While its first connection negotiates which HTTP it will speak, a pool of npm's undici opens no other.
    const opening = first === 'queue' && ofUndici.includes(client) ? others : phasesOf(span);
    expect(opening).toEqual(['connect', 'tls', 'send', 'wait', 'receive']);
  });

  it('that uploads a stream sends before it waits', async () => {
    const span = await spanOf(`upload-${client}`);
    expect(span).toMatchObject({ name: 'POST', error: false });
    expect(phasesOf(span).slice(-3)).toEqual(['send', 'wait', 'receive']);
  });

  it('that is redirected has a span for each hop, as far as the client goes', async () => {
    const hop = await spanOf(`redirect-${client}`);
    expect(hop.attributes['http.response.status_code']).toBe(302);
    if (stayPut.includes(client)) return;
    expect((await spanOf(`landed-${client}`)).attributes['http.response.status_code']).toBe(200);
  });

  it('past its own time-out names that, its budget, and the phase it was in', async () => {
    const span = await spanOf(`hang-${client}`);
    expect(span.error).toBe(true);
    expect(span.attributes).toMatchObject({
      'sockeye.timeout.phase': 'wait',
      'sockeye.timeout.timer': timer,
      'sockeye.timeout.budget_ms': budgetMs,
    });
  });
});

describe('a call that waits for the only connection of its pool', () => {
  it.each([...overHttp, ...overPools])(
    'has been in queue, and tells what held the pool (%s)',
    async (client) => {
      const [held, queued] = [await spanOf(`held-${client}`), await spanOf(`queued-${client}`)];
      expect(phasesOf(queued)).toEqual(['queue', 'send', 'wait', 'receive']);
      // Timers may be a little early.
      expect(phaseMs(queued, 'queue')).toBeGreaterThan(heldMs - 20);
      expect(queued.parentSpanId).toBe(held.parentSpanId);
      expect(queued.attributes).toMatchObject({
        'sockeye.pool.in_use': 1,
        'sockeye.pool.max': 1,
        'sockeye.pool.pending': 1,
      });
      expect(['connect', 'send', 'wait']).toContain(queued.attributes['sockeye.pool.oldest_phase']);
      expect(held.attributes).not.toHaveProperty(['sockeye.pool.in_use']);
    },
  );
});

it('a call given up while it waits in the pool tells what holds the pool then', async () => {
  const span = await spanOf('given-up-http');
  expect(phasesOf(span)).toEqual(['queue']);
  expect(span.attributes).toMatchObject({
    'sockeye.timeout.phase': 'queue',
    'sockeye.timeout.budget_ms': heldMs / 2,
    'sockeye.pool.in_use': 1,
    'sockeye.pool.max': 1,
    'sockeye.pool.oldest_phase': 'wait',
  });
});

describe('a call through a proxy', () => {
  it.each(overPools)(
    'to an HTTPS server has the tunnel in its connect, and its own handshake (%s)',
    async (client) => {
      const span = await spanOf(`tunnelled-${client}`);
      expect(phasesOf(span).filter((phase) => phase !== 'queue')).toEqual([
        'connect',
        'tls',
        'send',
        'wait',
        'receive',
      ]);
      expect(span.attributes).toMatchObject({
        'server.address': '127.0.0.1',
        'server.port': faults[0]!.port,
        'network.peer.port': faults[1]!.port,
      });
      const tunnel = await receiver.waitFor(
        ({ name, attributes }) => name === 'CONNECT' && attributes['server.port'] === faults[1]!.port,
      );
      expect(tunnel.attributes).toMatchObject({ 'sockeye.stream': true, 'http.response.status_code': 200 });
    },
  );

  it.each(overPools)('to an HTTP server has the URL of the server (%s)', async (client) => {
    const span = await spanOf(`forwarded-${client}`);
    expect(span.attributes['url.full']).toBe(`${url}/forwarded-${client}`);
    expect(span.attributes['http.response.status_code']).toBe(200);
  });

  it('that does not open the tunnel was in connect when it was given up', async () => {
    const span = await spanOf('lost-npm-fetch');
    expect(phasesOf(span)).toEqual(['connect']);
    expect(span.attributes).toMatchObject({
      'sockeye.timeout.phase': 'connect',
      'sockeye.timeout.timer': 'abort_signal',
      'sockeye.timeout.budget_ms': budgetMs,
    });
  });
});

it('every client gets what it gets without the hook', () => {
  expect(hooked).toEqual(bare);
  expect(bare['stderr']).toBe('');
});
