/**
 * Finds what the rows of a block have in their holes, column by column: one value for each hole of a class where all
 * its rows agree, else all values in order of the rows.
 */
import { isShared } from './encode-column.ts';
import { WORDS_OF, type Format } from './operations.ts';
import type { RowClasses } from './row-classes.ts';
import type { SpanTable } from './span-table.ts';
import { giveBackWords, takeWords } from './spare-words.ts';

export interface GatheredColumn {
  readonly name: string;
  readonly format: Format;
  readonly isByClass: boolean;
  /** Holes of all classes that have the column: those of the first class, then those of the next … */
  readonly holeCount: number;
  /** The values, of a pair the low words and then the high ones: of each hole if by class, else of each row in turn. */
  readonly words: readonly WordValues[];
  /** How many values there are up to the end of each granule; empty if by class. */
  readonly ends: Uint32Array;
}

export interface GatheredValues {
  readonly columns: readonly GatheredColumn[];
  /** What holds their values: to be given back when these are no longer read. */
  readonly spare: readonly Uint32Array<ArrayBuffer>[];
}

export interface WordValues {
  readonly values: Uint32Array;
  /** The hole that each value fills; empty if by class. */
  readonly holes: Uint32Array;
}

interface FoundColumn {
  /** In the table's book. */
  readonly index: number;
  readonly words: number;
  /** Where the words of its holes stand among those of the classes' examples. */
  readonly holesAt: number[];
  isByClass: boolean;
  values: number;
  /** Of strings: bytes of the examples, and of as many as there are rows. */
  bytes: number;
  bytesOfValues: number;
  /** Where its values are gathered: all first words, then all second ones. */
  at: number;
}

/** The words of each class's example, one class after the other, and where another row of the class differs. */
interface Comparison {
  readonly firstAt: Uint32Array;
  readonly words: Uint32Array;
  readonly differs: Uint8Array;
}

const NONE = new Uint32Array(0);

/** `classOf` is by place in the order, and `granuleEnds` are such places. */
export function gatherValues(
  table: SpanTable,
  placeOf: Uint32Array,
  classes: RowClasses,
  classOf: Uint32Array,
  granuleEnds: readonly number[],
): GatheredValues {
  const comparison = compareRows(table, classes, placeOf);
  const byIndex = findColumns(table, classes, comparison);
  const found = byIndex.filter((column) => column !== undefined);
  let size = 0;
  for (const column of found) {
    if (column.isByClass) continue;
    column.at = size;
    size += column.words * column.values;
  }
  const values = takeWords(size);
  const holes = takeWords(size);
  const plan = planCopies(table, classes, byIndex);
  const sorted = sortValues(table, placeOf, classOf, plan);
  const ends = spreadValues(sorted, granuleEnds, classOf, plan, values, holes);
  giveBackWords(sorted);
  const columns = found.map(({ index, isByClass, holesAt, words, values: count, at }): GatheredColumn => {
    const { name, format } = table.book.columns[index]!;
    const shared = { name, format, isByClass, holeCount: holesAt.length };
    const eachWord = <T>(make: (word: number) => T) => Array.from({ length: words }, (_, word) => make(word));
    if (isByClass) {
      const wordsOfHoles = eachWord((word) => wordsAt(comparison.words, holesAt, word));
      return {
        ...shared,
        words: wordsOfHoles.map((ofHoles) => ({ values: ofHoles, holes: NONE })),
        ends: NONE,
      };
    }
    const part = (from: Uint32Array, word: number) =>
      from.subarray(at + word * count, at + (word + 1) * count);
    return {
      ...shared,
      words: eachWord((word) => ({ values: part(values, word), holes: part(holes, word) })),
      ends: Uint32Array.from(ends, (end) => end[2 * index]! - at),
    };
  });
  return { columns, spare: [values, holes] };
}

function wordsAt(words: Uint32Array, holesAt: readonly number[], word: number): Uint32Array {
  const found = new Uint32Array(holesAt.length);
  for (let hole = 0; hole < holesAt.length; hole++) found[hole] = words[holesAt[hole]! + word]!;
  return found;
}

/** The words of each class's example, one class after the other, and where another row of the class differs. */
function compareRows(
  { values, valueStart, shape, book, rows }: SpanTable,
  { count, example, ofRow }: RowClasses,
  placeOf: Uint32Array,
): Comparison {
  const firstAt = new Uint32Array(count + 1);
  for (let index = 0; index < count; index++) {
    firstAt[index + 1] = firstAt[index]! + book.shapes[shape[example[index]!]!]!.words;
  }
  const words = new Uint32Array(firstAt[count]!);
  const differs = new Uint8Array(words.length);
  for (let index = 0; index < count; index++) {
    const start = valueStart[example[index]!]!;
    words.set(values.subarray(start, start + firstAt[index + 1]! - firstAt[index]!), firstAt[index]);
  }
  for (let row = 0; row < rows; row++) {
    if (placeOf[row] === 0) continue;
    const rowClass = ofRow[row]!;
    const end = firstAt[rowClass + 1]!;
    let value = valueStart[row]!;
    for (let at = firstAt[rowClass]!; at < end; at++, value++)
      if (words[at] !== values[value]) differs[at] = 1;
  }
  return { firstAt, words, differs };
}

