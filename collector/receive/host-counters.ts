/**
 * What hosts have reported lately, in memory: the counters of each over some minutes, and the newest of each process that told
 * of itself. A host that has not reported for a while is forgotten.
 */
import type { HostReport } from '../decode/host-reports.ts';

const HOSTS_MAX = 1_000;
/** Of one report, and of one host as long as it reports: the hook sends 15 of the host, 14 of a process. */
const COUNTERS_MAX = 32;
const NAME_LENGTH_MAX = 100;
/** Of one host: twenty minutes of one hook's reports, five of many hooks'; processes on it; its addresses. */
const HOST_REPORTS_MAX = 120;
const HOST_PROCESSES_MAX = 100;
const HOST_ADDRESSES_MAX = 16;
/** Of one process, before its newest: most of two minutes, in which verdicts ask for what it said around a call. */
const EARLIER_REPORTS_MAX = 10;
/** Of all hosts, of which each has the same share. */
const REPORTS_MAX = 10_000;
const PROCESSES_MAX = 5_000;
/**
 * A hook reports every 10 s, several on a host in between: of those within this time the first and the newest are kept, because
 * what rose between them rose then.
 */
const REPORT_EVERY_MS = 5_000;
const FORGET_AFTER_MS = 5 * 60_000;

type Values = ReadonlyMap<string, number>;

interface HostName {
  readonly host: string;
  /** Of the network; '' when it is not known. */
  readonly namespace: string;
}

export interface HostHistory extends HostName {
  /** IP addresses, but those of the loopback interface. */
  readonly addresses: readonly string[];
  /** The oldest first. */
  readonly reports: readonly { readonly atMs: number; readonly counters: Values }[];
  /** In the order in which they last reported. */
  readonly processes: readonly {
    readonly service: string;
    readonly pid: string;
    /** Tells the threads of a process apart, unless a program names them all alike; '' when it is not known. */
    readonly instance: string;
    /** `thread.id`; '' of a main thread. */
    readonly thread: string;
    readonly atMs: number;
    readonly values: Values;
    /** What it reported before, the oldest first. */
    readonly earlier: readonly { readonly atMs: number; readonly values: Values }[];
    /** How far its clock is ahead of this one, at least: a report takes its time to come. null when it does not say. */
    readonly clockAheadMs: number | null;
  }[];
}

/** What a host is found by. */
export interface HostIdentity extends HostName {
  readonly addresses: readonly string[];
  readonly services: ReadonlySet<string>;
}

export interface NewestCounters extends HostName {
  readonly counters: Values;
}

export interface HostCounters {
  /** Whether there was room. */
  keep(report: HostReport): boolean;
  /** Of the hosts that have reported lately, or of those of them that are wanted, in the order in which they last did. */
  recent(isWanted?: (host: HostIdentity) => boolean): HostHistory[];
  /** The same without what came before. */
  newest(): NewestCounters[];
}

interface Report {
  /** Of those that came soon after each other, when the first did. */
  readonly firstMs: number;
  readonly atMs: number;
  readonly numbers: Numbers;
}

interface Process {
  readonly service: string;
  readonly pid: string;
  readonly instance: string;
  readonly thread: string;
  readonly atMs: number;
  readonly numbers: Numbers;
  readonly earlier: readonly { readonly atMs: number; readonly numbers: Numbers }[];
  readonly clockAheadMs: number | null;
}

interface Host extends HostName {
  addresses: readonly string[];
  atMs: number;
  readonly counterNames: string[];
  readonly reports: Report[];
  readonly valueNames: string[];
  readonly processes: Map<string, Process>;
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
    keep({ host, namespace, addresses, counters, process, sentUnixMs }) {
      forgetSilent();
      const key = JSON.stringify([host, namespace]);
      const known = hosts.get(key);
      if (!known && (hosts.size >= HOSTS_MAX || !isShort(host, namespace))) return false;
      const kept = known ?? newHost(host, namespace);
      kept.atMs = now();
      kept.addresses = addresses.filter((address) => isShort(address)).slice(0, HOST_ADDRESSES_MAX);
      hosts.delete(key);
      hosts.set(key, kept);
      if (counters.size > 0) keepCounters(kept, counters);
      keepProcess(kept, process, sentUnixMs);
      // The share of each gets smaller with a new one.
      for (const each of known ? [known] : hosts.values()) trim(each, hosts.size);
      return true;
    },
    recent(isWanted) {
      forgetSilent();
      return [...hosts.values()]
        .filter((host) => isWanted === undefined || isWanted(identityOf(host)))
        .map((host) => historyOf(host, now() - FORGET_AFTER_MS));
    },
    newest() {
      forgetSilent();
      return [...hosts.values()].map(({ host, namespace, counterNames, reports }) => {
        const numbers = reports.at(-1)?.numbers;
        return { host, namespace, counters: numbers ? valuesOf(counterNames, numbers) : new Map() };
      });
    },
  };
}

