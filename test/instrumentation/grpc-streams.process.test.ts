/** Streams of gRPC past their deadline: which phase they were in, on whose side. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

const budgetMs = 700;
const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];

let receiver: Receiver;
let outcomes: Record<'bare' | 'hooked', unknown>;

async function run(options: object): Promise<unknown> {
  const app = startApp(appFile('grpc-streams.cjs'), { args: [String(budgetMs)], ...options });
  const line = await app.line('{');
  if ('flags' in options) {
    for (const name of ['Stalls', 'Mute', 'Upload', 'Chat', 'Whole'])
      for (const kind of ['client', 'server'] as const) await spanOf(name, kind);
  }
  app.child.kill('SIGTERM');
  const { stderr } = await app.ended;
  return { ended: JSON.parse(line) as unknown, stderr };
}

const spanOf = (name: string, kind: 'client' | 'server' = 'client') =>
  receiver.waitFor((span) => span.kind === kind && span.attributes['rpc.method'] === `shop.Feed/${name}`);

beforeAll(async () => {
  receiver = await startReceiver();
  const [bare, hooked] = await Promise.all([run({}), run(withHook(receiver.url))]);
  outcomes = { bare, hooked };
});

afterAll(() => receiver?.close());

it.each([
  { name: 'Stalls', what: 'whose messages stop coming', phase: 'receive' },
  { name: 'Chat', what: 'both ways that goes silent', phase: 'receive' },
  { name: 'Mute', what: 'that is never answered', phase: 'wait' },
  { name: 'Upload', what: 'that is taken and not answered', phase: 'wait' },
])('a stream $what was in $phase at its deadline', async ({ name, phase }) => {
  const { error, attributes } = await spanOf(name);
  const phases = phaseOrder.filter((each) => attributes[`sockeye.phase.${each}_ms`] !== undefined);
  expect(phases.at(-1)).toBe(phase);
  expect(error).toBe(true);
  expect(attributes).toMatchObject({
    'rpc.response.status_code': 'DEADLINE_EXCEEDED',
    'error.type': 'DEADLINE_EXCEEDED',
    'sockeye.stream': true,
    'sockeye.timeout.phase': phase,
    'sockeye.timeout.timer': 'grpc_deadline',
  });
  expect(attributes['sockeye.timeout.budget_ms']).toBeGreaterThan(budgetMs - 200);
  expect(attributes['sockeye.timeout.budget_ms']).toBeLessThanOrEqual(budgetMs);
});

it.each(['Stalls', 'Mute', 'Upload', 'Chat', 'Whole'])(
  'the server’s span of %s is the call’s child',
  async (name) => {
    const [client, server] = [await spanOf(name), await spanOf(name, 'server')];
    expect(server).toMatchObject({ traceId: client.traceId, parentSpanId: client.spanId });
    expect(server.attributes['sockeye.stream']).toBe(true);
  },
);

it('a stream that ends in time is no failure', async () => {
  const { error, attributes } = await spanOf('Whole');
  expect(error).toBe(false);
  expect(attributes).toMatchObject({ 'rpc.response.status_code': 'OK', 'sockeye.stream': true });
});

it('the program sees what it sees without the hook', () => {
  expect(outcomes.hooked).toEqual(outcomes.bare);
  expect(outcomes.bare).toMatchObject({ stderr: '', ended: { Stalls: { code: 4, text: 'one' } } });
});
