/**
 * Reads back what encode-column.ts stored: of a column, the header's part once, and a granule's when it is needed.
 *
 * A value is found by its position among the granule's values and by the hole it fills. That leads to an index among
 * the listed values: of the header where these are shared, else of the granule.
 */
import { DamagedPart } from './damaged-part.ts';
import { DICTIONARY, PLAIN, RANKED, TEMPLATE } from './encode-column.ts';
import { PackedIntegers } from './pack-integers.ts';
import { PackedStrings } from './pack-strings.ts';
import type { PartSource } from './part.ts';
import { Starts } from './starts.ts';
import { joinText, NUMBERS_MAX, TextSplitter } from './text-templates.ts';

const splitter = new TextSplitter();
/** Values that a header lists. */
const LISTED_MAX = 2 ** 26;

/** Memory that was taken for what was read; what is made only when it is asked for is added then. */
export interface Taken {
  bytes: number;
}

/** How many listed values each hole has. */
class Ranks {
  /** Each hole has one: the granules hold nothing of the column. */
  readonly isByClass: boolean;
  /** Of all holes together. */
  readonly listed: number;
  /** Where those of each hole begin. */
  readonly starts: Starts;

  constructor(source: PartSource, holes: number, taken: Taken) {
    if (source.loose.varint(LISTED_MAX) !== holes) throw new DamagedPart('got another number of holes');
    const counts = new PackedIntegers(source, holes);
    this.starts = new Starts(counts, taken);
    this.isByClass = counts.isAll(1);
    this.listed = counts.sum();
    if (this.listed > LISTED_MAX) throw new DamagedPart(`got ${this.listed} listed values`);
  }
}

/** Numbers, as the header has them. */
export interface StoredWords {
  readonly ranks: Ranks | null;
  /** Null where the granules hold the numbers. */
  readonly listed: PackedIntegers | null;
}

/** Strings, as the header has them. */
export interface StoredStrings {
  readonly ranks: Ranks | null;
  /** Of ranked strings: which of the listed ones. */
  readonly codes: PackedIntegers | null;
  readonly listed: PackedStrings | null;
  readonly template: { readonly texts: StoredStrings; readonly numbers: readonly StoredWords[] } | null;
}

/** `holes`: how many the classes have of the column. Throws DamagedPart, as all of these do. */
export function readStoredWords(source: PartSource, holes: number, taken: Taken): StoredWords {
  const mode = source.loose.byte();
  if (mode === PLAIN) return { ranks: null, listed: null };
  if (mode !== RANKED) throw new DamagedPart(`got mode ${mode} of numbers`);
  const ranks = new Ranks(source, holes, taken);
  return { ranks, listed: new PackedIntegers(source, ranks.listed) };
}

export function readStoredStrings(source: PartSource, holes: number, taken: Taken, depth = 0): StoredStrings {
  const mode = source.loose.byte();
  const none = { ranks: null, codes: null, listed: null, template: null };
  const readListed = () => new PackedStrings(source, source.loose.varint(LISTED_MAX));
  switch (mode) {
    case RANKED: {
      const ranks = new Ranks(source, holes, taken);
      const listed = readListed();
      return { ...none, ranks, listed, codes: new PackedIntegers(source, ranks.listed) };
    }
    case DICTIONARY:
      return { ...none, listed: readListed() };
    case PLAIN:
      return none;
    case TEMPLATE: {
      if (depth > 0) throw new DamagedPart('got a template of a template');
      const texts = readStoredStrings(source, holes, taken, depth + 1);
      const count = source.loose.varint(NUMBERS_MAX);
      return {
        ...none,
        template: {
          texts,
          numbers: Array.from({ length: count }, () => readStoredWords(source, holes, taken)),
        },
      };
    }
    default:
      throw new DamagedPart(`got mode ${mode} of strings`);
  }
}

/** Who asks for more of a granule than those of a trace, asks for all. */
const FEW_PLACES = 256;

/** Which listed values a granule has: of ranks, counted from the first of the hole. */
class Places {
  readonly #ranks: Ranks | null;
  readonly #codes: PackedIntegers | null;
  readonly #listed: number;
  #asked = 0;

  /** `source` is null where the granule holds nothing of the column. */
  constructor(
    ranks: Ranks | null,
    isCoded: boolean,
    source: PartSource | null,
    count: number,
    listed: number,
  ) {
    this.#ranks = ranks;
    this.#listed = listed;
    this.#codes = isCoded && ranks?.isByClass !== true ? new PackedIntegers(needed(source), count) : null;
  }

