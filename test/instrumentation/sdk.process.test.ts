/** Under OpenTelemetry's SDK: spans that have not ended, and counters of the host, from a real program to a receiver. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hosts } from '../../collector/serve/wire.ts';
import { startWorld, type World } from '../end-to-end/collector.ts';
import { startReceiver, type ReceivedSpan } from './otlp-receiver.ts';
import { appFile, registerFile, runApp, startApp, withHook } from './run-app.ts';

let world: World;
let server: Server;
let folder: string;

beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), 'sockeye-sdk-'));
  // Answers nothing but a request for `/answered`.
  server = createServer(({ url }, response) => void (url === '/answered' && response.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
  await world?.end();
});

const urlOf = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

/** A program that has a span of its own and a call open, until both were told of and, by SIGTERM, once more. */
async function toldOf(env: Record<string, string>): Promise<ReceivedSpan[]> {
  const receiver = await startReceiver();
  try {
    const hook = withHook(receiver.url);
    const app = startApp(appFile('open-under-way.cjs'), {
      flags: hook.flags,
      env: { ...hook.env, ...env },
      args: [urlOf('/hangs')],
    });
    for (const name of ['own work', 'GET'])
      await receiver.waitForSnapshot(({ attributes }) => attributes['sockeye.pending.name'] === name);
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    for (const name of ['own work', 'GET'])
      await receiver.waitForSnapshot(
        ({ attributes }) =>
          attributes['sockeye.pending.name'] === name && attributes['sockeye.pending.reason'] === 'exit',
      );
    return receiver.snapshots;
  } finally {
    receiver.close();
  }
}

