/** The counters of a host from a real program to the collector, and to a receiver that does not take them. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { readHostReports } from '../../collector/decode/host-reports.ts';
import { headroomBytes } from '../../instrumentation/export/export-request.ts';
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
