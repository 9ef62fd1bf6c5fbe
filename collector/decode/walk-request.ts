/**
 * Walks an OTLP trace request once: what spans are in it, which must be refused, which look wrong.
 *
 *     request ─┬ ResourceSpans ─┬ resource, schema URL
 *              │                ├ ScopeSpans ─┬ scope, schema URL
 *              │                │             ├ span (bytes)   ids read, the rest checked, nothing decoded
 *              │                │             └ span (bytes)
 */
import { isUtf8 } from 'node:buffer';
import { checkField } from './check-message.ts';
import { RESOURCE_SPANS, SCOPE_SPANS, SPAN, TRACES_DATA } from './otlp-schema.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/** A resource or a scope as sent; one object for all its spans of a request. Empty bytes when it was not sent. */
export interface SpanContext {
  readonly bytes: Uint8Array;
  readonly schemaUrl: string;
}

/** Views into the request: copy what is to outlive it. */
export interface RequestSpan {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** 16 lower-case hex digits, zeros as sent, or '' when there is none. */
  readonly parentSpanId: string;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly bytes: Uint8Array;
  readonly resource: SpanContext;
  readonly scope: SpanContext;
}

export interface RequestWalk {
  readonly spans: readonly RequestSpan[];
  /** Spans whose ids no one could ever find again; they are not in `spans`. */
  readonly refused: number;
  /** Which were refused and why; '' when none was. */
  readonly refusedMessage: string;
  /** What of `spans` looks wrong though it is kept as sent; '' when nothing does. */
  readonly warning: string;
}

/** Tags, `number << 3 | wire type`. ResourceSpans and ScopeSpans have the same three fields. */
const RESOURCE_SPANS_TAG = 0x0a;
const CONTEXT_TAG = 0x0a;
const CHILDREN_TAG = 0x12;
const SCHEMA_URL_TAG = 0x1a;
const TRACE_ID_TAG = 0x0a;
const SPAN_ID_TAG = 0x12;
const PARENT_SPAN_ID_TAG = 0x22;
const NAME_TAG = 0x2a;
const START_TAG = 0x39;
const END_TAG = 0x41;

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const REASONS_SHOWN_MAX = 3;
/** Longer names are nearly always an identifier or a query that got into the name by mistake. */
export const NAME_BYTES_ODD = 1024;
export const FUTURE_ODD_MS = 24 * 3600 * 1000;

const NOTHING: Buffer = Buffer.alloc(0);
const NO_CONTEXT: SpanContext = { bytes: NOTHING, schemaUrl: '' };

/** What looks wrong in a request, counted on the way. */
export interface Oddities {
  seen: number;
  endsBeforeStart: number;
  startsInFuture: number;
  longNames: number;
  invalidTexts: number;
}

/** A span before it is known whose it is: a scope may stand behind its spans. */
export type WalkedSpan = Omit<RequestSpan, 'resource' | 'scope'>;

/** Where the spans of a request go. */
export interface SpanSink {
  /**
   * Takes the span between two positions of the request if it knows each of its bytes: then it was checked and counted
   * in `oddities`. Otherwise false, and it is walked here.
   */
  takeKnown(start: number, end: number, oddities: Oddities): boolean;
  take(span: WalkedSpan): void;
  /** The spans since the last call are of this resource and scope. */
  close(resource: SpanContext, scope: SpanContext): void;
}

interface Walk extends Oddities {
  readonly latestUnixNano: bigint;
  readonly sink: SpanSink;
  resource: SpanContext;
  refused: number;
  readonly reasons: string[];
}

/** Throws DecodeError when any part of the request could not be decoded later; then nothing of it may be kept. */
export function walkRequest(request: Uint8Array, nowUnixMs = Date.now()): RequestWalk {
  const spans: RequestSpan[] = [];
  let open: WalkedSpan[] = [];
  const walked = walkSpans(request, nowUnixMs, {
    takeKnown: () => false,
    take: (span) => void open.push(span),
    close(resource, scope) {
      for (const span of open) spans.push({ ...span, resource, scope });
      open = [];
    },
  });
  return { spans, ...walked };
}

