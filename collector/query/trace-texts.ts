/**
 * What find looks through in a trace: everything its spans say, as `key=value` lines, each of which is written once. The
 * layout stands at `TraceTextsHead`. Pure.
 */
import type { TraceTextsHead } from '../serve/wire.ts';
import { operationOf, serviceOf, type Attributes, type Span } from '../span.ts';
import { createDictionary, type ColumnParts, type Dictionary } from './column-file.ts';
import { spanIdWriter } from './trace-columns.ts';
import { wireValue } from './wire-trace.ts';

export function traceTexts(spans: readonly Span[]): ColumnParts<TraceTextsHead> {
  const lines = createDictionary();
  const contexts = createContexts(lines);
  const text: number[] = [];
  const textEnd = new Uint32Array(spans.length);
  const context = new Uint32Array(spans.length);
  const spanId = new Uint8Array(8 * spans.length);
  const writeSpanId = spanIdWriter(spanId);
  spans.forEach((span, index) => {
    for (const line of linesOf(span)) text.push(lines.numberOf(line));
    textEnd[index] = text.length;
    context[index] = contexts.numberOf(span);
    writeSpanId(span.spanId, index);
  });
  return {
    head: { spans: spans.length, texts: lines.texts },
    columns: {
      spanId,
      textEnd,
      text: Uint32Array.from(text),
      context,
      contextEnd: Uint32Array.from(contexts.ends),
      contextText: Uint32Array.from(contexts.texts),
    },
  };
}

function* linesOf(span: Span): Iterable<string> {
  yield operationOf(span);
  if (span.name !== operationOf(span)) yield span.name;
  yield span.kind;
  yield span.status.code;
  if (span.status.message !== '') yield span.status.message;
  yield* attributeLines(span.attributes);
  for (const event of span.events) {
    yield event.name;
    yield* attributeLines(event.attributes);
  }
  for (const link of span.links) {
    yield link.traceId;
    yield link.spanId;
    yield* attributeLines(link.attributes);
  }
}

function* attributeLines(attributes: Attributes): Iterable<string> {
  for (const [key, value] of attributes) {
    yield `${key}=${typeof value === 'string' ? value : JSON.stringify(wireValue(value))}`;
  }
}

/** Spans of one sender and library share what their resource and scope say. */
function createContexts(lines: Dictionary) {
  const numbers = new Map<Span['resource'], Map<Span['scope'], number>>();
  const ends: number[] = [];
  const texts: number[] = [];
  const add = (span: Span): number => {
    const { attributes, name, version } = span.scope;
    const said = [serviceOf(span), name, version].filter((line) => line !== '');
    for (const line of said) texts.push(lines.numberOf(line));
    for (const line of attributeLines(span.resource.attributes)) texts.push(lines.numberOf(line));
    for (const line of attributeLines(attributes)) texts.push(lines.numberOf(line));
    return ends.push(texts.length) - 1;
  };
  return {
    ends,
    texts,
    numberOf(span: Span): number {
      let ofResource = numbers.get(span.resource);
      if (ofResource === undefined) numbers.set(span.resource, (ofResource = new Map()));
      let number = ofResource.get(span.scope);
      if (number === undefined) ofResource.set(span.scope, (number = add(span)));
      return number;
    },
  };
}
