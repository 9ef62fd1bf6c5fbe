/**
 * Rows as pairing and counting read them: all that is needed of a row side by side, because rows of a table that belong
 * to one trace lie far apart in its columns, and to reach them costs more than what is done with them.
 */
import { giveBackWords, takeWords } from '../columns/spare-words.ts';

/** Words of a line. Ids are in the order of their bytes, times in halves of unsigned 64-bit nanoseconds. */
export const LINE_WORDS = 17;
export const TRACE_ID = 0;
export const SPAN_HIGH = 4;
export const SPAN_LOW = 5;
/** Both zero: no parent. */
export const PARENT_HIGH = 6;
export const PARENT_LOW = 7;
export const START_HIGH = 8;
export const START_LOW = 9;
export const END_HIGH = 10;
export const END_LOW = 11;
export const RESOURCE = 12;
export const OPERATION = 13;
/** 0 where the row calls nobody. */
export const PEER = 14;
/** `kind`, above it `outcome`, above that `flags`: a byte each. */
export const CODES = 15;
/** Of the table or granule it is from. */
export const ROW = 16;

export interface LineGiveUp {
  /** Index in TIMEOUT_PHASES; counted when the row's outcome is a time-out. */
  readonly phaseIndex: number;
  readonly budgetMs: number | null;
}

export interface RowLines {
  /** Spare words: whoever made them may give them back. */
  words: Uint32Array<ArrayBuffer>;
  count: number;
  /** Of the few rows that gave up, by line. */
  readonly giveUps: Map<number, LineGiveUp>;
}

/** Of what stands in their room, nothing is said. */
export function createLines(capacity = 256): RowLines {
  return { words: takeWords(capacity * LINE_WORDS), count: 0, giveUps: new Map() };
}

/** Room for so many more lines; those there stay. */
export function makeRoom(lines: RowLines, added: number): void {
  const needed = (lines.count + added) * LINE_WORDS;
  if (needed <= lines.words.length) return;
  const larger = takeWords(Math.max(needed, 2 * lines.words.length));
  larger.set(lines.words.subarray(0, lines.count * LINE_WORDS));
  giveBackWords(lines.words);
  lines.words = larger;
}

export function clearLines(lines: RowLines): void {
  lines.count = 0;
  lines.giveUps.clear();
}

/** Adds lines `first` up to `end` of others. */
export function addLines(into: RowLines, from: RowLines, first: number, end: number): void {
  makeRoom(into, end - first);
  into.words.set(from.words.subarray(first * LINE_WORDS, end * LINE_WORDS), into.count * LINE_WORDS);
  if (from.giveUps.size > 0) {
    for (let line = first; line < end; line++) {
      const giveUp = from.giveUps.get(line);
      if (giveUp !== undefined) into.giveUps.set(into.count + line - first, giveUp);
    }
  }
  into.count += end - first;
}

const NS_HIGH = 2 ** 32;

/** Epoch milliseconds. */
export function startMsOfLine(words: Uint32Array, at: number): number {
  return (words[at + START_HIGH]! * NS_HIGH + words[at + START_LOW]!) / 1e6;
}

/** 0 for a span that has not ended or that ends before it starts. */
export function durationMsOfLine(words: Uint32Array, at: number): number {
  const high = words[at + END_HIGH]! - words[at + START_HIGH]!;
  const nano = high * NS_HIGH + (words[at + END_LOW]! - words[at + START_LOW]!);
  return nano > 0 ? nano / 1e6 : 0;
}
