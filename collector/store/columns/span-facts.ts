/** What is read out of a whole span once, when it is taken: how it ended, and what searches and rollups ask of it. */
import { spanOutcome, type Outcome, type SpanGiveUp } from '../../diagnose/outcome.ts';
import { isSnapshot } from '../../diagnose/pending.ts';
import { numberAttribute, type Span } from '../../span.ts';

export interface SpanFacts {
  readonly outcome: Outcome;
  readonly giveUp: SpanGiveUp | null;
  readonly neverArrived: boolean;
  readonly isStream: boolean;
  readonly isRetry: boolean;
  readonly isSnapshot: boolean;
}

const PHASES_BEFORE_ARRIVAL = new Set(['queue', 'dns', 'connect', 'tls']);

export function spanFacts(span: Span): SpanFacts {
  const { outcome, giveUp } = spanOutcome(span);
  return {
    outcome,
    giveUp,
    neverArrived: outcome !== 'ok' && neverArrived(span, giveUp?.phase ?? null),
    isStream: span.attributes.get('sockeye.stream') === true,
    isRetry: (numberAttribute(span.attributes, 'http.request.resend_count') ?? 0) > 0,
    isSnapshot: isSnapshot(span),
  };
}

/** The call ended before a connection was ready, or nothing of its request was acknowledged (the SYN counts as 1). */
function neverArrived(span: Span, giveUpPhase: string | null): boolean {
  if (giveUpPhase !== null && PHASES_BEFORE_ARRIVAL.has(giveUpPhase)) return true;
  const acknowledged = numberAttribute(span.attributes, 'sockeye.tcp.bytes_acked');
  const scope = span.attributes.get('sockeye.tcp.scope');
  return acknowledged !== null && acknowledged <= 1 && scope !== 'connection';
}
