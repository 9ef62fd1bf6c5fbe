/**
 * What Zipkin's reporters send becomes an OTLP request. Pure.
 *
 *     v1 JSON ─▶ ┐
 *     protobuf ─▶┼▶ spans of v2, as JSON has them ─▶ OTLP JSON ─▶ OTLP protobuf
 *     v2 JSON ─▶ ┘
 */
import { checkMessage } from './check-message.ts';
import { DecodeError } from './decode-error.ts';
import { checkJsonSize } from './json-size.ts';
import { decodeMessage, encodeMessage } from './otlp-json.ts';
import { message, repeated, TRACES_DATA } from './otlp-schema.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { isObject, type JsonObject } from './read-json.ts';
import { checkSpanCount, RequestParts, SPANS_AT_A_TIME, WrittenBytes } from './request-parts.ts';
import { fromZipkinSpans } from './zipkin-spans.ts';
import { fromZipkinV1, isZipkinV1 } from './zipkin-v1.ts';

export type ZipkinFormat = 'v1' | 'v2' | 'protobuf';

/** The bytes of an `ExportTraceServiceRequest`, at most `bytesMax`. Throws DecodeError naming the place. */
export function tracesFromZipkin(body: Uint8Array, format: ZipkinFormat, bytesMax = Infinity): Buffer {
  if (format === 'protobuf') return encodeSpans(splitProtobuf(body), fromProtobuf, bytesMax);
  return encodeSpans(readJson(body, format), format === 'v1' ? fromV1 : fromV2, bytesMax);
}

/** A list of spans, or of traces of spans. */
export function isZipkinJson(json: unknown): json is readonly unknown[] {
  if (!Array.isArray(json)) return false;
  const first: unknown = json.flat()[0];
  return first === undefined || (isObject(first) && 'traceId' in first && 'id' in first);
}

/** The same of a parsed list of spans of either version, or of traces of them. */
export function tracesFromZipkinJson(json: readonly unknown[]): Buffer {
  const spans = json.flat();
  return encodeSpans(spans, spans.some(isZipkinV1) ? fromV1 : fromV2);
}

/** `first`: the place among all of the first of these. */
type Convert<Sent> = (spans: readonly Sent[], first: number) => JsonObject;

