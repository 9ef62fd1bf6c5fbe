/**
 * Writes protobuf from the last byte to the first.
 *
 * Backwards, the length of a nested message is known when its header is due, so nothing is measured twice or moved:
 *
 *     write value 2 · write value 1 · prefix(field, length of both)
 */
import { LENGTH_DELIMITED } from './protobuf-reader.ts';

const FIRST_BYTES = 1024;

export class ProtobufWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #start = FIRST_BYTES;

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  /** A view; the writer is not to be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(this.#start);
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** Header of a length-delimited field whose value is everything written since `length` was `mark`. */
  prefix(field: number, mark: number): void {
    this.varint(this.length - mark);
    this.tag(field, LENGTH_DELIMITED);
  }

  delimited(field: number, value: Uint8Array | string): void {
    const mark = this.length;
    if (typeof value === 'string') this.string(value);
    else this.bytes(value);
    this.prefix(field, mark);
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  string(value: string): void {
    const at = this.#reserve(Buffer.byteLength(value));
    this.#buffer.write(value, at, 'utf8');
  }

  /** Negative numbers are written as 64-bit two's complement, as protobuf does for int32 and int64. */
  varint(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0) return this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
    let length = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
    let at = this.#reserve(length);
    for (let rest = value; ; rest = Math.floor(rest / 0x80)) {
      if (rest < 0x80) return void (this.#buffer[at] = rest);
      this.#buffer[at++] = (rest % 0x80) + 0x80;
    }
  }

  fixed32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  fixed64(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64LE(value, at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  #bigVarint(value: bigint): void {
    const bytes: number[] = [];
    for (let rest = value; ; rest >>= 7n) {
      if (rest < 0x80n) {
        bytes.push(Number(rest));
        break;
      }
      bytes.push(Number(rest & 0x7fn) + 0x80);
    }
    this.bytes(Uint8Array.from(bytes));
  }

  /** Makes room before what is written and returns where it begins. Replaces the buffer: call it first. */
  #reserve(length: number): number {
    if (length > this.#start) {
      const written = this.length;
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, written + length));
      this.#buffer.copy(grown, grown.length - written, this.#start);
      this.#buffer = grown;
      this.#start = grown.length - written;
    }
    this.#start -= length;
    return this.#start;
  }
}
