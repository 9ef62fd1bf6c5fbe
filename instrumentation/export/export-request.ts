/** Puts an `ExportTraceServiceRequest` together from parts that are encoded already. Pure. */
import { ByteWriter, varintLength } from '../record/byte-writer.ts';
import { writeAttribute } from '../record/encode-attributes.ts';

/** Who made spans, as OTLP names it. */
export interface Scope {
  name: string;
  version?: string | undefined;
  schemaUrl?: string | undefined;
}

/** The spans of one scope, as fields of `ScopeSpans`. */
export interface ScopePart {
  scope: Uint8Array;
  spans: Uint8Array;
  schemaUrl: Uint8Array;
}

const none = new Uint8Array();

/** `Resource`, as a field of `ResourceSpans`. */
export function encodeResource(attributes: Readonly<Record<string, unknown>>): Uint8Array {
  return message(0x0a, (writer) => {
    for (const [key, value] of Object.entries(attributes)) writeAttribute(writer, 1, key, value);
  });
}

/** `InstrumentationScope`, as a field of `ScopeSpans`. */
export function encodeScope({ name, version }: Scope, attributes: Record<string, unknown> = {}): Uint8Array {
  return message(0x0a, (writer) => {
    text(writer, 0x0a, name);
    if (version) text(writer, 0x12, version);
    for (const [key, value] of Object.entries(attributes)) writeAttribute(writer, 3, key, value);
  });
}

export function encodeSchemaUrl(url: string | undefined): Uint8Array {
  if (!url) return none;
  const writer = new ByteWriter();
  text(writer, 0x1a, url);
  return Uint8Array.from(writer.written());
}

function text(writer: ByteWriter, tag: number, value: string): void {
  writer.reserve(3 * value.length + 16);
  writer.byte(tag);
  writer.text(value);
}

function message(tag: number, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(tag);
  const start = writer.open();
  write(writer);
  writer.close(start);
  return Uint8Array.from(writer.written());
}

/** Left free in front of a request, for what gRPC puts there. */
export const headroomBytes = 5;

/** The whole request, behind the headroom. It is the writer's, and valid until that is written to again. */
export function assembleRequest(
  writer: ByteWriter,
  resource: Uint8Array,
  parts: readonly ScopePart[],
): Buffer {
  const lengths = parts.map(({ scope, spans, schemaUrl }) => scope.length + spans.length + schemaUrl.length);
  const resourceSpansLength = lengths.reduce(
    (sum, length) => sum + 1 + varintLength(length) + length,
    resource.length,
  );
  writer.at = 0;
  writer.reserve(headroomBytes + 1 + varintLength(resourceSpansLength) + resourceSpansLength);
  writer.at = headroomBytes;
  writer.byte(0x0a);
  writer.varint(resourceSpansLength);
  writer.raw(resource);
  for (const [index, { scope, spans, schemaUrl }] of parts.entries()) {
    writer.byte(0x12);
    writer.varint(lengths[index]!);
    writer.raw(scope);
    writer.raw(spans);
    writer.raw(schemaUrl);
  }
  return writer.written();
}
