/**
 * Finds what the rows of a block have in their holes, column by column: one value for each hole of a class where all
 * its rows agree, else all values in order of the rows.
 */
import { WORDS_OF, type Format } from './operations.ts';
import type { RowClasses } from './row-classes.ts';
import type { SpanTable } from './span-table.ts';

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
  /** The first of its streams, one for each word. */
  stream: number;
}

/** The words of each class's example, one class after the other, and where another row of the class differs. */
interface Comparison {
  readonly firstAt: Uint32Array;
  readonly words: Uint32Array;
  readonly differs: Uint8Array;
}

const NONE = new Uint32Array(0);

/** `granuleEnds` count rows. */
export function gatherValues(
  table: SpanTable,
  order: Uint32Array,
  classes: RowClasses,
  granuleEnds: readonly number[],
): GatheredColumn[] {
  const comparison = compareRows(table, order, classes);
  const byIndex = findColumns(table, classes, comparison);
  const found = byIndex.filter((column) => column !== undefined);
  const streams: WordValues[] = [];
  for (const column of found) {
    if (column.isByClass) continue;
    column.stream = streams.length;
    for (let word = 0; word < column.words; word++) {
      streams.push({ values: new Uint32Array(column.values), holes: new Uint32Array(column.values) });
    }
  }
  const ends = copyValues(table, order, granuleEnds, classes, copyPlans(table, classes, byIndex), streams);
  return found.map(({ index, isByClass, holesAt, words, stream }) => {
    const { name, format } = table.book.columns[index]!;
    const shared = { name, format, isByClass, holeCount: holesAt.length };
    if (!isByClass) {
      return {
        ...shared,
        words: streams.slice(stream, stream + words),
        ends: Uint32Array.from(ends, (end) => end[stream]!),
      };
    }
    const ofHoles = Array.from({ length: words }, (_, word) => ({
      values: Uint32Array.from(holesAt, (at) => comparison.words[at + word]!),
      holes: NONE,
    }));
    return { ...shared, words: ofHoles, ends: NONE };
  });
}

function compareRows(
  { values, valueStart, shape, book }: SpanTable,
  order: Uint32Array,
  classes: RowClasses,
): Comparison {
  const firstAt = new Uint32Array(classes.count + 1);
  for (let index = 0; index < classes.count; index++) {
    firstAt[index + 1] = firstAt[index]! + book.shapes[shape[classes.example[index]!]!]!.words;
  }
  const words = new Uint32Array(firstAt[classes.count]!);
  const differs = new Uint8Array(words.length);
  for (let index = 0; index < classes.count; index++) {
    const start = valueStart[classes.example[index]!]!;
    words.set(values.subarray(start, start + firstAt[index + 1]! - firstAt[index]!), firstAt[index]);
  }
  const { of } = classes;
  for (let index = 0; index < order.length; index++) {
    const rowClass = of[index]!;
    const end = firstAt[rowClass + 1]!;
    let value = valueStart[order[index]!]!;
    for (let at = firstAt[rowClass]!; at < end; at++, value++)
      if (words[at] !== values[value]) differs[at] = 1;
  }
  return { firstAt, words, differs };
}

/** By index in the table's book. */
function findColumns(
  { book, shape }: SpanTable,
  classes: RowClasses,
  { firstAt, differs }: Comparison,
): (FoundColumn | undefined)[] {
  const columns = Array.from<FoundColumn | undefined>({ length: book.columns.length });
  for (let index = 0; index < classes.count; index++) {
    let at = firstAt[index]!;
    for (const hole of book.shapes[shape[classes.example[index]!]!]!.holes) {
      const words = WORDS_OF[book.columns[hole]!.format];
      const column = (columns[hole] ??= {
        index: hole,
        words,
        holesAt: [],
        isByClass: true,
        values: 0,
        stream: 0,
      });
      column.holesAt.push(at);
      column.values += classes.rows[index]!;
      if (differs[at] === 1 || (words === 2 && differs[at + 1] === 1)) column.isByClass = false;
      at += words;
    }
  }
  return columns;
}

/** For each class, threes: a word of the row, the stream it goes to, the hole it fills. */
function copyPlans(
  { book, shape }: SpanTable,
  classes: RowClasses,
  columns: readonly (FoundColumn | undefined)[],
): Uint32Array[] {
  const nextHole = new Uint32Array(columns.length);
  const plans: Uint32Array[] = [];
  for (let index = 0; index < classes.count; index++) {
    const plan: number[] = [];
    let offset = 0;
    for (const column of book.shapes[shape[classes.example[index]!]!]!.holes) {
      const { words, isByClass, stream } = columns[column]!;
      const hole = nextHole[column]!++;
      if (!isByClass) for (let word = 0; word < words; word++) plan.push(offset + word, stream + word, hole);
      offset += words;
    }
    plans.push(Uint32Array.from(plan));
  }
  return plans;
}

/** Returns, for each granule, how many values each stream has up to its end. */
function copyValues(
  { values, valueStart }: SpanTable,
  order: Uint32Array,
  granuleEnds: readonly number[],
  { of }: RowClasses,
  plans: readonly Uint32Array[],
  streams: readonly WordValues[],
): Uint32Array[] {
  const next = new Uint32Array(streams.length);
  let index = 0;
  return granuleEnds.map((end) => {
    for (; index < end; index++) {
      const plan = plans[of[index]!]!;
      const start = valueStart[order[index]!]!;
      for (let step = 0; step < plan.length; step += 3) {
        const stream = plan[step + 1]!;
        const { values: target, holes } = streams[stream]!;
        const at = next[stream]!++;
        target[at] = values[start + plan[step]!]!;
        holes[at] = plan[step + 2]!;
      }
    }
    return next.slice();
  });
}
