/** The spans of libraries, from real programs in both module systems and against real servers; those not installed are skipped. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isCall, peerOf } from '../../collector/query/callee.ts';
import type { AttributeValue } from '../../collector/span.ts';
import { closedPort } from './faults.ts';
import {
  installed,
  startKafka,
  startMariaDb,
  startMongoDb,
  startPostgres,
  startRabbitMq,
  startRedis,
  type TestServer,
} from './libraries/servers.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { startApp, withHook } from './run-app.ts';

const program = (name: string) => fileURLToPath(new URL(`libraries/${name}`, import.meta.url));
const programs = ['by-require.cjs', 'by-import.mjs'];

let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});

afterAll(() => receiver.close());

let runs = 0;
/** Runs a program that uses the library once: what it printed, and the spans of the trace it did so in. */
async function use(file: string, library: string, port: number, env: Record<string, string> = {}) {
  const hook = withHook(receiver.url);
  const service = `${library}-${++runs}`;
  const app = startApp(program(file), {
    flags: hook.flags,
    args: [library, String(port)],
    env: { ...hook.env, OTEL_SERVICE_NAME: service, ...env },
  });
  const isWork = ({ name, resource }: ReceivedSpan) =>
    name === 'work' && resource['service.name'] === service;
  const work = await Promise.race([
    receiver.waitFor(isWork),
    app.ended.then((run) => Promise.reject(new Error(`the program ended: ${JSON.stringify(run)}`))),
  ]);
  app.child.kill('SIGKILL');
  const { stdout, stderr } = await app.ended;
  return { stdout, stderr, work, spans: receiver.spans.filter(({ traceId }) => traceId === work.traceId) };
}

/** How the map names whom a call went to; undefined when the span is none. */
function nodeOf({ kind, attributes }: ReceivedSpan) {
  if (kind !== 'client' && kind !== 'producer') return undefined;
  const span = { kind, attributes: new Map(Object.entries(attributes) as [string, AttributeValue][]) };
  const peer = isCall(span) && peerOf(span);
  return peer ? { name: peer.name, kind: peer.nodeKind, edge: peer.edgeKind } : undefined;
}

interface DatabaseCase {
  library: string;
  start: () => Promise<TestServer | null>;
  isInstalled: boolean;
  prints: string;
  query: Partial<ReceivedSpan>;
  text: string;
  node: string;
  system: string;
}

const databases: DatabaseCase[] = [
  {
    library: 'pg',
    start: startPostgres,
    isInstalled: true,
    prints: 'Product 7',
    query: { name: 'pg.query:SELECT postgres' },
    text: 'select name, ? as s from products where id = $1',
    node: 'postgres@127.0.0.1',
    system: 'postgresql',
  },
  {
    library: 'mysql2',
    start: startMariaDb,
    isInstalled: installed.mariadb,
    prints: 'product 6',
    query: { name: 'select' },
    text: 'select ? as name, ? as s where ? = ?',
    node: 'mysql@127.0.0.1',
    system: 'mysql',
  },
  {
    library: 'ioredis',
    start: startRedis,
    isInstalled: installed.redis,
    prints: '6',
    query: { name: 'get' },
    text: 'get product:7',
    node: 'redis@127.0.0.1',
    system: 'redis',
  },
  {
    library: 'redis',
    start: startRedis,
    isInstalled: installed.redis,
    prints: '6',
    query: { name: 'redis-GET' },
    text: 'GET product:8',
    node: 'redis@127.0.0.1',
    system: 'redis',
  },
  {
    library: 'mongodb',
    start: startMongoDb,
    isInstalled: installed.mongodb,
    prints: '7',
    query: { name: 'find products' },
    text: '{"find":"?","filter":{"name":"?"},"limit":"?","singleBatch":"?"}',
    node: 'shop@127.0.0.1',
    system: 'mongodb',
  },
];

