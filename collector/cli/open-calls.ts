/** Calls of a trace that have not ended: how long they are known to last, and those that others wait for. Pure. */
import { formatMs } from '../diagnose/evidence.ts';
import { PROCESS_ENDED } from '../diagnose/pending.ts';
import type { Trace, WireSpan } from '../serve/wire.ts';
import { paragraph, type Terminal } from './terminal.ts';
import { counted } from './words.ts';

/** That are drawn with their phases, and said in words. */
export const OPEN_CALLS_SHOWN = 5;

/** A span without an end lasts to the end of its last phase, or without phases to the end of what is known of the trace. */
export function withKnownEnds(trace: Trace): Trace {
  if (!trace.spans.some(isEndless)) return trace;
  const endMs = trace.spans.reduce(
    (end, span) => Math.max(end, span.startOffsetMs + Math.max(span.durationMs, phasesMs(span))),
    trace.durationMs,
  );
  const lasting = (span: WireSpan): number => phasesMs(span) || Math.max(0, endMs - span.startOffsetMs);
  const spans = trace.spans.map((span) => (isEndless(span) ? { ...span, durationMs: lasting(span) } : span));
  return { ...trace, durationMs: endMs, spans };
}

/** Of what has not ended that which others wait for: nothing below it is open. The longest first. */
export function innermostOpen(spans: readonly WireSpan[]): WireSpan[] {
  const open = openOf(spans);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const waiting = new Set<string>();
  for (const { parentSpanId } of open) {
    for (let id = parentSpanId; byId.has(id) && !waiting.has(id); id = byId.get(id)!.parentSpanId)
      waiting.add(id);
  }
  const innermost = open.filter(({ spanId }) => !waiting.has(spanId));
  // Of those that call each other in a circle none is.
  return (innermost.length > 0 ? innermost : open).toSorted((a, b) => b.durationMs - a.durationMs);
}

/** Calls, and where none is open other spans; those that were sent again once. */
function openOf(spans: readonly WireSpan[]): WireSpan[] {
  const open = [
    ...new Map(spans.filter(({ pending }) => pending).map((span) => [span.spanId, span])).values(),
  ];
  const calls = open.filter(isCall);
  return calls.length > 0 ? calls : open;
}

/** `2 calls have not ended:`, and where it hangs; nothing where all have. */
export function formatOpenCalls({ spans }: Trace, { columns, paint }: Terminal): string[] {
  const open = openOf(spans);
  if (open.length === 0) return [];
  const count = counted(open.length, isCall(open[0]!) ? 'call' : 'span');
  const innermost = innermostOpen(spans);
  const more = innermost.length - OPEN_CALLS_SHOWN;
  return [
    paint('timeout', `${count} ${open.length === 1 ? 'has' : 'have'} not ended:`),
    ...innermost
      .slice(0, OPEN_CALLS_SHOWN)
      .flatMap((span) => paragraph(sayOpen(span), columns, '… ', (line) => paint('strong', line))),
    ...(more > 0 ? [`… and ${more} more`] : []),
    '',
  ];
}

/** `shop → GET /stock (stock:8080): in wait for 5.889 s when its process ended`. */
function sayOpen(span: WireSpan): string {
  const { service, operation, phases, attributes, durationMs } = span;
  const { 'server.address': host, 'server.port': port } = attributes;
  const peer = typeof host === 'string' ? ` (${host}${port === undefined ? '' : `:${String(port)}`})` : '';
  const phase = phases.findLast(({ open }) => open);
  const where = phase === undefined ? 'open' : `in ${phase.phase}`;
  const known = attributes[PROCESS_ENDED] === true ? 'when its process ended' : 'when last heard of';
  return `${service} ${isCall(span) ? '→ ' : ''}${operation}${peer}: ${where} for ${formatMs(phase?.durationMs ?? durationMs)} ${known}`;
}

function isCall({ kind }: WireSpan): boolean {
  return kind === 'client' || kind === 'producer';
}

function isEndless({ pending, durationMs }: WireSpan): boolean {
  return pending && durationMs === 0;
}

function phasesMs({ phases }: WireSpan): number {
  return phases.reduce((end, { startOffsetMs, durationMs }) => Math.max(end, startOffsetMs + durationMs), 0);
}
