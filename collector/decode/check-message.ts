/**
 * Checks protobuf bytes against the schema without building anything: lengths, wire types, nesting.
 *
 * What passes here can always be decoded later, so a request is refused before it is acknowledged, not when someone
 * opens the trace. Unknown fields pass, as protobuf wants. So does text that is not UTF-8, which is counted.
 */
import type { ProtobufReader } from './protobuf-reader.ts';
import { isMessage, type MessageSchema } from './otlp-schema.ts';

/** Messages within messages. Protobuf's own decoders stop at 100; an attribute 30 maps deep is below it. */
export const MESSAGE_DEPTH_MAX = 100;

/** Reads the fields of one message up to the reader's limit. Returns how many texts in them are not UTF-8. */
export function checkMessage(reader: ProtobufReader, schema: MessageSchema, depth: number): number {
  let invalidTexts = 0;
  while (reader.more) invalidTexts += checkField(reader, schema, reader.tag(), depth);
  return invalidTexts;
}

/** Reads the value of a field whose tag has just been read; `depth` is that of the message it stands in. */
export function checkField(
  reader: ProtobufReader,
  schema: MessageSchema,
  tag: number,
  depth: number,
): number {
  const field = schema.byNumber[tag >>> 3];
  const wireType = tag & 7;
  if (field !== undefined && wireType !== field.wireType) {
    const got = `wire type ${wireType} for ${schema.name}.${field.name}`;
    throw reader.error(reader.position, got, `wire type ${field.wireType}`);
  }
  if (field?.type === 'string') return Number(!reader.skipText());
  if (field === undefined || !isMessage(field.type)) {
    reader.skip(wireType);
    return 0;
  }
  if (depth >= MESSAGE_DEPTH_MAX) {
    throw reader.error(
      reader.position,
      'deeper nesting',
      `at most ${MESSAGE_DEPTH_MAX} messages in each other`,
    );
  }
  const outerLimit = reader.limit;
  reader.limit = reader.delimited();
  const invalidTexts = checkMessage(reader, field.type, depth + 1);
  reader.limit = outerLimit;
  return invalidTexts;
}
