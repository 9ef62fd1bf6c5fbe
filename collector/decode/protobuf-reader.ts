/**
 * A cursor over protobuf bytes that never reads past its limit.
 *
 * A field is a tag (`number << 3 | wire type`) and a value; `limit` is the end of the message being read, so that a
 * nested message is read by lowering it. Nothing is copied and nothing is allocated until a value is asked for.
 */
import { isUtf8 } from 'node:buffer';
import { DecodeError } from './decode-error.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

const VARINT_BYTES_MAX = 10;

export class ProtobufReader {
  readonly bytes: Buffer;
  position: number;
  limit: number;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
    this.limit = bytes.byteLength;
  }

  /** Whether the message being read has another field. */
  get more(): boolean {
    return this.position < this.limit;
  }

  /** The next field's number and wire type in one integer, `number << 3 | wire type`. */
  tag(): number {
    const start = this.position;
    const tag = this.varint();
    const wireType = tag & 7;
    if (tag < 8 || tag > 0xffffffff)
      throw this.error(start, 'field number 0 or beyond 2^29', 'a field number');
    if (wireType === 3 || wireType === 4 || wireType > 5) {
      throw this.error(start, `wire type ${wireType}`, 'wire type 0, 1, 2 or 5');
    }
    return tag;
  }

  /** Unsigned; exact below 2^53, which tags, lengths and counts stay under. */
  varint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let factor = 0x80;
    const start = this.position - 1;
    for (let i = 1; i < VARINT_BYTES_MAX; i++) {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw this.error(start, 'a varint longer than 10 bytes', 'at most 10');
  }

  /** A varint of which protobuf keeps the low 32 bits. */
  uint32(): number {
    const value = this.int64();
    return typeof value === 'number' ? value >>> 0 : Number(BigInt.asUintN(32, value));
  }

  /** A signed 64-bit varint: a number while it is safe, else a bigint. */
  int64(): number | bigint {
    const start = this.position;
    const approximate = this.varint();
    if (approximate <= Number.MAX_SAFE_INTEGER) return approximate;
    let exact = 0n;
    for (let at = this.position - 1; at >= start; at--) {
      exact = (exact << 7n) | BigInt(this.bytes[at]! & 0x7f);
    }
    return numberIfSafe(BigInt.asIntN(64, exact));
  }

  fixed32(): number {
    return this.bytes.readUInt32LE(this.advance(4));
  }

  fixed64(): bigint {
    return this.bytes.readBigUInt64LE(this.advance(8));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.advance(8));
  }

  /** Invalid UTF-8 reads as U+FFFD; the bytes themselves stay as they are. */
  string(): string {
    const end = this.delimited();
    const start = this.position;
    this.position = end;
    return this.bytes.toString('utf8', start, end);
  }

  /** A text that is met again and again, such as an attribute's key: decoded once. */
  repeatedString(): string {
    const end = this.delimited();
    const start = this.position;
    this.position = end;
    return REPEATED.read(this.bytes, start, end);
  }

  /** Passes over a text and says whether it is UTF-8. Most are ASCII, which is cheaper to see than a call out is. */
  skipText(): boolean {
    const end = this.delimited();
    let at = this.position;
    while (at < end && this.bytes[at]! < 0x80) at++;
    this.position = end;
    return at === end || isUtf8(this.bytes.subarray(at, end));
  }

  hex(): string {
    const end = this.delimited();
    const start = this.position;
    this.position = end;
    return this.bytes.toString('hex', start, end);
  }

  /** A view of the value, not a copy. */
  slice(): Buffer {
    const end = this.delimited();
    const start = this.position;
    this.position = end;
    return this.bytes.subarray(start, end);
  }

  /** Reads the length of a length-delimited value and returns where the value ends; the cursor is at its start. */
  delimited(): number {
    const start = this.position;
    const length = this.varint();
    if (length > this.limit - this.position) {
      throw this.error(
        start,
        `a length of ${length}`,
        `at most the ${this.limit - this.position} bytes left`,
      );
    }
    return this.position + length;
  }

  /** Runs `read` on a nested message, whose end is the limit meanwhile. */
  nested<T>(read: (reader: ProtobufReader) => T): T {
    const outerLimit = this.limit;
    this.limit = this.delimited();
    const value = read(this);
    this.limit = outerLimit;
    return value;
  }

  skip(wireType: number): void {
    if (wireType === LENGTH_DELIMITED) this.position = this.delimited();
    else if (wireType === VARINT) this.varint();
    else this.advance(wireType === FIXED64 ? 8 : 4);
  }

  error(position: number, got: string, expected: string): DecodeError {
    return new DecodeError(`protobuf, byte ${position}`, got, expected);
  }

  private byte(): number {
    if (this.position >= this.limit) throw this.error(this.position, 'the end of the message', 'more bytes');
    return this.bytes[this.position++]!;
  }

  private advance(length: number): number {
    const start = this.position;
    if (length > this.limit - start) {
      throw this.error(start, `${this.limit - start} bytes before the end of the message`, `${length}`);
    }
    this.position = start + length;
    return start;
  }
}

const REPEATED_TEXTS_MAX = 1024;
const REPEATED_BYTES_MAX = 64;

/** Remembers decoded texts by their bytes, the newest of each slot: comparing bytes is cheaper than decoding them. */
const REPEATED = {
  texts: Array.from({ length: REPEATED_TEXTS_MAX }, () => ({ bytes: new Uint8Array(), text: '' })),

  read(from: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0 || length > REPEATED_BYTES_MAX) return from.toString('utf8', start, end);
    let hash = length;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ from[at]!, 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (REPEATED_TEXTS_MAX - 1);
    const known = this.texts[slot]!;
    if (known.bytes.length === length && isSame(known.bytes, from, start)) return known.text;
    const text = from.toString('utf8', start, end);
    this.texts[slot] = { bytes: Uint8Array.from(from.subarray(start, end)), text };
    return text;
  },
};

function isSame(known: Uint8Array, from: Buffer, start: number): boolean {
  for (let at = 0; at < known.length; at++) if (known[at] !== from[start + at]) return false;
  return true;
}

function numberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
