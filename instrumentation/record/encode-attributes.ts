/**
 * Attributes as OTLP writes them: `KeyValue` messages, whose keys are encoded once and remembered.
 *
 *     tag length | 0A length key | 12 length | AnyValue
 *                  `- remembered -'
 */
import { Given } from '../given.ts';
import type { SharedAttributes } from '../recorder.ts';
import type { AttributeMap } from './attribute-values.ts';
import { ByteWriter, varintLength } from './byte-writer.ts';

/** Keys beyond these are encoded anew each time: programs can make up as many as they like. */
const KEYS_REMEMBERED_MAX = 1_000;

const keys = new Map<string, Uint8Array>();
const keyWriter = new ByteWriter();

/** The key's field and the tag of the value. */
function encodedKey(key: string): Uint8Array {
  const known = keys.get(key);
  if (known) return known;
  keyWriter.at = 0;
  keyWriter.reserve(3 * key.length + 16);
  keyWriter.byte(0x0a);
  keyWriter.text(key);
  keyWriter.byte(0x12);
  const encoded = new Uint8Array(keyWriter.written());
  if (keys.size < KEYS_REMEMBERED_MAX) keys.set(key, encoded);
  return encoded;
}

/** One attribute as a field with this tag, such as 9 of a span. */
export function writeAttribute(writer: ByteWriter, field: number, key: string, value: unknown): void {
  const keyBytes = encodedKey(key);
  writer.reserve(keyBytes.length + 32);
  writer.byte((field << 3) | 2);
  if (typeof value === 'string') writeText(writer, keyBytes, value);
  else if (typeof value === 'number' && !isInteger(value)) {
    writer.varint(keyBytes.length + 10);
    writer.raw(keyBytes);
    writer.byte(9);
    writer.byte(0x21);
    writer.double(value);
  } else {
    const start = writer.open();
    writer.raw(keyBytes);
    const valueStart = writer.open();
    writeValue(writer, value);
    writer.close(valueStart);
    writer.close(start);
  }
}

/** The most frequent kind, without moving bytes: all lengths follow from that of the text. */
function writeText(writer: ByteWriter, keyBytes: Uint8Array, text: string): void {
  writer.reserve(keyBytes.length + 3 * text.length + 32);
  const start = writer.at;
  for (let count = text.length; ;) {
    const valueLength = 1 + varintLength(count) + count;
    writer.varint(keyBytes.length + varintLength(valueLength) + valueLength);
    writer.raw(keyBytes);
    writer.varint(valueLength);
    writer.byte(0x0a);
    writer.varint(count);
    const written = writer.utf8(text);
    if (written === count) return;
    writer.at = start;
    count = written;
  }
}

/** OTLP tells whole numbers from others; those beyond 64 bits are others. */
function isInteger(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}

/** An `AnyValue` without its length; what is none leaves it empty. */
function writeValue(writer: ByteWriter, value: unknown): void {
  writer.reserve(32);
  switch (typeof value) {
    case 'boolean':
      writer.byte(0x10);
      writer.byte(value ? 1 : 0);
      return;
    case 'number':
      writer.byte(isInteger(value) ? 0x18 : 0x21);
      if (isInteger(value)) writer.varint64(value);
      else writer.double(value);
      return;
    case 'string':
      writer.reserve(3 * value.length + 16);
      writer.byte(0x0a);
      writer.text(value);
      return;
    default:
      writeComposed(writer, value);
  }
}

function writeComposed(writer: ByteWriter, value: unknown): void {
  if (value instanceof Uint8Array) {
    writer.reserve(value.length + 16);
    writer.byte(0x3a);
    writer.varint(value.length);
    writer.raw(value);
    return;
  }
  const isList = Array.isArray(value);
  if (!isList && !(value instanceof Map)) return;
  writer.byte(isList ? 0x2a : 0x32);
  const start = writer.open();
  if (isList) {
    for (const item of value as unknown[]) {
      writer.reserve(16);
      writer.byte(0x0a);
      const itemStart = writer.open();
      writeValue(writer, item);
      writer.close(itemStart);
    }
  } else {
    for (const [key, item] of value as AttributeMap) writeAttribute(writer, 1, key, item);
  }
  writer.close(start);
}

const sharedWriter = new ByteWriter();

/** Keeps its encoding on a list of attributes that many spans share. */
class Encoded extends Given {
  #bytes: Uint8Array;

  constructor(shared: SharedAttributes, bytes: Uint8Array) {
    super(shared);
    this.#bytes = bytes;
  }

  static bytesOf(shared: object): Uint8Array | undefined {
    return #bytes in shared ? shared.#bytes : undefined;
  }
}

/** Attributes that many spans share, as fields of a span; encoded once. */
export function encodeShared(shared: SharedAttributes): Uint8Array {
  const known = Encoded.bytesOf(shared);
  if (known) return known;
  sharedWriter.at = 0;
  for (const [key, value] of Object.entries(shared)) writeAttribute(sharedWriter, 9, key, value);
  const bytes = new Uint8Array(sharedWriter.written());
  new Encoded(shared, bytes);
  return bytes;
}
