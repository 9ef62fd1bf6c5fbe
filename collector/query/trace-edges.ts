/** The edges of the map that one trace went along, in the order in which it did. Pure. */
import { spanOutcome } from '../diagnose/outcome.ts';
import { serviceOf, type Span } from '../span.ts';
import type { TraceEdges } from '../serve/wire.ts';
import { isCall } from './callee.ts';
import type { NameCallee } from './trace-callees.ts';

/** `spans` come by start, and there is one at least; those without a call are passed over. */
export function findTraceEdges(traceId: string, spans: readonly Span[], nameCallee: NameCallee): TraceEdges {
  const servers = new Map<string, string>();
  for (const span of spans) {
    const isServing = span.kind === 'server' || span.kind === 'consumer';
    // Of several (a resent request, a mirrored one) the earliest is the one that answered.
    if (isServing && !servers.has(span.parentSpanId)) servers.set(span.parentSpanId, serviceOf(span));
  }
  const edges = new Map<string, TraceEdges['edges'][number]>();
  const add = (span: Span, from: string | null, to: string) => {
    const key = JSON.stringify([from, to]);
    const edge = edges.get(key) ?? { from, to, calls: 0, errors: 0, timeouts: 0 };
    const { outcome } = spanOutcome(span);
    edge.calls++;
    edge.errors += Number(outcome === 'error');
    edge.timeouts += Number(outcome === 'timeout');
    edges.set(key, edge);
  };
  for (const span of spans) {
    if (isCall(span)) {
      add(span, serviceOf(span), nameCallee(span, servers.get(span.spanId) ?? null));
    } else if (span.kind === 'server' && span.parentSpanId === '') add(span, null, serviceOf(span));
  }
  const started = spans.filter((span) => span.startUnixNano !== 0n);
  const startUnixMs = Number((started[0]?.startUnixNano ?? 0n) / 1_000_000n);
  const endUnixMs = spans.reduce((end, span) => Math.max(end, Number(span.endUnixNano / 1_000_000n)), 0);
  return {
    traceId,
    startedAt: new Date(startUnixMs).toISOString(),
    durationMs: Math.max(0, endUnixMs - startUnixMs),
    edges: [...edges.values()],
  };
}
