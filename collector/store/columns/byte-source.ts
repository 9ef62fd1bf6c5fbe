/** Bytes being read back. Whatever they say is checked, so that damaged ones end in DamagedPart and nothing else. */
import { DamagedPart } from './damaged-part.ts';

export class ByteSource {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new DamagedPart('got the end of the bytes, expected more');
    return this.bytes[this.at++]!;
  }

  /** At most `max`. */
  varint(max: number): number {
    let value = 0;
    let factor = 1;
    for (let byte = this.byte(); ; byte = this.byte()) {
      value += (byte & 0x7f) * factor;
      if (value > max) throw new DamagedPart(`got a number above ${max}`);
      if (byte < 0x80) return value;
      factor *= 0x80;
      if (factor > Number.MAX_SAFE_INTEGER) throw new DamagedPart('got a number without an end');
    }
  }

  /** Passes the next `count` bytes. */
  skip(count: number): void {
    this.#advance(count);
  }

  /** Passes the next `count` varints, which are not looked at. */
  skipVarints(count: number): void {
    const { bytes } = this;
    let end = this.at;
    for (let left = count; left > 0; end++) {
      if (end >= bytes.length) throw new DamagedPart('got the end of the bytes, expected more');
      if (bytes[end]! < 0x80) left--;
    }
    this.at = end;
  }

  double(): number {
    const at = this.#advance(8);
    return this.bytes.readDoubleLE(at);
  }

  /** Of at most `max` bytes. */
  text(max: number): string {
    return this.take(this.varint(max)).toString();
  }

  /** A view of the next `count` bytes. */
  take(count: number): Buffer {
    const at = this.#advance(count);
    return this.bytes.subarray(at, at + count);
  }

  #advance(count: number): number {
    const at = this.at;
    if (count > this.bytes.length - at) {
      throw new DamagedPart(`got ${this.bytes.length - at} bytes, expected ${count}`);
    }
    this.at = at + count;
    return at;
  }
}
