/** Calls, errors, time-outs and latency per service or operation, from the spans that served a call. */
import { percentile } from './percentile.ts';
import type { Latency, ServiceStats } from './results.ts';

export interface ServingSpan {
  /** A server or consumer span. Others only make their service and operation known. */
  readonly isServing: boolean;
  readonly outcome: string;
  /** Long by design: a call, but no latency. */
  readonly isStream: boolean;
  readonly durationMs: number;
}

interface Tally {
  readonly service: string;
  readonly operation: string;
  calls: number;
  errors: number;
  timeouts: number;
  readonly durationsMs: number[];
}

export function createServiceStats(byOperation: boolean) {
  const tallies = new Map<string, Tally>();
  return {
    add(service: string, operation: string, span: ServingSpan): void {
      const key = byOperation ? JSON.stringify([service, operation]) : service;
      let tally = tallies.get(key);
      if (tally === undefined) {
        tally = { service, operation, calls: 0, errors: 0, timeouts: 0, durationsMs: [] };
        tallies.set(key, tally);
      }
      if (!span.isServing) return;
      tally.calls++;
      if (span.outcome === 'error') tally.errors++;
      if (span.outcome === 'timeout') tally.timeouts++;
      if (!span.isStream) tally.durationsMs.push(span.durationMs);
    },
    /** By name. */
    finish(): (ServiceStats & { operation: string })[] {
      const stats = [...tallies.values()].map(({ durationsMs, ...counts }) => {
        return { ...counts, ...latencyOf(durationsMs) };
      });
      return stats.toSorted((a, b) => compare(a.service, b.service) || compare(a.operation, b.operation));
    },
  };
}

export function latencyOf(durationsMs: readonly number[]): Latency {
  const sorted = Float64Array.from(durationsMs).toSorted();
  return { p50Ms: percentile(sorted, 0.5), p95Ms: percentile(sorted, 0.95), p99Ms: percentile(sorted, 0.99) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
