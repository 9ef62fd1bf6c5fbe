/** What sets calls of a part of the latency heatmap apart from the others, counted over calls that were looked at. Pure. */
import type { PhaseSlice } from '../diagnose/phases.ts';
import { PHASES } from '../diagnose/verdict.ts';
import type { ComparedCalls, LatencyDiffers, LatencyExample, LatencyOf } from '../serve/wire.ts';
import type { LatencyAsked, LatencyBrush } from '../store/store.ts';
import { compareCalls, type ComparedSpan } from './compare-calls.ts';
import { percentile } from './percentile.ts';
import { wireRange } from './wire-range.ts';

/** A call; duration and outcome are its phase's, where one was asked for. */
export interface LookedCall extends ComparedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly service: string;
  readonly operation: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly outcome: LatencyExample['outcome'];
  readonly phases: readonly PhaseSlice[];
}

const EXAMPLES_MAX = 5;

export function describeDiffers(
  asked: LatencyAsked,
  of: LatencyOf,
  brush: LatencyBrush,
  selected: readonly LookedCall[],
  others: readonly LookedCall[],
  truncated: boolean,
): LatencyDiffers {
  return {
    ...wireRange(asked.range),
    of,
    brush: { ...wireRange(brush.range), minMs: brush.minMs, maxMs: brush.maxMs },
    selected: describeCompared(selected),
    others: describeCompared(others),
    truncated,
    ...compareCalls(selected.map(withNames(asked)), others.map(withNames(asked))),
    slowest: examplesOf(selected.toSorted((a, b) => b.durationMs - a.durationMs)),
    newest: examplesOf(selected.toSorted((a, b) => b.startMs - a.startMs)),
  };
}

/** Service and operation are compared where they may differ, first. */
function withNames({ service, operation, peer }: LatencyAsked) {
  return (call: LookedCall): ComparedSpan => {
    const names: [string, string][] = [];
    if (service === null || (peer === null && call.service !== service))
      names.push(['service', call.service]);
    if (operation === null) names.push(['operation', call.operation]);
    return { attributes: new Map([...names, ...call.attributes]), resource: call.resource };
  };
}

function describeCompared(calls: readonly LookedCall[]): ComparedCalls {
  const durationsMs = calls.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
  const measured = calls.filter(({ phases }) => phases.length > 0);
  return {
    calls: calls.length,
    errors: calls.filter(({ outcome }) => outcome === 'error').length,
    timeouts: calls.filter(({ outcome }) => outcome === 'timeout').length,
    p50Ms: percentile(durationsMs, 0.5),
    p95Ms: percentile(durationsMs, 0.95),
    phases: PHASES.flatMap((phase) => {
      const slices = measured.flatMap(({ phases }) => phases.filter((slice) => slice.phase === phase));
      if (slices.length === 0) return [];
      const totalMs = slices.reduce((sum, { durationMs }) => sum + durationMs, 0);
      const open = slices.filter((slice) => slice.open).length;
      return [{ phase, durationMs: totalMs / measured.length, open }];
    }),
  };
}

/** The first of each trace. */
function examplesOf(calls: readonly LookedCall[]): LatencyExample[] {
  const first = new Map<string, LookedCall>();
  for (const call of calls) {
    if (first.size === EXAMPLES_MAX) break;
    if (!first.has(call.traceId)) first.set(call.traceId, call);
  }
  return [...first.values()].map(({ traceId, spanId, service, operation, startMs, durationMs, outcome }) => ({
    traceId,
    spanId,
    service,
    operation,
    startedAt: new Date(startMs).toISOString(),
    durationMs,
    outcome,
  }));
}
