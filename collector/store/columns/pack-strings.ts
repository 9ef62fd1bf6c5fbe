/** A list of byte strings: their lengths, then all their bytes. */
import { DamagedPart } from './damaged-part.ts';
import { packIntegers, PackedIntegers } from './pack-integers.ts';
import { PART_BYTES_MAX, type PartSink, type PartSource } from './part.ts';
import type { StringPool } from './string-pool.ts';

/** The strings with these ids. `scratch` has room for `count`. */
export function packStrings(
  sink: PartSink,
  strings: StringPool,
  ids: Uint32Array,
  from: number,
  count: number,
  scratch: Uint32Array,
): void {
  for (let index = 0; index < count; index++) scratch[index] = strings.lengthOf(ids[from + index]!);
  packIntegers(sink, scratch, 0, count, 1);
  for (let index = 0; index < count; index++) {
    const id = ids[from + index]!;
    sink.loose.copy(strings.bytes, strings.starts[id]!, strings.starts[id + 1]!);
  }
}

export class PackedStrings {
  readonly count: number;
  readonly #bytes: Buffer;
  /** String `i` ends at `#ends[i]`. */
  readonly #ends: Uint32Array;

  constructor(source: PartSource, count: number) {
    this.count = count;
    this.#ends = new PackedIntegers(source, count).toArray();
    let end = 0;
    for (let index = 0; index < count; index++) {
      end += this.#ends[index]!;
      if (end > PART_BYTES_MAX) throw new DamagedPart(`got strings of more than ${PART_BYTES_MAX} bytes`);
      this.#ends[index] = end;
    }
    this.#bytes = source.loose.take(end);
  }

  /** A view. */
  at(index: number): Buffer {
    return this.#bytes.subarray(index === 0 ? 0 : this.#ends[index - 1]!, this.#ends[index]!);
  }

  textAt(index: number): string {
    return this.#bytes.toString('utf8', index === 0 ? 0 : this.#ends[index - 1]!, this.#ends[index]!);
  }
}
