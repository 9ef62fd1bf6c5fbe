/** Verdicts that the counters of hosts decide: when they come late, and of a real server that is too busy to accept. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReportingHost } from '../../collector/diagnose/hosts/host-view.ts';
import { startDiagnosisLoop } from '../../collector/query/diagnosis-loop.ts';
import { createTraceReader } from '../../collector/serve/traces/trace-reader.ts';
import type { Diagnosis, Hosts } from '../../collector/serve/wire.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { StoreUnavailable, type Store } from '../../collector/store/store.ts';
import { startWorld, type World } from '../end-to-end/collector.ts';
import { appFile, startApp, withHook } from '../instrumentation/run-app.ts';
import { AT_ONCE, call, makeRequest, NOON_UNIX_MS, traceId, type SentSpan } from '../store/make-request.ts';

const SOON = { timeout: 20_000 };

const BUSY_MS = 6_000;
/** More than the queue of a backlog of one has room for. */
const FILLERS = 4;

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world?.end());

/** Connections that nobody accepts, until they are given up. */
async function fillQueue(port: number): Promise<Socket[]> {
  const sockets = Array.from({ length: FILLERS }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.race(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

interface Found {
  traces: { traceId: string; timeouts: number }[];
}

/** A call of checkout to payments that connected in vain until just now. */
const silentCall = (trace = 'f1'): SentSpan => {
  const [sent] = call(trace, {
    id: '4',
    startMs: Date.now() - NOON_UNIX_MS - 3_000,
    durationMs: 3_000,
    error: 'TimeoutError',
    attributes: {
      'sockeye.phase.connect_ms': 2_999,
      'sockeye.timeout.phase': 'connect',
      'sockeye.timeout.timer': 'http_timeout',
      'sockeye.timeout.budget_ms': 3_000,
      'sockeye.timeout.elapsed_ms': 3_000,
      'network.peer.address': '10.0.0.2',
    },
  });
  return sent!;
};

/** The host behind 10.0.0.2, whose listen queue overflowed meanwhile. */
const overflowing = (): ReportingHost => ({
  host: 'host-of-payments',
  namespace: '',
  addresses: ['10.0.0.2'],
  reports: [
    { atMs: Date.now() - 8_000, counters: new Map([['tcp.listen_overflows', 3]]) },
    { atMs: Date.now(), counters: new Map([['tcp.listen_overflows', 7]]) },
  ],
  processes: [],
});

describe('a verdict that was made before the counters came', () => {
  it('is made again when they come, and kept with them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sockeye-hosts-'));
    let store = await openStore({ folder });
    let traces = createTraceReader(store);
    let hosts: ReportingHost[] = [];
    let loop = startDiagnosisLoop(store, { quietMs: 0, roundMs: 10, readHosts: () => hosts });
    /** As it was kept, and as it is judged anew. */
    const causes = async () => {
      const now = Date.now();
      const [kept] = await store.readVerdicts({ fromUnixMs: now - 60_000, toUnixMs: now + 60_000 });
      const judged = await traces.diagnose(traceId('f1'));
      return [kept?.cause, judged?.verdicts[0]?.cause];
    };
    const end = async () => {
      await loop.stop();
      await traces.close();
      await store.close();
    };
    try {
      await store.append(makeRequest(silentCall()));
      await vi.waitFor(async () => expect(await causes()).toEqual(['B1', 'B1']), SOON);
      hosts = [overflowing()];
      await vi.waitFor(async () => expect(await causes()).toEqual(['C1', 'C1']), SOON);

      // Counters are in memory; what they decided is not.
      await end();
      store = await openStore({ folder });
      traces = createTraceReader(store);
      loop = startDiagnosisLoop(store, { quietMs: 0, roundMs: 10 });
      expect(await causes()).toEqual(['C1', 'C1']);
      await store.append(makeRequest({ trace: 'f1', id: '1', service: 'gateway', error: 'late' }));
      await vi.waitUntil(async () => (await store.readUndiagnosed(AT_ONCE, 1)).backlog === 0, SOON);
      expect(await causes()).toEqual(['C1', 'C1']);
    } finally {
      await end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('what hosts said', () => {
  let folder: string;
  let store: Store;
  /** Whether counters have come. */
  let isReported = false;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sockeye-said-'));
    store = await openStore({ folder });
  });
  beforeEach(async () => {
    isReported = false;
    await store.purge();
    vi.spyOn(console, 'error').mockReturnValue();
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(async () => {
    await store?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const startLoop = (changed: Partial<Store>) =>
    startDiagnosisLoop(
      { ...store, ...changed },
      { quietMs: 0, roundMs: 10, readHosts: () => (isReported ? [overflowing()] : []) },
    );
  /** By trace. */
  const causes = async () => {
    const now = Date.now();
    const rows = await store.readVerdicts({ fromUnixMs: now - 60_000, toUnixMs: now + 60_000 });
    return Object.fromEntries(rows.map(({ traceId, cause }) => [traceId, cause]));
  };
  const settled = async () => (await store.readUndiagnosed(AT_ONCE, 1)).backlog === 0;

  it.each([
    ['is full', () => new StoreUnavailable('full'), 2],
    ['fails', () => new Error('a bug'), 1],
  ])('is said again when the store %s as verdicts by it are saved', async (_, failure, times) => {
    let failures = 0;
    const loop = startLoop({
      saveDiagnoses: (saved) => {
        const isTold = saved.some(({ verdicts }) => verdicts.some(({ cause }) => cause === 'C1'));
        return isTold && ++failures <= times ? Promise.reject(failure()) : store.saveDiagnoses(saved);
      },
    });
    try {
      for (const trace of ['f1', 'f2']) await store.append(makeRequest(silentCall(trace)));
      await vi.waitUntil(settled, SOON);
      isReported = true;
      await vi.waitFor(
        async () => expect(await causes()).toEqual({ [traceId('f1')]: 'C1', [traceId('f2')]: 'C1' }),
        SOON,
      );
    } finally {
      await loop.stop();
    }
  });

  it.each([
    ['a bug', (message: string) => new Error(message)],
    ['the thread broke', (message: string) => new StoreUnavailable(message)],
  ])('counts for the others where one trace cannot be diagnosed by it (%s)', async (message, failure) => {
    const loop = startLoop({
      diagnoseTraces: (ids, said) =>
        said?.has(traceId('f1')) ? Promise.reject(failure(message)) : store.diagnoseTraces(ids, said),
    });
    try {
      for (const trace of ['f1', 'f2', 'f3']) await store.append(makeRequest(silentCall(trace)));
      await vi.waitUntil(settled, SOON);
      isReported = true;
      const [first, ...others] = ['f1', 'f2', 'f3'].map((trace) => traceId(trace));
      const told = { [first!]: 'B1', [others[0]!]: 'C1', [others[1]!]: 'C1' };
      await vi.waitFor(async () => expect(await causes()).toEqual(told), SOON);
    } finally {
      await loop.stop();
    }
  });

  it('of one call stays where another of the trace is told of', async () => {
    const [kept, later] = ['4', '5'].map((id) => makeRequest({ ...silentCall(), id }));
    await store.append(kept!);
    isReported = true;
    let loop = startLoop({});
    try {
      const hosts = async () =>
        (await store.readHostViews(traceId('f1'))).map(({ spanId }) => spanId).toSorted();
      await vi.waitFor(async () => expect(await hosts()).toHaveLength(1), SOON);
      const [first] = await hosts();
      await loop.stop();
      isReported = false;
      await store.append(later!);
      loop = startLoop({});
      await vi.waitUntil(settled, SOON);
      expect(await hosts()).toEqual([first]);
      isReported = true;
      await vi.waitFor(async () => expect(await hosts()).toHaveLength(2), SOON);
      expect(await hosts()).toContain(first);
    } finally {
      await loop.stop();
    }
  });
});

describe.skipIf(process.platform !== 'linux')('a listen queue that overflows', () => {
  it('is named by the verdict of the call that it turned away, with the counter as evidence', async () => {
    const { flags, env } = withHook(world.otlpEndpoint);
    const server = startApp(appFile('troubled-server.cjs'), {
      flags,
      env: { ...env, OTEL_SERVICE_NAME: 'pay' },
      args: ['127.0.0.1', 'block', String(BUSY_MS)],
    });
    const port = Number((await server.line('port ')).slice('port '.length));
    const client = startApp(appFile('two-calls.cjs'), {
      flags,
      env: { ...env, OTEL_SERVICE_NAME: 'shop' },
      args: [`http://127.0.0.1:${port}/`],
    });
    let fillers: Socket[] = [];
    try {
      await client.line('answered');
      await world.getWhen('/api/hosts', ({ hosts }: Hosts) => {
        const services = hosts.flatMap(({ processes }) => processes).map(({ service }) => service);
        return services.includes('shop') && services.includes('pay') ? true : undefined;
      });
      server.child.kill('SIGUSR2');
      await server.line('troubled');
      fillers = await fillQueue(port);
      client.child.kill('SIGUSR2');
      await client.line('given up');

      const traceId = await world.getWhen(
        '/api/traces?service=shop&q=timeout:true',
        ({ traces }: Found) => traces.find(({ timeouts }) => timeouts === 1)?.traceId,
      );
      const diagnosis = await world.getWhen(`/api/traces/${traceId}/diagnosis`, (found: Diagnosis) =>
        // While the host has not reported since, it is possible.
        found.verdicts[0]?.cause === 'C1' && found.verdicts[0].confidence !== 'possible' ? found : undefined,
      );
      const [verdict] = diagnosis.verdicts;
      expect(verdict).toMatchObject({ phase: 'connect', category: 'server', origin: { edge: 'shop->pay' } });
      expect(['likely', 'proven']).toContain(verdict?.confidence);
      const facts = verdict?.evidence.filter(({ source }) => source === 'host') ?? [];
      expect(facts).toContainEqual(
        expect.objectContaining({
          attribute: 'sockeye.host.tcp.listen_overflows',
          text: expect.stringMatching(/^ListenOverflows of \S+ rose from \d+ to \d+ between /),
        }),
      );
      const called = verdict?.hosts.find(({ side }) => side === 'callee');
      expect(called).toMatchObject({ isCertain: true, clocksAgree: true, processes: [{ service: 'pay' }] });
    } finally {
      for (const socket of fillers) socket.destroy();
      for (const app of [server, client]) app.child.kill('SIGKILL');
      await Promise.all([server.ended, client.ended]);
    }
  });
});