/** The walk itself. Throws as `walkRequest`; what the sink was given until then is void. */
export function walkSpans(
  request: Uint8Array,
  nowUnixMs: number,
  sink: SpanSink,
): Omit<RequestWalk, 'spans'> {
  const walk: Walk = {
    sink,
    resource: NO_CONTEXT,
    latestUnixNano: latestStart(nowUnixMs),
    seen: 0,
    refused: 0,
    reasons: [],
    endsBeforeStart: 0,
    startsInFuture: 0,
    longNames: 0,
    invalidTexts: 0,
  };
  const reader = new ProtobufReader(request);
  while (reader.more) {
    const tag = reader.tag();
    if (tag === RESOURCE_SPANS_TAG) reader.nested(() => walkResourceSpans(reader, walk));
    else walk.invalidTexts += checkField(reader, TRACES_DATA, tag, 1);
  }
  return {
    refused: walk.refused,
    refusedMessage: describeRefused(walk),
    warning: describeOdd(walk),
  };
}

/**
 * How many spans a request holds, reading only the three levels above them: cheap enough for the thread that serves
 * the network. Throws DecodeError when even those are broken.
 */
export function countSpans(request: Uint8Array): number {
  const reader = new ProtobufReader(request);
  let spans = 0;
  const countScopeSpans = (): void =>
    eachField(reader, CHILDREN_TAG, () => {
      reader.position = reader.delimited();
      spans++;
    });
  const countResourceSpans = (): void =>
    eachField(reader, CHILDREN_TAG, () => reader.nested(countScopeSpans));
  eachField(reader, RESOURCE_SPANS_TAG, () => reader.nested(countResourceSpans));
  return spans;
}

function eachField(reader: ProtobufReader, wanted: number, read: () => void): void {
  while (reader.more) {
    const tag = reader.tag();
    if (tag === wanted) read();
    else reader.skip(tag & 7);
  }
}

/** A span that starts after this is odd. */
export function latestStart(nowUnixMs: number): bigint {
  return BigInt(nowUnixMs + FUTURE_ODD_MS) * 1_000_000n;
}

function walkResourceSpans(reader: ProtobufReader, walk: Walk): void {
  walk.resource = readResource(reader);
  while (reader.more) {
    const tag = reader.tag();
    if (tag === CHILDREN_TAG) reader.nested(() => walkScopeSpans(reader, walk));
    else walk.invalidTexts += checkField(reader, RESOURCE_SPANS, tag, 2);
  }
}

/** Reads ahead, because a resource may stand behind the spans it describes; the cursor stays. */
function readResource(reader: ProtobufReader): SpanContext {
  const start = reader.position;
  const parts = new ContextParts();
  while (reader.more) {
    const tag = reader.tag();
    parts.takeField(reader, tag);
    reader.skip(tag & 7);
  }
  reader.position = start;
  return parts.whole();
}

/** Does not read ahead: that costs as much as reaching each span in memory once more. */
function walkScopeSpans(reader: ProtobufReader, walk: Walk): void {
  const outerLimit = reader.limit;
  const { sink } = walk;
  const scope = new ContextParts();
  while (reader.more) {
    const tag = reader.tag();
    if (tag !== CHILDREN_TAG) {
      scope.takeField(reader, tag);
      walk.invalidTexts += checkField(reader, SCOPE_SPANS, tag, 3);
      continue;
    }
    const end = reader.delimited();
    if (!sink.takeKnown(reader.position, end, walk)) {
      reader.limit = end;
      walkSpan(reader, walk);
      reader.limit = outerLimit;
    }
    reader.position = end;
  }
  sink.close(walk.resource, scope.whole());
}

/**
 * A resource or a scope, field by field. A message sent in parts means the parts merged, which for protobuf is their bytes
 * in a row. There may be millions: they are gathered in memory that doubles.
 */
class ContextParts {
  /** The first part, a view of the request, as long as there is no other. */
  #bytes = NOTHING;
  #length = 0;
  #schemaUrl = '';

