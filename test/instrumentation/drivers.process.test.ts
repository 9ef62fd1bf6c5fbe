/** Drivers that wait: for a connection that does not come about, and for one of their pool. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closedPort, startFullListener, type Fault } from './faults.ts';
import { installed, startMariaDb, startPostgres, startRedis, type TestServer } from './libraries/servers.ts';
import { startMongoDbStandIn } from './libraries/mongodb-stand-in.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { startApp, withHook } from './run-app.ts';

const program = fileURLToPath(new URL('libraries/by-require.cjs', import.meta.url));

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

/** Runs a program that uses a driver in this way: what it printed, and the spans of the trace it did so in. */
async function use(
  way: string,
  port: number,
): Promise<{ stdout: string; work: ReceivedSpan; spans: ReceivedSpan[] }> {
  const { flags, env } = withHook(receiver.url);
  const service = `${way} to ${port}`;
  const app = startApp(program, {
    flags,
    args: [way, String(port)],
    env: { ...env, OTEL_SERVICE_NAME: service },
  });
  const work = await receiver.waitFor(
    ({ name, resource }) => name === 'work' && resource['service.name'] === service,
  );
  app.child.kill('SIGTERM');
  const { stdout } = await app.ended;
  return { stdout, work, spans: receiver.spans.filter(({ traceId }) => traceId === work.traceId) };
}

it.each(['pg', 'mysql2', 'ioredis', 'redis', 'mongodb'])(
  'a driver that is refused failed in connect, and nobody gave up (%s)',
  async (driver) => {
    const { stdout, spans } = await use(`${driver}-late`, closedPort);
    expect(stdout).toMatch(/^failed: /);
    const opening = spans.find(({ attributes }) => attributes['error.type'] === 'ECONNREFUSED');
    expect(opening).toMatchObject({ name: 'connect', error: true });
    expect(opening!.attributes).toMatchObject({ 'sockeye.tcp.segments_in': 1 });
    expect(Object.keys(opening!.attributes).filter((key) => key.startsWith('sockeye.timeout.'))).toEqual([]);
  },
);

describe('a driver whose SYN is not answered', () => {
  let full: Fault;
  beforeAll(async () => {
    full = await startFullListener();
  });
  afterAll(() => full.close());

  it.each([
    { driver: 'pg', timer: 'app', budgetMs: 1500 },
    { driver: 'mysql2', timer: 'app', budgetMs: 1500 },
    { driver: 'ioredis', timer: 'socket_timeout', budgetMs: 1500 },
    { driver: 'redis', timer: 'socket_timeout', budgetMs: 1500 },
    { driver: 'mongodb', timer: 'socket_timeout', budgetMs: 1500 },
  ])('gave up in connect, by its own timer ($driver)', async ({ driver, timer, budgetMs }) => {
    const { stdout, spans } = await use(`${driver}-late`, full.port);
    expect(stdout).toMatch(/^failed: /);
    const opening = spans.find(
      ({ name, attributes }) => name === 'connect' && 'sockeye.phase.connect_ms' in attributes,
    );
    expect(opening).toMatchObject({ kind: 'client', error: true });
    expect(opening!.attributes).toMatchObject({
      'sockeye.timeout.phase': 'connect',
      'sockeye.timeout.timer': timer,
      'sockeye.tcp.state': 'SYN_SENT',
      'sockeye.tcp.segments_in': 0,
    });
    expect(opening!.attributes['sockeye.timeout.budget_ms']).toBe(budgetMs);
    expect(opening!.attributes['sockeye.timeout.elapsed_ms']).toBeGreaterThan(1400);
  });
});

