/**
 * The traces of a document that is not stored: what is in it, and one of them whole. They are judged by themselves alone,
 * because what is normal here need not be where the document comes from. Pure.
 */
import { DecodeError } from '../decode/decode-error.ts';
import { decodeTraces } from '../decode/decode-traces.ts';
import { walkRequest } from '../decode/walk-request.ts';
import { diagnoseTree } from '../diagnose/diagnose-trace.ts';
import { foldPending } from '../diagnose/pending.ts';
import { buildTraceTree } from '../diagnose/tree.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';
import type { LookedAt, LookedTraceHead, TraceColumnsHead, TraceSummary } from '../serve/wire.ts';
import { operationOf, serviceOf, type Span } from '../span.ts';
import { writeColumnFile, type ColumnParts } from './column-file.ts';
import { orderRows, type RowOrder } from './row-order.ts';
import { traceColumns } from './trace-columns.ts';
import { traceTexts } from './trace-texts.ts';
import { buildSpanDetail } from './wire-trace.ts';

const LOOKED_TRACES_MAX = 1_000;
const NO_HISTORY = { normals: new Map() };

/**
 * Newest first, the first ones of too many. Throws DecodeError when the document cannot be read, or has no spans: any few
 * bytes may be taken for protobuf.
 */
export function listTraces(document: Uint8Array): LookedAt {
  const { spans, refused, refusedMessage, warning } = walkRequest(document);
  if (spans.length === 0 && refused === 0) throw new DecodeError('file', 'no spans in it', 'at least one');
  const traces = Map.groupBy(readSpans(document), ({ traceId }) => traceId);
  const newest = [...traces].toSorted(([, [a]], [, [b]]) => compareStarts(b, a));
  return {
    traces: newest.slice(0, LOOKED_TRACES_MAX).map(([traceId, spans]) => summarize(traceId, spans)),
    total: traces.size,
    refused,
    message: refusedMessage || warning,
  };
}

/** One trace of the document as columns, with the texts for find and the details of every span; null when it has none. */
export function openTrace(
  document: Uint8Array,
  traceId: string,
  nowUnixMs: number,
): Uint8Array<ArrayBuffer> | null {
  walkRequest(document);
  const spans = readSpans(document).filter((span) => span.traceId === traceId);
  if (spans.length === 0) return null;
  const tree = buildTraceTree(spans);
  const { verdicts } = diagnoseTree(traceId, tree, NO_HISTORY);
  const order = orderRows(tree);
  const counts = { received: spans.length, folded: spans.length };
  return lookedFile(traceColumns(traceId, tree, order, counts, verdicts), order, nowUnixMs);
}

/** The layout stands at `LookedTraceHead`. */
export function lookedFile(
  { head, columns }: ColumnParts<TraceColumnsHead>,
  { nodes }: RowOrder,
  nowUnixMs: number,
): Uint8Array<ArrayBuffer> {
  const texts = traceTexts(nodes.map(({ span }) => span));
  const details = nodes.map(({ span }) => Buffer.from(JSON.stringify(buildSpanDetail(span, nowUnixMs))));
  let end = 0;
  const detailEnd = Uint32Array.from(details, ({ length }) => (end += length));
  return writeColumnFile<LookedTraceHead>({
    head: { ...head, ...texts.head },
    columns: { ...columns, ...texts.columns, detailEnd, detail: Buffer.concat(details) },
  });
}

/** Without those that the collector would refuse. */
function readSpans(document: Uint8Array): readonly Span[] {
  return foldPending(decodeTraces(document).filter(hasIds));
}

const ZEROS = /^0*$/;
function hasIds({ traceId, spanId }: Span): boolean {
  return traceId.length === 32 && spanId.length === 16 && !ZEROS.test(traceId) && !ZEROS.test(spanId);
}

function compareStarts(a: Span | undefined, b: Span | undefined): number {
  return Number((a?.startUnixNano ?? 0n) - (b?.startUnixNano ?? 0n));
}

function summarize(traceId: string, spans: readonly Span[]): TraceSummary {
  const tree = buildTraceTree(spans);
  const root = (tree.roots.find(({ span }) => span.parentSpanId === '') ?? tree.roots[0])?.span;
  const endMs = tree.nodes.reduce((end, node) => Math.max(end, node.ended ? node.endMs : node.startMs), 0);
  const countOf = (wanted: string) => tree.nodes.filter(({ outcome }) => outcome.outcome === wanted).length;
  return {
    traceId,
    root: root ? { service: serviceOf(root), operation: operationOf(root) } : { service: '', operation: '' },
    startedAt: new Date(Number(tree.startUnixNano / 1_000_000n)).toISOString(),
    durationMs: endMs,
    spans: spans.length,
    services: [...new Set(spans.map(serviceOf))].toSorted(),
    errors: countOf('error'),
    timeouts: countOf('timeout'),
    verdict: summarizeVerdict(diagnoseTree(traceId, tree, NO_HISTORY)),
  };
}

function summarizeVerdict({ verdicts: [first] }: Diagnosis): TraceSummary['verdict'] {
  if (first === undefined) return null;
  const { origin, phase, cause, sentence } = first;
  return { edge: origin.edge, phase, cause, sentence };
}
