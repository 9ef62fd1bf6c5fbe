/** A column of a block's granule: part of it is listed in the header, part in the granule. */
import type { AttributeValue } from '../../span.ts';
import type { HeaderColumn } from './block-header.ts';
import { DamagedPart } from './damaged-part.ts';
import { GranuleStrings, GranuleWords } from './decode-column.ts';
import type { Format } from './operations.ts';
import type { PartSource } from './part.ts';
import { attributeOf, holdsText, wantedOf, type ValueColumn, type Wanted } from './value-column.ts';

/** Of one granule. */
const VALUES_MAX = 2 ** 26;

/** A granule's values of a column, as they are packed. */
export interface OpenColumn {
  readonly stored: HeaderColumn;
  /** How many values the granule has; 0 where they are found by class. */
  readonly count: number;
  readonly strings: GranuleStrings | null;
  readonly words: readonly GranuleWords[];
  /** Every value is found by its hole alone. */
  readonly isByClass: boolean;
}

/** `source` is null where the granule holds nothing of the column. */
export function openColumn(stored: HeaderColumn, source: PartSource | null): OpenColumn {
  const count = source === null ? 0 : source.loose.varint(VALUES_MAX);
  const strings = stored.strings === null ? null : new GranuleStrings(stored.strings, source, count);
  const words = strings === null ? stored.words.map((word) => new GranuleWords(word, source, count)) : [];
  return { stored, count, strings, words, isByClass: source === null };
}

/** Of the granule's rows from `first` up to `end`. */
export class BlockColumn implements ValueColumn {
  readonly name: string;
  readonly format: Format;
  readonly listed: number;
  readonly list: object;
  readonly #stored: HeaderColumn;
  readonly #strings: GranuleStrings | null;
  readonly #words: readonly GranuleWords[];
  readonly #isByClass: boolean;
  /** Of a pair: its two words are listed by position, or by hole. */
  readonly #isPair: boolean;
  readonly #count: number;
  /** Gives the class of each row of the granule. */
  readonly #readClasses: () => Uint32Array;
  readonly #first: number;
  readonly #end: number;
  /** The position of each row's first value, and the hole of each position of the granule; made when needed. */
  #positions: Uint32Array | null = null;
  #holes: Uint32Array | null = null;
  /** A value is mostly read right after its index was asked for. */
  #lastPosition = -1;
  #lastHole = 0;

  constructor(open: OpenColumn, readClasses: () => Uint32Array, first: number, end: number) {
    const { stored, strings, words, count, isByClass } = open;
    this.name = stored.name;
    this.format = stored.format;
    this.#stored = stored;
    this.#strings = strings;
    this.#words = words;
    this.#isByClass = isByClass;
    this.#isPair = stored.format === 'pair';
    this.#count = count;
    this.#readClasses = readClasses;
    this.#first = first;
    this.#end = end;
    const single = strings ?? words[0]!;
    if (this.#isPair) {
      this.listed = isByClass ? stored.holes : count;
      this.list = isByClass ? stored : open;
    } else {
      this.listed = single.listed;
      this.list = single.isShared ? stored : open;
    }
  }

  countAt(row: number): number {
    return this.#stored.countOf(this.#classOf[this.#first + row]!);
  }

  indexAt(row: number, ordinal: number): number {
    const hole = this.#firstHoleOf(this.#classOf[this.#first + row]!) + ordinal;
    const position = this.#isByClass ? 0 : this.#firstPositions[row]! + ordinal;
    this.#lastPosition = position;
    this.#lastHole = hole;
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
    const firstHole = this.#stored.firstHole.all;
    const classOf = this.#classOf;
    const first = this.#first;
    if (this.#isByClass) {
      const classHolds = new Uint8Array(firstHole.length - 1);
      for (let rowClass = 0; rowClass < classHolds.length; rowClass++) {
        for (let hole = firstHole[rowClass]!; hole < firstHole[rowClass + 1]!; hole++)
          if (holds[this.#indexOf(0, hole)] === 1) classHolds[rowClass] = 1;
      }
      for (let row = first; row < this.#end; row++)
        if (classHolds[classOf[row]!] === 1) rows[row - first] = 1;
      return;
    }
    const positions = this.#firstPositions;
    for (let row = 0; row < this.#end - first; row++) {
      let hole = firstHole[classOf[first + row]!]!;
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

  /** Where few rows are decoded, few are asked for. */
  #firstHoleOf(rowClass: number): number {
    const { firstHole } = this.#stored;
    const isWhole = this.#end - this.#first === this.#classOf.length;
    return isWhole ? firstHole.all[rowClass]! : firstHole.at(rowClass);
  }

  get #classOf(): Uint32Array {
    return this.#readClasses();
  }

  /** One more at the end. */
  get #firstPositions(): Uint32Array {
    if (this.#positions !== null) return this.#positions;
    const classOf = this.#classOf;
    const stored = this.#stored;
    const first = this.#first;
    const positions = new Uint32Array(this.#end - first + 1);
    let position = 0;
    for (let row = 0; row < this.#end; row++) {
      if (row >= first) positions[row - first] = position;
      position += stored.countOf(classOf[row]!);
    }
    positions[this.#end - first] = position;
    const isLast = this.#end === classOf.length;
    if (isLast ? position !== this.#count : position > this.#count)
      throw new DamagedPart(`column ${this.name}: got ${this.#count} values, expected ${position}`);
    return (this.#positions = positions);
  }

  readonly #holeOf = (position: number): number => {
    if (position === this.#lastPosition) return this.#lastHole;
    return (this.#holes ??= this.#makeHoles())[position]!;
  };

  #makeHoles(): Uint32Array {
    const firstHole = this.#stored.firstHole.all;
    const classOf = this.#classOf;
    const holes = new Uint32Array(this.#count);
    let position = 0;
    for (let row = 0; row < classOf.length; row++) {
      const end = firstHole[classOf[row]! + 1]!;
      for (let hole = firstHole[classOf[row]!]!; hole < end; hole++) holes[position++] = hole;
    }
    return holes;
  }
}