describe.skipIf(!installed.mariadb)('a query that waits for the only connection of mysql2’s pool', () => {
  let server: TestServer | null;
  let used: Awaited<ReturnType<typeof use>>;
  beforeAll(async () => {
    server = await startMariaDb();
    used = await use('mysql2-queue', server!.port);
  });
  afterAll(() => server?.stop());

  it('is in its own trace, though another’s connection was used', () => {
    const queries = used.spans.filter(({ name }) => name === 'select');
    expect(queries.map(({ attributes }) => attributes['db.query.text'])).toEqual([
      'select sleep(?)',
      'select ? as waited',
      'select ? as again',
    ]);
    for (const query of queries) expect(query.parentSpanId).toBe(used.work.spanId);
  });

  it('has the connection in its trace that is opened for it when another’s has died', () => {
    const opened = used.spans.filter(({ name }) => name === 'connect');
    expect(opened.map(({ parentSpanId }) => parentSpanId)).toEqual([used.work.spanId]);
  });

  it('has a span of the wait, which failed when the pool was closed', () => {
    const waits = used.spans.filter(({ name }) => name === 'mysql2-pool.connect');
    expect(waits.map(({ error, message }) => ({ error, message }))).toEqual([
      { error: false, message: '' },
      { error: false, message: '' },
      { error: true, message: 'Pool is closed.' },
    ]);
    expect(waits[0]!.attributes).toMatchObject({
      'db.system.name': 'mysql',
      'db.operation.name': 'connect',
      'server.address': '127.0.0.1',
      'server.port': server!.port,
    });
    expect(waits[0]!.attributes['sockeye.phase.queue_ms']).toBeGreaterThan(150);
    expect(used.stdout).toBe('Pool is closed.\n');
  });
});

describe.skipIf(!installed.mariadb)('callbacks and events of mysql2', () => {
  let server: TestServer | null;
  let used: Awaited<ReturnType<typeof use>>;
  const spanIn = (name: string) => receiver.spans.find((span) => span.name === `in ${name}`);
  beforeAll(async () => {
    server = await startMariaDb();
    used = await use('mysql2-callbacks', server!.port);
  });
  afterAll(() => server?.stop());

  it.each([
    'pool.query',
    'pool.execute',
    'connection.query',
    'connection.execute',
    'ping',
    'failed query',
    'fields',
    'result',
    'end',
    'data',
    'close',
    'promise',
  ])('are in the trace of the one that gave the command, not that of the connection (%s)', (name) => {
    expect(used.stdout).toBe('done\n');
    expect(spanIn(name)?.parentSpanId).toBe(used.work.spanId);
  });

  it.each(['first', 'second'])('are each in their own where several share a connection (%s)', (name) => {
    expect(spanIn(name)?.parentSpanId).toBe(used.spans.find((span) => span.name === name)?.spanId);
  });

  it('begin a trace of their own where nobody’s gave the command', () => {
    expect(spanIn('nobody')?.parentSpanId ?? '').toBe('');
  });
});

describe.skipIf(!installed.mariadb)('a query of mysql2 that nobody has a callback for', () => {
  let server: TestServer | null;
  let used: Awaited<ReturnType<typeof use>>;
  beforeAll(async () => {
    server = await startMariaDb();
    used = await use('mysql2-silent', server!.port);
  });
  afterAll(() => server?.stop());

  it.each([
    { end: 'query', error: false },
    { end: 'object', error: false },
    { end: 'execution', error: false },
    { end: 'nothing', error: false },
    { end: 'mistake', error: true },
    { end: 'running', error: true },
    { end: 'queued', error: true },
    { end: 'late', error: true },
  ])('ends its span ($end)', ({ end, error }) => {
    expect(used.stdout).toMatch(/^(Connection lost|read ECONNRESET|Connection was killed)/);
    const spans = used.spans.filter(({ attributes }) =>
      String(attributes['db.query.text']).includes(` as ${end}`),
    );
    expect(spans).toMatchObject([{ kind: 'client', error, parentSpanId: used.work.spanId }]);
  });
});

