/**
 * A cursor over thrift's binary protocol that never reads past the end. What is not known is passed over, as thrift wants.
 *
 *     struct   (type: i8, id: i16, value)… 0
 *     list     type of its elements: i8, how many: i32, elements
 *     string   bytes: i32, bytes          all big-endian
 */
import { DecodeError } from './decode-error.ts';

export const THRIFT = {
  stop: 0,
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
} as const;

/** Of values of a fixed size. */
const SIZES: Readonly<Record<number, number>> = {
  [THRIFT.bool]: 1,
  [THRIFT.byte]: 1,
  [THRIFT.double]: 8,
  [THRIFT.i16]: 2,
  [THRIFT.i32]: 4,
  [THRIFT.i64]: 8,
};
/** Structs and lists in each other; a batch of Jaeger has six. */
const THRIFT_DEPTH_MAX = 32;

export class ThriftReader {
  readonly bytes: Buffer;
  position = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offers each field of a struct to `take`, which reads its value, or says that it does not know it. */
  struct(take: (id: number, type: number) => boolean): void {
    this.#enter();
    for (let type = this.byte(); type !== THRIFT.stop; type = this.byte()) {
      const id = this.bytes.readInt16BE(this.#advance(2));
      if (!take(id, type)) this.skip(type);
    }
    this.#depth -= 1;
  }

  /** Has `read` read each element of a list. Of elements of another type than this they are passed over. */
  list(elementType: number, read: () => void): void {
    this.#enter();
    const type = this.byte();
    for (let left = this.#count(); left > 0; left -= 1) {
      if (type === elementType) read();
      else this.skip(type);
    }
    this.#depth -= 1;
  }

  bool(): boolean {
    return this.byte() !== 0;
  }

  byte(): number {
    return this.bytes[this.#advance(1)]!;
  }

  i32(): number {
    return this.bytes.readInt32BE(this.#advance(4));
  }

  i64(): bigint {
    return this.bytes.readBigInt64BE(this.#advance(8));
  }

  double(): number {
    return this.bytes.readDoubleBE(this.#advance(8));
  }

  /** A view, not a copy. */
  binary(): Buffer {
    const start = this.position;
    const length = this.i32();
    if (length < 0) throw this.#error(start, `a length of ${length}`, '0 or more');
    const from = this.#advance(length);
    return this.bytes.subarray(from, from + length);
  }

  /** What of it is not UTF-8 reads as U+FFFD. */
  string(): string {
    return this.binary().toString();
  }

  skip(type: number): void {
    const size = SIZES[type];
    if (size !== undefined) this.#advance(size);
    else if (type === THRIFT.string) this.binary();
    else if (type === THRIFT.struct) this.struct(() => false);
    else if (type === THRIFT.list || type === THRIFT.set) this.list(-1, () => {});
    else if (type === THRIFT.map) this.#skipMap();
    else throw this.#error(this.position, `type ${type}`, 'a type of thrift');
  }

  #skipMap(): void {
    this.#enter();
    const [key, value] = [this.byte(), this.byte()];
    for (let left = this.#count(); left > 0; left -= 1) {
      this.skip(key);
      this.skip(value);
    }
    this.#depth -= 1;
  }

  /** Each of them takes a byte at least: none that are not there are counted through. */
  #count(): number {
    const start = this.position;
    const count = this.i32();
    const left = this.bytes.length - this.position;
    if (count >= 0 && count <= left) return count;
    throw this.#error(start, `${count} elements`, `at most the ${left} bytes left`);
  }

  #enter(): void {
    this.#depth += 1;
    if (this.#depth > THRIFT_DEPTH_MAX)
      throw this.#error(this.position, 'deeper nesting', `at most ${THRIFT_DEPTH_MAX} in each other`);
  }

  #advance(length: number): number {
    const start = this.position;
    const left = this.bytes.length - start;
    if (length > left) throw this.#error(start, `${left} bytes before the end`, `${length}`);
    this.position = start + length;
    return start;
  }

  #error(position: number, got: string, expected: string): DecodeError {
    return new DecodeError(`thrift, byte ${position}`, got, expected);
  }
}
