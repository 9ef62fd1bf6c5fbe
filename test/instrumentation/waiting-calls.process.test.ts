/** Calls that wait behind others for one connection: that is a queue, and what becomes of the connection later is not theirs. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closedPort } from './faults.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];

let receiver: Receiver;
let server: Server;
let outcomes: unknown[];

const spanOf = (name: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );
const phasesOf = async (name: string) => {
  const { attributes } = await spanOf(name);
  return phaseOrder.filter((phase) => attributes[`sockeye.phase.${phase}_ms`] !== undefined);
};

beforeAll(async () => {
  receiver = await startReceiver();
  server = createServer((request, response) => {
    if (request.url!.startsWith('/hang')) return;
    setTimeout(() => response.end('answer'), request.url === '/held' ? 300 : 0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ports = [(server.address() as AddressInfo).port, closedPort];
  const args = ports.map((port) => `http://127.0.0.1:${port}`);
  const run = async (options: object) => {
    const app = startApp(appFile('waiting-calls.cjs'), { args, ...options });
    const line = await app.line('{');
    if ('flags' in options) await spanOf('last');
    app.child.kill('SIGTERM');
    const { stderr } = await app.ended;
    return [JSON.parse(line), stderr];
  };
  outcomes = await Promise.all([run({}), run(withHook(receiver.url))]);
});

afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  receiver?.close();
});

it('one that a client of undici sends when the answer before has begun was in queue until then', async () => {
  expect(await phasesOf('held')).toEqual(['connect', 'send', 'wait', 'receive']);
  expect(await phasesOf('behind')).toEqual(['queue', 'send', 'wait', 'receive']);
  expect((await spanOf('behind')).attributes).toMatchObject({
    'sockeye.pool.in_use': 1,
    'sockeye.phase.queue_ms': expect.toSatisfy((ms) => ms > 200),
  });
});

it.each(['given-up-behind', 'given-up-agent'])(
  'one that is given up behind another was in queue, whatever connection is opened later (%s)',
  async (name) => {
    expect(await phasesOf(name)).toEqual(['queue']);
    expect((await spanOf(name)).attributes).toMatchObject({
      'error.type': 'TimeoutError',
      'sockeye.timeout.timer': 'abort_signal',
      'sockeye.timeout.phase': 'queue',
      'sockeye.timeout.budget_ms': 200,
    });
  },
);

it('one whose connection another gave up, and that undici sends again, has waited since it was sent first', async () => {
  expect(await phasesOf('hang-pipelined')).toEqual(['send', 'wait']);
  expect((await spanOf('hang-beside')).attributes).toMatchObject({ 'sockeye.timeout.phase': 'wait' });
});

it.each(['refused', 'refused-behind'])(
  'one whose connection is refused was in connect (%s)',
  async (name) => {
    expect(await phasesOf(name)).toEqual(['connect']);
    expect((await spanOf(name)).attributes).toMatchObject({ 'error.type': 'ECONNREFUSED' });
  },
);

it('what an agent opens for a request that has gone, and ends at once, has not failed', async () => {
  await spanOf('last');
  expect(receiver.spans.filter(({ name, error }) => name === 'connect' && error)).toEqual([]);
});

it('the program sees what it sees without the hook', () => {
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject([{ held: ['answer', 'answer'], last: ['answer'] }, '']);
});
