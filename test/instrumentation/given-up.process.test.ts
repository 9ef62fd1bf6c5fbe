/** Calls given up in ways of the program's own: each says so, with the timer's delay where there was one. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSilentServer, type Fault } from './faults.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let receiver: Receiver;
let silent: Fault;
let stalling: Server;
let outcomes: unknown[];

const spanOf = (name: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );

beforeAll(async () => {
  receiver = await startReceiver();
  silent = await startSilentServer();
  stalling = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('a part');
  });
  await new Promise<void>((resolve) => stalling.listen(0, '127.0.0.1', resolve));
  const ports = [silent.port, (stalling.address() as AddressInfo).port];
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
  stalling?.closeAllConnections();
  stalling?.close();
  silent?.close();
  receiver?.close();
});

it.each([
  { name: 'destroy-null', what: 'a request destroyed with null', timer: 'app', budgetMs: 200 },
  { name: 'agent-late', what: "an agent's own timer", timer: 'app', budgetMs: undefined },
  { name: 'body-text', what: 'a reason that is a text', timer: 'abort', budgetMs: 200 },
  { name: 'body-null', what: 'a reason that is null', timer: 'abort', budgetMs: 200 },
  { name: 'body-error', what: 'an error of its own', timer: 'abort', budgetMs: 200 },
])('a call given up by $what says by which timer ($name)', async ({ name, timer, budgetMs }) => {
  const { error, attributes } = await spanOf(name);
  expect(error).toBe(true);
  expect({
    timer: attributes['sockeye.timeout.timer'],
    budgetMs: attributes['sockeye.timeout.budget_ms'],
  }).toEqual({ timer, budgetMs });
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
