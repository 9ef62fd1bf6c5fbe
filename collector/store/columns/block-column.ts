/** A column of a block's granule: part of it is listed in the header, part in the granule. */
import type { AttributeValue } from '../../span.ts';
import { pick, type HeaderColumn } from './block-header.ts';
import { DamagedPart } from './damaged-part.ts';
import { GranuleStrings, GranuleWords, prefixSums } from './decode-column.ts';
import type { Format } from './operations.ts';
import type { PartSource } from './part.ts';
import { attributeOf, holdsText, wantedOf, type ValueColumn, type Wanted } from './value-column.ts';

/** Of one granule. */
const VALUES_MAX = 2 ** 26;

export class BlockColumn implements ValueColumn {
  readonly name: string;
  readonly format: Format;
  readonly listed: number;
  readonly list: object;
  readonly #stored: HeaderColumn;
  /** Gives the class of each row. */
  readonly #readClasses: () => Uint32Array;
  /** How many values the granule has; 0 where they are found by class. */
  readonly #count: number;
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
  constructor(stored: HeaderColumn, source: PartSource | null, readClasses: () => Uint32Array) {
    const { name, format, holes, strings, words } = stored;
    this.name = name;
    this.format = format;
    this.#stored = stored;
    this.#readClasses = readClasses;
    this.#isByClass = source === null;
    this.#isPair = format === 'pair';
    const count = (this.#count = source === null ? 0 : source.loose.varint(VALUES_MAX));
    if (strings !== null) this.#strings = new GranuleStrings(strings, source, count);
    else this.#words = words.map((word) => new GranuleWords(word, source, count));
    const single = this.#strings ?? this.#words[0]!;
    if (this.#isPair) {
      this.listed = this.#isByClass ? holes : count;
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
    const positions = this.#firstPositions;
    for (let row = 0; row < classOf.length; row++) {
      let hole = firstHole[classOf[row]!]!;
      for (let position = positions[row]!; position < positions[row + 1]!; position++, hole++) {
        if (holds[this.#indexOf(position, hole)] === 1) rows[row] = 1;
      }
    }
  }

  markEqual(text: string, rows: Uint8Array): boolean {
    const wanted = wantedOf(this.name, text);
    if (wanted === null) return true;
    if ('isList' in wanted) return false;
    const holds = this.#holds(wanted);
    if (holds !== null) this.markRows(holds, rows);
    return true;
  }

  #holds(wanted: Exclude<Wanted, null | { readonly isList: true }>): Uint8Array | null {
    if ('string' in wanted) return this.#strings!.marksOf(wanted.string, this.#holeOf);
    return 'word' in wanted ? this.#words[0]!.marksOf(wanted.word) : holdsText(this, wanted.each);
  }

  #indexOf(position: number, hole: number): number {
    if (this.#isPair) return this.#isByClass ? hole : position;
    return this.#strings === null
      ? this.#words[0]!.indexAt(position, hole)
      : this.#strings.indexAt(position, hole);
  }

  get #classOf(): Uint32Array {
    return this.#readClasses();
  }

  /** One more at the end. */
  get #firstPositions(): Uint32Array {
    if (this.#positions !== null) return this.#positions;
    const classOf = this.#classOf;
    const counts = pick(this.#stored.perClass, classOf, new Uint16Array(classOf.length));
    const positions = prefixSums(counts);
    const expected = positions[classOf.length]!;
    if (this.#count !== expected) {
      throw new DamagedPart(`column ${this.name}: got ${this.#count} values, expected ${expected}`);
    }
    return (this.#positions = positions);
  }

  readonly #holeOf = (position: number): number => {
    if (this.#holes === null) {
      const { firstHole } = this.#stored;
      const positions = this.#firstPositions;
      const classOf = this.#classOf;
      this.#holes = new Uint32Array(this.#count);
      for (let row = 0; row < classOf.length; row++) {
        const first = positions[row]!;
        for (let at = first; at < positions[row + 1]!; at++)
          this.#holes[at] = firstHole[classOf[row]!]! + at - first;
      }
    }
    return this.#holes[position]!;
  };
}
