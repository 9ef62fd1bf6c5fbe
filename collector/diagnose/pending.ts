/**
 * Spans that have not ended, from the snapshots their senders give of them.
 *
 * A snapshot is a span of its own, without a duration, below the span it speaks of:
 *
 *     sockeye.pending.span_id, .parent_id, .name, .kind    of the span that is open
 *     sockeye.pending.start_unix_nano                      when it began; the snapshot's own start is when it was taken
 *     sockeye.pending.reason                               `open`, or `exit`: its process ended before it did
 *
 * With the span itself there, its snapshots say nothing new and go. Without it they become one span, open, with what
 * the latest of them says. Logfire's pending spans are read the same way.
 */
import { textAttribute, type Attributes, type Span, type SpanKind } from '../span.ts';

const KINDS: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer'];
const ID = /^[0-9a-f]{16}$/;

/** On a snapshot: of which span it is. */
export const PENDING_SPAN_ID = 'sockeye.pending.span_id';
/** On an open span that was made of snapshots: its process ended before it did. */
export const PROCESS_ENDED = 'sockeye.pending.process_ended';

export function foldPending(spans: readonly Span[]): readonly Span[] {
  const snapshots = spans.filter(isSnapshot);
  if (snapshots.length === 0) return spans;
  const others = spans.filter((span) => !isSnapshot(span));
  const known = new Set(others.map(({ spanId }) => spanId));
  return [...others, ...openSpans(snapshots, known).map(({ span }) => span)];
}

/** What is open by these snapshots, each with the latest of its own; the spans of `known` have come themselves. */
export function openSpans(
  snapshots: readonly Span[],
  known: ReadonlySet<string>,
): { readonly span: Span; readonly latest: Span }[] {
  return [...Map.groupBy(snapshots, openSpanId)].flatMap(([spanId, taken]) => {
    if (known.has(spanId)) return [];
    const latest = taken.reduce(later);
    return [{ span: openSpan(spanId, latest), latest }];
  });
}

export function isSnapshot(span: Span): boolean {
  const id = openSpanId(span);
  return id !== '' && ID.test(id);
}

/** '' when the span is no snapshot. */
function openSpanId({ attributes, parentSpanId }: Span): string {
  const named = textAttribute(attributes, PENDING_SPAN_ID);
  if (named !== null) return named;
  return textAttribute(attributes, 'logfire.span_type') === 'pending_span' ? parentSpanId : '';
}

function later(a: Span, b: Span): Span {
  return b.startUnixNano >= a.startUnixNano ? b : a;
}

function openSpan(spanId: string, snapshot: Span): Span {
  const { attributes } = snapshot;
  const kind = textAttribute(attributes, 'sockeye.pending.kind') as SpanKind | null;
  const parentSpanId =
    textAttribute(attributes, 'sockeye.pending.parent_id') ??
    textAttribute(attributes, 'logfire.pending_parent_id') ??
    '';
  // One by one: what is stored is no object to be spread.
  return {
    traceId: snapshot.traceId,
    traceState: snapshot.traceState,
    flags: snapshot.flags,
    status: snapshot.status,
    events: snapshot.events,
    links: snapshot.links,
    droppedAttributes: snapshot.droppedAttributes,
    droppedEvents: snapshot.droppedEvents,
    droppedLinks: snapshot.droppedLinks,
    resource: snapshot.resource,
    scope: snapshot.scope,
    spanId,
    parentSpanId: ID.test(parentSpanId) && !/^0+$/.test(parentSpanId) ? parentSpanId : '',
    name: textAttribute(attributes, 'sockeye.pending.name') ?? snapshot.name,
    kind: kind !== null && KINDS.includes(kind) ? kind : snapshot.kind,
    startUnixNano: startOf(snapshot),
    endUnixNano: 0n,
    attributes: attributesOf(attributes),
  };
}

/** A snapshot that does not say when its span began was, as Logfire's, taken then. */
function startOf({ attributes, startUnixNano }: Span): bigint {
  const text = String(attributes.get('sockeye.pending.start_unix_nano') ?? '');
  if (!/^\d{1,19}$/.test(text)) return startUnixNano;
  const start = BigInt(text);
  return start > 0n && start <= startUnixNano ? start : startUnixNano;
}

function attributesOf(attributes: Attributes): Attributes {
  const kept = [...attributes].filter(([key]) => !/^(?:sockeye\.pending\.|logfire\.)/.test(key));
  const hasEnded = attributes.get('sockeye.pending.reason') === 'exit';
  return new Map(hasEnded ? [...kept, [PROCESS_ENDED, true]] : kept);
}
