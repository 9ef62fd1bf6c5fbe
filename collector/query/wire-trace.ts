/**
 * One trace as the API gives it. Whatever was sent is shown, with what is odd about it said beside it (`flaws`); parents
 * form a forest, so that a reader who follows them always arrives.
 */
import { readPhases } from '../diagnose/phases.ts';
import { buildTraceTree, type TraceNode, type TraceTree } from '../diagnose/tree.ts';
import type { SpanDetail, Trace, WireAttributes, WireSpan, WireValue } from '../serve/wire.ts';
import { serviceOf, type Attributes, type AttributeValue, type Span, operationOf } from '../span.ts';
import { createFlawFinder, findSpanFlaws, isCycle } from './flaws.ts';

/** Where a span stands in its trace; `node` is null for one whose id another has that was taken for the tree. */
interface PlacedSpan {
  readonly span: Span;
  readonly node: TraceNode | null;
  readonly skewMs: number;
  readonly startOffsetMs: number;
  readonly durationMs: number;
}

/** `spans` are by start, each made when it is read. */
export type WireTrace = Omit<Trace, 'spans'> & { readonly spans: Iterable<WireSpan> };

export function buildWireTrace(
  traceId: string,
  spans: readonly Span[],
  nowUnixMs: number = Date.now(),
): WireTrace {
  const tree = buildTraceTree(spans);
  const findFlaws = createFlawFinder(tree, nowUnixMs);
  const nodes = new Map(tree.nodes.map((node) => [node.span, node]));
  const placed = spans.map((span) => placeSpan(span, nodes.get(span) ?? null, tree));
  const endMs = placed.reduce((end, span) => Math.max(end, span.startOffsetMs + span.durationMs), 0);
  const startMs = placed.reduce((start, span) => Math.min(start, span.startOffsetMs), 0);
  return {
    traceId,
    complete: tree.complete,
    startUnixNano: String(tree.startUnixNano),
    durationMs: endMs - startMs,
    spans: wireSpans(placed, tree, findFlaws),
  };
}

function* wireSpans(
  placed: readonly PlacedSpan[],
  tree: TraceTree,
  findFlaws: ReturnType<typeof createFlawFinder>,
): Generator<WireSpan> {
  for (const place of placed.toSorted((a, b) => a.startOffsetMs - b.startOffsetMs)) {
    yield wireSpan(place, tree, findFlaws(place.span, place.node));
  }
}

function placeSpan(span: Span, node: TraceNode | null, tree: TraceTree): PlacedSpan {
  const { startUnixNano, endUnixNano } = span;
  const skewMs = (node ?? tree.byId.get(span.spanId))?.skewMs ?? 0;
  return {
    span,
    node,
    skewMs,
    startOffsetMs: offsetMsOf(startUnixNano, tree) + skewMs,
    durationMs: Math.max(0, endUnixNano === 0n ? 0 : Number(endUnixNano - startUnixNano) / 1e6),
  };
}

/** 0 of a time that is not known. */
function offsetMsOf(unixNano: bigint, { startUnixNano }: TraceTree): number {
  return unixNano === 0n ? 0 : Number(unixNano - startUnixNano) / 1e6;
}

function wireSpan(place: PlacedSpan, tree: TraceTree, flaws: string[]): WireSpan {
  const { span, node, skewMs, startOffsetMs, durationMs } = place;
  return {
    spanId: span.spanId,
    parentSpanId: isCycle(span, node, tree) ? '' : span.parentSpanId,
    service: serviceOf(span),
    operation: operationOf(span),
    kind: span.kind,
    startOffsetMs,
    durationMs,
    skewMs,
    pending: span.endUnixNano === 0n || span.attributes.has('sockeye.pending.span_id'),
    phases: readPhases(span),
    ...wireContent(span, (unixNano) => offsetMsOf(unixNano, tree) + skewMs),
    ...(flaws.length > 0 && { flaws }),
  };
}

/** What is asked for one span at a time: all it says beside its place in the trace. */
export function buildSpanDetail(span: Span, nowUnixMs: number): SpanDetail {
  const { spanId, kind, startUnixNano } = span;
  return {
    spanId,
    kind,
    startUnixNano: String(startUnixNano),
    ...wireContent(span, (unixNano) =>
      unixNano === 0n || startUnixNano === 0n ? 0 : Number(unixNano - startUnixNano) / 1e6,
    ),
    flaws: findSpanFlaws(span, nowUnixMs),
  };
}

type SpanContent = Omit<SpanDetail, 'spanId' | 'kind' | 'startUnixNano' | 'flaws'>;

function wireContent(span: Span, offsetMs: (unixNano: bigint) => number): SpanContent {
  return {
    status: span.status,
    attributes: wireAttributes(span.attributes),
    resource: wireAttributes(span.resource.attributes),
    scope: {
      ...(span.scope.name !== '' && { name: span.scope.name }),
      ...(span.scope.version !== '' && { version: span.scope.version }),
      ...wireAttributes(span.scope.attributes),
    },
    events: span.events.map(({ timeUnixNano, name, attributes }) => ({
      name,
      offsetMs: offsetMs(timeUnixNano),
      attributes: wireAttributes(attributes),
    })),
    links: span.links.map(({ traceId, spanId, attributes }) => ({
      traceId,
      spanId,
      attributes: wireAttributes(attributes),
    })),
    traceState: span.traceState,
    flags: span.flags,
    dropped: {
      ...(span.droppedAttributes > 0 && { attributes: span.droppedAttributes }),
      ...(span.droppedEvents > 0 && { events: span.droppedEvents }),
      ...(span.droppedLinks > 0 && { links: span.droppedLinks }),
    },
  };
}

/** Own properties whatever the key: `__proto__` is a legal attribute name. */
export function wireAttributes(attributes: Attributes): WireAttributes {
  return Object.fromEntries([...attributes].map(([key, value]) => [key, wireValue(value)]));
}

export function wireValue(value: AttributeValue): WireValue {
  if (typeof value === 'bigint') return String(value);
  // As in OTLP JSON: JSON has no such numbers.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
  return value instanceof Map ? wireAttributes(value) : (value as readonly AttributeValue[]).map(wireValue);
}
