/** A growing buffer that protobuf fields are written into, one after the other. */
const initialBytes = 16 * 1024;
const twoTo32 = 2 ** 32;
/** The way out of JavaScript costs more than what is shorter than this does. */
const shortLength = 40;

/** Of the characters of hex digits, in either case. */
const nibbles = new Uint8Array(128);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  nibbles[digit.charCodeAt(0)] = nibbles[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Bytes a varint of this number takes, up to 2^35. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

export class ByteWriter {
  bytes = Buffer.allocUnsafeSlow(initialBytes);
  view = new DataView(this.bytes.buffer);
  at = 0;

  /** Makes room for this many bytes more. Whatever is written must have been asked for. */
  reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.grow(count);
  }

  private grow(count: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.at + count));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  /** What was written so far; valid until the next write. */
  written(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    const { bytes } = this;
    let rest = value;
    while (rest >= twoTo32) {
      bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    rest >>>= 0;
    while (rest >= 0x80) {
      bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.at++] = rest;
  }

  /** A whole number of 64 bits, as two's complement. */
  varint64(value: number): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return this.varint(value);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  fixed32(value: number): void {
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  fixed64(high: number, low: number): void {
    this.view.setUint32(this.at, low, true);
    this.view.setUint32(this.at + 4, high, true);
    this.at += 8;
  }

  double(value: number): void {
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  raw(source: Uint8Array): void {
    const { bytes, at } = this;
    const { length } = source;
    // The same as below: `set` has to find out first what it is given.
    if (length < shortLength) for (let index = 0; index < length; index++) bytes[at + index] = source[index]!;
    else bytes.set(source, at);
    this.at = at + length;
  }

  /** An id of hex digits. */
  hex(digits: string): void {
    const { bytes } = this;
    let { at } = this;
    for (let index = 0; index < digits.length; index += 2) {
      bytes[at++] =
        (nibbles[digits.charCodeAt(index) & 0x7f]! << 4) | nibbles[digits.charCodeAt(index + 1) & 0x7f]!;
    }
    this.at = at;
  }

  /** Text without its length; gives the bytes it took. At most three bytes a character are needed. */
  utf8(text: string): number {
    const { length } = text;
    if (length > shortLength) {
      const count = this.bytes.write(text, this.at);
      this.at += count;
      return count;
    }
    const { bytes, at } = this;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        const count = bytes.write(text, at);
        this.at = at + count;
        return count;
      }
      bytes[at + index] = code;
    }
    this.at = at + length;
    return length;
  }

  /** Text behind its length. */
  text(text: string): void {
    const start = this.at;
    // Almost all text is ASCII: when it is not, the length is known afterwards, and it is written again.
    this.varint(text.length);
    const count = this.utf8(text);
    if (count === text.length) return;
    this.at = start;
    this.varint(count);
    this.utf8(text);
  }

  /** Begins what stands behind its length, which takes this many bytes most often; both are to be given to `close`. */
  open(lengthBytes = 1): number {
    const start = this.at;
    this.at += lengthBytes;
    return start;
  }

  /** Ends it: what has a length of another size than was left for it moves. */
  close(start: number, lengthBytes = 1): void {
    const from = start + lengthBytes;
    const length = this.at - from;
    const actualBytes = varintLength(length);
    if (actualBytes !== lengthBytes) {
      if (actualBytes > lengthBytes) this.reserve(actualBytes - lengthBytes);
      this.bytes.copyWithin(start + actualBytes, from, this.at);
    }
    this.at = start;
    this.varint(length);
    this.at += length;
  }
}
