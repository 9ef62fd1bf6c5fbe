/** Reads back what encode-rows.ts packed: a granule's runs of rows, and of the rows those that are wanted. */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { isLater, NO_PARENT, PARENT_ELSEWHERE, PARENT_NEAR } from './encode-rows.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';

/** Runs of rows of one trace: 16 bytes of id each; the first row of each, and the number of rows. */
export interface TraceRuns {
  readonly ids: Buffer;
  readonly starts: Uint32Array;
}

export function readTraces(part: PartSource, rows: number): TraceRuns {
  const count = part.loose.varint(rows);
  const starts = new Uint32Array(count + 1);
  const lengths = new PackedIntegers(part, count);
  let row = 0;
  for (let run = 0; run < count; run++) {
    starts[run] = row;
    row += lengths.at(run);
    if (row > rows) break;
  }
  if (row !== rows) throw new DamagedPart(`part trace: got runs of ${row} rows, expected ${rows}`);
  starts[count] = rows;
  return { ids: part.dense.take(count * TRACE_ID_BYTES), starts };
}

/** Rows that are decoded of a granule, `[first, end)`: whole runs, of which `firstRun` is the first. */
export interface RowWindow {
  readonly first: number;
  readonly end: number;
  readonly firstRun: number;
  /** Counted from the window's first row. */
  readonly runs: TraceRuns;
}

/** As they are stored: a code a row, and the ids that a code alone does not tell. */
export interface PackedParents {
  readonly codes: PackedIntegers;
  readonly elsewhere: Buffer;
}

export function openParents(part: PartSource, rows: number): PackedParents {
  const codes = new PackedIntegers(part, rows);
  return { codes, elsewhere: part.dense.take(part.dense.bytes.length - part.dense.at) };
}

/** Of a window's rows, counted from its first: the row of the parent where it is in the same run; else the row itself. */
export function readParentRows(
  { codes }: PackedParents,
  { first: firstRow, end: endRow, runs: { starts } }: RowWindow,
): Uint32Array {
  const parents = codes.toArray(firstRow, endRow);
  for (let run = 0; run + 1 < starts.length; run++) {
    const first = starts[run]!;
    const end = starts[run + 1]!;
    for (let row = first; row < end; row++) {
      const code = parents[row]!;
      if (code < PARENT_NEAR) {
        parents[row] = row;
        continue;
      }
      const steps = code - PARENT_NEAR;
      const parent = steps % 2 === 0 ? row - steps / 2 - 1 : row + (steps + 1) / 2;
      if (parent < first || parent >= end)
        throw new DamagedPart('part parent: got a row outside of the trace');
      parents[row] = parent;
    }
  }
  return parents;
}

/** 8 bytes a row, zeros where there is none. `spanId` and `parents` are of the window's rows; the first begins at a word. */
export function readParentIds(
  packed: PackedParents,
  { first: firstRow }: RowWindow,
  spanId: Uint8Array,
  parents: Uint32Array,
): Uint8Array {
  const ids = new Uint8Array(parents.length * SPAN_ID_BYTES);
  // An id is two words: a copy of eight bytes one by one would be most of the work.
  const to = new Uint32Array(ids.buffer);
  const from = new Uint32Array(spanId.buffer, spanId.byteOffset, 2 * parents.length);
  /** How many ids were said before. */
  let said = -1;
  for (let row = 0; row < parents.length; row++) {
    const parent = parents[row]!;
    if (parent !== row) {
      to[2 * row] = from[2 * parent]!;
      to[2 * row + 1] = from[2 * parent + 1]!;
      continue;
    }
    const code = packed.codes.at(firstRow + row);
    if (code === NO_PARENT) continue;
    if (said < 0) said = packed.codes.countOf(PARENT_ELSEWHERE, firstRow);
    if (code === PARENT_ELSEWHERE) said++;
    ids.set(elsewhereOf(packed, said), row * SPAN_ID_BYTES);
  }
  return ids;
}

/** The id that was said last. */
function elsewhereOf({ elsewhere }: PackedParents, said: number): Uint8Array {
  const end = said * SPAN_ID_BYTES;
  if (said === 0 || end > elsewhere.length)
    throw new DamagedPart(`part parent: got id ${said}, expected one of ${elsewhere.length / SPAN_ID_BYTES}`);
  return elsewhere.subarray(end - SPAN_ID_BYTES, end);
}

/** Halves of unsigned 64-bit nanoseconds. */
export interface Times {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/** The start of each run's first row; of each row, how much later it starts than the one before. */
export interface PackedStarts {
  readonly firstLow: PackedIntegers;
  readonly firstHigh: PackedIntegers;
  readonly low: PackedIntegers;
  readonly high: PackedIntegers;
}

export function openStarts(part: PartSource, runs: number, rows: number): PackedStarts {
  const firstLow = new PackedIntegers(part, runs);
  const firstHigh = new PackedIntegers(part, runs);
  return { firstLow, firstHigh, ...openEnds(part, rows) };
}

export function readStarts(packed: PackedStarts, { first, end, firstRun, runs }: RowWindow): Times {
  const lows = packed.low.toArray(first, end);
  const highs = packed.high.toArray(first, end);
  const { starts } = runs;
  for (let run = 0; run + 1 < starts.length; run++) {
    let low = packed.firstLow.at(firstRun + run);
    let high = packed.firstHigh.at(firstRun + run);
    for (let row = starts[run]!; row < starts[run + 1]!; row++) {
      const sum = low + lows[row]!;
      high = (high + highs[row]! + (sum > 0xffffffff ? 1 : 0)) >>> 0;
      low = sum >>> 0;
      lows[row] = low;
      highs[row] = high;
    }
  }
  return { low: lows, high: highs };
}

/** Of each row, how much later it ends than its last child, or than it starts where it has none. */
export interface PackedEnds {
  readonly low: PackedIntegers;
  readonly high: PackedIntegers;
}

export function openEnds(part: PartSource, rows: number): PackedEnds {
  return { low: new PackedIntegers(part, rows), high: new PackedIntegers(part, rows) };
}

/** As they were packed: from the last row to the first, each since its last child's end, else since its start. */
export function readEnds(
  packed: PackedEnds,
  { first, end }: RowWindow,
  starts: Times,
  parents: Uint32Array,
): Times {
  const lows = packed.low.toArray(first, end);
  const highs = packed.high.toArray(first, end);
  const childLow = new Uint32Array(lows.length);
  const childHigh = new Uint32Array(lows.length);
  for (let row = lows.length - 1; row >= 0; row--) {
    const isParent = (childLow[row]! | childHigh[row]!) !== 0;
    const sum = lows[row]! + (isParent ? childLow[row]! : starts.low[row]!);
    const high = highs[row]! + (isParent ? childHigh[row]! : starts.high[row]!) + (sum > 0xffffffff ? 1 : 0);
    lows[row] = sum;
    highs[row] = high;
    const parent = parents[row]!;
    if (parent >= row) continue;
    if (isLater(highs[row]!, lows[row]!, childHigh[parent]!, childLow[parent]!)) {
      childHigh[parent] = highs[row]!;
      childLow[parent] = lows[row]!;
    }
  }
  return { low: lows, high: highs };
}
