/** Queries and commands that the driver's own timer gives up: their spans name it, with its delay where that is known. */
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSilentServer } from './faults.ts';
import { installed, startKafka, startMariaDb, startRedis, type TestServer } from './libraries/servers.ts';
import { startMongoDbStandIn } from './libraries/mongodb-stand-in.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { startApp, withHook } from './run-app.ts';

const program = fileURLToPath(new URL('libraries/by-require.cjs', import.meta.url));
const delayMs = 300;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

const isTold = (attributes: ReceivedSpan['attributes']) =>
  'db.query.text' in attributes || 'sockeye.timeout.timer' in attributes;

/** Asks whoever connects for a password, and says nothing more. */
async function startLoginServer(): Promise<TestServer> {
  const askForPassword = Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 3]);
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.write(askForPassword));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function startSilent(): Promise<TestServer> {
  const { port, close } = await startSilentServer();
  return { port, stop: () => Promise.resolve(close()) };
}

/** The failed calls of a program, as their timers and budgets. */
async function failedCallsOf(way: string, port: number) {
  const { flags, env } = withHook(receiver.url);
  const app = startApp(program, {
    flags,
    args: [way, String(port)],
    env: { ...env, OTEL_SERVICE_NAME: `${way} to ${port}` },
  });
  const isWork = ({ name, resource }: ReceivedSpan) =>
    name === 'work' && resource['service.name'] === `${way} to ${port}`;
  const work = await receiver.waitFor(isWork);
  app.child.kill('SIGTERM');
  const { stdout } = await app.ended;
  const calls = receiver.spans.filter(
    ({ traceId, error, message, attributes }) =>
      traceId === work.traceId && error && isTold(attributes) && !message.startsWith('ERR '),
  );
  for (const { attributes } of calls)
    // A driver may set its timer some time before the call begins.
    expect(attributes['sockeye.timeout.elapsed_ms']).toBeGreaterThan(delayMs / 2);
  return {
    stdout: stdout.trim().replaceAll(/connection \d+ to \S+/g, '…'),
    calls: calls.map(({ attributes }) => [
      attributes['sockeye.timeout.timer'],
      attributes['sockeye.timeout.budget_ms'],
    ]),
    phases: [...new Set(calls.map(({ attributes }) => attributes['sockeye.timeout.phase']))],
  };
}

interface DriverCase {
  way: string;
  start: () => Promise<TestServer | null>;
  isInstalled: boolean;
  says: string;
  calls: [timer: string, budgetMs: number | undefined][];
  phase?: string;
}

const known: DriverCase['calls'][number] = ['app', delayMs];
const cases: DriverCase[] = [
  {
    way: 'pg-slow',
    start: startSilent,
    isInstalled: true,
    says: 'Query read timeout, Query read timeout',
    // The second is a promise, which is rejected when the timer is over.
    calls: [known, ['app', undefined]],
  },
  // One whose login is not answered, and one that says nothing at all. That a signal was made meanwhile has nothing to do with it.
  ...[startLoginServer, startSilent].map((start) => ({
    way: 'pg-login-slow',
    start,
    isInstalled: true,
    says: 'timeout expired, Connection terminated due to connection timeout',
    calls: [known, known],
    phase: 'wait',
  })),
  {
    way: 'mysql2-login-slow',
    start: startSilent,
    isInstalled: true,
    says: 'connect ETIMEDOUT, connect ETIMEDOUT',
    calls: [known, known],
    phase: 'wait',
  },
  {
    way: 'mysql2-slow',
    start: startMariaDb,
    isInstalled: installed.mariadb,
    says: 'Query inactivity timeout, Query inactivity timeout, Query inactivity timeout',
    calls: [known, known, known],
  },
  {
    way: 'ioredis-slow',
    start: startRedis,
    isInstalled: installed.redis,
    says: 'Command timed out',
    calls: [known],
  },
  {
    way: 'mongodb-slow',
    start: startMongoDbStandIn,
    isInstalled: true,
    says: '… timed out',
    calls: [['app', undefined]],
  },
  {
    way: 'mongodb-silent',
    start: startSilent,
    isInstalled: true,
    says: 'Server selection timed out after 300 ms',
    calls: [known],
  },
  {
    way: 'kafkajs-slow',
    start: startKafka,
    isInstalled: installed.kafka,
    says: 'Request Produce(key: 0, version: 7) timed out',
    // Each of its tries has as much.
    calls: [['app', undefined]],
  },
  {
    way: 'redis-slow',
    start: startRedis,
    isInstalled: installed.redis,
    says: "Socket timeout timeout. Expecting data, but didn't receive any in 300ms., TimeoutError",
    calls: [known, known],
  },
];

for (const { way, start, isInstalled, says, calls, phase } of cases) {
  describe.skipIf(!isInstalled)(`${way} (${start.name})`, () => {
    let server: TestServer | null;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    it('names the timer that gave its calls up', async () => {
      expect(await failedCallsOf(way, server!.port)).toEqual({ stdout: says, calls, phases: [phase] });
    });
  });
}
