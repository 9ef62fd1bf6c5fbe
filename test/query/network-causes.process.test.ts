/**
 * Caller and callee in networks of their own, each with its counters, where packets are dropped by rules, or at a listener that is
 * full: the verdict finds the hosts of both by their addresses, and they decide it. Needs root, to make network namespaces.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runApp } from '../instrumentation/run-app.ts';
import { startCollector, type Collector } from '../main/collector.ts';
import { canFillConnectionTable, canFilter, canMakeNetworks, makeNetwork, type Network } from './network.ts';
import { hostFacts, startTwoEnds, type TwoEnds, type TwoEndsOptions } from './two-ends.ts';

const BLOCK_MS = 6_000;
/** More than a backlog of one has room for. */
const FILLERS = 4;

let folder = '';
const networks: Network[] = [];
let collector: Collector;

function newNetwork(): Network {
  const network = makeNetwork();
  networks.push(network);
  return network;
}

async function withTwoEnds(
  options: Omit<TwoEndsOptions, 'otlpEndpoint' | 'web'>,
  work: (ends: TwoEnds) => Promise<void>,
): Promise<void> {
  const ends = await startTwoEnds({
    otlpEndpoint: `http://${collector.otlpGrpc}`,
    web: collector.web,
    ...options,
  });
  try {
    await work(ends);
  } finally {
    await ends.end();
  }
}

/** Connections that nobody accepts, as many as find room and some more. */
async function fillQueue(host: string, port: number, localAddress: string): Promise<Socket[]> {
  const sockets = Array.from({ length: FILLERS }, () =>
    connect({ host, port, localAddress }).on('error', () => {}),
  );
  await Promise.race(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

const isLikely = ({ confidence }: { confidence: string }) => confidence === 'likely';

describe.skipIf(!canMakeNetworks).concurrent('between two networks (needs root)', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sockeye-networks-'));
    const { outside } = newNetwork();
    const ports = ['--otlp-grpc', `${outside}:0`, '--otlp-http', '127.0.0.1:0', '--web', '127.0.0.1:0'];
    collector = await startCollector(['--data', folder, ...ports]);
  });
  afterAll(async () => {
    await collector?.stop();
    for (const network of networks) network.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a callee too busy to accept is found by its address, and its full listen queue named when it reports', async () => {
    const { inside, outsideToo, starter } = newNetwork();
    const trouble = { name: 'block', forMs: BLOCK_MS };
    await withTwoEnds({ name: 'full', address: inside, trouble, server: { starter } }, async (ends) => {
      await ends.haveReported();
      await ends.getIntoTrouble();
      const fillers = await fillQueue(inside, ends.port, outsideToo);
      await ends.callInVain();
      for (const filler of fillers) filler.destroy();
      const verdict = await ends.verdict(({ cause }) => cause === 'C1');
      expect(verdict).toMatchObject({ phase: 'connect', origin: { edge: 'shop-full->pay-full' } });
      expect(hostFacts(verdict, 'sockeye.host.tcp.listen_overflows')).toHaveLength(1);
      const [caller, callee] = verdict.hosts;
      expect([caller?.side, callee?.side, callee?.isCertain]).toEqual(['caller', 'callee', true]);
      expect(callee?.networkNamespace).not.toBe(caller?.networkNamespace);
    });
  });

  it.skipIf(!canFilter)('a queue that was full at the last step of a handshake is', async () => {
    const { inside, outside, outsideToo, starter, run } = newNetwork();
    const trouble = { name: 'block', forMs: BLOCK_MS };
    await withTwoEnds({ name: 'late', address: inside, trouble, server: { starter } }, async (ends) => {
      await ends.haveReported();
      await ends.getIntoTrouble();
      const rule = ['-p', 'tcp', '-s', outside, '--dport', String(ends.port), '!', '--syn', '-j', 'DROP'];
      run('iptables', '-A', 'INPUT', ...rule);
      const call = ends.callInVain();
      await vi.waitUntil(() => /^ *[1-9]\d* .*DROP/m.test(run('iptables', '-L', 'INPUT', '-vnx')));
      const fillers = await fillQueue(inside, ends.port, outsideToo);
      run('iptables', '-D', 'INPUT', ...rule);
      await call;
      for (const filler of fillers) filler.destroy();
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'C2', phase: 'wait' });
      expect(hostFacts(verdict, 'sockeye.host.tcp.listen_overflows')).toHaveLength(1);
    });
  });

  it.skipIf(!canFilter)('a rule of the caller’s own that drops its SYN is', async () => {
    const { outside, starter, run } = newNetwork();
    await withTwoEnds({ name: 'ruled', address: outside, client: { starter } }, async (ends) => {
      await ends.haveReported();
      run('iptables', '-A', 'OUTPUT', '-p', 'tcp', '--dport', String(ends.port), '-j', 'DROP');
      await ends.callInVain();
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'B2', phase: 'connect' });
      expect(hostFacts(verdict, 'sockeye.host.tcp.retransmit_failures')).toEqual([
        expect.stringMatching(/^TCPRetransFail of \S+ rose from \d+ to \d+ between /),
      ]);
    });
  });

  it.skipIf(!canFillConnectionTable)('a table of connections with no room for one more is', async () => {
    const { outside, starter, run } = newNetwork();
    for (const chain of ['OUTPUT', 'PREROUTING'])
      run('iptables', '-t', 'raw', '-A', chain, '-j', 'CT', '--notrack');
    run('iptables', '-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'ACCEPT');
    const filled = await runApp(join(import.meta.dirname, 'fill-connection-table.cjs'), { starter });
    expect(filled).toMatchObject({ code: 0, stderr: '' });
    await withTwoEnds({ name: 'tracked', address: outside, client: { starter } }, async (ends) => {
      await ends.haveReported();
      // From now on its connections are tracked, where there is room.
      run('iptables', '-t', 'raw', '-I', 'OUTPUT', '-p', 'tcp', '--dport', String(ends.port), '-j', 'ACCEPT');
      await ends.callInVain();
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'B6', phase: 'connect' });
      expect(hostFacts(verdict, 'sockeye.host.conntrack.count')).toEqual([
        expect.stringMatching(/^\S+ tracks (\d+) connections, of \d+$/),
      ]);
    });
  });

  it('a caller without a free port is, by the error alone', async () => {
    const { outside, starter, run } = newNetwork();
    run('sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40000');
    await withTwoEnds({ name: 'portless', address: outside, client: { starter } }, async (ends) => {
      // Its first connection is kept for a while.
      await ends.callInVain();
      const verdict = await ends.verdict(({ confidence }) => confidence === 'proven');
      expect(verdict).toMatchObject({ cause: 'F7', phase: 'connect' });
      expect(verdict.evidence).toContainEqual(
        expect.objectContaining({ text: expect.stringContaining('EADDRNOTAVAIL') }),
      );
    });
  });

  it('a SYN-ACK that is sent again and again, and lost on its way, is possible', async () => {
    const { inside, starter, loseWayOut } = newNetwork();
    await withTwoEnds({ name: 'unheard', address: inside, server: { starter } }, async (ends) => {
      await ends.haveReported();
      loseWayOut();
      await ends.callInVain();
      const verdict = await ends.verdict(({ cause }) => cause === 'B3');
      expect(verdict).toMatchObject({ confidence: 'possible', phase: 'connect' });
      expect(hostFacts(verdict, 'sockeye.process.connections.half_open_retransmitted')).toEqual([
        expect.stringMatching(/: 1 handshakes whose SYN-ACK was sent again$/),
      ]);
    });
  });
});
