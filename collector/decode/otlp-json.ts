/**
 * OTLP JSON to protobuf bytes and back, driven by the schema.
 *
 * Read as the specification wants it and as senders write it: ids in hex, enums as numbers or names, 64-bit integers as
 * strings or numbers (exact, also beyond 2^53), names in lowerCamelCase or snake_case, unknown fields ignored.
 */
import { MESSAGE_DEPTH_MAX } from './check-message.ts';
import { DecodeError } from './decode-error.ts';
import {
  HOST_METRICS,
  isMessage,
  TRACES_DATA,
  type FieldSchema,
  type FieldType,
  type MessageSchema,
  type ScalarType,
} from './otlp-schema.ts';
import { LOGS_DATA, METRICS_DATA } from './otlp-signals-schema.ts';
import { parseJson } from './parse-json.ts';
import { LENGTH_DELIMITED, ProtobufReader } from './protobuf-reader.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { WrittenBytes } from './request-parts.ts';

type JsonObject = { readonly [key: string]: unknown };

const HEX = /^[0-9a-fA-F]*$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const SHOWN_CHARACTERS_MAX = 60;

/** The bytes of the `ExportTraceServiceRequest` (or `TracesData`) that the text describes. */
export function tracesFromJson(text: string): Buffer {
  return encodeMessage(TRACES_DATA, parseJson(text));
}

/** The same of an `ExportMetricsServiceRequest`. Throws TooLarge where more is written: numbers in lists take eight bytes each. */
export function metricsFromJson(text: string, bytesMax = Infinity): Buffer {
  return bounded(encodeMessage(METRICS_DATA, parseJson(text)), bytesMax);
}

/** Of that what hosts report of themselves, and is kept here. */
export function hostMetricsFromJson(text: string): Buffer {
  return encodeMessage(HOST_METRICS, parseJson(text));
}

/** And of an `ExportLogsServiceRequest`. */
export function logsFromJson(text: string, bytesMax = Infinity): Buffer {
  return bounded(encodeMessage(LOGS_DATA, parseJson(text)), bytesMax);
}

function bounded(bytes: Buffer, bytesMax: number): Buffer {
  new WrittenBytes(bytesMax).add(bytes.length);
  return bytes;
}

/** OTLP JSON of `TracesData` bytes. Invalid UTF-8 reads as U+FFFD; fields the schema does not know are left out. */
export function tracesToJson(bytes: Uint8Array): string {
  return JSON.stringify(decodeMessage(TRACES_DATA, bytes));
}

/** The same of one `ResourceSpans` after the other. */
export function* readResourceSpans(bytes: Uint8Array): Generator<Record<string, unknown>> {
  const reader = new ProtobufReader(bytes);
  while (reader.more) {
    const tag = reader.tag();
    const field = TRACES_DATA.byNumber[tag >>> 3];
    if (field === undefined || field.wireType !== (tag & 7)) reader.skip(tag & 7);
    else yield readValue(reader, field.type, undefined) as Record<string, unknown>;
  }
}

/** Protobuf bytes of a message given in its JSON form. */
export function encodeMessage(schema: MessageSchema, json: unknown): Buffer {
  const writer = new ProtobufWriter();
  writeMessage(writer, schema, json, [schema.name], 1);
  return writer.finish();
}

/** The JSON form of a message. */
export function decodeMessage(schema: MessageSchema, bytes: Uint8Array): Record<string, unknown> {
  return readMessage(new ProtobufReader(bytes), schema);
}

/** Names of fields and indexes of lists that lead to a value: what a message of an error begins with. */
type Place = (string | number)[];

function writeMessage(
  writer: ProtobufWriter,
  schema: MessageSchema,
  json: unknown,
  place: Place,
  depth: number,
): void {
  if (!isObject(json)) throw mismatch(place, json, 'an object');
  if (depth > MESSAGE_DEPTH_MAX) {
    throw new DecodeError(
      textOf(place),
      'deeper nesting',
      `at most ${MESSAGE_DEPTH_MAX} messages in each other`,
    );
  }
  const { fields, oneof } = schema;
  for (let at = fields.length - 1; at >= 0; at--) {
    const field = fields[at]!;
    const { name, snakeName } = field;
    const value = json[name] ?? (snakeName === name ? null : json[snakeName]) ?? null;
    if (value === null) continue;
    place.push(name);
    if (field.repeated) writeList(writer, field, value, place, depth);
    else writeField(writer, field, value, place, oneof || field.optional, depth);
    place.pop();
  }
}

function writeList(
  writer: ProtobufWriter,
  field: FieldSchema,
  list: unknown,
  place: Place,
  depth: number,
): void {
  if (!Array.isArray(list)) throw mismatch(place, list, 'an array');
  const { type, number, wireType } = field;
  if (wireType !== LENGTH_DELIMITED) return writePacked(writer, type as NumericType, number, list, place);
  for (let index = list.length - 1; index >= 0; index--) {
    place.push(index);
    writeField(writer, field, list[index], place, true, depth);
    place.pop();
  }
}

/** Numbers stand in one field, without tags. */
function writePacked(
  writer: ProtobufWriter,
  type: NumericType,
  number: number,
  list: readonly unknown[],
  place: Place,
): void {
  if (list.length === 0) return;
  const mark = writer.length;
  for (let index = list.length - 1; index >= 0; index--) {
    place.push(index);
    writeNumber(writer, type, numericOf(type, list[index], place));
    place.pop();
  }
  writer.prefix(number, mark);
}

