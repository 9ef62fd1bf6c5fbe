/**
 * What the kernel counts for this network namespace and host, of which a single connection knows nothing: whether a listen
 * queue was full, packets sent again, what a router said is unreachable. Linux only; what is not there is left out.
 *
 *     TcpExt: SyncookiesSent … ListenOverflows ListenDrops …      a line of names, then a line of values
 *     TcpExt: 33             … 99789           99789       …
 */
import { readlinkSync } from 'node:fs';
import type { NetworkInterfaceInfo } from 'node:os';
import { readFile } from './read-file.ts';

const ADDRESSES_MAX = 16;

export interface HostCounter {
  /** `host.…` or `process.…`. */
  name: string;
  value: number;
  /** Whether it counts since the start of the host, and never goes back. */
  isTotal: boolean;
}

/** By file, group and the kernel's name. */
const wanted: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  '/proc/net/netstat': {
    TcpExt: {
      ListenOverflows: 'host.tcp.listen_overflows',
      ListenDrops: 'host.tcp.listen_drops',
      TCPReqQFullDrop: 'host.tcp.request_queue_drops',
      TCPSynRetrans: 'host.tcp.syn_retransmits',
      TCPTimeouts: 'host.tcp.timeouts',
      TCPRetransFail: 'host.tcp.retransmit_failures',
      TCPAbortOnMemory: 'host.tcp.aborted_on_memory',
    },
  },
  '/proc/net/snmp': {
    Tcp: {
      OutSegs: 'host.tcp.segments_sent',
      RetransSegs: 'host.tcp.retransmits',
      OutRsts: 'host.tcp.resets_sent',
      AttemptFails: 'host.tcp.attempts_failed',
    },
    Icmp: { InDestUnreachs: 'host.icmp.unreachable_received' },
  },
};

/** The values of a file like that, by group and name. */
export function parseTable(text: string): Map<string, Map<string, number>> {
  const groups = new Map<string, Map<string, number>>();
  let names: string[] = [];
  for (const line of text.split('\n')) {
    const [group = '', ...fields] = line.trim().split(/[:\s]+/);
    if (fields.length === 0) continue;
    // Of two lines of one group the second has the values.
    if (names[0] !== group) names = [group, ...fields];
    else {
      const values = fields.map((field, index) => [names[index + 1] ?? '', Number(field)] as const);
      groups.set(group, new Map(values));
      names = [];
    }
  }
  return groups;
}

/** `some … total=11685478356`: microseconds in which a task waited for a CPU. */
export function parsePressureUs(text: string): number | undefined {
  const [, total] = /^some .*\btotal=(\d+)/m.exec(text) ?? [];
  return total === undefined ? undefined : Number(total);
}

/** Some 0.3 ms. */
export function readHostCounters(): HostCounter[] {
  const counters: HostCounter[] = [];
  const add = (name: string, value: number | undefined, isTotal: boolean) => {
    if (value !== undefined && Number.isFinite(value) && value >= 0) counters.push({ name, value, isTotal });
  };
  for (const [file, groups] of Object.entries(wanted)) {
    const table = parseTable(readFile(file));
    for (const [group, fields] of Object.entries(groups)) {
      for (const [field, name] of Object.entries(fields)) add(name, table.get(group)?.get(field), true);
    }
  }
  add('host.cpu.pressure_us', parsePressureUs(readFile('/proc/pressure/cpu')), true);
  for (const name of ['count', 'max']) {
    const text = readFile(`/proc/sys/net/netfilter/nf_conntrack_${name}`).trim();
    if (text !== '') add(`host.conntrack.${name}`, Number(text), false);
  }
  return counters;
}

/** Connections that were lost at a listener: what cannot wait for the next report. Some 0.1 ms. */
export function readListenDrops(): number | undefined {
  return parseTable(readFile('/proc/net/netstat')).get('TcpExt')?.get('ListenDrops');
}

/** Of this network, but those of the loopback interface: by these a caller knows the host. */
export function networkAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all = []) => all)
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
    .slice(0, ADDRESSES_MAX);
}

/** None where they cannot be read: some sandboxes allow no netlink socket. */
function networkInterfaces(): NodeJS.Dict<NetworkInterfaceInfo[]> {
  try {
    return process.getBuiltinModule('node:os').networkInterfaces();
  } catch {
    return {};
  }
}

/** The counters of a network are those of its namespace: two containers of one host have different ones. */
export function networkNamespace(): string | undefined {
  try {
    return /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/net'))?.[1];
  } catch {
    return undefined;
  }
}
