/**
 * Caller and callee in networks of their own, each with its counters: the verdict finds the callee's host by the address that was
 * called, and is revised when that host, too busy to report, does so at last. Needs root, to make a network namespace.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Diagnosis, Hosts, TracePage } from '../../collector/serve/wire.ts';
import { appFile, startApp, withHook } from '../instrumentation/run-app.ts';
import { startCollector } from '../main/collector.ts';
import { canMakeNetworks, makeNetwork, type Network } from './network.ts';

const BUSY_MS = 6_000;
const FILLERS = 4;
const SOON = { timeout: 30_000, interval: 250 };

let folder = '';
let network: Network;

describe.skipIf(!canMakeNetworks)('a callee in another network (needs root)', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sockeye-networks-'));
    network = makeNetwork();
  });
  afterAll(() => {
    network?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is found by its address, and its full listen queue named when it reports', async () => {
    const { outside, inside, starter } = network;
    const ports = ['--otlp-grpc', `${outside}:0`, '--otlp-http', '127.0.0.1:0', '--web', '127.0.0.1:0'];
    const collector = await startCollector(['--data', folder, ...ports]);
    const get = async <T>(path: string) => (await (await fetch(collector.web + path)).json()) as T;
    const { flags, env } = withHook(`http://${collector.otlpGrpc}`);
    const server = startApp(appFile('busy-server.cjs'), {
      starter,
      flags,
      env: { ...env, OTEL_SERVICE_NAME: 'pay' },
      args: [inside, String(BUSY_MS)],
    });
    const port = Number((await server.line('port ')).slice('port '.length));
    const client = startApp(appFile('two-calls.cjs'), {
      flags,
      env: { ...env, OTEL_SERVICE_NAME: 'shop' },
      args: [`http://${inside}:${port}/`],
    });
    let fillers: Socket[] = [];
    try {
      await client.line('answered');
      await vi.waitFor(async () => expect((await get<Hosts>('/api/hosts')).hosts).toHaveLength(2), SOON);
      server.child.kill('SIGUSR2');
      await server.line('busy');
      fillers = Array.from({ length: FILLERS }, () => connect(port, inside).on('error', () => {}));
      await Promise.race(fillers.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
      client.child.kill('SIGUSR2');
      await client.line('given up');

      const verdict = await vi.waitFor(async () => {
        const { traces } = await get<TracePage>('/api/traces?service=shop&q=timeout:true');
        const { verdicts } = await get<Diagnosis>(`/api/traces/${traces[0]!.traceId}/diagnosis`);
        expect(verdicts).toMatchObject([{ cause: 'C1', phase: 'connect', origin: { edge: 'shop->pay' } }]);
        return verdicts[0]!;
      }, SOON);
      expect(verdict.evidence.map(({ attribute }) => attribute)).toContain(
        'sockeye.host.tcp.listen_overflows',
      );
      const [caller, callee] = verdict.hosts;
      expect([caller?.side, callee?.side, callee?.isCertain]).toEqual(['caller', 'callee', true]);
      expect(callee?.networkNamespace).not.toBe(caller?.networkNamespace);
    } finally {
      for (const socket of fillers) socket.destroy();
      for (const app of [server, client]) app.child.kill('SIGKILL');
      await Promise.all([server.ended, client.ended, collector.stop()]);
    }
  });
});
