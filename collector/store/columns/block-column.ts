/** A column of a block's granule: part of it is listed in the header, part in the granule. */
import type { AttributeValue } from '../../span.ts';
import type { HeaderColumn } from './block-header.ts';
import { DamagedPart } from './damaged-part.ts';
import { GranuleStrings, GranuleWords } from './decode-column.ts';
import type { Format } from './operations.ts';
import type { PartSource } from './part.ts';
import { attributeOf, type ValueColumn } from './value-column.ts';

/** Of one granule. */
const VALUES_MAX = 2 ** 26;

export class BlockColumn implements ValueColumn {
  readonly name: string;
  readonly format: Format;
  readonly listed: number;
  readonly list: object;
  readonly #stored: HeaderColumn;
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
  constructor(stored: HeaderColumn, source: PartSource | null, classOf: Uint32Array) {
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

  countAt(row: number): number {
    return this.#stored.perClass[this.#classOf[row]!]!;
  }

  indexAt(row: number, ordinal: number): number {
    const hole = this.#stored.firstHole[this.#classOf[row]!]! + ordinal;
    const position = this.#isByClass ? 0 : this.#firstPositions[row]! + ordinal;
    return this.#indexOf(position, hole);
  }

  wordAt(index: number, word: number): number {
    const words = this.#words[word]!;
    if (!this.#isPair) return words.wordAt(index);
    const hole = this.#isByClass ? index : this.#holeOf(index);
    return words.wordAt(words.indexAt(index, hole));
  }

  bytesAt(index: number): Buffer {
    return this.#strings!.bytesAt(index, this.#holeOf);
  }

  attributeAt(index: number): AttributeValue {
    return attributeOf(this, index);
  }

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

  markText(text: string, rows: Uint8Array): void {
    const strings = this.#strings;
    if (strings === null) return;
    const holds = strings.marksOf(Buffer.from(text), this.#holeOf);
    if (holds !== null) this.markRows(holds, rows);
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
