/**
 * Whole numbers of up to 32 bits as planes of bytes: all lowest bytes, then all second bytes, and so on.
 *
 *     1763 1764 2019  ─ least 1763 ─▶  0 1 256  ─▶  [0 1 0] [0 0 1]
 *
 * A plane whose bytes look random goes to the dense stream, any other to the loose one, where it compresses. Number `i`
 * is read without reading those before it.
 */
import type { PartSink, PartSource } from './part.ts';
import { DamagedPart } from './damaged-part.ts';

const PLANES = 4;
/** Of 8 bits a byte may carry, so many are too many to gain anything by compressing. */
const DENSE_BITS = 7.4;
/** Fewer numbers say too little about what their bytes look like. */
const PLANE_BYTES_MIN = 256;

/** Of more, so many, spread over all of them, say enough. */
const SAMPLE_BYTES = 2_048;

const counts = new Uint16Array(256);
/** `n * log2(n)`. */
const nLogN = Float64Array.from({ length: SAMPLE_BYTES + 1 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)));

/** `values[from]` up to `values[from + count]`, every `stride`th of them. */
export function packIntegers(
  sink: PartSink,
  values: Uint32Array,
  from: number,
  count: number,
  stride: number,
): void {
  let least = 0xffffffff;
  let most = 0;
  const end = from + count * stride;
  for (let at = from; at < end; at += stride) {
    const value = values[at]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (count === 0) least = most;
  const { dense, loose } = sink;
  loose.varint(least);
  let planes = 0;
  for (let rest = most - least; rest > 0; rest = Math.floor(rest / 256)) planes++;
  let denseMask = 0;
  const maskAt = loose.reserve(1);
  for (let plane = 0; plane < planes; plane++) {
    // Written where most planes end up; moved if this one is random.
    const shift = 8 * plane;
    const at = loose.reserve(count);
    const bytes = loose.bytes;
    for (let index = 0, value = from; index < count; index++, value += stride) {
      bytes[at + index] = (values[value]! - least) >>> shift;
    }
    if (count >= PLANE_BYTES_MIN && bitsOf(bytes, at, count) > DENSE_BITS) {
      denseMask |= 1 << plane;
      dense.copy(bytes, at, at + count);
      loose.length = at;
    }
  }
  loose.bytes[maskAt] = planes | (denseMask << 3);
}

/** What a byte of these carries, by how often each occurs in a sample. */
function bitsOf(bytes: Uint8Array, from: number, count: number): number {
  const step = Math.ceil(count / SAMPLE_BYTES);
  const sampled = Math.ceil(count / step);
  counts.fill(0);
  for (let at = from; at < from + count; at += step) counts[bytes[at]!]!++;
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) sum += nLogN[counts[byte]!]!;
  return Math.log2(sampled) - sum / sampled;
}

/**
 * Numbers as they were packed. Where a plane begins is worked out: an object for each would be most of what a header of a block
 * takes in the heap.
 */
export class PackedIntegers {
  readonly count: number;
  readonly #least: number;
  readonly #planes: number;
  /** A bit for each plane that is in the dense stream; those of a stream follow each other. */
  readonly #denseMask: number;
  readonly #dense: Buffer;
  readonly #loose: Buffer;
  readonly #denseAt: number;
  readonly #looseAt: number;

  /** Throws DamagedPart when the bytes hold no `count` numbers. */
  constructor({ dense, loose }: PartSource, count: number) {
    this.count = count;
    this.#least = loose.varint(0xffffffff);
    const layout = loose.byte();
    const planes = layout & 7;
    if (planes > PLANES) throw new DamagedPart(`got ${planes} planes, expected at most ${PLANES}`);
    this.#planes = planes;
    this.#denseMask = layout >>> 3;
    this.#dense = dense.bytes;
    this.#loose = loose.bytes;
    this.#denseAt = dense.at;
    this.#looseAt = loose.at;
    for (let plane = 0; plane < planes; plane++) (this.#isDense(plane) ? dense : loose).skip(count);
  }

  at(index: number): number {
    let dense = this.#denseAt + index;
    let loose = this.#looseAt + index;
    let value = this.#least;
    for (let plane = 0; plane < this.#planes; plane++) {
      if (this.#isDense(plane)) {
        value += this.#dense[dense]! << (8 * plane);
        dense += this.count;
      } else {
        value += this.#loose[loose]! << (8 * plane);
        loose += this.count;
      }
    }
    return value >>> 0;
  }

  /** By index: 1 where the number is this one; null where none is. */
  marksOf(value: number): Uint8Array | null {
    const wanted = value - this.#least;
    if (wanted < 0 || wanted >= 256 ** this.#planes) return null;
    if (this.#planes === 0) return new Uint8Array(this.count).fill(1);
    const [bytes, from] = this.#place(0);
    const byte = wanted & 255;
    let marks: Uint8Array | null = null;
    for (let index = 0; index < this.count; index++) {
      if (bytes[from + index] !== byte || this.at(index) !== value) continue;
      marks ??= new Uint8Array(this.count);
      marks[index] = 1;
    }
    return marks;
  }

  /** How many of the first `end` are this one. */
  countOf(value: number, end: number): number {
    let count = 0;
    for (let index = 0; index < end; index++) if (this.at(index) === value) count++;
    return count;
  }

  isAll(value: number): boolean {
    return this.#least === value && this.#planes === 0;
  }

  /** Of all, or of those from `first` up to `end`. */
  sum(first = 0, end = this.count): number {
    let sum = (end - first) * this.#least;
    for (let plane = 0; plane < this.#planes; plane++) {
      const [bytes, from] = this.#place(plane);
      let ofPlane = 0;
      for (let at = from + first; at < from + end; at++) ofPlane += bytes[at]!;
      sum += ofPlane * 256 ** plane;
    }
    return sum;
  }

  /** All of them, or those from `first` up to `end`. */
  toArray(first = 0, end = this.count): Uint32Array {
    const values = new Uint32Array(end - first).fill(this.#least);
    for (let plane = 0; plane < this.#planes; plane++) {
      const [bytes, from] = this.#place(plane);
      const shift = 8 * plane;
      for (let index = 0, at = from + first; index < values.length; index++, at++)
        values[index]! += bytes[at]! << shift;
    }
    return values;
  }

  #isDense(plane: number): boolean {
    return ((this.#denseMask >>> plane) & 1) === 1;
  }

  /** Of a plane: what it is in, and where it begins. */
  #place(plane: number): readonly [bytes: Buffer, from: number] {
    let before = 0;
    for (let other = 0; other < plane; other++)
      if (this.#isDense(other) === this.#isDense(plane)) before += this.count;
    return this.#isDense(plane)
      ? [this.#dense, this.#denseAt + before]
      : [this.#loose, this.#looseAt + before];
  }
}
