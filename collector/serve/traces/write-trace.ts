/** One trace, as the document that the store keeps, in every form the API gives it; and judged by its history. */
import { decodeTraces } from '../../decode/decode-traces.ts';
import { tracesToJson } from '../../decode/otlp-json.ts';
import { foldPending } from '../../diagnose/pending.ts';
import { buildTraceTree } from '../../diagnose/tree.ts';
import { writeColumnFile } from '../../query/column-file.ts';
import { diagnoseByHistory, type History } from '../../query/diagnose-by-history.ts';
import { traceTexts } from '../../query/trace-texts.ts';
import { buildWireTrace } from '../../query/wire-trace.ts';
import type { Diagnosis } from '../../diagnose/verdict.ts';
import { toJaegerJson } from '../formats/jaeger-json.ts';
import { toZipkinJson } from '../formats/zipkin-json.ts';
import type { Trace, TraceTextsHead } from '../wire.ts';

/** `columns` are made where the trace is stored. */
export type TraceForm = 'json' | 'otlp' | 'jaeger' | 'zipkin' | 'texts';

export function writeTrace(
  form: TraceForm,
  traceId: string,
  document: Uint8Array,
  isPinned: boolean,
): Uint8Array {
  if (form === 'otlp') return encode(tracesToJson(document));
  const sent = decodeTraces(document);
  // Others' formats know no spans that have not ended, and take what was sent.
  if (form === 'jaeger') return encode(JSON.stringify(toJaegerJson(sent)));
  if (form === 'zipkin') return encode(JSON.stringify(toZipkinJson(sent)));
  const spans = foldPending(sent);
  switch (form) {
    case 'json':
      return jsonOf({ ...buildWireTrace(traceId, spans), pinned: isPinned });
    case 'texts':
      return writeColumnFile<TraceTextsHead>(traceTexts(spans));
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

/** Span by span: the whole of a large trace is longer than a string can be. */
function jsonOf({ spans, ...head }: Trace): Uint8Array {
  const parts = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"spans":[`)];
  spans.forEach((span, index) => parts.push(Buffer.from(`${index === 0 ? '' : ','}${JSON.stringify(span)}`)));
  parts.push(Buffer.from(']}'));
  return Buffer.concat(parts);
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
