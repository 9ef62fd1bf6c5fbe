/**
 * What hosts have reported lately, in memory: the counters of each over some minutes, and the newest of each process that told
 * of itself. A host that has not reported for a while is forgotten.
 */
import type { HostReport } from '../decode/host-reports.ts';

const HOSTS_MAX = 1_000;
const COUNTERS_MAX = 100;
const NAME_LENGTH_MAX = 100;
/** Of one host: ten minutes of one hook's reports; and processes on it. */
const REPORTS_MAX = 60;
const PROCESSES_MAX = 100;
/** A hook reports every 10 s, several on a host in between: within this time the newest takes the place of the one before. */
const REPORT_EVERY_MS = 5_000;
const FORGET_AFTER_MS = 5 * 60_000;

type Values = ReadonlyMap<string, number>;

export interface HostHistory {
  readonly host: string;
  /** Of the network; '' when it is not known. */
  readonly namespace: string;
  /** The oldest first. */
  readonly reports: readonly { readonly atMs: number; readonly counters: Values }[];
  /** In the order in which they last reported. */
  readonly processes: readonly {
    readonly service: string;
    readonly pid: string;
    readonly atMs: number;
    readonly values: Values;
  }[];
}

export interface HostCounters {
  /** Whether there was room. */
  keep(report: HostReport): boolean;
  /** Of the hosts that have reported lately, in the order in which they last did. */
  recent(): HostHistory[];
}

/** Names are the same from report to report: kept as numbers, a report takes a fraction of a Map of them. */
interface Slot {
  readonly startedMs: number;
  atMs: number;
  names: readonly string[];
  numbers: Float64Array;
}

interface Host {
  readonly host: string;
  readonly namespace: string;
  atMs: number;
  readonly slots: Slot[];
  readonly processes: Map<string, HostHistory['processes'][number]>;
}

export function createHostCounters(now: () => number = Date.now): HostCounters {
  /** In the order in which they last reported. */
  const hosts = new Map<string, Host>();

  function forgetSilent(): void {
    for (const [key, { atMs }] of hosts) {
      if (now() - atMs <= FORGET_AFTER_MS) return;
      hosts.delete(key);
    }
  }

  return {
    keep({ host, namespace, counters, process }) {
      forgetSilent();
      const key = JSON.stringify([host, namespace]);
      const isNamed = host.length <= NAME_LENGTH_MAX && namespace.length <= NAME_LENGTH_MAX;
      if (!isNamed || (!hosts.has(key) && hosts.size >= HOSTS_MAX)) return false;
      const known = hosts.get(key) ?? { host, namespace, atMs: 0, slots: [], processes: new Map() };
      known.atMs = now();
      hosts.delete(key);
      hosts.set(key, known);
      keepCounters(known, counters);
      keepProcess(known, process);
      return true;
    },
    recent() {
      forgetSilent();
      return [...hosts.values()].map(({ host, namespace, slots, processes }) => ({
        host,
        namespace,
        reports: slots.map(({ atMs, names, numbers }) => ({
          atMs,
          counters: new Map(names.map((name, index) => [name, numbers[index]!])),
        })),
        processes: [...processes.values()].filter(({ atMs }) => now() - atMs <= FORGET_AFTER_MS),
      }));
    },
  };
}

function keepCounters({ slots, atMs }: Host, counters: Values): void {
  const kept = limited(counters);
  const last = slots.at(-1);
  const found = [...kept.keys()];
  const names = last && found.join() === last.names.join() ? last.names : found;
  const numbers = Float64Array.from(kept.values());
  if (last && atMs - last.startedMs < REPORT_EVERY_MS) {
    Object.assign(last, { atMs, names, numbers });
    return;
  }
  slots.push({ startedMs: atMs, atMs, names, numbers });
  if (slots.length > REPORTS_MAX) slots.shift();
}

/** Of more processes than there is room for, those that have not reported for longest leave. */
function keepProcess({ processes, atMs }: Host, { service, pid, values }: HostReport['process']): void {
  if (values.size === 0 || service.length > NAME_LENGTH_MAX || pid.length > NAME_LENGTH_MAX) return;
  const key = JSON.stringify([service, pid]);
  processes.delete(key);
  processes.set(key, { service, pid, atMs, values: limited(values) });
  for (const oldest of processes.keys()) {
    if (processes.size <= PROCESSES_MAX) return;
    processes.delete(oldest);
  }
}

function limited(values: Values): Values {
  const named = [...values].filter(([name]) => name.length <= NAME_LENGTH_MAX);
  return new Map(named.slice(0, COUNTERS_MAX));
}
