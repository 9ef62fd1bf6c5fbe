/**
 * Checks protobuf bytes against the schema without building anything: lengths, wire types, nesting.
 *
 * What passes here can always be decoded later, so a request is refused before it is acknowledged, not when someone
 * opens the trace. Unknown fields pass, as protobuf wants. Strings are not checked: invalid UTF-8 is kept as sent.
 */
import type { ProtobufReader } from './protobuf-reader.ts';
import { isMessage, type MessageSchema } from './otlp-schema.ts';

/** Messages within messages. Protobuf's own decoders stop at 100; an attribute 30 maps deep is below it. */
export const MESSAGE_DEPTH_MAX = 100;

/** Reads the fields of one message up to the reader's limit. */
export function checkMessage(reader: ProtobufReader, schema: MessageSchema, depth: number): void {
  while (reader.more) checkField(reader, schema, reader.tag(), depth);
}

/** Reads the value of a field whose tag has just been read; `depth` is that of the message it stands in. */
export function checkField(reader: ProtobufReader, schema: MessageSchema, tag: number, depth: number): void {
  const field = schema.byNumber[tag >>> 3];
  const wireType = tag & 7;
  if (field === undefined) return reader.skip(wireType);
  if (wireType !== field.wireType) {
    const got = `wire type ${wireType} for ${schema.name}.${field.name}`;
    throw reader.error(reader.position, got, `wire type ${field.wireType}`);
  }
  if (!isMessage(field.type)) return reader.skip(wireType);
  if (depth >= MESSAGE_DEPTH_MAX) {
    throw reader.error(
      reader.position,
      'deeper nesting',
      `at most ${MESSAGE_DEPTH_MAX} messages in each other`,
    );
  }
  const outerLimit = reader.limit;
  reader.limit = reader.delimited();
  checkMessage(reader, field.type, depth + 1);
  reader.limit = outerLimit;
}
