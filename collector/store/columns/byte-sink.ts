/** Bytes being written, in one buffer that is used again and again. */

const FIRST_BYTES = 1 << 16;

export class ByteSink {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;

  /** Makes room for `count` bytes and returns where they begin; they count as written. */
  reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) this.#grow(at);
    return at;
  }

  byte(value: number): void {
    const at = this.reserve(1);
    this.bytes[at] = value;
  }

  /** Unsigned, below 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  double(value: number): void {
    const at = this.reserve(8);
    this.bytes.writeDoubleLE(value, at);
  }

  /** With its length before it. */
  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.varint(length);
    const at = this.reserve(length);
    this.bytes.write(text, at);
  }

  /** `source` from `from` up to `to`. */
  copy(source: Uint8Array, from: number, to: number): void {
    const at = this.reserve(to - from);
    this.bytes.set(source.subarray(from, to), at);
  }

  /** The first `count` words as they lie in memory. */
  words(source: Uint32Array, count: number): void {
    const at = this.reserve(4 * count);
    this.bytes.set(new Uint8Array(source.buffer, source.byteOffset, 4 * count), at);
  }

  /** A view, valid until something more is written. */
  view(from: number, to: number): Buffer {
    return this.bytes.subarray(from, to);
  }

  #grow(used: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length));
    this.bytes.copy(larger, 0, 0, used);
    this.bytes = larger;
  }
}
