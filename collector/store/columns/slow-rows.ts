/**
 * The slowest spans of each operation of a block: a search for long ones reads them alone, not the granules.
 *
 *     operation 7   trace 3: 40 ms │ trace 18: 13 ms │ …   every span of 12 ms and more
 *     operation 9                                          every span of 80 ms and more: there is none
 *
 * At most one span in eight is listed: 0.6 bytes a span, in a small block 0.8.
 */
import { DamagedPart } from './damaged-part.ts';
import { PackedIntegers, packIntegers } from './pack-integers.ts';
import type { PartSink, PartSource } from './part.ts';
import { END_HIGH, END_LOW, ROW_WORDS, START_HIGH, START_LOW, TRACE } from './sorted-rows.ts';

export const SLOW = 'slow';
/** A list takes 0.8 bytes a span in a block of so many; smaller ones are soon merged, and quickly looked through. */
export const SLOW_ROWS_MIN = 4_096;
const LISTED_SHARE = 1 / 8;
/**
 * Durations in steps of an eighth of an octave, from 1 µs to 73 minutes: the upper bits of the double, of which the
 * lower ones are cut off.
 */
const STEPS = 256;
const STEP_SHIFT = 17;
const LEAST_NS = 2 ** 10;
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Of the two words of a double, the one with its exponent. */
const UPPER = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;
const FIRST_STEP = upperWord(LEAST_NS) >>> STEP_SHIFT;
const GRANULES_MAX = 65_536;
const WORD_END = 2 ** 32;
const NS_HIGH = 2 ** 32;

/** Rows of a block in its order. */
export interface OrderedRows {
  /** As sorted-rows.ts lays them out. */
  readonly sorted: Uint32Array;
  readonly classOf: Uint32Array;
  readonly operationOfClass: Uint32Array;
  /** Where the granules end. */
  readonly ends: readonly number[];
}

export function writeSlowRows(sink: PartSink, rows: OrderedRows): void {
  const { runOfRow, durationsNs, stepOfRow } = writeRuns(sink, rows);
  const listedMax = Math.floor(durationsNs.length * LISTED_SHARE);
  const run = new Uint32Array(listedMax);
  const low = new Uint32Array(listedMax);
  const high = new Uint32Array(listedMax);
  const { operations, firsts, byOperation } = groupRows(rows);
  sink.loose.varint(operations.length);
  let listed = 0;
  for (let index = 0; index < operations.length; index++) {
    const first = firsts[index]!;
    const end = firsts[index + 1]!;
    const step = limitOf(stepOfRow, byOperation, first, end);
    const before = listed;
    for (let at = first; at < end; at++) {
      const row = byOperation[at]!;
      if (stepOfRow[row]! < step) continue;
      const durationNs = durationsNs[row]!;
      run[listed] = runOfRow[row]!;
      low[listed] = durationNs % NS_HIGH;
      high[listed++] = Math.floor(durationNs / NS_HIGH);
    }
    sink.loose.varint(operations[index]! - (operations[index - 1] ?? 0));
    sink.loose.varint(listed - before);
    sink.loose.varint(step);
  }
  for (const column of [run, low, high]) packIntegers(sink, column, 0, listed, 1);
}

/** Runs of rows of one trace are numbered through all granules; how many each has tells which one is meant. */
function writeRuns(sink: PartSink, { sorted, ends }: OrderedRows) {
  const rows = ends.at(-1) ?? 0;
  const runOfRow = new Uint32Array(rows);
  const durationsNs = new Float64Array(rows);
  // Small, because they are gone through by operation, not as they lie.
  const stepOfRow = new Uint8Array(rows);
  sink.loose.varint(ends.length);
  let run = -1;
  let row = 0;
  for (const end of ends) {
    const first = row;
    const before = run;
    for (let at = row * ROW_WORDS; row < end; row++, at += ROW_WORDS) {
      if (row === first || !isSameTrace(sorted, at - ROW_WORDS, at)) run++;
      runOfRow[row] = run;
      const durationNs =
        (sorted[at + END_HIGH]! - sorted[at + START_HIGH]!) * NS_HIGH +
        (sorted[at + END_LOW]! - sorted[at + START_LOW]!);
      // As `durationMsOf` counts.
      if (durationNs <= 0) continue;
      durationsNs[row] = durationNs;
      stepOfRow[row] = stepOf(durationNs);
    }
    sink.loose.varint(run - before);
  }
  return { runOfRow, durationsNs, stepOfRow };
}

function isSameTrace(sorted: Uint32Array, a: number, b: number): boolean {
  for (let word = TRACE; word < TRACE + 4; word++) if (sorted[a + word] !== sorted[b + word]) return false;
  return true;
}

