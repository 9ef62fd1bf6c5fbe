/** Calls of gRPC to names with several addresses, of which some do not serve: what was tried, and what the time went to. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let receiver: Receiver;
let outcomes: unknown;

beforeAll(async () => {
  receiver = await startReceiver();
  const app = startApp(appFile('grpc-addresses.cjs'), withHook(receiver.url));
  outcomes = JSON.parse(await app.line('{'));
  await spanOf('BackOff');
  app.child.kill('SIGTERM');
  await app.ended;
});

afterAll(() => receiver?.close());

const spanOf = (method: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && attributes['rpc.method'] === `shop.Cart/${method}`,
  );
const attemptsOf = async (method: string) =>
  ((await spanOf(method)).attributes['sockeye.connect.attempts'] as string[]).map((attempt) =>
    attempt.replace(/:\d+/, '').replaceAll(/ [\d.]+ms.*/g, ''),
  );

it('the calls end as they do', () => {
  expect(outcomes).toEqual({
    reset: 'ok',
    silent: 4,
    unanswered: 4,
    unansweredAgain: 4,
    credentials: 4,
    gone: [14, 4],
    refused: 14,
    backOff: 4,
  });
});

it('an address that takes the connection and never serves is among those that were tried', async () => {
  expect(await attemptsOf('Reset')).toEqual(['127.0.0.5 connected', '127.0.0.1 connected']);
  expect(await attemptsOf('Silent')).toEqual([
    '127.0.0.2 ECONNREFUSED',
    '127.0.0.6 connected',
    '127.0.0.4 ECONNREFUSED',
  ]);
});

it.each(['Silent', 'Unanswered', 'UnansweredAgain'])(
  'a call to a peer that is connected and never speaks HTTP/2 waits for it, whoever connected (%s)',
  async (method) => {
    const { error, attributes } = await spanOf(method);
    expect(error).toBe(true);
    expect(attributes).toMatchObject({
      'network.peer.address': '127.0.0.6',
      'sockeye.timeout.phase': 'wait',
      'sockeye.timeout.timer': 'grpc_deadline',
      'sockeye.http2.answered': false,
      'sockeye.tcp.state': 'ESTABLISHED',
      'sockeye.tcp.unacked': 0,
      'sockeye.tcp.bytes_received': 0,
    });
  },
);

it('and says so while it waits', async () => {
  const { attributes } = await receiver.waitForSnapshot(
    ({ attributes: told }) => told['rpc.method'] === 'shop.Cart/Unanswered',
  );
  expect(attributes).toMatchObject({ 'sockeye.http2.answered': false });
  expect(attributes['sockeye.phase.wait_ms']).toBeGreaterThan(500);
});

it('a peer that has spoken is not silent where the call waits for credentials of the program', async () => {
  const { attributes } = await spanOf('Credentials');
  expect(attributes['sockeye.timeout.phase']).toBe('send');
  expect(attributes).not.toHaveProperty(['sockeye.http2.answered']);
});

it('a silent peer was waited for although its connection has gone, and the next is refused', async () => {
  const isGone = ({ attributes }: { attributes: Record<string, unknown> }) =>
    attributes['rpc.method'] === 'shop.Cart/Gone';
  expect((await receiver.waitForSnapshot(isGone)).attributes).toMatchObject({
    'sockeye.http2.answered': false,
  });
  const { attributes } = await spanOf('Gone');
  expect(attributes).toMatchObject({
    'rpc.response.status_code': 'UNAVAILABLE',
    'sockeye.http2.answered': false,
  });
  expect(attributes['sockeye.phase.wait_ms']).toBeGreaterThan(800);
});

it('a call that waits on after such a peer, for longer, was in connect', async () => {
  const { attributes } = await spanOf('GoneReady');
  expect(attributes).toMatchObject({ 'sockeye.timeout.phase': 'connect' });
  expect(attributes).not.toHaveProperty(['sockeye.http2.answered']);
  expect(attributes).not.toHaveProperty(['sockeye.phase.wait_ms']);
});

it('a call that was answered at last does not say so', async () => {
  expect((await spanOf('Reset')).attributes).not.toHaveProperty(['sockeye.http2.answered']);
});

it('its time is not that of the lookup, which was over before', async () => {
  const { attributes } = await spanOf('Reset');
  expect(attributes['sockeye.phase.connect_ms']).toBeGreaterThan(200);
  expect(attributes['sockeye.phase.dns_ms'] ?? 0).toBeLessThan(200);
});

it('a call to a channel that tries its addresses again and again waits for no lookup', async () => {
  const { attributes } = await spanOf('BackOff');
  expect(attributes).not.toHaveProperty(['sockeye.phase.dns_ms']);
  expect(attributes['sockeye.phase.connect_ms']).toBeGreaterThan(1000);
});
