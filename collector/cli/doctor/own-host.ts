/**
 * What the kernel of this host counted while a step ran, as the diagnosis takes it of hosts that report: packets held back by
 * its own rules, a full table of connections; and where the target is on this host, listen queues that overflowed. Linux only.
 */
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import type { HostView } from '../../diagnose/hosts/host-view.ts';

export interface HostCounts {
  readonly atUnixMs: number;
  readonly counters: Readonly<Record<string, number>>;
}

const TCP_COUNTERS = {
  ListenOverflows: 'tcp.listen_overflows',
  TCPReqQFullDrop: 'tcp.request_queue_drops',
  TCPRetransFail: 'tcp.retransmit_failures',
} as const;
const TABLE = '/proc/sys/net/netfilter/nf_conntrack_';

/** Without what cannot be read. */
export function countHost(): HostCounts {
  const counters: Record<string, number> = {};
  const [names = [], values = []] = read('/proc/net/netstat')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  for (const [name, counter] of Object.entries(TCP_COUNTERS)) {
    const value = values[names.indexOf(name)];
    if (value !== undefined && /^\d+$/.test(value)) counters[counter] = Number(value);
  }
  for (const name of ['count', 'max']) {
    const value = read(`${TABLE}${name}`).trim();
    if (value !== '') counters[`conntrack.${name}`] = Number(value);
  }
  return { atUnixMs: Date.now(), counters };
}

/** Nobody else's clock is read, and the counts lie around the call. */
export function viewOwnHost(
  spanId: string,
  address: string,
  before: HostCounts,
  after: HostCounts,
): HostView[] {
  const names = Object.keys(after.counters).filter((name) => name in before.counters);
  if (names.length === 0) return [];
  const view = {
    spanId,
    host: hostname(),
    networkNamespace: '',
    isCertain: true,
    from: new Date(before.atUnixMs).toISOString(),
    to: new Date(after.atUnixMs).toISOString(),
    coversCall: true,
    hasRoom: true,
    clocksAgree: true,
    counters: Object.fromEntries(
      names.map((name) => [name, { before: before.counters[name]!, after: after.counters[name]! }]),
    ),
    unchanged: names.filter(
      (name) => name.startsWith('tcp.') && before.counters[name] === after.counters[name],
    ),
    processes: [],
  };
  const caller: HostView = { ...view, side: 'caller' };
  // What a port of this host is handed on to may have its queue elsewhere: nothing here rules it out.
  return isOwn(address) ? [caller, { ...view, side: 'callee', hasRoom: false, unchanged: [] }] : [caller];
}

function isOwn(address: string): boolean {
  if (address.startsWith('127.')) return true;
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return own.some((each) => each.address === address);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
