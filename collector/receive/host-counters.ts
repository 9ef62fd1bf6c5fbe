/**
 * The newest counters of each host, in memory: they count since the start of a host, so the newest say all that the others did.
 * A host that has not reported for a while is forgotten.
 */
import type { HostReport } from '../decode/host-reports.ts';

const HOSTS_MAX = 1_000;
const COUNTERS_MAX = 100;
const NAME_LENGTH_MAX = 100;
/** A hook reports every 10 s. */
const FORGET_AFTER_MS = 5 * 60_000;

export interface HostCounters {
  /** Whether there was room. */
  keep(report: HostReport): boolean;
  /** Of the hosts that have reported lately. */
  newest(): readonly HostReport[];
}

export function createHostCounters(now: () => number = Date.now): HostCounters {
  /** In the order in which they last reported. */
  const hosts = new Map<string, { readonly report: HostReport; readonly atMs: number }>();

  function forgetSilent(): void {
    for (const [key, { atMs }] of hosts) {
      if (now() - atMs <= FORGET_AFTER_MS) return;
      hosts.delete(key);
    }
  }

  return {
    keep({ host, namespace, counters }) {
      forgetSilent();
      const key = JSON.stringify([host, namespace]);
      const isNamed = host.length <= NAME_LENGTH_MAX && namespace.length <= NAME_LENGTH_MAX;
      if (!isNamed || (!hosts.has(key) && hosts.size >= HOSTS_MAX)) return false;
      const named = [...counters].filter(([name]) => name.length <= NAME_LENGTH_MAX);
      const kept = new Map(named.slice(0, COUNTERS_MAX));
      hosts.delete(key);
      hosts.set(key, { report: { host, namespace, counters: kept }, atMs: now() });
      return true;
    },
    newest() {
      forgetSilent();
      return [...hosts.values()].map(({ report }) => report);
    },
  };
}
