/**
 * A stored trace for systems that know neither snapshots of open spans nor spans that are sent again. Pure.
 *
 *     open  |=====:=====:        one span that ends with its latest snapshot; once it has come itself, they are left out
 *     sent  |========|  ×2       one span, as the page shows it
 */
import { decodeMessage, encodeMessage } from '../../decode/otlp-json.ts';
import { decodeResource, decodeScope, decodeSpan, encodeTracesData } from '../../decode/otlp-protobuf.ts';
import { SPAN } from '../../decode/otlp-schema.ts';
import { walkRequest, type RequestSpan } from '../../decode/walk-request.ts';
import { isSnapshot, openSpans, PENDING_SPAN_ID, PROCESS_ENDED } from '../../diagnose/pending.ts';
import { buildTraceTree } from '../../diagnose/tree.ts';
import type { Span } from '../../span.ts';

/** One of these keys stands in every snapshot. */
const SNAPSHOT_KEYS = [PENDING_SPAN_ID, 'logfire.span_type'];

/** OTLP of one trace; the document itself where nothing is to be folded. */
export function foldDocument(document: Uint8Array): Uint8Array {
  const sent = walkRequest(document).spans;
  const snapshots = hasSnapshotKey(document) ? snapshotsOf(sent) : new Map<Span, RequestSpan>();
  const ofSnapshots = new Set(snapshots.values());
  const others = sent.filter((span) => !ofSnapshots.has(span));
  const known = new Set(others.map(({ spanId }) => spanId));
  if (ofSnapshots.size === 0 && known.size === others.length) return document;
  const open = openSpans([...snapshots.keys()], known).map(({ span, latest }) => {
    const taken = snapshots.get(latest)!;
    return { ...taken, bytes: encodeOpen(span, taken) };
  });
  return encodeSpans([...(known.size === others.length ? others : distinct(others)), ...open]);
}

function hasSnapshotKey({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return SNAPSHOT_KEYS.some((key) => bytes.includes(key));
}

function snapshotsOf(sent: readonly RequestSpan[]): Map<Span, RequestSpan> {
  const found = new Map<Span, RequestSpan>();
  for (const each of sent) {
    if (!hasSnapshotKey(each.bytes)) continue;
    const span = decode(each);
    if (isSnapshot(span)) found.set(span, each);
  }
  return found;
}

/** Which of those that share an id stays is for the tree to say: both sides of a call may. */
function distinct(sent: readonly RequestSpan[]): RequestSpan[] {
  const again = new Map<Span, RequestSpan>();
  for (const group of Map.groupBy(sent, ({ spanId }) => spanId).values()) {
    if (group.length > 1) for (const each of group) again.set(decode(each), each);
  }
  for (const { span } of buildTraceTree([...again.keys()]).nodes) again.delete(span);
  const left = new Set(again.values());
  return sent.filter((each) => !left.has(each));
}

function decode({ bytes, resource, scope }: RequestSpan): Span {
  return decodeSpan(
    bytes,
    decodeResource(resource.bytes, resource.schemaUrl),
    decodeScope(scope.bytes, scope.schemaUrl),
  );
}

/** What the snapshot says, of the span it speaks of. */
function encodeOpen(span: Span, { bytes, startUnixNano: takenUnixNano }: RequestSpan): Buffer {
  const snapshot = decodeMessage(SPAN, bytes);
  const attributes = (snapshot.attributes ?? []) as { readonly key: string }[];
  const hasEnded = span.attributes.has(PROCESS_ENDED);
  return encodeMessage(SPAN, {
    ...snapshot,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    kind: `SPAN_KIND_${span.kind.toUpperCase()}`,
    startTimeUnixNano: String(span.startUnixNano),
    endTimeUnixNano: String(takenUnixNano),
    attributes: [
      ...attributes.filter(({ key }) => span.attributes.has(key)),
      ...(hasEnded ? [{ key: PROCESS_ENDED, value: { boolValue: true } }] : []),
    ],
  });
}

function encodeSpans(spans: readonly RequestSpan[]): Uint8Array {
  const groups = [...Map.groupBy(spans, ({ resource }) => resource)].map(([resource, ofResource]) => ({
    resource,
    scopes: [...Map.groupBy(ofResource, ({ scope }) => scope)].map(([scope, ofScope]) => ({
      scope,
      spans: ofScope.map(({ bytes }) => bytes),
    })),
  }));
  return encodeTracesData(groups);
}
