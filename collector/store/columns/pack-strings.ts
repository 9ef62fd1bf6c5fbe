/** A list of byte strings: their lengths, then all their bytes. */
import { DamagedPart } from './damaged-part.ts';
import { packIntegers, PackedIntegers } from './pack-integers.ts';
import { PART_BYTES_MAX, type PartSink, type PartSource } from './part.ts';
import { Starts } from './starts.ts';
import type { StringPool } from './string-pool.ts';

/** Longer ones are copied by a call. */
const SHORT_BYTES = 48;

let lengths = new Uint32Array(0);

/** The strings `ids[from]` up to `ids[from + count]`. */
export function packStrings(
  sink: PartSink,
  strings: StringPool,
  ids: Uint32Array,
  from: number,
  count: number,
): void {
  if (lengths.length < count) lengths = new Uint32Array(2 * count);
  let size = 0;
  for (let index = 0; index < count; index++) size += lengths[index] = strings.lengthOf(ids[from + index]!);
  packIntegers(sink, lengths, 0, count, 1);
  let at = sink.loose.reserve(size);
  const target = sink.loose.bytes;
  const { bytes, starts } = strings;
  for (let index = 0; index < count;) {
    // Strings that lie one behind the other are copied together: new ones mostly do.
    const first = ids[from + index++]!;
    let next = first + 1;
    while (index < count && ids[from + index] === next) {
      next++;
      index++;
    }
    const start = starts[first]!;
    const end = starts[next]!;
    if (end - start > SHORT_BYTES) {
      target.set(bytes.subarray(start, end), at);
      at += end - start;
    } else for (let byte = start; byte < end; byte++) target[at++] = bytes[byte]!;
  }
}

export class PackedStrings {
  readonly count: number;
  readonly #lengths: PackedIntegers;
  readonly #bytes: Buffer;
  readonly #starts: Starts;

  /** Throws DamagedPart when the bytes hold no `count` strings. */
  constructor(source: PartSource, count: number) {
    this.count = count;
    this.#lengths = new PackedIntegers(source, count);
    this.#starts = new Starts(this.#lengths);
    const size = this.#lengths.sum();
    if (size > PART_BYTES_MAX) throw new DamagedPart(`got strings of ${size} bytes`);
    this.#bytes = source.loose.take(size);
  }

  /** A view. */
  at(index: number): Buffer {
    const start = this.#starts.at(index);
    return this.#bytes.subarray(start, start + this.#lengths.at(index));
  }

  /** By index: 1 where the string is this one; null when none is. */
  marksOf(bytes: Uint8Array): Uint8Array | null {
    const starts = this.#starts.all;
    let marks: Uint8Array | null = null;
    for (let index = 0, start = 0; index < this.count; index++) {
      const end = starts[index + 1]!;
      if (end - start === bytes.length && this.#bytes.compare(bytes, 0, bytes.length, start, end) === 0) {
        marks ??= new Uint8Array(this.count);
        marks[index] = 1;
      }
      start = end;
    }
    return marks;
  }
}
