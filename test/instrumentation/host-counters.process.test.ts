/** The counters of a host from a real program to the collector, and to a receiver that does not take them. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { readHostReports } from '../../collector/decode/host-reports.ts';
import { headroomBytes } from '../../instrumentation/export/export-request.ts';
import { SendError } from '../../instrumentation/export/sender.ts';
import { createHostReports } from '../../instrumentation/host/report.ts';
import { loadTcpInfo } from '../../instrumentation/kernel/read-tcp-info.ts';
import { acceptQueueOf } from '../../instrumentation/kernel/reading.ts';
import type { Hosts } from '../../collector/serve/wire.ts';
import { startWorld, type World } from '../end-to-end/collector.ts';
import { startHttpServer, type Fault } from './faults.ts';
import { startReceiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let world: World;
let server: Fault;

beforeAll(async () => {
  world = await startWorld();
  server = await startHttpServer();
});

afterAll(async () => {
  server?.close();
  await world?.end();
});

/** The lines of the collector's metrics that begin like this, when there are some. */
async function metrics(start: string): Promise<string[]> {
  for (;;) {
    const text = await (await fetch(`${world.page}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(start));
    if (lines.length > 0) return lines;
    await sleep(100);
  }
}

/** Connects so often, and leaves the connections for the server to accept. */
const connecting = (port: number, count: number) => `
  let open = 0;
  for (let index = 0; index < ${count}; index++)
    require('node:net').connect(${port}, '127.0.0.1', () => { if (++open === ${count}) process.exit(); });`;

it.skipIf(process.platform !== 'linux')(
  'the kernel tells how many wait to be accepted, and how many may',
  async () => {
    const server = createServer((socket) => socket.destroy());
    server.listen({ port: 0, host: '127.0.0.1', backlog: 7 });
    await once(server, 'listening');
    try {
      loadTcpInfo();
      expect(acceptQueueOf(server)).toEqual({ waiting: 0, max: 7 });
      // Nothing is accepted while this waits for the other process.
      spawnSync(process.execPath, ['-e', connecting((server.address() as AddressInfo).port, 3)]);
      expect(acceptQueueOf(server)).toEqual({ waiting: 3, max: 7 });
    } finally {
      server.close();
    }
  },
);

/** More connections than a listener has room for, in the network of this process. */
async function overflow(): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connectMany = `
    const { connect } = require('node:net');
    for (let index = 0; index < 8; index++) connect(${port}, '127.0.0.1', () => process.exit());`;
  spawnSync(process.execPath, ['-e', connectMany]);
  server.close();
}

describe.skipIf(process.platform !== 'linux')('a report', () => {
  it('does not wait for its time when connections were lost at a listener', async () => {
    const reports: Map<string, number>[] = [];
    const send = (request: Buffer) => {
      const [report] = readHostReports(request.subarray(headroomBytes));
      reports.push(new Map(report?.counters));
      return Promise.resolve(0);
    };
    const sender = { send, close() {} };
    const resource = () => ({ 'host.name': 'here' });
    const spansTaken = createHostReports({
      sender,
      url: 'http://receiver/v1/metrics',
      timeoutMs: 1000,
      resource,
      scope: { name: 'test' },
    });
    spansTaken();
    await vi.waitUntil(() => reports.length === 1);
    const dropsOf = (report: Map<string, number> | undefined) => report?.get('tcp.listen_drops') ?? NaN;
    await overflow();
    // The next by time comes after ten seconds: later than this waits.
    await vi.waitUntil(
      () => {
        spansTaken();
        return reports.length === 2;
      },
      { timeout: 8000, interval: 100 },
    );
    expect(dropsOf(reports[1])).toBeGreaterThan(dropsOf(reports[0]));
  });
});

/** Reports as fast as it may, until `send` rejects as a receiver of no metrics does. */
function reportFast(send: () => Promise<number>): void {
  const spansTaken = createHostReports({
    sender: { send, close() {} },
    url: 'http://receiver/v1/metrics',
    timeoutMs: 1000,
    resource: () => ({ 'host.name': 'here' }),
    scope: { name: 'test' },
    intervalMs: 5,
  });
  spansTaken();
}

const notTaken = () => Promise.reject(new SendError('404', false));

/** Some more of another's reports have come: the time for one more has. */
async function severalIntervals(): Promise<void> {
  let count = 0;
  await new Promise<void>((resolve) => {
    reportFast(() => {
      if (++count < 5) return Promise.resolve(0);
      resolve();
      return notTaken();
    });
  });
}

describe.skipIf(process.platform !== 'linux')('reports go on', () => {
  it('after each that could not be made or sent, until a receiver says that it takes none', async () => {
    const failures = [new Error('EMFILE'), new SendError('503', true), new SendError('404', false)];
    let count = 0;
    await new Promise<void>((resolve) => {
      reportFast(() => {
        const failure = failures[count++];
        if (count === failures.length) resolve();
        return Promise.reject(failure);
      });
    });
    await severalIntervals();
    expect(count).toBe(failures.length);
  });

  it.for(['files', 'memory'] as const)('when for a while there is no descriptor to read %s', async (what) => {
    let count = 0;
    let isOver = false;
    let fail: (() => void) | undefined;
    const failing = () => {
      fail?.();
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    };
    try {
      reportFast(() => {
        count++;
        return isOver ? notTaken() : Promise.resolve(0);
      });
      await vi.waitUntil(() => count > 0);
      const failed = new Promise<void>((resolve) => (fail = resolve));
      if (what === 'files') vi.spyOn(fs, 'readFileSync').mockImplementation(failing);
      else vi.spyOn(process.memoryUsage, 'rss').mockImplementation(failing);
      syncBuiltinESMExports();
      await failed;
    } finally {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    }
    isOver = true;
    count = 0;
    await vi.waitFor(() => expect(count).toBe(1));
  });

  it('one at a time', async () => {
    let count = 0;
    let answer: (() => void) | undefined;
    reportFast(() => {
      if (++count === 2) return notTaken();
      return new Promise((resolve) => (answer = () => resolve(0)));
    });
    await vi.waitUntil(() => answer);
    await severalIntervals();
    expect(count).toBe(1);
    answer?.();
    await vi.waitUntil(() => count === 2);
  });
});

describe.skipIf(process.platform !== 'linux')('a program that has sent spans', () => {
  it('tells the collector what its host counts', async () => {
    const { flags, env } = withHook(world.otlpEndpoint);
    const args = [`http://127.0.0.1:${server.port}/held`, 'serve'];
    const app = startApp(appFile('ending.cjs'), { flags, env, args });
    const lines = await metrics('sockeye_host_counter{');
    const { hosts } = (await (await fetch(`${world.page}/api/hosts`)).json()) as Hosts;
    const [{ reports, processes } = { reports: [], processes: [] }] = hosts;
    expect(reports.at(-1)?.counters['tcp.listen_overflows']).toBeGreaterThanOrEqual(0);
    expect(processes).toMatchObject([{ pid: String(app.child.pid) }]);
    const values = processes[0]?.values ?? {};
    expect(values['memory.resident_bytes']).toBeGreaterThan(2 ** 20);
    expect(values['listen.port']).toBeGreaterThan(0);
    expect(values).toMatchObject({ 'listen.queue': 0, 'connections.unread': 0 });
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    for (const name of ['tcp.listen_overflows', 'tcp.syn_retransmits', 'icmp.unreachable_received']) {
      const line = lines.find((each) => each.includes(`counter="${name}"`));
      expect(line).toMatch(
        /^sockeye_host_counter\{host="[^"]+",network_namespace="\d+",counter="[^"]+"\} \d+$/,
      );
    }
    expect(await metrics('sockeye_other_requests_dropped_total{signal="metrics"}')).toEqual([
      'sockeye_other_requests_dropped_total{signal="metrics"} 0',
    ]);
  });

  it('has each of its threads told apart, also where all have one instance id', async () => {
    const { flags, env } = withHook(world.otlpEndpoint);
    const app = startApp(appFile('calling-threads.cjs'), {
      flags,
      env: { ...env, OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=all-alike' },
      args: [`http://127.0.0.1:${server.port}/threads`],
    });
    const pid = String(app.child.pid);
    const threads = await world.getWhen('/api/hosts', ({ hosts }: Hosts) => {
      const found = hosts.flatMap(({ processes }) => processes).filter((each) => each.pid === pid);
      return found.length === 2 ? found : undefined;
    });
    expect(threads.map(({ instance }) => instance)).toEqual(['all-alike', 'all-alike']);
    expect(threads.map(({ thread }) => thread).toSorted()).toEqual(['', expect.stringMatching(/^[1-9]\d*$/)]);
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
  });

  it('reports where its network interfaces cannot be read', async () => {
    const { flags, env } = withHook(world.otlpEndpoint);
    const app = startApp(appFile('ending.cjs'), {
      flags: ['--require', appFile('no-interfaces.cjs'), ...flags],
      env,
      args: [`http://127.0.0.1:${server.port}/unseen`, 'serve'],
    });
    const pid = String(app.child.pid);
    const values = await world.getWhen('/api/hosts', ({ hosts }: Hosts) => {
      const processes = hosts.flatMap((host) => host.processes);
      return processes.find((each) => each.pid === pid)?.values;
    });
    expect(values['memory.resident_bytes']).toBeGreaterThan(2 ** 20);
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
  });

  it('says nothing of it when the receiver takes no metrics', async () => {
    const receiver = await startReceiver();
    try {
      const { flags, env } = withHook(receiver.url);
      const url = `http://127.0.0.1:${server.port}/refused`;
      const app = startApp(appFile('ending.cjs'), { flags, env, args: [url, 'stay'] });
      await receiver.waitFor(({ attributes }) => attributes['url.full'] === url);
      await app.line('resting');
      app.child.kill('SIGTERM');
      expect(await app.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    } finally {
      receiver.close();
    }
  });
});
