/** What is read out of a span once, when it is stored: the columns that searches, statistics and the map work on. */
import { spanOutcome } from '../../diagnose/outcome.ts';
import { isCall, peerOf, type Peer } from '../../query/callee.ts';
import { durationMsOf, numberAttribute, serviceOf, type Span, operationOf } from '../../span.ts';

export interface SpanColumns {
  readonly service: string;
  readonly operation: string;
  readonly kind: string;
  readonly parentSpanId: Buffer | null;
  readonly status: string;
  readonly outcome: string;
  readonly giveUpKind: string | null;
  readonly giveUpPhase: string | null;
  readonly giveUpBudgetMs: number | null;
  readonly neverArrived: boolean;
  readonly isStream: boolean;
  readonly isRetry: boolean;
  readonly startUnixNano: bigint;
  readonly durationNano: bigint;
  readonly peer: Peer | null;
}

const COLUMN_MAX = 2n ** 63n - 1n;
const PHASES_BEFORE_ARRIVAL = new Set(['queue', 'dns', 'connect', 'tls']);

/** OTLP's times are unsigned 64-bit, SQLite's integers signed: what is beyond is held at the limit. */
export function columnNano(nano: bigint): bigint {
  if (nano > COLUMN_MAX) return COLUMN_MAX;
  return nano < -COLUMN_MAX ? -COLUMN_MAX : nano;
}

export function spanColumns(span: Span): SpanColumns {
  const { outcome, giveUp } = spanOutcome(span);
  return {
    service: serviceOf(span),
    operation: operationOf(span),
    kind: span.kind,
    parentSpanId: span.parentSpanId === '' ? null : Buffer.from(span.parentSpanId, 'hex'),
    status: span.status.code,
    outcome,
    giveUpKind: giveUp?.kind ?? null,
    giveUpPhase: giveUp?.phase ?? null,
    giveUpBudgetMs: giveUp?.budgetMs ?? null,
    neverArrived: outcome !== 'ok' && neverArrived(span, giveUp?.phase ?? null),
    isStream: span.attributes.get('sockeye.stream') === true,
    isRetry: (numberAttribute(span.attributes, 'http.request.resend_count') ?? 0) > 0,
    startUnixNano: columnNano(span.startUnixNano),
    durationNano: durationMsOf(span) > 0 ? columnNano(span.endUnixNano - span.startUnixNano) : 0n,
    peer: isCall(span) ? peerOf(span) : null,
  };
}

/** The call ended before a connection was ready, or nothing of its request was acknowledged (the SYN counts as 1). */
function neverArrived(span: Span, giveUpPhase: string | null): boolean {
  if (giveUpPhase !== null && PHASES_BEFORE_ARRIVAL.has(giveUpPhase)) return true;
  const acknowledged = numberAttribute(span.attributes, 'sockeye.tcp.bytes_acked');
  const scope = span.attributes.get('sockeye.tcp.scope');
  return acknowledged !== null && acknowledged <= 1 && scope !== 'connection';
}
