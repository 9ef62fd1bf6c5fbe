/** A column of values as it was stored: the values listed, and which of them each row has. */
import { decodeArrayValue, decodeKeyValueList } from '../../decode/otlp-protobuf.ts';
import type { AttributeValue } from '../../span.ts';
import { DamagedPart } from './damaged-part.ts';
import { BY_CLASS, DICTIONARY, PLAIN } from './encode-values.ts';
import { PackedIntegers } from './pack-integers.ts';
import { PackedStrings } from './pack-strings.ts';
import type { PartSource } from './part.ts';
import type { Column } from './shape-book.ts';

/** How many values of the column the rows of each class have, and the class of each row. */
export interface ColumnRows {
  readonly perClass: Uint16Array;
  readonly classOf: Uint32Array;
}

/** Of one granule. */
const VALUES_MAX = 2 ** 26;

export class ValueColumn {
  readonly name: string;
  readonly format: Column['format'];
  /** How many values are listed. In a dictionary each is listed once. */
  readonly listed: number;
  readonly #rows: ColumnRows;
  readonly #isByClass: boolean;
  readonly #strings: PackedStrings | null = null;
  readonly #words: readonly PackedIntegers[] = [];
  /** Which listed value is at a position; null where they are the same. */
  readonly #codes: Uint32Array | null = null;
  /** Positions are counted by class or by row. */
  readonly #firstOfClass: Uint32Array;
  #firstOfRow: Uint32Array | null = null;

  constructor({ name, format }: Column, source: PartSource, rows: ColumnRows) {
    this.name = name;
    this.format = format;
    this.#rows = rows;
    const { perClass, classOf } = rows;
    const mode = source.loose.byte();
    if (mode > PLAIN) throw new DamagedPart(`column ${name}: got mode ${mode}`);
    this.#isByClass = mode === BY_CLASS;
    this.#firstOfClass = prefixSums(perClass);
    let count = this.#firstOfClass[perClass.length]!;
    if (!this.#isByClass) {
      count = 0;
      for (const rowClass of classOf) count += perClass[rowClass]!;
    }
    if (count > VALUES_MAX) throw new DamagedPart(`column ${name}: got ${count} values`);
    this.listed = source.loose.varint(count);
    if (format === 'string') this.#strings = new PackedStrings(source, this.listed);
    else {
      const words = format === 'pair' ? 2 : 1;
      this.#words = Array.from({ length: words }, () => new PackedIntegers(source, this.listed));
    }
    if (mode === DICTIONARY || (this.#isByClass && format === 'string')) {
      this.#codes = new PackedIntegers(source, count).toArray();
      for (const code of this.#codes) {
        if (code >= this.listed) throw new DamagedPart(`column ${name}: got a value that is not listed`);
      }
    } else if (this.listed !== count) {
      throw new DamagedPart(`column ${name}: got ${this.listed} values, expected ${count}`);
    }
  }

  /** How many values the row has. */
  countAt(row: number): number {
    return this.#rows.perClass[this.#rows.classOf[row]!]!;
  }

  /** The index, among the listed values, of the row's `ordinal`th. */
  indexAt(row: number, ordinal: number): number {
    const position =
      (this.#isByClass ? this.#firstOfClass[this.#rows.classOf[row]!]! : this.#rowPositions[row]!) + ordinal;
    return this.#codes === null ? position : this.#codes[position]!;
  }

  /** Of a listed value held as words. */
  wordAt(index: number, word: number): number {
    return this.#words[word]!.at(index);
  }

  /** Of a listed value held as a string; a view. */
  bytesAt(index: number): Buffer {
    return this.#strings!.at(index);
  }

  textAt(index: number): string {
    return this.#strings!.textAt(index);
  }

  /** A listed value as the attribute it is; only of columns of attributes. */
  attributeAt(index: number): AttributeValue {
    switch (this.name[2]) {
      case 's':
        return this.textAt(index);
      case 'b':
        return this.wordAt(index, 0) === 1;
      case 'i':
        return this.wordAt(index, 0);
      case 'l':
        return integerOf(this.wordAt(index, 0), this.wordAt(index, 1));
      case 'd':
        return doubleOf(this.wordAt(index, 0), this.wordAt(index, 1));
      case 'a':
        return decodeArrayValue(this.bytesAt(index));
      case 'm':
        return decodeKeyValueList(this.bytesAt(index));
      default:
        return Uint8Array.from(this.bytesAt(index));
    }
  }

  /** Sets `rows[row]` to 1 where a value of the row is one that `holds`, by index among the listed, says 1 of. */
  markRows(holds: Uint8Array, rows: Uint8Array): void {
    const { perClass, classOf } = this.#rows;
    if (this.#isByClass) {
      const classHolds = perClass.map((count, rowClass) => {
        const first = this.#firstOfClass[rowClass]!;
        for (let at = first; at < first + count; at++) {
          if (holds[this.#codes === null ? at : this.#codes[at]!] === 1) return 1;
        }
        return 0;
      });
      for (let row = 0; row < classOf.length; row++) if (classHolds[classOf[row]!] === 1) rows[row] = 1;
      return;
    }
    const positions = this.#rowPositions;
    for (let row = 0; row < classOf.length; row++) {
      for (let at = positions[row]!; at < positions[row + 1]!; at++) {
        if (holds[this.#codes === null ? at : this.#codes[at]!] === 1) rows[row] = 1;
      }
    }
  }

  get #rowPositions(): Uint32Array {
    if (this.#firstOfRow !== null) return this.#firstOfRow;
    const { perClass, classOf } = this.#rows;
    const positions = new Uint32Array(classOf.length + 1);
    let position = 0;
    for (let row = 0; row < classOf.length; row++) {
      positions[row] = position;
      position += perClass[classOf[row]!]!;
    }
    positions[classOf.length] = position;
    this.#firstOfRow = positions;
    return positions;
  }
}

function prefixSums(counts: Uint16Array): Uint32Array {
  const sums = new Uint32Array(counts.length + 1);
  for (let index = 0; index < counts.length; index++) sums[index + 1] = sums[index]! + counts[index]!;
  return sums;
}

/** As `int64` reads it: a number while it is safe, else a bigint. */
export function integerOf(low: number, high: number): number | bigint {
  const signed = (high | 0) * 2 ** 32 + low;
  return Number.isSafeInteger(signed) ? signed : BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}

const halves = new Uint32Array(2);
const whole = new Float64Array(halves.buffer);

export function doubleOf(low: number, high: number): number {
  halves[0] = low;
  halves[1] = high;
  return whole[0]!;
}
