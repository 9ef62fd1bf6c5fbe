/**
 * How the values of a column are stored: part in the block's header, part in each of its granules.
 *
 *     ranked      header: the values of each hole    granule: which of them; nothing where no hole has two
 *     dictionary  header: the different strings      granule: which of them
 *     plain                                          granule: the values
 *     template    header: as of a column of strings  granule: what these say, and the numbers
 *                 and of columns of numbers
 *
 * A hole is one of a class's: a class whose shape has a column twice has two. The header is written and read before any
 * granule, so what many rows share costs little, and says much to a search.
 */
import { packIntegers } from './pack-integers.ts';
import { packStrings } from './pack-strings.ts';
import type { PartSink } from './part.ts';
import { looksBeyond, rankValues, type Ranked } from './ranks.ts';
import { giveBackWords, takeWords } from './spare-words.ts';
import { StringPool } from './string-pool.ts';
import { NUMBERS_MAX, TextSplitter } from './text-templates.ts';

export const RANKED = 0;
export const DICTIONARY = 1;
export const PLAIN = 2;
export const TEMPLATE = 3;

/** What the header holds must be shared by so many values, or be little. */
const SHARED_BY = 4;
const LITTLE = 512;
/** And so of strings: the header is read whole by whoever reads a row. */
const LITTLE_BYTES = 256 << 10;

/** Values in the order of the rows, and the hole each fills; strings by their ids. */
export interface ColumnValues {
  readonly values: Uint32Array;
  readonly holes: Uint32Array;
  readonly holeCount: number;
}

export interface ColumnEncoder {
  /** The header says all: there is nothing in the granules. */
  readonly isInHeader: boolean;
  writeHeader(sink: PartSink): void;
  /** Values from `from` up to `to`. */
  writeRows(sink: PartSink, from: number, to: number): void;
}

/** Numbers below 2^32. */
export function encodeWords(column: ColumnValues): ColumnEncoder {
  const { values, holes, holeCount } = column;
  const ranked = rankValues(values, holes, holeCount, shareable(values.length));
  if (ranked !== null) return rankedWords(ranked);
  return {
    isInHeader: false,
    writeHeader: ({ loose }) => loose.byte(PLAIN),
    writeRows: (sink, from, to) => packIntegers(sink, values, from, to - from, 1),
  };
}

/** Numbers of which each hole's are listed, however many there are. */
export function encodeRanked({ values, holes, holeCount }: ColumnValues): ColumnEncoder {
  return rankedWords(rankValues(values, holes, holeCount, values.length)!);
}

/** Of `values[hole]`, the same in all rows of the class. */
export function wordsByClass(values: Uint32Array): ColumnEncoder {
  return rankedWords(byClass(values));
}

function rankedWords(ranked: Ranked): ColumnEncoder {
  const { ranks, isByClass, counts, lists } = ranked;
  return {
    isInHeader: isByClass,
    writeHeader(sink) {
      sink.loose.byte(RANKED);
      sink.loose.varint(counts.length);
      packIntegers(sink, counts, 0, counts.length, 1);
      packIntegers(sink, lists, 0, lists.length, 1);
    },
    writeRows: (sink, from, to) => packIntegers(sink, ranks, from, to - from, 1),
  };
}

/** `isText` may be split into templates and numbers. */
export function encodeStrings(strings: StringPool, column: ColumnValues, isText: boolean): ColumnEncoder {
  const { values, holes, holeCount } = column;
  const most = shareable(values.length);
  const ranked = rankValues(values, holes, holeCount, most);
  if (ranked !== null && areShared(strings, ranked.lists, values)) return rankedStrings(strings, ranked);
  return (
    dictionaryOf(strings, values, most) ??
    (isText ? templateOf(strings, column) : null) ??
    plainStrings(strings, values)
  );
}

export function stringsByClass(strings: StringPool, values: Uint32Array): ColumnEncoder {
  return rankedStrings(strings, byClass(values));
}

function rankedStrings(strings: StringPool, { ranks, isByClass, counts, lists }: Ranked): ColumnEncoder {
  return {
    isInHeader: isByClass,
    writeHeader(sink) {
      const { distinct, codes } = listDistinct(strings, lists, lists.length)!;
      sink.loose.byte(RANKED);
      sink.loose.varint(counts.length);
      packIntegers(sink, counts, 0, counts.length, 1);
      sink.loose.varint(distinct.length);
      packStrings(sink, strings, distinct, 0, distinct.length);
      packIntegers(sink, codes, 0, codes.length, 1);
    },
    writeRows: (sink, from, to) => packIntegers(sink, ranks, from, to - from, 1),
  };
}

function dictionaryOf(strings: StringPool, values: Uint32Array, most: number): ColumnEncoder | null {
  const listed = listDistinct(strings, values, most);
  if (listed === null || !areShared(strings, listed.distinct, values)) return null;
  const { distinct, codes } = listed;
  return {
    isInHeader: false,
    writeHeader(sink) {
      sink.loose.byte(DICTIONARY);
      sink.loose.varint(distinct.length);
      packStrings(sink, strings, distinct, 0, distinct.length);
    },
    writeRows: (sink, from, to) => packIntegers(sink, codes, from, to - from, 1),
  };
}

