/** Reads lengths and numbers of protobuf for the walk, and says how they are written. */
import { viewOf } from './string-pool.ts';

const LENGTH_BYTES_MAX = 4;
const VARINT_BYTES = 10;

export class WalkCursor {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Behind what was read last. */
  at = 0;
  /** Bytes of the length read last; 0 when as few as can be. */
  width = 0;
  /** The number read last, in two halves: signed, because the engine keeps others as floating-point numbers. */
  low = 0;
  high = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** Reads a length; `at` is behind it then, and `width` is what it is written in, 0 when as short as can be. */
  length(at: number): number {
    const bytes = this.bytes;
    let length = bytes[at]!;
    if (length < 0x80) {
      this.at = at + 1;
      this.width = 0;
      return length;
    }
    length = 0;
    for (let index = 0; index < LENGTH_BYTES_MAX; index++) {
      const byte = bytes[at + index]!;
      length |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) {
        this.at = at + index + 1;
        this.width = byte === 0 && index > 0 ? index + 1 : 0;
        return length;
      }
    }
    return -1;
  }

  /** A number of up to 64 bits, as short as can be, into `low` and `high`. */
  varint(at: number, end: number): boolean {
    const bytes = this.bytes;
    let low = 0;
    let high = 0;
    for (let index = 0; index < VARINT_BYTES && at + index < end; index++) {
      const byte = bytes[at + index]!;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte < 0x80) {
        // Too wide, or beyond 64 bits.
        if ((byte === 0 && index > 0) || (index === VARINT_BYTES - 1 && byte > 1)) return false;
        this.low = low;
        this.high = high;
        this.at = at + index + 1;
        return true;
      }
    }
    return false;
  }

  fixed64(at: number, end: number): boolean {
    if (at + 8 > end) return false;
    this.low = this.view.getInt32(at, true);
    this.high = this.view.getInt32(at + 4, true);
    this.at = at + 8;
    return true;
  }
}
