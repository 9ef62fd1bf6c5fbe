/** Writes numbers into one growing buffer; `ProtobufReader` reads them back. */
import type { ProtobufReader } from '../../decode/protobuf-reader.ts';

const FIRST_BYTES = 64 * 1024;
const VARINT_BYTES_MAX = 10;

export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  /** Unsigned, below 2^53. Throws RangeError on any other number, which would read back as something else. */
  varint(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`got ${value} to write as a varint, expected a whole number from 0`);
    }
    if (this.#length + VARINT_BYTES_MAX > this.#buffer.length) this.#grow(VARINT_BYTES_MAX);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A whole number of either sign, below 2^52: small ones take one byte. */
  signed(value: number): void {
    this.varint(value >= 0 ? 2 * value : -2 * value - 1);
  }

  double(value: number): void {
    if (this.#length + 8 > this.#buffer.length) this.#grow(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  copy(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) this.#grow(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A view, valid until something more is written. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + needed));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** What `signed` wrote. */
export function readSigned(reader: ProtobufReader): number {
  const value = reader.varint();
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