for (const { library, start, isInstalled, prints, query, text, node, system } of databases) {
  describe.skipIf(!isInstalled)(`${library}, against a real server`, () => {
    let server: TestServer | null;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    it.each(programs)(
      'is recorded in %s: queries without their values, and what they went to',
      async (file) => {
        const { stdout, stderr, work, spans } = await use(file, library, server!.port);
        expect({ stdout, stderr }).toEqual({ stdout: `${prints}\n`, stderr: '' });
        const span = spans.find((each) => each.name === query.name);
        expect(span).toMatchObject({ kind: 'client', parentSpanId: work.spanId, error: false });
        expect(span?.attributes).toMatchObject({
          'db.system.name': system,
          'db.query.text': text,
          'server.address': '127.0.0.1',
          'server.port': server!.port,
        });
        expect(nodeOf(span!)).toEqual({ name: node, kind: 'database', edge: 'db' });
        const connections = spans.filter(({ name, kind }) => kind === 'client' && name.endsWith('connect'));
        expect(connections.some(({ attributes }) => 'sockeye.phase.connect_ms' in attributes)).toBe(true);
        expect(connections.map(({ attributes }) => attributes['db.system.name'])).toContain(system);
        // Only what is asked of the database is a call.
        expect(connections.map(nodeOf).filter((each) => each !== undefined)).toEqual([]);
        expect(JSON.stringify(spans)).not.toContain('s3cr3t');
      },
    );

    it('is not recorded when OTEL_NODE_DISABLED_INSTRUMENTATIONS names it', async () => {
      const { stdout, spans } = await use('by-require.cjs', library, server!.port, {
        OTEL_NODE_DISABLED_INSTRUMENTATIONS: library,
      });
      expect(stdout).toBe(`${prints}\n`);
      expect(spans.filter(({ scope }) => scope.includes('instrumentation-'))).toEqual([]);
    });
  });
}

describe('a connection that a library cannot open', () => {
  it.each([
    { library: 'pg', node: 'postgres@127.0.0.1', kind: 'database', edge: 'db' },
    { library: 'mysql2', node: 'mysql@127.0.0.1', kind: 'database', edge: 'db' },
    { library: 'amqplib', node: 'rabbitmq', kind: 'messaging', edge: 'messaging' },
  ])('is a failed call to what $library stands for', async ({ library, node, kind, edge }) => {
    const { stdout, spans } = await use('by-require.cjs', library, closedPort);
    expect(stdout).toBe('failed: ECONNREFUSED\n');
    const connection = spans.find(({ attributes }) => attributes['error.type'] === 'ECONNREFUSED');
    expect(connection).toMatchObject({ name: 'connect', error: true });
    expect(connection?.attributes).toMatchObject({ 'sockeye.tcp.state': 'CLOSE' });
    expect(spans.flatMap((each) => nodeOf(each) ?? [])).toEqual([{ name: node, kind, edge }]);
  });
});

describe('a pool without a free connection', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  it('is waited for in the phase queue, and in vain is a failed call', async () => {
    const { stdout, spans } = await use('by-require.cjs', 'pg-pool', server.port);
    expect(stdout).toBe('timeout exceeded when trying to connect\n');
    const [first, second, third] = spans
      .filter(({ name }) => name === 'pg-pool.connect')
      .toSorted((a, b) => a.startMs - b.startMs);
    expect(first?.attributes).not.toHaveProperty(['sockeye.phase.queue_ms']);
    expect(second?.attributes['sockeye.phase.queue_ms']).toBeGreaterThan(50);
    expect(third?.attributes['sockeye.phase.queue_ms']).toBeGreaterThan(200);
    expect(third).toMatchObject({ error: true, message: stdout.trim() });
    expect(third?.attributes).toMatchObject({
      'sockeye.timeout.timer': 'app',
      'sockeye.timeout.phase': 'queue',
    });
    expect([first, second, third].map((span) => nodeOf(span!)?.name)).toEqual([
      undefined,
      undefined,
      'postgres@127.0.0.1',
    ]);
  });
});

const queues = [
  {
    library: 'amqplib',
    start: startRabbitMq,
    isInstalled: installed.rabbitmq,
    sent: 'publish <default>',
    files: programs,
  },
  // Its consumers take seconds to join their group.
  {
    library: 'kafkajs',
    start: startKafka,
    isInstalled: installed.kafka,
    sent: 'send orders',
    files: ['by-import.mjs'],
  },
];

