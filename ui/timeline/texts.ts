/** Find in a trace, over everything its spans say: each line is looked at once, however many spans say it. Pure. */
import type { TraceTextsHead } from '../../collector/serve/wire.ts';
import { readColumnFile } from './columns.ts';

export interface TraceTexts {
  /** Lower case. */
  readonly texts: readonly string[];
  readonly spanId: Uint8Array;
  readonly textEnd: Uint32Array;
  readonly text: Uint32Array;
  readonly context: Uint32Array;
  readonly contextEnd: Uint32Array;
  readonly contextText: Uint32Array;
  readonly view: View;
}
/** A number for the id of every span of the texts, and of every span of the view. */
interface View {
  readonly ofText: Int32Array;
  readonly ofSpan: Int32Array;
}

const SPAN_ID_BYTES = 8;

/** `viewSpanId`: the ids of the spans that are shown. */
export function readTexts(file: ArrayBuffer, viewSpanId: Uint8Array): TraceTexts {
  const { head, column } = readColumnFile<TraceTextsHead>(file);
  const spanId = column('spanId', 'u8');
  return {
    texts: head.texts.map((text) => text.toLowerCase()),
    spanId,
    textEnd: column('textEnd', 'u32'),
    text: column('text', 'u32'),
    context: column('context', 'u32'),
    contextEnd: column('contextEnd', 'u32'),
    contextText: column('contextText', 'u32'),
    view: matchIds(spanId, viewSpanId),
  };
}

/**
 * All words must be somewhere in what a span or its sender says, in any case. Gives 1 for every span of the view that is
 * found.
 */
export function findInTexts({ texts, ...given }: TraceTexts, query: string): Uint8Array<ArrayBuffer> {
  const { text, textEnd, context, contextText, contextEnd, spanId, view } = given;
  const count = textEnd.length;
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Uint8Array(count).fill(words.length > 0 ? 1 : 0);
  for (const word of words) {
    const hits = Uint8Array.from(texts, (line) => (line.includes(word) ? 1 : 0));
    const hasHit = (list: Uint32Array, from: number, to: number): boolean => {
      for (let at = from; at < to; at++) if (hits[list[at] ?? 0] === 1) return true;
      return false;
    };
    const contextHits = Uint8Array.from(contextEnd, (end, number) =>
      hasHit(contextText, contextEnd[number - 1] ?? 0, end) ? 1 : 0,
    );
    const isId = /^[0-9a-f]{4,16}$/.test(word);
    for (let span = 0; span < count; span++) {
      if (found[span] === 0 || contextHits[context[span] ?? 0] === 1) continue;
      if (hasHit(text, textEnd[span - 1] ?? 0, textEnd[span] ?? 0)) continue;
      if (!isId || !hexOf(spanId, span).includes(word)) found[span] = 0;
    }
  }
  return showInView(found, view);
}

/** Spans with one id (a call and its server, as Zipkin has them) are found together. */
function showInView(found: Uint8Array, { ofText, ofSpan }: View): Uint8Array<ArrayBuffer> {
  const foundIds = new Uint8Array(found.length + ofSpan.length);
  found.forEach((isFound, text) => {
    if (isFound === 1) foundIds[ofText[text] ?? 0] = 1;
  });
  return Uint8Array.from(ofSpan, (id) => foundIds[id] ?? 0);
}

/** Numbers the ids of both sides: the texts may be newer than the view, and stand in another order. */
function matchIds(spanId: Uint8Array, viewSpanId: Uint8Array): View {
  const numbers = new Map<bigint, number>();
  const numberAll = (ids: Uint8Array) =>
    Int32Array.from({ length: ids.length / SPAN_ID_BYTES }, (_, span) => {
      const id = new DataView(ids.buffer, ids.byteOffset + span * SPAN_ID_BYTES).getBigUint64(0);
      let number = numbers.get(id);
      if (number === undefined) numbers.set(id, (number = numbers.size));
      return number;
    });
  return { ofText: numberAll(spanId), ofSpan: numberAll(viewSpanId) };
}

function hexOf(spanId: Uint8Array, span: number): string {
  let hex = '';
  for (let at = span * SPAN_ID_BYTES; at < (span + 1) * SPAN_ID_BYTES; at++) {
    hex += (spanId[at] ?? 0).toString(16).padStart(2, '0');
  }
  return hex;
}
