/** Calls given up in ways of the program's own: each says so, with the timer's delay where there was one. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFullListener, startSilentServer, type Fault } from './faults.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let receiver: Receiver;
let mute: Fault;
let full: Fault;
let silent: Server;
let stalling: Server;
let outcomes: unknown[];

const spanOf = (name: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );

async function startServer(answer: RequestListener): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

beforeAll(async () => {
  receiver = await startReceiver();
  [mute, full] = await Promise.all([startSilentServer(), startFullListener()]);
  silent = await startServer((request, response) => {
    if (request.url === '/warm') response.end('warm');
  });
  stalling = await startServer(({ url }, response) => {
    if (url === '/garbled') response.setHeader('content-encoding', 'gzip');
    response.writeHead(200, { 'content-length': 100 }).write('a part');
  });
  const [silentPort, stallingPort] = [silent, stalling].map(
    (server) => (server.address() as AddressInfo).port,
  );
  const ports = [silentPort, stallingPort, full.port, mute.port];
  const args = ports.map((port) => `http://127.0.0.1:${port}/`);
  const run = async (options: object) => {
    const app = startApp(appFile('given-up.cjs'), { args, ...options });
    const line = await app.line('{');
    if ('flags' in options) await spanOf('body-error');
    app.child.kill('SIGTERM');
    const { stderr } = await app.ended;
    return [JSON.parse(line), stderr];
  };
  outcomes = await Promise.all([run({}), run(withHook(receiver.url))]);
});

afterAll(() => {
  for (const server of [silent, stalling]) {
    server?.closeAllConnections();
    server?.close();
  }
  mute?.close();
  full?.close();
  receiver?.close();
});

it.each([
  { name: 'destroy-null', what: 'a request destroyed with null', timer: 'app', budgetMs: 200 },
  { name: 'socket-error', what: 'a socket destroyed with an error', timer: 'app', budgetMs: 200 },
  { name: 'socket-hang-up', what: 'a socket destroyed without one', timer: 'app', budgetMs: 200 },
  { name: 'answer-error', what: 'an answer destroyed with an error', timer: 'app', budgetMs: 200 },
  { name: 'answer-timeout', what: 'the idle timer of an answer', timer: 'http_timeout', budgetMs: 200 },
  { name: 'answer-dropped', what: 'an answer destroyed without one', timer: 'app', budgetMs: 200 },
  { name: 'agent-late', what: "an agent's own timer", timer: 'app', budgetMs: undefined },
  { name: 'body-text', what: 'a reason that is a text', timer: 'abort', budgetMs: 200 },
  { name: 'body-null', what: 'a reason that is null', timer: 'abort', budgetMs: 200 },
  { name: 'body-error', what: 'an error of its own', timer: 'abort', budgetMs: 200 },
  { name: 'pipe-text', what: 'the signal of a pipe', timer: 'abort', budgetMs: 200 },
  { name: 'cancel-late', what: 'a body cancelled by its timer', timer: 'app', budgetMs: 200 },
  { name: 'cancel-late-text', what: 'a body cancelled by its timer', timer: 'app', budgetMs: 200 },
  { name: 'cancel-late-error', what: 'a body cancelled by its timer', timer: 'app', budgetMs: 200 },
  { name: 'pipe-until', what: 'the signal of a pipeline', timer: 'abort_signal', budgetMs: 200 },
  { name: 'websocket', what: 'closing its WebSocket', timer: 'app', budgetMs: 200 },
  { name: 'destroy-aborted', what: 'a listener of its signal', timer: 'abort', budgetMs: 200 },
  { name: 'reason-again', what: 'a reason of an abort before', timer: 'abort', budgetMs: 200 },
  { name: 'reason-destroyed', what: 'an error that was a reason before', timer: 'app', budgetMs: 200 },
])('a call given up by $what says by which timer ($name)', async ({ name, timer, budgetMs }) => {
  const { error, attributes } = await spanOf(name);
  expect(error).toBe(true);
  expect({
    timer: attributes['sockeye.timeout.timer'],
    budgetMs: attributes['sockeye.timeout.budget_ms'],
  }).toEqual({ timer, budgetMs });
});

it.each([
  { name: 'expecting', what: 'the server wants its body', phase: 'wait' },
  { name: 'expecting-part', what: 'all of its body is there', phase: 'send' },
])('a call that is given up before $what is in $phase', async ({ name, phase }) => {
  const { attributes } = await spanOf(name);
  expect(attributes).toMatchObject({
    'sockeye.timeout.phase': phase,
    'sockeye.timeout.timer': 'abort_signal',
    'sockeye.timeout.budget_ms': 200,
  });
});

const clients = ['fetch', 'fetch-request', 'npm-fetch', 'npm-request', 'npm-stream', 'http', 'http2'];
const reasons = ['text', 'null', 'any', 'none', 'error'];
const oddReasons = ['function', 'symbol', 'bigint', 'object', 'throwing', 'revoked'];
/** Node's own clients put an error of their own around the reason. */
const typeOf = (client: string, reason: string) =>
  reason === 'error' && !client.startsWith('http') ? '_OTHER' : 'AbortError';