function plainStrings(strings: StringPool, values: Uint32Array): ColumnEncoder {
  return {
    isInHeader: false,
    writeHeader: ({ loose }) => loose.byte(PLAIN),
    writeRows: (sink, from, to) => packStrings(sink, strings, values, from, to - from),
  };
}

const splitter = new TextSplitter();

/** Null when the texts share too little. */
function templateOf(strings: StringPool, { values, holes, holeCount }: ColumnValues): ColumnEncoder | null {
  const templates = new StringPool();
  const most = shareable(values.length);
  const ids = new Uint32Array(values.length);
  const numbers = Array.from({ length: NUMBERS_MAX }, () => new Uint32Array(0));
  // The texts of a hole mostly have one template.
  const lastOfHole = new Uint32Array(holeCount);
  // In the order in which the strings lie in memory: reaching them is what costs.
  const { firstOf, nextSame } = chainSame(values, strings.count);
  for (let id = 0; id < firstOf.length; id++) {
    if (firstOf[id] === 0) continue;
    if (!splitter.split(strings.bytes, strings.starts[id]!, strings.starts[id + 1]!)) return null;
    const hole = holes[firstOf[id]! - 1]!;
    let template = lastOfHole[hole]!;
    if (!templates.equals(template, splitter.bytes, splitter.view, 0, splitter.length)) {
      template = templates.intern(splitter.bytes, splitter.view, 0, splitter.length, false);
      if (templates.count > most + 1) return null;
      lastOfHole[hole] = template;
    }
    for (let next = firstOf[id]!; next !== 0; next = nextSame[next - 1]!) {
      ids[next - 1] = template;
      for (let number = 0; number < splitter.count; number++) {
        if (numbers[number]!.length === 0) numbers[number] = new Uint32Array(values.length);
        numbers[number]![next - 1] = splitter.numbers[number]!;
      }
    }
  }
  giveBackWords(firstOf, nextSame);
  const template = encodeStrings(templates, { values: ids, holes, holeCount }, false);
  const columns = numbers
    .filter((column) => column.length > 0)
    .map((column) => encodeWords({ values: column, holes, holeCount }));
  return {
    isInHeader: false,
    writeHeader(sink) {
      sink.loose.byte(TEMPLATE);
      template.writeHeader(sink);
      sink.loose.varint(columns.length);
      for (const column of columns) column.writeHeader(sink);
    },
    writeRows(sink, from, to) {
      for (const column of [template, ...columns]) if (!column.isInHeader) column.writeRows(sink, from, to);
    },
  };
}

/** For each id, one more than the first place it has; for each place, one more than the next of the same id. */
function chainSame(ids: Uint32Array, count: number) {
  const firstOf = takeWords(count).fill(0);
  const nextSame = takeWords(ids.length);
  for (let place = ids.length - 1; place >= 0; place--) {
    nextSame[place] = firstOf[ids[place]!]!;
    firstOf[ids[place]!] = place + 1;
  }
  return { firstOf, nextSame };
}

function byClass(lists: Uint32Array): Ranked {
  return { ranks: lists, counts: new Uint32Array(lists.length).fill(1), lists, isByClass: true };
}

function areShared(strings: StringPool, listed: Uint32Array, values: Uint32Array): boolean {
  const bytes = bytesOf(strings, listed);
  return bytes <= LITTLE_BYTES || isShared(bytes, bytesOf(strings, values));
}

/** Whether strings may be in the header: they are little, or that much less than all values are. */
export function isShared(bytes: number, bytesOfValues: number): boolean {
  return bytes <= LITTLE_BYTES || SHARED_BY * bytes <= bytesOfValues;
}

function bytesOf(strings: StringPool, ids: Uint32Array): number {
  let bytes = 0;
  for (let index = 0; index < ids.length; index++) bytes += strings.lengthOf(ids[index]!);
  return bytes;
}

function shareable(values: number): number {
  return Math.max(LITTLE, Math.floor(values / SHARED_BY));
}

/** By id of a string: its code, counted through all columns; what is below those of this one means none. */
let codeOf = new Uint32Array(0);
let nextCode = 1;

/** The ids in order of first occurrence, and the place of each among them; null when more than `most` seem to differ. */
function listDistinct(strings: StringPool, ids: Uint32Array, most: number) {
  if (looksBeyond(most, ids, null)) return null;
  if (codeOf.length < strings.count || nextCode + ids.length > 0xffffffff) {
    codeOf = new Uint32Array(2 * strings.count);
    nextCode = 1;
  }
  const first = nextCode;
  const distinct = new Uint32Array(Math.min(most, ids.length));
  const codes = new Uint32Array(ids.length);
  let count = 0;
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!;
    let code = codeOf[id]!;
    if (code < first) {
      if (count === most) return null;
      code = codeOf[id] = nextCode++;
      distinct[count++] = id;
    }
    codes[index] = code - first;
  }
  return { distinct: distinct.subarray(0, count), codes };
}
