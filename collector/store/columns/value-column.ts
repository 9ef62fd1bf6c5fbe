/** A column of values as it was stored: the values listed, and which of them each row has. */
import { decodeArrayValue, decodeKeyValueList } from '../../decode/otlp-protobuf.ts';
import type { AttributeValue } from '../../span.ts';
import { DamagedPart } from './damaged-part.ts';
import { GranuleStrings, GranuleWords } from './decode-column.ts';
import type { Format } from './operations.ts';
import type { PartSource } from './part.ts';
import type { StoredColumn } from './block-header.ts';

/** Of one granule. */
const VALUES_MAX = 2 ** 26;

export class ValueColumn {
  readonly name: string;
  readonly format: Format;
  /** How many values are listed; a value may be listed more than once. */
  readonly listed: number;
  /** The same object for columns that list the same: the granules of a block share what the block's header lists. */
  readonly list: object;
  readonly #stored: StoredColumn;
  /** The class of each row. */
  readonly #classOf: Uint32Array;
  readonly #strings: GranuleStrings | null = null;
  readonly #words: readonly GranuleWords[] = [];
  /** Every value is found by its hole alone. */
  readonly #isByClass: boolean;
  /** Of a pair: its two words are listed by position, or by hole. */
  readonly #isPair: boolean;
  /** The position of each row's first value, and the hole of each position; made when needed. */
  #positions: Uint32Array | null = null;
  #holes: Uint32Array | null = null;

  /** `source` is null where the granule holds nothing of the column. */
  constructor(stored: StoredColumn, source: PartSource | null, classOf: Uint32Array) {
    const { name, format, perClass, firstHole, strings, words } = stored;
    this.name = name;
    this.format = format;
    this.#stored = stored;
    this.#classOf = classOf;
    this.#isByClass = source === null;
    this.#isPair = format === 'pair';
    let count = 0;
    if (source !== null) for (let row = 0; row < classOf.length; row++) count += perClass[classOf[row]!]!;
    if (count > VALUES_MAX) throw new DamagedPart(`column ${name}: got ${count} values`);
    if (strings !== null) this.#strings = new GranuleStrings(strings, source, count);
    else this.#words = words.map((word) => new GranuleWords(word, source, count));
    const single = this.#strings ?? this.#words[0]!;
    if (this.#isPair) {
      this.listed = this.#isByClass ? firstHole[perClass.length]! : count;
      this.list = this.#isByClass ? stored : this;
    } else {
      this.listed = single.listed;
      this.list = single.isShared ? stored : this;
    }
  }

  /** How many values the row has. */
  countAt(row: number): number {
    return this.#stored.perClass[this.#classOf[row]!]!;
  }

  /** The index, among the listed values, of the row's `ordinal`th. */
  indexAt(row: number, ordinal: number): number {
    const hole = this.#stored.firstHole[this.#classOf[row]!]! + ordinal;
    const position = this.#isByClass ? 0 : this.#firstPositions[row]! + ordinal;
    return this.#indexOf(position, hole);
  }

  /** Of a listed value held as words. */
  wordAt(index: number, word: number): number {
    const words = this.#words[word]!;
    if (!this.#isPair) return words.wordAt(index);
    const hole = this.#isByClass ? index : this.#holeOf(index);
    return words.wordAt(words.indexAt(index, hole));
  }

  /** Of a listed value held as a string; a view. */
  bytesAt(index: number): Buffer {
    return this.#strings!.bytesAt(index, this.#holeOf);
  }

  textAt(index: number): string {
    return this.bytesAt(index).toString();
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
    const { perClass, firstHole } = this.#stored;
    const classOf = this.#classOf;
    if (this.#isByClass) {
      const classHolds = perClass.map((count, rowClass) => {
        const first = firstHole[rowClass]!;
        for (let hole = first; hole < first + count; hole++)
          if (holds[this.#indexOf(0, hole)] === 1) return 1;
        return 0;
      });
      for (let row = 0; row < classOf.length; row++) if (classHolds[classOf[row]!] === 1) rows[row] = 1;
      return;
    }
    for (let row = 0, position = 0; row < classOf.length; row++) {
      const first = firstHole[classOf[row]!]!;
      for (let hole = first; hole < first + perClass[classOf[row]!]!; hole++, position++) {
        if (holds[this.#indexOf(position, hole)] === 1) rows[row] = 1;
      }
    }
  }

  #indexOf(position: number, hole: number): number {
    if (this.#isPair) return this.#isByClass ? hole : position;
    return this.#strings === null
      ? this.#words[0]!.indexAt(position, hole)
      : this.#strings.indexAt(position, hole);
  }

  get #firstPositions(): Uint32Array {
    if (this.#positions === null) {
      const { perClass } = this.#stored;
      const positions = (this.#positions = new Uint32Array(this.#classOf.length));
      for (let row = 0, position = 0; row < positions.length; row++) {
        positions[row] = position;
        position += perClass[this.#classOf[row]!]!;
      }
    }
    return this.#positions;
  }

  readonly #holeOf = (position: number): number => {
    if (this.#holes === null) {
      const { perClass, firstHole } = this.#stored;
      const holes: number[] = [];
      for (const rowClass of this.#classOf) {
        for (let ordinal = 0; ordinal < perClass[rowClass]!; ordinal++)
          holes.push(firstHole[rowClass]! + ordinal);
      }
      this.#holes = Uint32Array.from(holes);
    }
    return this.#holes[position]!;
  };
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
