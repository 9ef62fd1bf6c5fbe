/**
 * OTLP protobuf bytes into the domain's `Span`, and stored bytes back into one OTLP document.
 *
 * Decoding is lenient where `walkRequest` was strict: what it let in always decodes, unknown fields are passed over, and
 * the last of a repeated single field wins, as protobuf wants.
 */
import type {
  Attributes,
  AttributeValue,
  Resource,
  Scope,
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  StatusCode,
} from '../span.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import type { SpanContext } from './walk-request.ts';

const KINDS: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUS_CODES: readonly StatusCode[] = ['unset', 'ok', 'error'];
const ZERO_ID = /^0*$/;

export function decodeResource(bytes: Uint8Array, schemaUrl: string): Resource {
  const attributes = new Map<string, AttributeValue>();
  let droppedAttributes = 0;
  readFields(new ProtobufReader(bytes), (tag, reader) => {
    if (tag === 0x0a) readAttribute(reader, attributes);
    else if (tag === 0x10) droppedAttributes = reader.uint32();
    else return false;
    return true;
  });
  return { attributes, droppedAttributes, schemaUrl };
}

export function decodeScope(bytes: Uint8Array, schemaUrl: string): Scope {
  const attributes = new Map<string, AttributeValue>();
  let name = '';
  let version = '';
  let droppedAttributes = 0;
  readFields(new ProtobufReader(bytes), (tag, reader) => {
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) version = reader.string();
    else if (tag === 0x1a) readAttribute(reader, attributes);
    else if (tag === 0x20) droppedAttributes = reader.uint32();
    else return false;
    return true;
  });
  return { name, version, attributes, droppedAttributes, schemaUrl };
}

export function decodeSpan(bytes: Uint8Array, resource: Resource, scope: Scope): Span {
  const attributes = new Map<string, AttributeValue>();
  const events: SpanEvent[] = [];
  const links: SpanLink[] = [];
  const span = {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: '',
    kind: 'unspecified' as SpanKind,
    startUnixNano: 0n,
    endUnixNano: 0n,
    status: { code: 'unset' as StatusCode, message: '' },
    attributes,
    events,
    links,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    resource,
    scope,
  };
  readFields(new ProtobufReader(bytes), (tag, reader) => {
    switch (tag) {
      case 0x0a:
        span.traceId = reader.hex();
        break;
      case 0x12:
        span.spanId = reader.hex();
        break;
      case 0x1a:
        span.traceState = reader.string();
        break;
      case 0x22:
        span.parentSpanId = reader.hex();
        break;
      case 0x2a:
        span.name = reader.string();
        break;
      case 0x30:
        span.kind = KINDS[reader.uint32()] ?? 'unspecified';
        break;
      case 0x39:
        span.startUnixNano = reader.fixed64();
        break;
      case 0x41:
        span.endUnixNano = reader.fixed64();
        break;
      case 0x4a:
        readAttribute(reader, attributes);
        break;
      case 0x50:
        span.droppedAttributes = reader.uint32();
        break;
      case 0x5a:
        events.push(reader.nested(readEvent));
        break;
      case 0x60:
        span.droppedEvents = reader.uint32();
        break;
      case 0x6a:
        links.push(reader.nested(readLink));
        break;
      case 0x70:
        span.droppedLinks = reader.uint32();
        break;
      case 0x7a:
        reader.nested((status) => readStatus(status, span.status));
        break;
      case 0x85:
        span.flags = reader.fixed32();
        break;
      default:
        return false;
    }
    return true;
  });
  // Some senders write a root's missing parent as zeros.
  if (ZERO_ID.test(span.parentSpanId)) span.parentSpanId = '';
  return span;
}

/** The spans of one resource, by scope. */
export interface ResourceGroup {
  readonly resource: SpanContext;
  readonly scopes: readonly { readonly scope: SpanContext; readonly spans: readonly Uint8Array[] }[];
}

/** One OTLP `TracesData` (which is also an `ExportTraceServiceRequest`) of spans as they were sent. */
export function encodeTracesData(groups: readonly ResourceGroup[]): Buffer {
  const writer = new ProtobufWriter();
  for (const { resource, scopes } of groups.toReversed()) {
    const resourceMark = writer.length;
    writeSchemaUrl(writer, resource);
    for (const { scope, spans } of scopes.toReversed()) {
      const scopeMark = writer.length;
      writeSchemaUrl(writer, scope);
      for (const span of spans.toReversed()) writer.delimited(2, span);
      if (scope.bytes.length > 0) writer.delimited(1, scope.bytes);
      writer.prefix(2, scopeMark);
    }
    if (resource.bytes.length > 0) writer.delimited(1, resource.bytes);
    writer.prefix(1, resourceMark);
  }
  return writer.finish();
}