describe('a command that waits for the only connection of mongodb’s pool', () => {
  it('has a span of the wait, in vain when that was given up', async () => {
    const server = await startMongoDbStandIn();
    const { stdout, work, spans } = await use('mongodb-queue', server.port);
    await server.stop();
    expect(stdout).toBe('Timed out while checking out a connection from connection pool\n');
    const waits = spans.filter(({ name }) => name === 'mongodb-pool.connect');
    expect(waits.map(({ error, message }) => ({ error, message }))).toEqual([
      { error: false, message: '' },
      { error: true, message: stdout.trim() },
    ]);
    expect(waits[0]!.attributes['sockeye.phase.queue_ms']).toBeGreaterThan(150);
    expect(waits[0]).toMatchObject({ parentSpanId: work.spanId });
    expect(waits[1]!.attributes).toMatchObject({
      'db.system.name': 'mongodb',
      'server.address': '127.0.0.1',
      'server.port': server.port,
      'sockeye.timeout.timer': 'app',
      'sockeye.timeout.phase': 'queue',
    });
  });
});

describe.skipIf(!installed.redis)('a command that waits for a client of redis’ pool', () => {
  let server: TestServer | null;
  let used: Awaited<ReturnType<typeof use>>;
  beforeAll(async () => {
    server = await startRedis();
    used = await use('redis-queue', server!.port);
  });
  afterAll(() => server?.stop());

  it('has a span of the wait, in vain when that was given up', () => {
    expect(used.stdout).toBe('Timeout waiting for a client after 300ms\n');
    const waits = used.spans.filter(({ name }) => name === 'redis-pool.connect');
    const atServer = { 'server.address': '127.0.0.1', 'server.port': server!.port };
    expect(waits).toMatchObject([
      { error: false, attributes: { ...atServer, 'sockeye.phase.queue_ms': expect.any(Number) } },
      {
        error: true,
        attributes: {
          'error.type': '_OTHER',
          'sockeye.timeout.timer': 'app',
          'sockeye.timeout.phase': 'queue',
          'sockeye.timeout.budget_ms': 300,
        },
      },
      { error: false, attributes: atServer },
    ]);
    for (const { parentSpanId } of waits) expect(parentSpanId).toBe(used.work.spanId);
  });

  it('waits for no other where the pool opens one for it, within the wait', () => {
    const wait = used.spans.findLast(({ name }) => name === 'redis-pool.connect');
    const opening = used.spans.find(({ name }) => name === 'redis-connect');
    expect(opening).toMatchObject({ parentSpanId: wait?.spanId });
    expect(wait!.attributes).not.toHaveProperty(['sockeye.phase.queue_ms']);
  });

  it('is in its own trace, though another’s client was used', () => {
    const commands = used.spans.filter(({ name }) => name === 'redis-GET');
    expect(commands.map(({ attributes }) => attributes['db.query.text'])).toEqual([
      'GET waited',
      'GET opened',
    ]);
    for (const { parentSpanId } of commands) expect(parentSpanId).toBe(used.work.spanId);
  });
});

describe('callbacks and events of pg', () => {
  let server: TestServer;
  let used: Awaited<ReturnType<typeof use>>;
  const spanIn = (name: string) =>
    receiver.spans.find(
      ({ name: own, resource }) =>
        own === `in ${name}` && String(resource['service.name']).startsWith('pg-callbacks'),
    );
  beforeAll(async () => {
    server = await startPostgres();
    used = await use('pg-callbacks', server.port);
  });
  afterAll(() => server.stop());

  it.each(['pool.query', 'client.query', 'row', 'end'])(
    'are in the trace of the one that asked, not that of the connection (%s)',
    (name) => {
      expect(used.stdout).toBe('done\n');
      expect(spanIn(name)?.parentSpanId).toBe(used.work.spanId);
    },
  );

  it('leave each query its one span, and those of nobody elsewhere', () => {
    const texts = used.spans.map(({ attributes }) => attributes['db.query.text']).filter(Boolean);
    // By the pool, by the client, and by an object of the program's.
    expect(texts).toEqual(['select ?', 'select ?', 'select ?']);
  });

  it.each(['nobody', 'waiting nobody'])('begin a trace of their own where nobody asked (%s)', (name) => {
    expect(spanIn(name)?.parentSpanId ?? '').toBe('');
    expect(spanIn(name)).toBeDefined();
  });
});
