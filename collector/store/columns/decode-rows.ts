/** Reads back what encode-rows.ts packed. */
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

export interface Parents {
  /** 8 bytes a row, zeros where there is none. */
  readonly ids: Uint8Array;
  /** The row of the parent where it is in the same run; else the row itself. */
  readonly rows: Uint32Array;
}

/** `spanId` begins at a word. */
export function readParents(
  part: PartSource,
  { starts }: TraceRuns,
  spanId: Uint8Array,
  rows: number,
): Parents {
  const codes = new PackedIntegers(part, rows).toArray();
  const ids = new Uint8Array(rows * SPAN_ID_BYTES);
  // An id is two words: a copy of eight bytes one by one would be most of the work.
  const to = new Uint32Array(ids.buffer);
  const from = new Uint32Array(spanId.buffer, spanId.byteOffset, 2 * rows);
  let elsewhere: Uint8Array = new Uint8Array(SPAN_ID_BYTES);
  for (let run = 0; run + 1 < starts.length; run++) {
    const first = starts[run]!;
    const end = starts[run + 1]!;
    for (let row = first; row < end; row++) {
      const code = codes[row]!;
      codes[row] = row;
      if (code === NO_PARENT) continue;
      if (code < PARENT_NEAR) {
        if (code === PARENT_ELSEWHERE) elsewhere = part.dense.take(SPAN_ID_BYTES);
        ids.set(elsewhere, row * SPAN_ID_BYTES);
        continue;
      }
      const steps = code - PARENT_NEAR;
      const parent = steps % 2 === 0 ? row - steps / 2 - 1 : row + (steps + 1) / 2;
      if (parent < first || parent >= end)
        throw new DamagedPart('part parent: got a row outside of the trace');
      codes[row] = parent;
      to[2 * row] = from[2 * parent]!;
      to[2 * row + 1] = from[2 * parent + 1]!;
    }
  }
  return { ids, rows: codes };
}

/** Halves of unsigned 64-bit nanoseconds. */
export interface Times {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

export function readStarts(part: PartSource, { starts }: TraceRuns, rows: number): Times {
  const runs = starts.length - 1;
  const firstLow = new PackedIntegers(part, runs);
  const firstHigh = new PackedIntegers(part, runs);
  const lows = new PackedIntegers(part, rows).toArray();
  const highs = new PackedIntegers(part, rows).toArray();
  for (let run = 0; run < runs; run++) {
    let low = firstLow.at(run);
    let high = firstHigh.at(run);
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

/** As they were packed: from the last row to the first, each since its last child's end, else since its start. */
export function readEnds(part: PartSource, starts: Times, parents: Uint32Array, rows: number): Times {
  const lows = new PackedIntegers(part, rows).toArray();
  const highs = new PackedIntegers(part, rows).toArray();
  const childLow = new Uint32Array(rows);
  const childHigh = new Uint32Array(rows);
  for (let row = rows - 1; row >= 0; row--) {
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