  /** What the field behind `tag` says; the cursor stays. */
  takeField(reader: ProtobufReader, tag: number): void {
    const start = reader.position;
    if (tag === CONTEXT_TAG) this.#append(reader.slice());
    else if (tag === SCHEMA_URL_TAG) this.#schemaUrl = reader.string();
    reader.position = start;
  }

  whole(): SpanContext {
    return { bytes: this.#bytes.subarray(0, this.#length), schemaUrl: this.#schemaUrl };
  }

  #append(part: Buffer): void {
    const length = this.#length + part.length;
    if (this.#length === 0) this.#bytes = part;
    else {
      if (length > this.#bytes.length) {
        const larger = Buffer.allocUnsafe(2 * length);
        this.#bytes.copy(larger);
        this.#bytes = larger;
      }
      part.copy(this.#bytes, this.#length);
    }
    this.#length = length;
  }
}

function walkSpan(reader: ProtobufReader, walk: Walk): void {
  const bytes = reader.bytes.subarray(reader.position, reader.limit);
  let traceId = NOTHING;
  let spanId = NOTHING;
  let parentSpanId = NOTHING;
  let name = NOTHING;
  let startUnixNano = 0n;
  let endUnixNano = 0n;
  let invalidTexts = 0;
  while (reader.more) {
    const tag = reader.tag();
    if (tag === TRACE_ID_TAG) traceId = reader.slice();
    else if (tag === SPAN_ID_TAG) spanId = reader.slice();
    else if (tag === PARENT_SPAN_ID_TAG) parentSpanId = reader.slice();
    else if (tag === NAME_TAG) name = reader.slice();
    else if (tag === START_TAG) startUnixNano = reader.fixed64();
    else if (tag === END_TAG) endUnixNano = reader.fixed64();
    else invalidTexts += checkField(reader, SPAN, tag, 4);
  }

  const isRoot = parentSpanId.length === 0;
  const reason =
    idFault('trace id', traceId, TRACE_ID_BYTES) ??
    idFault('span id', spanId, SPAN_ID_BYTES) ??
    (isRoot ? null : lengthFault('parent span id', parentSpanId, SPAN_ID_BYTES));
  walk.seen++;
  if (reason !== null) {
    walk.refused++;
    if (walk.reasons.length < REASONS_SHOWN_MAX) walk.reasons.push(`span ${walk.seen}: ${reason}`);
    return;
  }
  // An end of 0 is a span that has not ended.
  if (endUnixNano < startUnixNano && endUnixNano !== 0n) walk.endsBeforeStart++;
  if (startUnixNano > walk.latestUnixNano) walk.startsInFuture++;
  if (name.length > NAME_BYTES_ODD) walk.longNames++;
  walk.invalidTexts += invalidTexts + Number(!isUtf8(name));
  walk.sink.take({
    traceId: traceId.toString('hex'),
    spanId: spanId.toString('hex'),
    parentSpanId: parentSpanId.toString('hex'),
    startUnixNano,
    endUnixNano,
    bytes,
  });
}

function idFault(what: string, id: Buffer, length: number): string | null {
  return lengthFault(what, id, length) ?? (id.some((byte) => byte !== 0) ? null : `${what} is all zero`);
}

function lengthFault(what: string, id: Buffer, length: number): string | null {
  return id.length === length ? null : `${what} has ${id.length} bytes, expected ${length}`;
}

function describeRefused({ refused, reasons, seen }: Walk): string {
  if (refused === 0) return '';
  const more = refused > reasons.length ? `; and ${refused - reasons.length} more` : '';
  return `${refused} of ${seen} spans refused: ${reasons.join('; ')}${more}`;
}

function describeOdd(walk: Walk): string {
  if (walk.endsBeforeStart + walk.startsInFuture + walk.longNames + walk.invalidTexts === 0) return '';
  const oddities = [
    [walk.endsBeforeStart, 'end before start'],
    [walk.startsInFuture, 'start more than a day from now'],
    [walk.longNames, `name longer than ${NAME_BYTES_ODD} bytes`],
    [walk.invalidTexts, 'text not UTF-8'],
  ] as const;
  const found = oddities.filter(([count]) => count > 0).map(([count, what]) => `${what} (${count})`);
  return `stored as sent, though odd: ${found.join(', ')}`;
}