  at(position: number, hole: number): number {
    const ranks = this.#ranks;
    let place = this.#codes === null ? 0 : this.#codes.at(position);
    if (ranks === null) place = this.#codes === null ? position : place;
    else if (ranks.isByClass) place += hole;
    else place += this.#asked++ < FEW_PLACES ? ranks.starts.at(hole) : ranks.starts.all[hole]!;
    if (place >= this.#listed) throw new DamagedPart(`got value ${place}, expected one of ${this.#listed}`);
    return place;
  }
}

export class GranuleWords {
  readonly listed: number;
  /** The listed values are the header's. */
  readonly isShared: boolean;
  readonly #places: Places;
  readonly #values: PackedIntegers;

  constructor({ ranks, listed }: StoredWords, source: PartSource | null, count: number) {
    this.#values = listed ?? new PackedIntegers(needed(source), count);
    this.listed = this.#values.count;
    this.isShared = listed !== null;
    this.#places = new Places(ranks, ranks !== null, source, count, this.listed);
  }

  indexAt(position: number, hole: number): number {
    return this.#places.at(position, hole);
  }

  wordAt(index: number): number {
    return this.#values.at(index);
  }

  /** By index: 1 where the listed number is this one; null where none is. */
  marksOf(word: number): Uint8Array | null {
    return this.#values.marksOf(word);
  }
}

export class GranuleStrings {
  readonly listed: number;
  readonly isShared: boolean;
  readonly #places: Places;
  readonly #codes: PackedIntegers | null;
  readonly #values: PackedStrings | null;
  readonly #texts: GranuleStrings | null = null;
  readonly #numbers: readonly GranuleWords[] = [];

  constructor({ ranks, codes, listed, template }: StoredStrings, source: PartSource | null, count: number) {
    this.isShared = listed !== null;
    this.#codes = codes;
    if (template !== null) {
      this.#values = null;
      this.#texts = new GranuleStrings(template.texts, source, count);
      this.#numbers = template.numbers.map((words) => new GranuleWords(words, source, count));
      this.listed = count;
    } else {
      this.#values = listed ?? new PackedStrings(needed(source), count);
      this.listed = this.#values.count;
    }
    const places = codes === null ? this.listed : codes.count;
    this.#places = new Places(ranks, listed !== null, source, count, places);
  }

  indexAt(position: number, hole: number): number {
    const place = this.#places.at(position, hole);
    return this.#codes === null ? place : this.#codes.at(place);
  }

  /** By index: 1 where the listed value is this text; null when none is. */
  marksOf(text: Uint8Array, holeOf: (position: number) => number): Uint8Array | null {
    const texts = this.#texts;
    if (texts === null) return this.#values!.marksOf(text);
    if (!splitter.split(text, 0, text.length) || splitter.count > this.#numbers.length) return null;
    const templates = texts.marksOf(splitter.bytes.subarray(0, splitter.length), holeOf);
    if (templates === null) return null;
    const wanted = this.#numbers.map((_, index) => (index < splitter.count ? splitter.numbers[index]! : 0));
    const candidates = this.#positionsWith(wanted);
    if (candidates === null) return null;
    const marks = new Uint8Array(this.listed);
    for (let position = 0; position < candidates.length; position++) {
      if (candidates[position] === 0) continue;
      const hole = holeOf(position);
      const isEqual =
        templates[texts.indexAt(position, hole)] === 1 &&
        this.#numbers.every((words, index) => words.wordAt(words.indexAt(position, hole)) === wanted[index]);
      marks[position] = Number(isEqual);
    }
    return marks;
  }

  /** By position: 1 where these numbers may be, told by one that the granule lists for itself; null where none are. */
  #positionsWith(wanted: readonly number[]): Uint8Array | null {
    const index = this.#numbers.findLastIndex(({ isShared }) => !isShared);
    return index < 0 ? new Uint8Array(this.listed).fill(1) : this.#numbers[index]!.marksOf(wanted[index]!);
  }

  /** `holeOf` tells the hole of a position; it is asked where each value is listed for itself. */
  bytesAt(index: number, holeOf: (position: number) => number): Buffer {
    if (this.#texts === null) {
      if (index >= this.listed) throw new DamagedPart(`got string ${index}, expected one of ${this.listed}`);
      return this.#values!.at(index);
    }
    const hole = holeOf(index);
    const template = this.#texts.bytesAt(this.#texts.indexAt(index, hole), holeOf);
    return joinText(template, (number) => {
      const words = this.#numbers[number];
      if (words === undefined) throw new DamagedPart('got a template with more numbers than there are');
      return words.wordAt(words.indexAt(index, hole));
    });
  }
}

function needed(source: PartSource | null): PartSource {
  if (source === null) throw new DamagedPart('a column of the header is missing in the granule');
  return source;
}