it.each([
  ...clients.flatMap((client) =>
    [...reasons, ...oddReasons].map((reason) => ({
      name: `${client}-${reason}`,
      type: typeOf(client, reason),
      phase: 'wait',
    })),
  ),
  ...['fetch', 'npm-fetch'].map((client) => ({
    name: `${client}-unconnected`,
    type: 'AbortError',
    phase: 'connect',
  })),
  { name: 'npm-fetch-queued', type: 'AbortError', phase: 'queue' },
])(
  'a call aborted before its answer is an abort, whatever the reason ($name)',
  async ({ name, type, phase }) => {
    const { error, attributes } = await spanOf(name);
    expect(error).toBe(true);
    expect(attributes).toMatchObject({
      'error.type': type,
      'sockeye.timeout.timer': 'abort',
      'sockeye.timeout.budget_ms': 200,
      'sockeye.timeout.phase': phase,
    });
  },
);

it.each(['cancel-text', 'left-iteration', 'left-sink', 'left-request', 'left-pipe', 'left-error'])(
  'an answer that the program leaves is no error, and nobody gave it up (%s)',
  async (name) => {
    const { error, message, attributes } = await spanOf(name);
    expect({ error, message }).toEqual({ error: false, message: '' });
    expect(attributes).toMatchObject({ 'http.response.status_code': 200 });
    expect(attributes).toHaveProperty(['sockeye.phase.receive_ms']);
    expect(Object.keys(attributes).filter((key) => key.startsWith('sockeye.timeout.'))).toEqual([]);
  },
);

it('an answer whose client was destroyed while it was read is an error, with or without a reason', async () => {
  expect(await spanOf('client-destroyed')).toMatchObject({ error: true, message: 'shutdown' });
});

it('an answer that cannot be decoded is an error', async () => {
  expect((await spanOf('garbled')).attributes).toMatchObject({ 'error.type': 'Z_DATA_ERROR' });
});

it('a signal that the call took away from its request is not asked', async () => {
  const { error, attributes } = await spanOf('null-signal');
  expect(error).toBe(true);
  expect(attributes).toMatchObject({ 'error.type': '_OTHER' });
  expect(attributes).not.toHaveProperty('sockeye.timeout.timer');
});

it.each(['agent-no', 'agent-504'])('a call whose agent was refused was not given up (%s)', async (name) => {
  const { error, attributes } = await spanOf(name);
  expect(error).toBe(true);
  expect(attributes).toMatchObject({ 'error.type': '_OTHER' });
  expect(Object.keys(attributes).filter((key) => key.startsWith('sockeye.timeout.'))).toEqual([]);
});

it('the program sees what it sees without the hook', () => {
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject([{ 'body-text': 'text' }, '']);
});
