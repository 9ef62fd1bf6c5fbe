/** One trace, as the document that the store keeps, in every form the API gives it; and judged by its history. */
import { decodeTraces } from '../../decode/decode-traces.ts';
import { readResourceSpans } from '../../decode/otlp-json.ts';
import { foldPending } from '../../diagnose/pending.ts';
import { buildTraceTree } from '../../diagnose/tree.ts';
import { writeColumnFile } from '../../query/column-file.ts';
import { diagnoseByHistory, type History } from '../../query/diagnose-by-history.ts';
import { traceTexts } from '../../query/trace-texts.ts';
import { buildWireTrace } from '../../query/wire-trace.ts';
import type { Diagnosis } from '../../diagnose/verdict.ts';
import { foldDocument } from '../compatible/fold-document.ts';
import { recordWithOperation, withOperation } from '../compatible/operation-names.ts';
import { toJaegerJson } from '../formats/jaeger-json.ts';
import { toZipkinSpan } from '../formats/zipkin-json.ts';
import { asTempoHas, foundTrace, messageHead, type FoundForm } from '../tempo/answers.ts';
import type { TraceTextsHead } from '../wire.ts';
import { asZipkinHas } from '../zipkin/answers.ts';
import { summaryOf, withJaegerIds } from '../jaeger/answers.ts';
import { jsonPieces, lazyList, type LazyList } from './json-pieces.ts';

const SLICE_BYTES = 128 * 1024;

/** `columns` are made where the trace is stored. */
export type TraceForm = 'json' | 'otlp' | 'jaeger' | 'zipkin' | 'texts' | CompatibleForm;

/** As compatible APIs put it into their answers. */
type CompatibleForm =
  | 'zipkin-api'
  | 'jaeger-trace'
  | 'jaeger-summary'
  | 'resource-spans'
  | 'tempo-spans'
  | 'protobuf'
  | 'protobuf-message'
  | FoundForm;

/** What is to be written: `bytes` are its OTLP. */
export interface TraceToWrite {
  readonly bytes: Uint8Array;
  readonly traceId: string;
  readonly form: TraceForm;
  readonly isPinned: boolean;
}

/** Piece by piece: all of a large trace is longer than a string can be. */
export function* writeTrace(trace: TraceToWrite): Generator<Uint8Array<ArrayBuffer>> {
  const { bytes, traceId, form, isPinned } = trace;
  switch (form) {
    case 'otlp':
      return yield* jsonPieces({ resourceSpans: lazyResourceSpans(bytes) });
    // A download has what was sent, snapshots too, and can be imported as it was.
    case 'jaeger':
      return yield* jsonPieces(toJaegerJson(decodeTraces(bytes), (spans, make) => lazyList(spans, make)));
    case 'zipkin':
      return yield* jsonPieces(lazyList(decodeTraces(bytes), toZipkinSpan));
    case 'json': {
      const { spans, ...head } = buildWireTrace(traceId, foldPending(decodeTraces(bytes)));
      return yield* jsonPieces({ ...head, pinned: isPinned, spans: lazyList(spans) });
    }
    case 'texts':
      return yield writeColumnFile<TraceTextsHead>(traceTexts(foldPending(decodeTraces(bytes))));
    default:
      return yield* writeForOthers(traceId, foldDocument(bytes), form);
  }
}

function* writeForOthers(
  traceId: string,
  bytes: Uint8Array,
  form: CompatibleForm,
): Generator<Uint8Array<ArrayBuffer>> {
  switch (form) {
    case 'resource-spans':
      return yield* membersOf(lazyResourceSpans(bytes, recordWithOperation));
    case 'tempo-spans':
      return yield* membersOf(lazyResourceSpans(bytes, asTempoHas));
    case 'protobuf-message':
      yield messageHead(bytes.length);
      return yield* slicesOf(bytes);
    case 'protobuf':
      return yield* slicesOf(bytes);
  }
  const spans = decodeTraces(bytes);
  switch (form) {
    case 'zipkin-api':
      return yield* jsonPieces(lazyList(spans, (span) => asZipkinHas(toZipkinSpan(withOperation(span)))));
    case 'jaeger-trace': {
      const { data } = toJaegerJson(spans.map(withJaegerIds), (all, make) =>
        lazyList(all, (span) => make(withOperation(span))),
      );
      return yield* jsonPieces(data[0]);
    }
    case 'jaeger-summary':
      return yield* jsonPieces(summaryOf(traceId, spans.map(withOperation)));
    default:
      return yield* jsonPieces(foundTrace(traceId, spans, form));
  }
}

export function diagnoseDocument(
  traceId: string,
  document: Uint8Array,
  history: History,
): Promise<Diagnosis> {
  const spans = foldPending(decodeTraces(document));
  return diagnoseByHistory(history, traceId, spans, buildTraceTree(spans));
}

/** Each with memory of its own. */
function* slicesOf(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES)
    yield new Uint8Array(bytes.subarray(at, at + SLICE_BYTES));
}

/** With commas between, to be put among others. */
function* membersOf({ members }: LazyList): Generator<Uint8Array<ArrayBuffer>> {
  const comma = new TextEncoder().encode(',');
  let isFirst = true;
  for (const member of members) {
    if (!isFirst) yield comma.slice();
    isFirst = false;
    yield* jsonPieces(member);
  }
}

/** One resource at a time is decoded, and written span by span. */
function lazyResourceSpans(
  document: Uint8Array,
  make?: (span: Readonly<Record<string, unknown>>) => unknown,
): LazyList {
  type Parts = readonly Record<string, unknown>[];
  return lazyList(
    readResourceSpans(document),
    ({ scopeSpans = [], ...resource }) => ({
      ...resource,
      scopeSpans: (scopeSpans as Parts).map(({ spans = [], ...scope }) => ({
        ...scope,
        spans: lazyList(spans as Parts, make),
      })),
    }),
    'document',
  );
}
