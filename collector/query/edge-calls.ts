/**
 * What the newest calls of an edge show one by one, and its sums do not: how their durations are spread, where the
 * time of a call goes, and after which budgets their caller stopped waiting. Pure.
 */
import { spanOutcome, type SpanOutcome } from '../diagnose/outcome.ts';
import { readPhases, type PhaseSlice } from '../diagnose/phases.ts';
import { PHASES } from '../diagnose/verdict.ts';
import type { CallProfile, EdgeCalls } from '../serve/wire.ts';
import { durationMsOf, type Span } from '../span.ts';
import { durationStepMs, durationStepOf } from './duration-steps.ts';
import { percentile } from './percentile.ts';

interface Call extends SpanOutcome {
  readonly durationMs: number;
  readonly phases: readonly PhaseSlice[];
}

/** Calls this far from a percentile, by rank, are like it: one call alone could be an oddity. */
const LIKE_SHARE = 0.025;

/** Streams, long by design, and spans that have not ended are left out. */
export function describeCalls(
  spans: readonly Span[],
): Pick<EdgeCalls, 'calls' | 'durations' | 'profiles' | 'budgets'> {
  const calls = spans
    .filter((span) => span.endUnixNano !== 0n && span.attributes.get('sockeye.stream') !== true)
    .map((span): Call => ({
      ...spanOutcome(span),
      durationMs: durationMsOf(span),
      phases: readPhases(span),
    }))
    .toSorted((a, b) => a.durationMs - b.durationMs);
  return {
    calls: calls.length,
    durations: spreadDurations(calls),
    profiles: (['ok', 'timeout'] as const).flatMap((outcome) => profilesOf(outcome, calls)),
    budgets: countBudgets(calls),
  };
}

/** From the shortest to the longest, without gaps; `calls` come by duration. */
function spreadDurations(calls: readonly Call[]): EdgeCalls['durations'] {
  const [shortest, longest] = [calls[0], calls.at(-1)];
  if (shortest === undefined || longest === undefined) return [];
  const first = durationStepOf(shortest.durationMs);
  const buckets = Array.from({ length: durationStepOf(longest.durationMs) - first + 1 }, (_, index) => ({
    minMs: durationStepMs(first + index),
    maxMs: durationStepMs(first + index + 1),
    calls: 0,
    errors: 0,
    timeouts: 0,
  }));
  for (const { durationMs, outcome } of calls) {
    const bucket = buckets[durationStepOf(durationMs) - first];
    if (bucket === undefined) continue;
    bucket.calls++;
    bucket.errors += Number(outcome === 'error');
    bucket.timeouts += Number(outcome === 'timeout');
  }
  return buckets;
}

/** The typical call and the slow one, where phases were measured; each phase as long as in the mean of calls like it. */
function profilesOf(outcome: CallProfile['outcome'], calls: readonly Call[]): CallProfile[] {
  const measured = calls.filter((call) => call.outcome === outcome && call.phases.length > 0);
  if (measured.length === 0) return [];
  const durationsMs = measured.map((call) => call.durationMs);
  return ([50, 95] as const).map((percent) => {
    const rank = Math.max(0, Math.ceil((measured.length * percent) / 100) - 1);
    const reach = Math.floor(measured.length * LIKE_SHARE);
    const like = measured.slice(Math.max(0, rank - reach), rank + reach + 1);
    const phases = PHASES.flatMap((phase) => {
      const slices = like.flatMap((call) => call.phases.filter((slice) => slice.phase === phase));
      if (slices.length === 0) return [];
      const totalMs = slices.reduce((sum, slice) => sum + slice.durationMs, 0);
      const openIn = slices.filter((slice) => slice.open).length;
      return [{ phase, durationMs: totalMs / like.length, openShare: openIn / like.length }];
    });
    return {
      outcome,
      percent,
      calls: measured.length,
      durationMs: percentile(durationsMs, percent / 100),
      phases,
    };
  });
}

/** Shortest first. */
function countBudgets(calls: readonly Call[]): EdgeCalls['budgets'] {
  const budgets = new Map<string, EdgeCalls['budgets'][number]>();
  for (const { giveUp } of calls) {
    if (giveUp === null || giveUp.budgetMs === null) continue;
    const { budgetMs, timer } = giveUp;
    const key = JSON.stringify([budgetMs, timer]);
    const budget = budgets.get(key) ?? { budgetMs, timer, calls: 0 };
    budget.calls++;
    budgets.set(key, budget);
  }
  return [...budgets.values()].toSorted((a, b) => a.budgetMs - b.budgetMs);
}
