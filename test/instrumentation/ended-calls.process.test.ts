/** Calls of drivers that end otherwise than by an answer: each has one span, which ends with it, and the program sees what it sees without. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSilentServer } from './faults.ts';
import {
  installed,
  startKafka,
  startPostgres,
  startRabbitMq,
  startRedis,
  type TestServer,
} from './libraries/servers.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { startApp, withHook } from './run-app.ts';

const program = fileURLToPath(new URL('libraries/by-require.cjs', import.meta.url));

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

async function startSilent(): Promise<TestServer> {
  const { port, close } = await startSilentServer();
  return { port, stop: () => Promise.resolve(close()) };
}

/** What a program prints that uses a driver in this way, without and with the hook, and the spans of the trace it did so in. */
async function use(way: string, port: number) {
  const args = [way, String(port)];
  const bare = startApp(program, { args });
  const bareLine = await bare.line('{');
  bare.child.kill('SIGKILL');
  const { flags, env } = withHook(receiver.url);
  const app = startApp(program, { flags, args, env: { ...env, OTEL_SERVICE_NAME: way } });
  const isWork = ({ name, resource }: ReceivedSpan) => name === 'work' && resource['service.name'] === way;
  const work = await receiver.waitFor(isWork);
  const line = await app.line('{');
  app.child.kill('SIGKILL');
  await Promise.all([bare.ended, app.ended]);
  const calls = receiver.spans.filter(({ traceId, kind }) => traceId === work.traceId && kind !== 'internal');
  return { bareLine, line, calls };
}

interface Ending {
  /** In the text of the query, or the name of the span or of where a message goes. */
  call: string;
  message: string;
  attributes?: object;
}

const cancelled = { 'error.type': 'AbortError', 'sockeye.timeout.timer': 'abort' };

const drivers: {
  way: string;
  start: () => Promise<TestServer | null>;
  isInstalled: boolean;
  endings: Ending[];
}[] = [
  {
    way: 'mysql2-ended',
    start: startSilent,
    isInstalled: true,
    endings: [
      ...['untyped', 'promised'].map((call) => ({
        call,
        message: 'Bind parameters must not contain undefined. To pass SQL NULL specify JS null',
        attributes: { 'error.type': 'TypeError' },
      })),
      ...['destroyed', 'unheard'].map((call) => ({
        call,
        message: 'Connection destroyed',
        attributes: cancelled,
      })),
      {
        call: 'timed',
        message: 'Connection destroyed',
        attributes: {
          'error.type': 'AbortError',
          'sockeye.timeout.timer': 'app',
          'sockeye.timeout.budget_ms': 200,
        },
      },
      ...['late', 'refused'].map((call) => ({
        call,
        message: "Can't add new command when connection is in closed state",
      })),
      ...['No connections available.', 'Queue limit reached.'].map((message) => ({
        call: 'mysql2-pool.connect',
        message,
        attributes: { 'db.system.name': 'mysql', 'server.address': '127.0.0.1', 'error.type': '_OTHER' },
      })),
    ],
  },
  {
    way: 'ioredis-ended',
    start: startRedis,
    isInstalled: installed.redis,
    endings: [
      { call: 'set queued', message: '' },
      ...['blpop held', 'get behind', 'get closed'].map((call) => ({
        call,
        message: 'Connection is closed.',
      })),
      { call: 'get unready', message: "Stream isn't writeable and enableOfflineQueue options is false" },
      { call: 'quit', message: '' },
      { call: 'brpop resent', message: '' },
      {
        call: 'get stalled',
        message: 'Connection is closed.',
        attributes: { 'sockeye.timeout.timer': 'app', 'sockeye.timeout.budget_ms': 200 },
      },
    ],
  },
  {
    way: 'redis-ended',
    start: startRedis,
    isInstalled: installed.redis,
    endings: [
      ...['GET early', 'GET late', 'GET piped', 'SET mistaken'].map((call) => ({ call, message: '' })),
      {
        call: 'LPUSH mistaken',
        message: 'WRONGTYPE Operation against a key holding the wrong kind of value',
      },
    ],
  },
  {
    way: 'pg-ended',
    start: startPostgres,
    isInstalled: true,
    endings: [
      { call: 'as object', message: '' },
      ...['as mistaken', 'as promised'].map((call) => ({
        call,
        message: 'invalid input syntax for type integer: ?',
        attributes: { 'error.type': '22P02' },
      })),
      { call: 'as called', message: '' },
      { call: 'as lost', message: 'Connection terminated unexpectedly' },
      { call: 'as late', message: 'Client has encountered a connection error and is not queryable' },
    ],
  },
  {
    way: 'amqplib-ended',
    start: startRabbitMq,
    isInstalled: installed.rabbitmq,
    endings: [
      { call: 'frozen', message: '' },
      { call: 'own', message: '' },
      { call: 'mistaken', message: 'content is not a buffer' },
      { call: 'after', message: 'channel closed' },
      {
        call: 'closed',
        message: 'Channel closed',
        attributes: { 'error.type': 'IllegalOperationError' },
      },
    ],
  },
  {
    way: 'kafkajs-ended',
    start: startKafka,
    isInstalled: installed.kafka,
    endings: [
      { call: 'early', message: 'The producer is disconnected' },
      { call: 'frozen', message: '' },
      { call: 'batch', message: '' },
      { call: 'process frozen', message: 'at once' },
    ],
  },
];

describe.each(drivers.filter(({ isInstalled }) => isInstalled))('$way', ({ way, start, endings }) => {
  let server: TestServer | null;
  let used: Awaited<ReturnType<typeof use>>;
  beforeAll(async () => {
    server = await start();
    used = await use(way, server!.port);
  });
  afterAll(() => server?.stop());

  it.each(endings)('$call ends its one span: $message', ({ call, message, attributes = {} }) => {
    const found = used.calls.filter(
      (span) =>
        (span.name === call && span.message === message) ||
        (span.kind === 'producer' && span.attributes['messaging.destination.name'] === call) ||
        String(span.attributes['db.query.text']).includes(call),
    );
    expect(found.map((span) => ({ error: span.error, message: span.message }))).toEqual([
      { error: message !== '', message },
    ]);
    expect(found[0]!.attributes).toMatchObject(attributes);
  });

  it('the program sees what it sees without the hook', () => {
    expect(used.line).toBe(used.bareLine);
  });
});

it.skipIf(!installed.redis)(
  'commands of redis begin when their transaction is executed, or never',
  async () => {
    const server = await startRedis();
    const { calls } = await use('redis-ended', server!.port);
    await server!.stop();
    const textOf = ({ attributes }: ReceivedSpan) => String(attributes['db.query.text']);
    expect(calls.filter((span) => textOf(span).includes('dropped'))).toEqual([]);
    const [early, late] = ['GET early', 'GET late'].map((text) =>
      calls.find((span) => textOf(span) === text)!,
    );
    expect(late!.startMs - early!.startMs).toBeLessThan(300);
  },
);

it('none of them has told a value, neither by its status nor by an exception', () => {
  expect(receiver.requests.length).toBeGreaterThan(drivers.filter(({ isInstalled }) => isInstalled).length);
  expect(Buffer.concat(receiver.requests).includes('s3cr3t')).toBe(false);
});
