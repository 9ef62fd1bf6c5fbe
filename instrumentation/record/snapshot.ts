/**
 * A pending span: what is known of a span that has not ended, as a span of its own below it, without a duration. Any backend
 * can show it; Sockeye's collector makes of it the open span, until that has come itself.
 */
import type { Attributes } from '@opentelemetry/api';
import { sampledFlag } from '../trace-context.ts';
import { nanoOf } from './clock.ts';
import { mergeAttributes } from './hook-span.ts';
import { newSpanId } from './ids.ts';
import { fitsOwn } from './limits.ts';
import type { SpanData } from './span-data.ts';
import { internalKind, kindNames, type SpanRecord } from './span-record.ts';

/** On a pending span alone: of which span it is. */
export const pendingSpanId = 'sockeye.pending.span_id';

/** `exit`: the process ends, and the span has not. */
export type SnapshotReason = 'open' | 'exit';

/** What a pending span says of the span that is open. */
export function pendingAttributes(
  span: {
    spanId: string;
    parentSpanId: string | undefined;
    name: string;
    /** As OTLP numbers them. */
    kind: number;
    startNano: bigint;
  },
  reason: SnapshotReason,
): Attributes {
  return {
    [pendingSpanId]: span.spanId,
    'sockeye.pending.name': span.name,
    'sockeye.pending.kind': kindNames[span.kind],
    // As text: numbers of this size are not exact.
    'sockeye.pending.start_unix_nano': String(span.startNano),
    'sockeye.pending.reason': reason,
    ...(span.parentSpanId === undefined ? {} : { 'sockeye.pending.parent_id': span.parentSpanId }),
  };
}

/** Undefined for a span that nobody waits for to end. `slowMs`: one that is not sampled counts when it lasted as long. */
export function snapshotOf(
  span: SpanRecord,
  nowMs: number,
  reason: SnapshotReason,
  slowMs: number,
): SpanData | undefined {
  const { source, traceId, spanId, traceFlags, traceState } = span;
  const known = source?.describeOpen(nowMs);
  if (source && !known) return undefined;
  const isSampled = (traceFlags & sampledFlag) !== 0;
  if (!isSampled && nowMs - Number(span.startedAt) < slowMs) return undefined;
  const name = known?.name ?? span.name;
  const { kind, parentSpanId } = span;
  const startNano = nanoOf(span.startedAt);
  const about = pendingAttributes({ spanId, parentSpanId, name, kind, startNano }, reason);
  if (!isSampled) about['sockeye.sampled'] = false;
  const data: SpanData = {
    traceId,
    spanId: newSpanId(),
    parentSpanId: spanId,
    parentIsRemote: false,
    traceFlags,
    traceState,
    name,
    kind: internalKind,
    startedAt: nowMs,
    endedAt: nowMs,
    shared: known?.shared ?? span.shared,
    startAttributes: { ...about, ...span.startAttributes },
    endAttributes: known?.attributes,
    ownAttributes: span.ownAttributes,
    droppedAttributesCount: span.droppedAttributesCount,
    events: undefined,
    droppedEventsCount: 0,
    links: undefined,
    droppedLinksCount: 0,
    statusCode: 0,
    statusMessage: '',
  };
  const { limits } = span.owner;
  if (data.ownAttributes || !fitsOwn(limits)) mergeAttributes(data, limits);
  return data;
}