for (const { library, start, isInstalled, sent, files } of queues) {
  describe.skipIf(!isInstalled)(`${library}, against a real broker`, () => {
    let server: TestServer | null;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    it.each(files)('is recorded in %s: a message’s way through the queue is one trace', async (file) => {
      const { stdout, work, spans } = await use(file, library, server!.port);
      expect(stdout).toBe('6\n');
      const producer = spans.find(({ name }) => name === sent);
      expect(producer).toMatchObject({ kind: 'producer', parentSpanId: work.spanId, error: false });
      expect(nodeOf(producer!)).toEqual({ name: 'orders', kind: 'messaging', edge: 'messaging' });
      const consumer = spans.find(({ kind }) => kind === 'consumer');
      expect(consumer).toMatchObject({ parentSpanId: producer!.spanId });
      expect(consumer?.attributes).toMatchObject({ 'messaging.destination.name': 'orders' });
      expect(JSON.stringify(spans)).not.toMatch(/s3cr3t|guest/);
    });
  });
}

describe('graphql', () => {
  it.each(programs)('is recorded in %s: its steps, and fields with a resolver of their own', async (file) => {
    const { stdout, stderr, spans } = await use(file, 'graphql', 0);
    expect({ stdout, stderr }).toEqual({ stdout: '300\n', stderr: '' });
    const names = spans.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['graphql.parse', 'graphql.validate', 'query Items']));
    expect(names.filter((name) => name.includes('price'))).toEqual(['graphql.resolve items.*.price']);
    expect(names.filter((name) => name.includes('.id'))).toEqual([]);
    expect(JSON.stringify(spans)).not.toContain('s3cr3t');
  });
});

describe('a web framework', () => {
  it.each(
    [
      {
        library: 'express',
        route: '/shop/items/:id',
        steps: ['middleware - authenticate', 'request handler'],
      },
      {
        library: 'fastify',
        route: '/shop/items/:id',
        steps: ['request', 'onRequest - authenticate', 'handler - fastify'],
      },
      {
        library: 'koa',
        route: '/shop/items/:id',
        steps: ['middleware - authenticate', 'router - /shop/items/:id'],
      },
      {
        library: '@hapi/hapi',
        route: '/shop/items/{id}',
        steps: ['ext - onPreAuth', 'route - /shop/items/{id}'],
      },
      { library: '@nestjs/core', route: '/shop/items/:id', steps: ['ItemsController.find', 'find'] },
    ].flatMap((each) => programs.map((file) => ({ ...each, file }))),
  )(
    '$library in $file gives the request its route and its steps',
    async ({ library, route, steps, file }) => {
      const hook = withHook(receiver.url);
      const app = startApp(program(file), { flags: hook.flags, args: [library], env: hook.env });
      try {
        const port = (await app.line('port ')).slice(5);
        const traceId = runs.toString(16).padStart(32, 'a');
        runs += 1;
        const answer = await fetch(`http://127.0.0.1:${port}/shop/items/7`, {
          headers: { traceparent: `00-${traceId}-aaaaaaaaaaaaaaaa-01` },
        });
        expect(await answer.json()).toEqual({ id: '7', name: 'item 7' });
        await Promise.all(
          steps.map((step) => receiver.waitFor((span) => span.traceId === traceId && span.name === step)),
        );
        const server = await receiver.waitFor((span) => span.traceId === traceId && span.kind === 'server');
        expect(server).toMatchObject({ name: `GET ${route}`, parentSpanId: 'aaaaaaaaaaaaaaaa' });
        expect(server.attributes).toMatchObject({ 'http.route': route, 'http.response.status_code': 200 });
        const others = receiver.spans.filter((span) => span.traceId === traceId && span !== server);
        expect(others.map(({ kind }) => kind)).toEqual(others.map(() => 'internal'));
      } finally {
        app.child.kill('SIGKILL');
        await app.ended;
      }
    },
  );
});