/** Messages one after the other are one message: their lists are joined. */
function encodeSpans<Sent>(sent: readonly Sent[], convert: Convert<Sent>, bytesMax = Infinity): Buffer {
  checkSpanCount(sent.length);
  const written = new WrittenBytes(bytesMax);
  const parts: Buffer[] = [];
  for (let first = 0; first < sent.length; first += SPANS_AT_A_TIME) {
    const spans = sent.slice(first, first + SPANS_AT_A_TIME);
    const part = encodeMessage(TRACES_DATA, convert(spans, first));
    written.add(part.length);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function fromProtobuf(spans: readonly Uint8Array[], first: number): JsonObject {
  return fromV2(spans.map(readProtobufSpan), first);
}

function fromV2(spans: readonly unknown[], first: number): JsonObject {
  return fromZipkinSpans(spans, (index) => `[${first + index}]`);
}

/** Some become two: what is wrong is said of the span that was sent. */
function fromV1(sent: readonly unknown[], first: number): JsonObject {
  const places: string[] = [];
  const spans = sent.flatMap((span, index) => {
    const made = fromZipkinV1(span, `[${first + index}]`);
    for (const _ of made) places.push(`[${first + index}]`);
    return made;
  });
  return fromZipkinSpans(spans, (index) => places[index]!);
}

function readJson(body: Uint8Array, version: 'v1' | 'v2'): readonly unknown[] {
  const expected = `a JSON array of Zipkin ${version} spans`;
  checkJsonSize(body);
  let spans: unknown;
  try {
    spans = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (error) {
    throw new DecodeError('body', body.length === 0 ? 'nothing' : (error as Error).message, expected);
  }
  if (!Array.isArray(spans))
    throw new DecodeError('body', isObject(spans) ? 'an object' : typeof spans, expected);
  const sent: unknown[] = spans.flat();
  const other = version === 'v1' ? 'v2' : 'v1';
  const misplaced = sent.findIndex(other === 'v1' ? isZipkinV1 : isZipkinV2);
  if (misplaced >= 0) {
    const elsewhere = `${version}; spans of ${other} go to /api/${other}/spans`;
    throw new DecodeError(`[${misplaced}]`, `a span of ${other}`, elsewhere);
  }
  return sent;
}

/** As far as that shows: v1 has no such fields. */
function isZipkinV2(span: unknown): boolean {
  return isObject(span) && ['kind', 'tags', 'localEndpoint', 'remoteEndpoint'].some((key) => key in span);
}

/** zipkin.proto, of zipkin-api. Addresses are told by their digits. */
const ENDPOINT = message('Endpoint', {
  serviceName: [1, 'string'],
  ipv4: [2, 'id'],
  ipv6: [3, 'id'],
  port: [4, 'int32'],
});
const TAG = message('TagsEntry', { key: [1, 'string'], value: [2, 'string'] });
const KINDS = ['SPAN_KIND_UNSPECIFIED', 'CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER'];
const SPAN = message('Span', {
  traceId: [1, 'id'],
  parentId: [2, 'id'],
  id: [3, 'id'],
  kind: [4, KINDS],
  name: [5, 'string'],
  timestamp: [6, 'fixed64'],
  duration: [7, 'int64'],
  localEndpoint: [8, ENDPOINT],
  remoteEndpoint: [9, ENDPOINT],
  annotations: [10, repeated(message('Annotation', { timestamp: [1, 'fixed64'], value: [2, 'string'] }))],
  tags: [11, repeated(TAG)],
  debug: [12, 'bool'],
  shared: [13, 'bool'],
});
const LIST_OF_SPANS = message('ListOfSpans', { spans: [1, repeated(SPAN)] });
/** Field 1, of bytes. */
const SPAN_TAG = 0x0a;
/** Of a span. */
const [ANNOTATION_TAG, TAG_TAG] = [0x52, 0x5a];

/** The bytes of each span of a body, which is checked. */
function splitProtobuf(body: Uint8Array): Buffer[] {
  const reader = new ProtobufReader(body);
  const parts = new RequestParts(body.length, 'spans, tags and annotations');
  const spans: Buffer[] = [];
  while (reader.more) {
    const tag = reader.tag();
    if (tag === SPAN_TAG) {
      spans.push(reader.slice());
      checkSpanCount(spans.length);
      countParts(new ProtobufReader(spans.at(-1)!), parts);
    } else reader.skip(tag & 7);
  }
  checkMessage(new ProtobufReader(body), LIST_OF_SPANS, 1);
  return spans;
}

function countParts(span: ProtobufReader, parts: RequestParts): void {
  parts.add();
  while (span.more) {
    const tag = span.tag();
    if (tag === ANNOTATION_TAG || tag === TAG_TAG) parts.add();
    span.skip(tag & 7);
  }
}

function readProtobufSpan(bytes: Uint8Array): JsonObject {
  const { kind, tags = [], localEndpoint, remoteEndpoint, ...span }: JsonObject = decodeMessage(SPAN, bytes);
  return {
    ...span,
    kind: KINDS[Number(kind)],
    tags: Object.fromEntries(
      (tags as { key?: string; value?: string }[]).map(({ key = '', value = '' }) => [key, value]),
    ),
    localEndpoint: readEndpoint(localEndpoint),
    remoteEndpoint: readEndpoint(remoteEndpoint),
  };
}

function readEndpoint(endpoint: unknown): JsonObject | undefined {
  if (!isObject(endpoint)) return undefined;
  const { ipv4, ipv6, ...rest } = endpoint;
  return { ...rest, ipv4: addressOf(ipv4, 4), ipv6: addressOf(ipv6, 16) };
}

/** Of another length it is none. */
function addressOf(digits: unknown, bytes: 4 | 16): string | undefined {
  if (typeof digits !== 'string' || digits.length !== 2 * bytes) return undefined;
  if (bytes === 4) return Buffer.from(digits, 'hex').join('.');
  // The way of writing that has the longest run of zeros left out.
  return new URL(`http://[${digits.match(/.{4}/g)!.join(':')}]`).hostname.slice(1, -1);
}
