/** What is wrong with a span, as far as the span itself and the verdicts say. Pure. */
import type { Verdict, WireSpan } from '../../collector/serve/wire.ts';

export type Problem = 'timeout' | 'error' | 'pending';

/** Kinds of give-up in which a caller waited until a timer ended the call. */
const WAITED = new Set(['timeout', 'gateway']);

export function problemOf(span: WireSpan, verdicts: readonly Verdict[]): Problem | null {
  const gaveUp = verdicts.find((verdict) => verdict.giveUp.spanId === span.spanId);
  const origin = verdicts.find((verdict) => verdict.origin.spanId === span.spanId);
  const timedOut =
    typeof span.attributes['sockeye.timeout.phase'] === 'string' ||
    (gaveUp !== undefined && WAITED.has(gaveUp.giveUp.kind)) ||
    (origin !== undefined && WAITED.has(origin.giveUp.kind) && span.status.code === 'error');
  if (timedOut) return 'timeout';
  if (span.status.code === 'error') return 'error';
  return span.pending ? 'pending' : null;
}

/** When a verdict's caller gave up, on the trace's clock; null when its span is not here. */
export function giveUpOffsetMs(verdict: Verdict, spans: ReadonlyMap<string, WireSpan>): number | null {
  const span = spans.get(verdict.giveUp.spanId);
  return span ? span.startOffsetMs + verdict.giveUp.elapsedMs : null;
}

/** Where the budget ran out; without a known budget there is no deadline to draw. */
export function deadlineOffsetMs(verdict: Verdict, spans: ReadonlyMap<string, WireSpan>): number | null {
  const span = spans.get(verdict.giveUp.spanId);
  const { budgetMs } = verdict.giveUp;
  return span && budgetMs !== null ? span.startOffsetMs + budgetMs : null;
}

/**
 * Server work below the call that gave up, after it gave up: span id -> from where on the work was for nobody.
 * Never across a producer: what is queued is wanted later.
 */
export function abandonedWork(verdict: Verdict, spans: readonly WireSpan[]): Map<string, number> {
  const wasted = new Map<string, number>();
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const gaveUpAt = giveUpOffsetMs(verdict, byId);
  if (gaveUpAt === null || verdict.abandonedMs <= 0) return wasted;
  const children = Map.groupBy(spans, (span) => span.parentSpanId);
  const stack = [verdict.giveUp.spanId];
  const seen = new Set<string>();
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const child of children.get(id) ?? []) {
      if (child.kind === 'producer' || child.kind === 'consumer') continue;
      const end = child.startOffsetMs + child.durationMs;
      if (end > gaveUpAt) wasted.set(child.spanId, Math.max(gaveUpAt, child.startOffsetMs));
      stack.push(child.spanId);
    }
  }
  return wasted;
}
