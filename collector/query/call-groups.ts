/** Groups calls by caller and callee, as the map draws them: outcome and latency are the caller's. */
import type { Phase } from '../diagnose/verdict.ts';
import type { MapEdge } from '../serve/wire.ts';
import type { Callee } from './callee.ts';
import { percentile } from './percentile.ts';
import type { CallGroup, Latency } from './results.ts';
import { latencyOf } from './service-stats.ts';

export interface StoredCall {
  readonly caller: string;
  readonly callee: Callee;
  readonly edgeKind: MapEdge['kind'];
  readonly outcome: 'ok' | 'error' | 'timeout' | 'cancelled';
  readonly giveUpPhase: Phase | 'none' | null;
  readonly budgetMs: number | null;
  readonly neverArrived: boolean;
  /** Long by design: a call, but no latency. */
  readonly isStream: boolean;
  readonly isRetry: boolean;
  readonly durationMs: number;
  /** Of the paired server span. */
  readonly serverMs: number | null;
}

/** A request that came from outside: only its server side is known. */
export type EntryCall = Pick<StoredCall, 'outcome' | 'isStream' | 'durationMs'>;

interface Tally {
  readonly from: string | null;
  readonly callee: Callee;
  readonly kind: MapEdge['kind'];
  calls: number;
  errors: number;
  timeouts: number;
  readonly timeoutPhases: Partial<Record<Phase | 'none', number>>;
  neverArrived: number;
  retries: number;
  readonly durationsMs: number[];
  readonly serverDurationsMs: number[];
  readonly budgetsMs: Set<number>;
}

const BUDGETS_MAX = 20;

export function groupCalls() {
  const tallies = new Map<string, Tally>();

  function tallyOf(from: string | null, callee: Callee, kind: MapEdge['kind']): Tally {
    const key = JSON.stringify([from, callee.id]);
    let tally = tallies.get(key);
    if (tally === undefined) {
      tally = {
        from,
        callee,
        kind,
        calls: 0,
        errors: 0,
        timeouts: 0,
        timeoutPhases: {},
        neverArrived: 0,
        retries: 0,
        durationsMs: [],
        serverDurationsMs: [],
        budgetsMs: new Set(),
      };
      tallies.set(key, tally);
    }
    return tally;
  }

  return {
    add(call: StoredCall): void {
      const tally = tallyOf(call.caller, call.callee, call.edgeKind);
      count(tally, call, call.giveUpPhase ?? 'none');
      tally.neverArrived += Number(call.neverArrived);
      tally.retries += Number(call.isRetry);
      if (call.serverMs !== null && !call.isStream) tally.serverDurationsMs.push(call.serverMs);
      if (call.budgetMs !== null && tally.budgetsMs.size < BUDGETS_MAX) tally.budgetsMs.add(call.budgetMs);
    },
    /** `from` of these groups is null: they come from the user. */
    addEntry(service: string, call: EntryCall): void {
      count(tallyOf(null, { id: service, kind: 'service', inferred: false }, 'http'), call, 'none');
    },
    finish(): CallGroup[] {
      const all = [...tallies.values()];
      const byCallee = Map.groupBy(all, (tally) => tally.callee.id);
      const nodeLatencies = new Map<string, Latency>();
      for (const [id, group] of byCallee) nodeLatencies.set(id, latencyOfAll(group));
      const userLatency = latencyOfAll(all.filter((tally) => tally.from === null));
      return all.map((tally) => ({
        ...asGroup(tally),
        calleeLatency: nodeLatencies.get(tally.callee.id) ?? userLatency,
        userLatency: tally.from === null ? userLatency : null,
      }));
    },
  };
}

function latencyOfAll(tallies: readonly Tally[]): Latency {
  return latencyOf(tallies.flatMap((tally) => tally.durationsMs));
}

function count(tally: Tally, call: EntryCall, phase: Phase | 'none'): void {
  tally.calls++;
  if (call.outcome === 'error') tally.errors++;
  if (call.outcome === 'timeout') {
    tally.timeouts++;
    tally.timeoutPhases[phase] = (tally.timeoutPhases[phase] ?? 0) + 1;
  }
  if (!call.isStream) tally.durationsMs.push(call.durationMs);
}

function asGroup(tally: Tally): Omit<CallGroup, 'calleeLatency' | 'userLatency'> {
  const { durationsMs, serverDurationsMs, budgetsMs, callee, ...counts } = tally;
  const serverMs = serverDurationsMs.toSorted((a, b) => a - b);
  return {
    ...counts,
    to: callee.id,
    callee: { kind: callee.kind, inferred: callee.inferred },
    ...latencyOf(durationsMs),
    serverP95Ms: serverMs.length === 0 ? null : percentile(serverMs, 0.95),
    budgetsMs: [...budgetsMs].toSorted((a, b) => a - b),
  };
}