/** `always` writes a default value too: it means something in a list and in a oneof. */
function writeField(
  writer: ProtobufWriter,
  field: FieldSchema,
  value: unknown,
  place: Place,
  always: boolean,
  depth: number,
): void {
  const { type, number } = field;
  if (isMessage(type)) {
    const mark = writer.length;
    writeMessage(writer, type, value, place, depth + 1);
    writer.prefix(number, mark);
  } else if (type === 'string' || type === 'bytes' || type === 'id') {
    const content = delimitedOf(type, value, place);
    if (content.length > 0 || always) writer.delimited(number, content);
  } else {
    const content = numericOf(type, value, place);
    if (Number(content) === 0 && !always) return;
    writeNumber(writer, type, content);
    writer.tag(number, field.wireType);
  }
}

function writeNumber(writer: ProtobufWriter, type: NumericType, content: number | bigint): void {
  if (type === 'double') writer.double(Number(content));
  else if (type === 'fixed32') writer.fixed32(Number(content));
  else if (type === 'fixed64') writer.fixed64(BigInt(content));
  else if (type === 'sfixed64') writer.fixed64(BigInt.asUintN(64, BigInt(content)));
  // Zigzag: 0, -1, 1, -2 …
  else if (type === 'sint32') writer.varint(content < 0 ? -2 * Number(content) - 1 : 2 * Number(content));
  else writer.varint(content);
}

function delimitedOf(type: 'string' | 'bytes' | 'id', value: unknown, place: Place): Uint8Array | string {
  if (typeof value !== 'string') throw mismatch(place, value, 'a string');
  if (type === 'string') return value;
  if (type === 'bytes') {
    if (!BASE64.test(value)) throw mismatch(place, value, 'base64');
    return Buffer.from(value, 'base64');
  }
  if (!HEX.test(value)) throw mismatch(place, value, 'hex digits');
  // Half a byte cannot be written. The digits stand in for it: their odd count is no id's length, so the span is
  // refused for its id as any other of wrong length, and not the whole request.
  return Buffer.from(value, value.length % 2 === 0 ? 'hex' : 'latin1');
}

type NumericType = Exclude<ScalarType, 'string' | 'bytes' | 'id'> | readonly string[];

function numericOf(type: NumericType, value: unknown, place: Place): number | bigint {
  switch (type) {
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(place, value, 'true or false');
      return Number(value);
    case 'double':
      return doubleOf(value, place);
    case 'int32':
    case 'sint32':
      return integerOf(value, -(2n ** 31n), 2n ** 31n - 1n, place);
    case 'uint32':
    case 'fixed32':
      return integerOf(value, 0n, 2n ** 32n - 1n, place);
    case 'int64':
    case 'sfixed64':
      return integerOf(value, -(2n ** 63n), 2n ** 63n - 1n, place);
    case 'fixed64':
    case 'uint64':
      return integerOf(value, 0n, 2n ** 64n - 1n, place);
    default: {
      if (typeof value !== 'string') return integerOf(value, 0n, 2n ** 31n - 1n, place);
      const ordinal = type.indexOf(value);
      if (ordinal < 0) throw mismatch(place, value, `a number or one of ${type.join(', ')}`);
      return ordinal;
    }
  }
}

function doubleOf(value: unknown, place: Place): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' || value === 'NaN') return Number(value);
  if (typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value);
  throw mismatch(place, value, 'a number, "NaN", "Infinity" or "-Infinity"');
}

function integerOf(value: unknown, min: bigint, max: bigint, place: Place): number | bigint {
  const integer = readInteger(value);
  if (integer === null || integer < min || integer > max) {
    throw mismatch(place, value, `an integer from ${min} to ${max}`);
  }
  return integer;
}

/** A number as long as it is exact. */
function readInteger(value: unknown): number | bigint | null {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) return null;
  return value.length < 16 ? Number(value) : BigInt(value);
}

function readMessage(
  reader: ProtobufReader,
  schema: MessageSchema,
  into: Record<string, unknown> = {},
): Record<string, unknown> {
  while (reader.more) {
    const tag = reader.tag();
    const field = schema.byNumber[tag >>> 3];
    if (field === undefined || field.wireType !== (tag & 7)) {
      reader.skip(tag & 7);
      continue;
    }
    const before = into[field.name];
    if (schema.oneof) for (const name of Object.keys(into)) delete into[name];
    if (field.repeated) {
      const list = (before ?? []) as unknown[];
      list.push(readValue(reader, field.type, undefined));
      into[field.name] = list;
    } else into[field.name] = readValue(reader, field.type, before);
  }
  return into;
}

/** `before` is what the same single field held already: messages sent in parts are merged. */
function readValue(reader: ProtobufReader, type: FieldType, before: unknown): unknown {
  if (isMessage(type)) {
    return reader.nested(() => readMessage(reader, type, before as Record<string, unknown> | undefined));
  }
  switch (type) {
    case 'string':
      return reader.string();
    case 'id':
      return reader.hex();
    case 'bytes':
      return reader.slice().toString('base64');
    case 'bool':
      return reader.varint() !== 0;
    case 'uint32':
      return reader.uint32();
    case 'fixed32':
      return reader.fixed32();
    case 'int64':
      return String(reader.int64());
    case 'fixed64':
      return String(reader.fixed64());
    case 'double': {
      const value = reader.double();
      return Number.isFinite(value) ? value : String(value);
    }
    default:
      // int32 and enums.
      return reader.uint32() | 0;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mismatch(place: Place, value: unknown, expected: string): DecodeError {
  return new DecodeError(textOf(place), describe(value), expected);
}

function textOf(place: Place): string {
  return place
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