function writeSchemaUrl(writer: ProtobufWriter, context: SpanContext): void {
  if (context.schemaUrl !== '') writer.delimited(3, context.schemaUrl);
}

/** Offers each field to `take`, which reads the value or says that it does not know the field. */
function readFields(reader: ProtobufReader, take: (tag: number, reader: ProtobufReader) => boolean): void {
  while (reader.more) {
    const tag = reader.tag();
    if (!take(tag, reader)) reader.skip(tag & 7);
  }
}

function readEvent(event: ProtobufReader): SpanEvent {
  const attributes = new Map<string, AttributeValue>();
  let timeUnixNano = 0n;
  let name = '';
  let droppedAttributes = 0;
  readFields(event, (tag, reader) => {
    if (tag === 0x09) timeUnixNano = reader.fixed64();
    else if (tag === 0x12) name = reader.string();
    else if (tag === 0x1a) readAttribute(reader, attributes);
    else if (tag === 0x20) droppedAttributes = reader.uint32();
    else return false;
    return true;
  });
  return { timeUnixNano, name, attributes, droppedAttributes };
}

function readLink(link: ProtobufReader): SpanLink {
  const attributes = new Map<string, AttributeValue>();
  let traceId = '';
  let spanId = '';
  let traceState = '';
  let droppedAttributes = 0;
  let flags = 0;
  readFields(link, (tag, reader) => {
    if (tag === 0x0a) traceId = reader.hex();
    else if (tag === 0x12) spanId = reader.hex();
    else if (tag === 0x1a) traceState = reader.string();
    else if (tag === 0x22) readAttribute(reader, attributes);
    else if (tag === 0x28) droppedAttributes = reader.uint32();
    else if (tag === 0x35) flags = reader.fixed32();
    else return false;
    return true;
  });
  return { traceId, spanId, traceState, attributes, droppedAttributes, flags };
}

function readStatus(status: ProtobufReader, into: { code: StatusCode; message: string }): void {
  readFields(status, (tag, reader) => {
    if (tag === 0x12) into.message = reader.string();
    else if (tag === 0x18) into.code = STATUS_CODES[reader.uint32()] ?? 'unset';
    else return false;
    return true;
  });
}

function readAttribute(reader: ProtobufReader, into: Map<string, AttributeValue>): void {
  reader.nested((keyValue) => {
    let key = '';
    let value: AttributeValue = null;
    readFields(keyValue, (tag) => {
      if (tag === 0x0a) key = keyValue.repeatedString();
      else if (tag === 0x12) value = keyValue.nested(readValue);
      else return false;
      return true;
    });
    into.set(key, value);
  });
}

function readValue(anyValue: ProtobufReader): AttributeValue {
  let value: AttributeValue = null;
  readFields(anyValue, (tag, reader) => {
    if (tag === 0x0a) value = reader.string();
    else if (tag === 0x10) value = reader.varint() !== 0;
    else if (tag === 0x18) value = reader.int64();
    else if (tag === 0x21) value = reader.double();
    else if (tag === 0x2a) value = reader.nested(readArray);
    else if (tag === 0x32) value = reader.nested(readMap);
    // A copy, so that a value that is kept does not keep the whole request.
    else if (tag === 0x3a) value = Uint8Array.from(reader.slice());
    else return false;
    return true;
  });
  return value;
}

/** What an attribute holds that is a list: the bytes of an ArrayValue. */
export function decodeArrayValue(bytes: Uint8Array): AttributeValue[] {
  return readArray(new ProtobufReader(bytes));
}

/** What an attribute holds that is a map: the bytes of a KeyValueList. */
export function decodeKeyValueList(bytes: Uint8Array): Attributes {
  return readMap(new ProtobufReader(bytes));
}

function readArray(array: ProtobufReader): AttributeValue[] {
  const values: AttributeValue[] = [];
  readFields(array, (tag, reader) => {
    if (tag !== 0x0a) return false;
    values.push(reader.nested(readValue));
    return true;
  });
  return values;
}

function readMap(map: ProtobufReader): Attributes {
  const values = new Map<string, AttributeValue>();
  readFields(map, (tag, reader) => {
    if (tag !== 0x0a) return false;
    readAttribute(reader, values);
    return true;
  });
  return values;
}