/** What must be the same of each kind of snapshot; numbers that differ from run to run by their type. */
function comparable(snapshots: readonly ReceivedSpan[]): Record<string, unknown> {
  const own = snapshots.find(({ attributes }) => attributes['sockeye.pending.name'] === 'own work');
  const idOf = (span: ReceivedSpan | undefined) => span?.attributes['sockeye.pending.span_id'];
  const entries = snapshots.map(({ name, kind, scope, durationMs, parentSpanId, attributes }) => {
    const { 'sockeye.pending.span_id': id, 'sockeye.pending.parent_id': parent, ...rest } = attributes;
    const plain = Object.entries(rest).map(([key, value]) =>
      /_ms$|_us$|^sockeye\.(pending\.start|tcp)/.test(key) ? [key, typeof value] : [key, value],
    );
    const about = Object.fromEntries(plain.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
    const isBelowIt = id === parentSpanId;
    const isBelowOwn = parent !== undefined && parent === idOf(own);
    return [
      `${name} ${attributes['sockeye.pending.reason']}`,
      { kind, scope, durationMs, isBelowIt, isBelowOwn, about },
    ];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

describe('spans that have not ended', () => {
  it("are told of as by the hook's own recorder", async () => {
    const [own, sdk] = await Promise.all([toldOf({}), toldOf({ SOCKEYE_SDK: '1' })]);
    const [byOwn, bySdk] = [comparable(own), comparable(sdk)];
    expect(Object.keys(bySdk).toSorted()).toEqual(['GET exit', 'GET open', 'own work exit', 'own work open']);
    expect(bySdk).toEqual(byOwn);
    expect(bySdk['GET open']).toMatchObject({
      isBelowIt: true,
      isBelowOwn: true,
      durationMs: 0,
      kind: 'internal',
    });
  });

  it("pass through a program's own processors", async () => {
    const module = join(folder, 'redact.cjs');
    const redact = `{ onStart: (span) => span.setAttribute('secret', 'hidden'), onEnd() {}, forceFlush() {}, shutdown() {} }`;
    writeFileSync(module, `module.exports = { spanProcessors: [${redact}] };`);
    const told = await toldOf({ SOCKEYE_SDK: module });
    expect(told.length).toBeGreaterThanOrEqual(4);
    for (const { attributes } of told) expect(attributes['secret']).toBe('hidden');
  });

  it('are shown while they hang, and as ended with their process', async () => {
    const { flags, env } = withHook(world.otlpEndpoint);
    const app = startApp(appFile('open-under-way.cjs'), {
      flags,
      env: { ...env, SOCKEYE_SDK: '1', OTEL_SERVICE_NAME: 'hung-sdk' },
      args: [urlOf('/hangs')],
    });
    interface Shown {
      spans: { operation: string; pending: boolean; attributes: Record<string, unknown> }[];
    }
    const traceId = await world.getWhen(
      '/api/traces?service=hung-sdk',
      ({ traces }: { traces: { traceId: string; spans: number }[] }) =>
        traces.find(({ spans }) => spans === 2)?.traceId,
    );
    const { spans } = await world.get<Shown>(`/api/traces/${traceId}`);
    expect(spans).toMatchObject([
      { operation: 'own work', pending: true },
      { operation: 'GET /hangs', pending: true, attributes: { 'sockeye.tcp.state': 'ESTABLISHED' } },
    ]);
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM' });
    await world.getWhen(`/api/traces/${traceId}`, ({ spans }: Shown) =>
      spans.every(({ attributes }) => 'sockeye.pending.process_ended' in attributes) ? spans : undefined,
    );
  });
});

it('spans that have ended and wait to be sent keep no message of the program in memory', async () => {
  const { flags, env } = withHook(world.otlpEndpoint);
  const run = await runApp(appFile('ended-calls.cjs'), {
    flags: ['--expose-gc', ...flags],
    env: { ...env, SOCKEYE_SDK: '1', OTEL_BSP_SCHEDULE_DELAY: '60000' },
    args: [urlOf('/answered')],
  });
  expect(run).toMatchObject({ code: 0, stdout: '10 messages, 0 in memory\n', stderr: '' });
});

describe('the exporter that OTEL_TRACES_EXPORTER names runs beside processors of the program', () => {
  const processors = `{ onStart() {}, onEnd: ({ name }) => console.log('processed ' + name), forceFlush() {}, shutdown() {} }`;
  const runNaming = (exporters: string, env: Record<string, string> = {}) => {
    const module = join(folder, 'processors.cjs');
    writeFileSync(module, `module.exports = { spanProcessors: [${processors}] };`);
    return runApp(appFile('ending.cjs'), {
      flags: withHook('').flags,
      env: { SOCKEYE_SDK: module, OTEL_TRACES_EXPORTER: exporters, ...env },
      args: [urlOf('/answered'), 'return'],
    });
  };

  it('console', async () => {
    const { stdout, stderr } = await runNaming('console');
    expect(stdout).toContain('processed GET\n');
    expect(stdout).toContain("name: 'GET'");
    expect(stderr).toBe('');
  });

  it('zipkin and otlp, which have got what there is when the program ends', async () => {
    const sent: unknown[] = [];
    const zipkin = createServer((request, response) => {
      void json(request).then((spans) => response.writeHead(202).end(void sent.push(spans)));
    });
    zipkin.listen(0, '127.0.0.1');
    await once(zipkin, 'listening');
    const receiver = await startReceiver();
    try {
      const { port } = zipkin.address() as AddressInfo;
      const { stdout, stderr } = await runNaming('zipkin, otlp', {
        OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://127.0.0.1:${port}/api/v2/spans`,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      });
      expect(sent).toMatchObject([[{ name: 'GET', kind: 'CLIENT' }]]);
      expect(receiver.spans.map(({ name }) => name)).toEqual(['GET']);
      expect(stdout).toContain('processed GET\n');
      expect(stderr).toBe('');
    } finally {
      receiver.close();
      zipkin.close();
    }
  });

  it('none; of one that there is not, standard error says so', async () => {
    const none = await runNaming('none');
    expect(none).toMatchObject({ code: 0, stderr: '' });
    expect(none.stdout).toContain('processed GET\n');
    const unknown = await runNaming('jaeger');
    expect(unknown.stdout).toContain('processed GET\n');
    expect(unknown).toMatchObject({
      code: 0,
      stderr:
        'sockeye: OTEL_TRACES_EXPORTER names "jaeger", expected otlp, console, zipkin or none: it is left out.\n',
    });
  });
});

describe('the exporter that OTEL_TRACES_EXPORTER names is told of what is open, without processors of the program', () => {
  const hanging = (env: Record<string, string>) =>
    startApp(appFile('open-under-way.cjs'), {
      flags: withHook('').flags,
      env: { OTEL_BSP_SCHEDULE_DELAY: '50', ...env },
      args: [urlOf('/hangs')],
    });

  it('console', async () => {
    const app = hanging({ OTEL_TRACES_EXPORTER: 'console' });
    await app.line("    'sockeye.pending.name': 'GET'");
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
  });

  it('zipkin, where they have no duration', async () => {
    const zipkin = createServer().listen(0, '127.0.0.1');
    await once(zipkin, 'listening');
    const { port } = zipkin.address() as AddressInfo;
    const app = hanging({
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://127.0.0.1:${port}/api/v2/spans`,
    });
    try {
      const [request, response] = (await once(zipkin, 'request')) as [IncomingMessage, ServerResponse];
      const sent = (await json(request)) as { name: string; duration: number; tags: object }[];
      response.writeHead(202).end();
      expect(sent).toContainEqual(
        expect.objectContaining({
          name: 'GET',
          duration: 0,
          tags: expect.objectContaining({ 'sockeye.pending.name': 'GET', 'sockeye.pending.reason': 'open' }),
        }),
      );
    } finally {
      app.child.kill('SIGKILL');
      await app.ended;
      zipkin.closeAllConnections();
      zipkin.close();
    }
  });
});

/** A program that has called somebody, while it rests. */
async function whileResting(
  env: Record<string, string>,
  look: (pid: string) => Promise<void>,
): Promise<void> {
  const { flags, env: usual } = withHook(world.otlpEndpoint);
  const app = startApp(appFile('ending.cjs'), {
    flags,
    env: { ...usual, ...env },
    args: [urlOf('/answered'), 'serve'],
  });
  await app.line('called');
  await look(String(app.child.pid));
  app.child.kill('SIGTERM');
  expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
}

const exporterModule = `
  const { OTLPTraceExporter } = require('${createRequire(registerFile).resolve('@opentelemetry/exporter-trace-otlp-grpc')}');
  const exporter = new OTLPTraceExporter({ url: process.env.TEST_URL });
  module.exports = { traceExporter: exporter };`;

describe.skipIf(process.platform !== 'linux')('counters of the host', () => {
  const reported = (pid: string) =>
    world.getWhen('/api/hosts', ({ hosts }: Hosts) =>
      hosts.flatMap(({ processes }) => processes).find((each) => each.pid === pid),
    );
  const known = async (service: string) => {
    const { hosts } = await world.get<Hosts>('/api/hosts');
    return hosts.flatMap(({ processes }) => processes).some((each) => each.service === service);
  };
  const hasSpans = (service: string) =>
    world.getWhen(`/api/traces?service=${service}`, ({ traces }: { traces: unknown[] }) => traces[0]);

  it('are reported by the process that its spans name', () =>
    whileResting({ SOCKEYE_SDK: '1', OTEL_SERVICE_NAME: 'reports-sdk' }, async (pid) => {
      const { service, instance, values } = await reported(pid);
      expect(service).toBe('reports-sdk');
      expect(values['memory.resident_bytes']).toBeGreaterThan(2 ** 20);
      const { traceId } = (await hasSpans('reports-sdk')) as { traceId: string };
      const { spans } = await world.get<{ spans: { resource: Record<string, unknown> }[] }>(
        `/api/traces/${traceId}`,
      );
      expect(spans[0]?.resource['service.instance.id']).toBe(instance);
    }));

  it('are not when they are not wanted', () =>
    whileResting(
      { SOCKEYE_SDK: '1', SOCKEYE_HOST_METRICS: 'false', OTEL_SERVICE_NAME: 'no-reports-sdk' },
      async () => {
        await hasSpans('no-reports-sdk');
        expect(await known('no-reports-sdk')).toBe(false);
      },
    ));

  it("go nowhere where a program's own exporter alone knows the receiver", () => {
    const module = join(folder, 'exporter.cjs');
    writeFileSync(module, exporterModule);
    const env = {
      SOCKEYE_SDK: module,
      TEST_URL: world.otlpEndpoint,
      OTEL_EXPORTER_OTLP_ENDPOINT: '',
      OTEL_SERVICE_NAME: 'own-exporter',
    };
    return whileResting(env, async () => {
      await hasSpans('own-exporter');
      expect(await known('own-exporter')).toBe(false);
    });
  });
});
