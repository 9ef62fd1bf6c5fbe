/** `sockeye doctor` in a network of its own: names, and packets that are lost. Needs root. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canMakeNetworks, makeNetwork, type Network } from '../query/network.ts';
import { examine, startDoctor, startSpeaker, type Peer } from './doctor-peers.ts';

let network: Network;
const closing: { close(): void }[] = [];
beforeEach(() => {
  if (canMakeNetworks) network = makeNetwork();
});
afterEach(() => {
  for (const each of closing.splice(0)) each.close();
  if (canMakeNetworks) network.end();
});
const there = (args: string[]) => examine(args, {}, network.starter);

/** What `ip netns exec` shows as files of /etc. */
function etc(files: Record<string, string>): void {
  const folder = `/etc/netns/${network.starter.at(-1)}`;
  mkdirSync(folder, { recursive: true });
  closing.push({ close: () => rmSync(folder, { recursive: true }) });
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
}

async function listen(address: string, port = 0): Promise<Peer> {
  const peer = await startSpeaker('hello', address, port);
  closing.push(peer);
  return peer;
}

test.skipIf(!canMakeNetworks)(
  'a SYN that is lost: the kernel sent it again, and nothing came back',
  { timeout: 30_000 },
  async () => {
    const { port } = await listen(network.outside);
    network.loseWayOut();
    const { code, said, step, verdict } = await there([`${network.outside}:${port}`, '--timeout', '3500ms']);
    expect({ code, stoppedAt: said.stoppedAt }).toEqual({ code: 1, stoppedAt: 'connect' });
    expect(step('connect')!.kernel).toMatchObject({
      'sockeye.tcp.state': 'SYN_SENT',
      'sockeye.tcp.segments_in': 0,
    });
    expect(verdict).toMatchObject({ phase: 'connect', cause: 'B1', confidence: 'possible' });
    expect(verdict!.sentence).toMatch(
      /the TCP connect never completed \([1-9]\d* SYN retransmits?, no reply\)/,
    );
    expect(verdict!.alternatives.map(({ cause }) => cause)).toContain('C1');
    // The own rules hold nothing back, by the kernel's own count.
    expect(verdict!.alternatives.find(({ cause }) => cause === 'B2')?.against).toMatch(
      /TCPRetransFail .* did not rise/,
    );
  },
);

test.skipIf(!canMakeNetworks)(
  'one address of two that is dead is a fault, and the other is asked',
  async () => {
    const { port } = await listen(network.outside);
    etc({ hosts: `127.0.0.1 localhost\n${network.outsideToo} shop\n${network.outside} shop\n` });
    const { code, said, verdict } = await there([`shop:${port}`]);
    expect(code).toBe(1);
    const results = said.steps.map(({ step, address, result }) => `${step} ${address} ${result}`);
    expect(results.toSorted()).toEqual(
      [
        'dns  fine',
        `connect ${network.outside} fine`,
        `connect ${network.outsideToo} fault`,
        `listen ${network.outside} fine`,
      ].toSorted(),
    );
    expect(verdict).toMatchObject({ phase: 'connect', giveUp: { kind: 'refused' } });
    const { stdout } = await startDoctor([`shop:${port}`], {}, network.starter).ended;
    expect(stdout).toContain(`✕ ${network.outsideToo}: doctor was turned away by shop:${port}`);
  },
);

test.skipIf(!canMakeNetworks)('an address of IPv6 where there is no way to IPv6 is passed over', async () => {
  const { port } = await listen(network.outside);
  etc({ hosts: `2001:db8::1 shop\n${network.outside} shop\n` });
  const { code, said } = await there([`shop:${port}`]);
  expect(code).toBe(0);
  expect(said.steps.find(({ address }) => address === '2001:db8::1')).toMatchObject({
    result: 'passed over',
    failure: { code: 'ENETUNREACH' },
  });
});

test.skipIf(!canMakeNetworks)('no way there at all', async () => {
  network.run('ip', 'route', 'del', 'default');
  const { code, verdict } = await there(['192.0.2.1:80']);
  expect(code).toBe(1);
  expect(verdict).toMatchObject({ phase: 'connect', cause: 'A7', giveUp: { kind: 'unreachable' } });
});

test.skipIf(!canMakeNetworks)(
  'a server of names that does not answer, and is asked by itself',
  { timeout: 30_000 },
  async () => {
    const silent = createSocket('udp4').bind(53, network.outside);
    await once(silent, 'listening');
    closing.push(silent);
    etc({ hosts: '127.0.0.1 localhost\n', 'resolv.conf': `nameserver ${network.outside}\n` });
    const { code, said, step, verdict } = await there(['http://payments.test/', '--timeout', '1500ms']);
    expect({ code, stoppedAt: said.stoppedAt }).toEqual({ code: 1, stoppedAt: 'dns' });
    expect(step('dns')).toMatchObject({
      failure: { isTimeout: true, message: 'no address within 1.5 s' },
      lookup: { asked: [{ server: network.outside, code: 'ETIMEOUT' }] },
    });
    expect(verdict).toMatchObject({ phase: 'dns', cause: 'D1', giveUp: { kind: 'timeout' } });
    expect(said.missing).toBeNull();
  },
);

test.skipIf(!canMakeNetworks)('a name that does not exist', { timeout: 30_000 }, async () => {
  const nobody = createSocket('udp4').bind(53, network.outside);
  nobody.on('message', (query, from) => {
    query.writeUInt16BE(0x8183, 2); // a response, recursion available, code 3: no such name
    nobody.send(query, from.port, from.address);
  });
  await once(nobody, 'listening');
  closing.push(nobody);
  etc({ hosts: '127.0.0.1 localhost\n', 'resolv.conf': `nameserver ${network.outside}\n` });
  const { code, step, verdict } = await there(['payments.test:80']);
  expect(code).toBe(1);
  expect(step('dns')).toMatchObject({
    failure: { code: 'ENOTFOUND' },
    lookup: { asked: [{ server: network.outside, code: 'ENOTFOUND' }] },
  });
  expect(verdict).toMatchObject({ phase: 'dns', cause: 'D2', confidence: 'proven' });
});

test.skipIf(!canMakeNetworks)('where loopback is down spans cannot come, and it says so', async () => {
  network.run('ip', 'link', 'set', 'lo', 'down');
  const { port } = await listen(network.outside);
  const { code, said } = await there([`${network.outside}:${port}`]);
  expect(code).toBe(0);
  expect(said.missing).toMatch(/^No kernel evidence: /);
});