/** Rows by operation: those of `operations[index]` stand from `firsts[index]` up to the next. */
function groupRows({ classOf, operationOfClass }: OrderedRows) {
  const operations = Uint32Array.from(new Set(operationOfClass)).toSorted();
  const indexes = new Map(Array.from(operations, (operation, index) => [operation, index]));
  const indexOfClass = operationOfClass.map((operation) => indexes.get(operation)!);
  const firsts = new Uint32Array(operations.length + 1);
  for (let row = 0; row < classOf.length; row++) firsts[indexOfClass[classOf[row]!]! + 1]!++;
  for (let index = 0; index < operations.length; index++) firsts[index + 1]! += firsts[index]!;
  const next = firsts.slice();
  const byOperation = new Uint32Array(classOf.length);
  for (let row = 0; row < classOf.length; row++) byOperation[next[indexOfClass[classOf[row]!]!]!++] = row;
  return { operations, firsts, byOperation };
}

const rowsOfStep = new Uint32Array(STEPS);

/** The least step such that not more than their share of the rows are of it or beyond; `STEPS` when none is. */
function limitOf(stepOfRow: Uint8Array, rows: Uint32Array, first: number, end: number): number {
  let left = Math.floor((end - first) * LISTED_SHARE);
  if (left === 0) {
    let longest = 0;
    for (let at = first; at < end; at++) longest = Math.max(longest, stepOfRow[rows[at]!]!);
    return longest + 1;
  }
  rowsOfStep.fill(0);
  for (let at = first; at < end; at++) rowsOfStep[stepOfRow[rows[at]!]!]!++;
  let step = STEPS;
  while (step > 0 && rowsOfStep[step - 1]! <= left) left -= rowsOfStep[--step]!;
  return step;
}

function stepOf(durationNs: number): number {
  if (durationNs < LEAST_NS) return 0;
  return Math.min((upperWord(durationNs) >>> STEP_SHIFT) - FIRST_STEP, STEPS - 1);
}

/** The shortest duration of a step: infinite beyond the last. */
function leastMsOf(step: number): number {
  if (step === 0) return 0;
  if (step >= STEPS) return Infinity;
  double[0] = 0;
  words[UPPER] = (step + FIRST_STEP) << STEP_SHIFT;
  return double[0] / 1e6;
}

function upperWord(value: number): number {
  double[0] = value;
  return words[UPPER]!;
}

export class SlowRows {
  /** Of memory. */
  readonly bytes: number;
  /** Rising; by index of these: */
  readonly operations: Uint32Array;
  /** Where its spans begin; one more at the end. */
  readonly firsts: Uint32Array;
  readonly #steps: Uint16Array;
  readonly #run: PackedIntegers;
  readonly #low: PackedIntegers;
  readonly #high: PackedIntegers;
  /** The run that each granule begins with; one more at the end. */
  readonly #firstRuns: Uint32Array;

  /** Throws DamagedPart. */
  constructor(source: PartSource) {
    const { loose } = source;
    this.#firstRuns = new Uint32Array(loose.varint(GRANULES_MAX) + 1);
    for (let granule = 0; granule + 1 < this.#firstRuns.length; granule++)
      this.#firstRuns[granule + 1] = this.#firstRuns[granule]! + loose.varint(WORD_END);
    const count = loose.varint(loose.bytes.length);
    this.operations = new Uint32Array(count);
    this.firsts = new Uint32Array(count + 1);
    this.#steps = new Uint16Array(count);
    let listed = 0;
    for (let index = 0, operation = 0; index < count; index++) {
      this.operations[index] = operation += loose.varint(WORD_END);
      this.firsts[index + 1] = listed += loose.varint(WORD_END);
      this.#steps[index] = loose.varint(STEPS);
    }
    const packed = () => new PackedIntegers(source, listed);
    this.#run = packed();
    this.#low = packed();
    this.#high = packed();
    this.bytes = source.dense.bytes.length + loose.bytes.length + 10 * count;
  }

  /** All spans of the operation that take so long or longer are listed. */
  fromMs(index: number): number {
    return leastMsOf(this.#steps[index]!);
  }

  durationMs(span: number): number {
    return (this.#high.at(span) * NS_HIGH + this.#low.at(span)) / 1e6;
  }

  /** The granule of a span, and which of its runs of rows of one trace. */
  placeOf(span: number): { granule: number; run: number } {
    const run = this.#run.at(span);
    const granule = this.#firstRuns.findLastIndex((first) => first <= run);
    if (granule + 1 >= this.#firstRuns.length)
      throw new DamagedPart(`part ${SLOW}: got run ${run}, expected one of a granule`);
    return { granule, run: run - this.#firstRuns[granule]! };
  }
}