function newHost(host: string, namespace: string): Host {
  return {
    host,
    namespace,
    addresses: [],
    atMs: 0,
    counterNames: [],
    reports: [],
    valueNames: [],
    processes: new Map(),
  };
}

function identityOf({ host, namespace, addresses, processes }: Host): HostIdentity {
  return {
    host,
    namespace,
    addresses,
    services: new Set([...processes.values()].map(({ service }) => service)),
  };
}

function keepCounters({ counterNames, reports, atMs }: Host, counters: Values): void {
  const numbers = numbersOf(counterNames, counters);
  const last = reports.at(-1);
  const isSoon = last !== undefined && atMs - last.firstMs < REPORT_EVERY_MS;
  if (isSoon && last.atMs > last.firstMs) reports.pop();
  reports.push({ firstMs: isSoon ? last.firstMs : atMs, atMs, numbers });
}

function keepProcess(
  { processes, valueNames, atMs }: Host,
  process: HostReport['process'],
  sentUnixMs: number | null,
): void {
  const { service, pid, instance, thread, values } = process;
  if (values.size === 0 || !isShort(service, pid, instance, thread)) return;
  const key = JSON.stringify([service, pid, instance, thread]);
  const known = processes.get(key);
  const earlier = known === undefined ? [] : [...known.earlier, { atMs: known.atMs, numbers: known.numbers }];
  const clockAheadMs = sentUnixMs === null ? null : sentUnixMs - atMs;
  processes.delete(key);
  processes.set(key, {
    service,
    pid,
    instance,
    thread,
    atMs,
    numbers: numbersOf(valueNames, values),
    earlier: earlier.slice(-EARLIER_REPORTS_MAX),
    clockAheadMs,
  });
}

/** Of more than there is room for, the oldest reports leave, and the processes that have not reported for longest. */
function trim({ reports, processes }: Host, hostCount: number): void {
  reports.splice(0, reports.length - Math.min(HOST_REPORTS_MAX, Math.floor(REPORTS_MAX / hostCount)));
  const processesMax = Math.min(HOST_PROCESSES_MAX, Math.floor(PROCESSES_MAX / hostCount));
  for (const oldest of processes.keys()) {
    if (processes.size <= processesMax) return;
    processes.delete(oldest);
  }
}

function historyOf(known: Host, sinceMs: number): HostHistory {
  const { host, namespace, addresses, counterNames, reports, valueNames, processes } = known;
  return {
    host,
    namespace,
    addresses,
    reports: reports.map(({ atMs, numbers }) => ({ atMs, counters: valuesOf(counterNames, numbers) })),
    processes: [...processes.values()]
      .filter(({ atMs }) => atMs >= sinceMs)
      .map(({ numbers, earlier, ...who }) => ({
        ...who,
        values: valuesOf(valueNames, numbers),
        earlier: earlier.map((report) => ({
          atMs: report.atMs,
          values: valuesOf(valueNames, report.numbers),
        })),
      })),
  };
}

function isShort(...names: readonly string[]): boolean {
  return names.every((name) => name.length <= NAME_LENGTH_MAX);
}

/**
 * Values in the order of a host's names, NaN where there is none. Names are the same from report to report: kept once for a
 * host, they take nothing of a report, however many different ones a sender makes up.
 */
type Numbers = Float64Array;

/** Names that are not known yet are put behind the others while there is room. */
function numbersOf(names: string[], values: Values): Numbers {
  for (const name of values.keys()) {
    if (names.length >= COUNTERS_MAX) break;
    if (isShort(name) && !names.includes(name)) names.push(name);
  }
  return Float64Array.from(names, (name) => values.get(name) ?? NaN);
}

function valuesOf(names: readonly string[], numbers: Numbers): Values {
  const values = new Map<string, number>();
  for (const [index, number] of numbers.entries())
    if (!Number.isNaN(number)) values.set(names[index]!, number);
  return values;
}