/** By index in the table's book. */
function findColumns(
  { book, shape, strings }: SpanTable,
  classes: RowClasses,
  { firstAt, words, differs }: Comparison,
): (FoundColumn | undefined)[] {
  const columns = Array.from<FoundColumn | undefined>({ length: book.columns.length });
  for (let index = 0; index < classes.count; index++) {
    const { holes } = book.shapes[shape[classes.example[index]!]!]!;
    let at = firstAt[index]!;
    for (let hole = 0; hole < holes.length; hole++) {
      const column = (columns[holes[hole]!] ??= newColumn(holes[hole]!, book.columns[holes[hole]!]!.format));
      column.holesAt.push(at);
      column.values += classes.rows[index]!;
      if (book.columns[column.index]!.format === 'string') {
        const bytes = strings.lengthOf(words[at]!);
        column.bytes += bytes;
        column.bytesOfValues += bytes * classes.rows[index]!;
      }
      if (differs[at] === 1 || (column.words === 2 && differs[at + 1] === 1)) column.isByClass = false;
      at += column.words;
    }
  }
  for (const column of columns) {
    if (column !== undefined && !isShared(column.bytes, column.bytesOfValues)) column.isByClass = false;
  }
  return columns;
}

function newColumn(index: number, format: Format): FoundColumn {
  return {
    index,
    words: WORDS_OF[format],
    holesAt: [],
    isByClass: true,
    values: 0,
    bytes: 0,
    bytesOfValues: 0,
    at: 0,
  };
}

/** What is copied of a row: by its shape which words, by its class which holes they fill. */
interface CopyPlan {
  /** Of each shape that occurs: the words, and the streams they go to (as Shape.streams counts them). */
  readonly words: readonly (Uint16Array | undefined)[];
  readonly streams: readonly (Uint16Array | undefined)[];
  /** By class: its shape, and where its holes begin in `holes`. */
  readonly shapeOf: Uint32Array;
  readonly firstHole: Uint32Array;
  readonly holes: Uint32Array;
  /** Where the values of each stream begin. */
  readonly starts: Uint32Array;
}

function planCopies(
  { book, shape }: SpanTable,
  { count, example }: RowClasses,
  columns: readonly (FoundColumn | undefined)[],
): CopyPlan {
  const words: (Uint16Array | undefined)[] = [];
  const streams: (Uint16Array | undefined)[] = [];
  const shapeOf = new Uint32Array(count);
  const firstHole = new Uint32Array(count + 1);
  const holes: number[] = [];
  const nextHole = new Uint32Array(columns.length);
  for (let index = 0; index < count; index++) {
    const number = (shapeOf[index] = shape[example[index]!]!);
    const { streams: all } = book.shapes[number]!;
    if (words[number] === undefined) {
      const copied = Uint16Array.from(all.keys()).filter((word) => !columns[all[word]! >>> 1]!.isByClass);
      words[number] = copied;
      streams[number] = copied.map((word) => all[word]!);
    }
    for (const stream of streams[number]!) {
      // Both words of a pair fill the same hole.
      holes.push(stream % 2 === 0 ? nextHole[stream >>> 1]!++ : nextHole[stream >>> 1]! - 1);
    }
    firstHole[index + 1] = holes.length;
  }
  const starts = new Uint32Array(2 * columns.length);
  for (const column of columns) {
    if (column === undefined) continue;
    starts[2 * column.index] = column.at;
    starts[2 * column.index + 1] = column.at + column.values;
  }
  return { words, streams, shapeOf, firstHole, holes: Uint32Array.from(holes), starts };
}

/** The words to be copied, in the order of the block; read as they lie in the table, because reaching them costs. */
function sortValues(
  { values, valueStart, shape, rows }: SpanTable,
  placeOf: Uint32Array,
  classOf: Uint32Array,
  { words, firstHole }: CopyPlan,
): Uint32Array<ArrayBuffer> {
  const starts = takeWords(classOf.length + 1);
  starts[0] = 0;
  for (let place = 0; place < classOf.length; place++) {
    starts[place + 1] = starts[place]! + firstHole[classOf[place]! + 1]! - firstHole[classOf[place]!]!;
  }
  const sorted = takeWords(starts[classOf.length]!);
  for (let row = 0; row < rows; row++) {
    const place = placeOf[row]! - 1;
    if (place < 0) continue;
    const copied = words[shape[row]!]!;
    const from = valueStart[row]!;
    const to = starts[place]!;
    for (let index = 0; index < copied.length; index++) sorted[to + index] = values[from + copied[index]!]!;
  }
  giveBackWords(starts);
  return sorted;
}

/** Appends each word to its stream. Returns, for each granule, where the streams have got to at its end. */
function spreadValues(
  sorted: Uint32Array,
  granuleEnds: readonly number[],
  classOf: Uint32Array,
  { streams, shapeOf, firstHole, holes, starts }: CopyPlan,
  values: Uint32Array,
  valueHoles: Uint32Array,
): Uint32Array[] {
  const nexts = starts.slice();
  const ends: Uint32Array[] = [];
  let place = 0;
  let from = 0;
  for (const end of granuleEnds) {
    for (; place < end; place++) {
      const rowClass = classOf[place]!;
      const to = streams[shapeOf[rowClass]!]!;
      const hole = firstHole[rowClass]!;
      for (let index = 0; index < to.length; index++) {
        const at = nexts[to[index]!]!++;
        values[at] = sorted[from++]!;
        valueHoles[at] = holes[hole + index]!;
      }
    }
    ends.push(nexts.slice());
  }
  return ends;
}
