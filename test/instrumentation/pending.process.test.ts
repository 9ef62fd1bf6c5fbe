/** Spans that have not ended: what a real program tells of them, and what the collector shows, while they hang and afterwards. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../end-to-end/collector.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let world: World;
let receiver: Receiver;
let server: Server;
/** Requests for `/hang…`, which are answered when a test says so. */
const hanging = new Map<string, ServerResponse>();

beforeAll(async () => {
  world = await startWorld();
  receiver = await startReceiver();
  server = createServer((request, response) => {
    if (request.url!.startsWith('/hang')) hanging.set(request.url!, response);
    else if (request.url!.startsWith('/stream'))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n');
    else response.end('answer');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  receiver?.close();
  server?.closeAllConnections();
  server?.close();
  await world?.end();
});

interface Traces {
  traces: { traceId: string; root: { operation: string } }[];
}
interface WireTrace {
  complete: boolean;
  spans: {
    spanId: string;
    operation: string;
    kind: string;
    pending: boolean;
    durationMs: number;
    phases: { phase: string; open: boolean }[];
    attributes: Record<string, unknown>;
  }[];
}
interface MapAnswer {
  edges: { from: string; to: string; calls: number }[];
}

const urlOf = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

/** A program of this service that calls `/hang-SERVICE`, when the collector shows the call. */
async function hang(service: string, way = '') {
  const { flags, env } = withHook(world.otlpEndpoint);
  const path = `/hang-${service}`;
  const app = startApp(appFile('hanging.cjs'), {
    flags,
    env: { ...env, OTEL_SERVICE_NAME: service },
    args: [urlOf(path), way],
  });
  const traceId = await world.getWhen(
    `/api/traces?service=${service}`,
    ({ traces }: Traces) => traces[0]?.traceId,
  );
  const shown = (found: (trace: WireTrace) => boolean) =>
    world.getWhen(`/api/traces/${traceId}`, (trace: WireTrace) => (found(trace) ? trace : undefined));
  return { app, path, traceId, shown };
}

describe('a call that hangs', () => {
  it('is shown while it hangs, and becomes the finished call when it is answered', async () => {
    const { app, path, traceId, shown } = await hang('hung');
    const { complete, spans } = await shown(() => true);
    expect(complete).toBe(false);
    expect(spans).toHaveLength(1);
    const [open] = spans;
    expect(open).toMatchObject({ operation: `GET ${path}`, kind: 'client', pending: true });
    expect(open!.phases.map(({ phase, open }) => ({ phase, open }))).toEqual([
      { phase: 'connect', open: false },
      { phase: 'send', open: false },
      { phase: 'wait', open: true },
    ]);
    expect(open!.attributes).toMatchObject({ 'sockeye.tcp.state': 'ESTABLISHED' });
    const { traces } = await world.get<Traces>(`/api/traces?service=hung`);
    expect(traces).toMatchObject([{ traceId, root: { operation: `GET ${path}` } }]);

    hanging.get(path)!.end('late');
    expect(await app.ended).toMatchObject({ code: 0, stdout: 'resting\ndata\nanswered\n', stderr: '' });
    const after = await shown(({ spans }) => !spans[0]!.pending);
    expect(after.complete).toBe(true);
    expect(after.spans).toMatchObject([
      { spanId: open!.spanId, operation: `GET ${path}`, pending: false, kind: 'client' },
    ]);
    expect(after.spans[0]!.durationMs).toBeGreaterThan(1000);
    const edges = await world.getWhen('/api/map', ({ edges }: MapAnswer) => {
      const found = edges.filter(({ from }) => from === 'hung');
      return found.length > 0 ? found : undefined;
    });
    expect(edges).toMatchObject([{ to: '127.0.0.1', calls: 1 }]);
  });

  it('is shown as open when its process was killed by SIGKILL', async () => {
    const { app, shown } = await hang('killed');
    app.child.kill('SIGKILL');
    expect(await app.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    const { spans } = await shown(() => true);
    expect(spans).toMatchObject([{ pending: true }]);
    expect(spans[0]!.attributes).not.toHaveProperty('sockeye.pending.process_ended');
  });

  it.each([
    { way: 'exit', signal: 'SIGUSR2' as const, end: { code: 3, signal: null } },
    { way: 'throw', signal: 'SIGUSR2' as const, end: { code: 1, signal: null } },
    { way: 'term', signal: 'SIGTERM' as const, end: { code: null, signal: 'SIGTERM' } },
    { way: 'int', signal: 'SIGINT' as const, end: { code: null, signal: 'SIGINT' } },
  ])('says that its process has ended before it ($way)', async ({ way, signal, end }) => {
    const { app, shown } = await hang(`ended-${way}`, way);
    app.child.kill(signal);
    expect(await app.ended).toMatchObject(end);
    const { spans } = await shown(({ spans }) => 'sockeye.pending.process_ended' in spans[0]!.attributes);
    expect(spans).toMatchObject([{ pending: true, kind: 'client' }]);
  });

  it.each(['', 'busy'])(
    'of a process that ends within the first second is told of as well (%s)',
    async (way) => {
      const { flags, env } = withHook(receiver.url);
      const url = urlOf(`/hang-young-${way}`);
      const app = startApp(appFile('hanging.cjs'), { flags, env, args: [url, way] });
      await app.line('resting');
      app.child.kill('SIGTERM');
      expect(await app.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
      const told = await receiver.waitForSnapshot(({ attributes }) => attributes['url.full'] === url);
      expect(told).toMatchObject({ kind: 'internal', durationMs: 0 });
      expect(told.attributes).toMatchObject({
        'sockeye.pending.span_id': told.parentSpanId,
        'sockeye.pending.name': 'GET',
        'sockeye.pending.kind': 'client',
        'sockeye.pending.reason': 'exit',
      });
    },
  );
});

it('a stream that has begun is waited for by nobody, and not told of', async () => {
  const { flags, env } = withHook(receiver.url);
  const [streamed, hung] = [urlOf('/stream'), urlOf('/hang-beside')];
  const app = startApp(appFile('hanging.cjs'), { flags, env, args: [streamed] });
  await app.line('data');
  const beside = startApp(appFile('hanging.cjs'), { flags, env, args: [hung] });
  // Begun later, so that the stream would have been told of before.
  await receiver.waitForSnapshot(({ attributes }) => attributes['url.full'] === hung);
  app.child.kill('SIGTERM');
  beside.child.kill('SIGTERM');
  await Promise.all([app.ended, beside.ended]);
  expect(receiver.snapshots.filter(({ attributes }) => attributes['url.full'] === streamed)).toEqual([]);
});

it('of 100,000 open spans few are told, and the program goes on as it would', async () => {
  const { flags, env } = withHook(receiver.url);
  const url = urlOf('/answered');
  const app = startApp(appFile('many-open.cjs'), { flags, env, args: ['100000', url] });
  const { code, stdout } = await app.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ended: 100_000 });
  const told = receiver.snapshots.filter(({ attributes }) =>
    String(attributes['sockeye.pending.name']).startsWith('open '),
  );
  expect(told.length).toBeGreaterThan(0);
  // 400 a second, for as long as the spans were open.
  expect(told.length).toBeLessThan(20_000);
  await receiver.waitFor(({ attributes }) => attributes['url.full'] === url);
});
