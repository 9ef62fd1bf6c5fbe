/**
 * Packs what every span has of its own: trace and span ids, parent, times; and give-ups.
 *
 *     trace     an id for each run of rows of one trace, and how long the run is
 *     span_id   8 bytes a row
 *     parent    how many rows before or behind in its run the parent is; else its id
 *     start     of a run's first row; of the others, since the row before
 *     end       since the last child that starts later ends; of rows without one, since the start
 *     give_up   the rows that have one
 *
 * Times are differences to what comes shortly before them, because those are small.
 */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { writeGiveUps } from './give-ups.ts';
import { packIntegers } from './pack-integers.ts';
import type { PartSink } from './part.ts';
import type { RowGiveUp, SpanTable } from './span-table.ts';

/** Codes of a parent; from PARENT_NEAR on, how far away it is in the run. */
export const NO_PARENT = 0;
export const PARENT_ELSEWHERE = 1;
/** The same as of the row before of which that was said. */
export const PARENT_ELSEWHERE_AGAIN = 2;
export const PARENT_NEAR = 3;

const MIX = 0x9e3779b1;

export class RowEncoder {
  #low = new Uint32Array(0);
  #high = new Uint32Array(0);
  /** Where the runs of one trace begin, and the end. */
  #runs = new Uint32Array(0);
  #runCount = 0;
  #slots = new Uint32Array(0);
  /** Of each row, the row of its parent in its run; itself where there is none. */
  #parents = new Uint32Array(0);
  /** When its last child ends. */
  #childLow = new Uint32Array(0);
  #childHigh = new Uint32Array(0);

  /** Packs rows `order[from]` up to `order[to]`. */
  encode(sink: PartSink, table: SpanTable, order: Uint32Array, from: number, to: number): void {
    const rows = to - from;
    if (this.#low.length < rows) {
      this.#low = new Uint32Array(2 * rows);
      this.#high = new Uint32Array(2 * rows);
      this.#runs = new Uint32Array(2 * rows + 1);
      this.#parents = new Uint32Array(2 * rows);
      this.#childLow = new Uint32Array(2 * rows);
      this.#childHigh = new Uint32Array(2 * rows);
    }
    sink.begin('trace');
    this.#traces(sink, table, order, from, rows);
    sink.begin('span_id');
    const at = sink.dense.reserve(rows * SPAN_ID_BYTES);
    for (let index = 0; index < rows; index++) {
      copyId(
        table.spanId,
        order[from + index]! * SPAN_ID_BYTES,
        sink.dense.bytes,
        at + index * SPAN_ID_BYTES,
      );
    }
    sink.begin('parent');
    this.#findParents(sink, table, order, from, rows);
    sink.begin('start');
    this.#starts(sink, table, order, from, rows);
    sink.begin('end');
    this.#ends(sink, table, order, from, rows);
    this.#giveUps(sink, table, order, from, rows);
  }

  #traces(sink: PartSink, table: SpanTable, order: Uint32Array, from: number, rows: number): void {
    const words = wordsOf(table.traceId);
    const runs = this.#runs;
    let count = 0;
    for (let index = 0; index < rows; index++) {
      const row = order[from + index]!;
      if (index > 0 && isSameTrace(words, order[from + index - 1]!, row)) continue;
      runs[count++] = index;
      sink.dense.copy(table.traceId, row * TRACE_ID_BYTES, (row + 1) * TRACE_ID_BYTES);
    }
    runs[count] = rows;
    this.#runCount = count;
    for (let run = 0; run < count; run++) this.#low[run] = runs[run + 1]! - runs[run]!;
    sink.loose.varint(count);
    packIntegers(sink, this.#low, 0, count, 1);
  }

  #findParents(sink: PartSink, table: SpanTable, order: Uint32Array, from: number, rows: number): void {
    let size = 1024;
    while (size < 2 * rows) size *= 2;
    if (this.#slots.length < size) this.#slots = new Uint32Array(size);
    else this.#slots.fill(0, 0, size);
    const slots = this.#slots;
    const mask = size - 1;
    const spanIds = wordsOf(table.spanId);
    const parents = wordsOf(table.parentSpanId);
    const codes = this.#low;
    // Siblings whose parent is elsewhere come one after the other.
    let lastLow = 0;
    let lastHigh = 0;
    for (let run = 0; run < this.#runCount; run++) {
      const first = this.#runs[run]!;
      const end = this.#runs[run + 1]!;
      for (let index = first; index < end; index++) {
        const id = 2 * order[from + index]!;
        let slot = slotOf(spanIds[id]!, spanIds[id + 1]!) & mask;
        while (slots[slot] !== 0) slot = (slot + 1) & mask;
        slots[slot] = index + 1;
      }
      for (let index = first; index < end; index++) {
        const row = order[from + index]!;
        const low = parents[2 * row]!;
        const high = parents[2 * row + 1]!;
        // Of a row without a parent in its run: itself, which is not before it.
        this.#parents[index] = index;
        if ((low | high) === 0) {
          codes[index] = NO_PARENT;
          continue;
        }
        let distance = 0;
        let slot = slotOf(low, high) & mask;
        for (let found = slots[slot]!; found !== 0; found = slots[slot]!) {
          const id = 2 * order[from + found - 1]!;
          if (found > first && spanIds[id] === low && spanIds[id + 1] === high) {
            distance = index - (found - 1);
            break;
          }
          slot = (slot + 1) & mask;
        }
        if (distance !== 0) {
          this.#parents[index] = index - distance;
          codes[index] = PARENT_NEAR + (distance > 0 ? 2 * (distance - 1) : -2 * distance - 1);
        } else if (low === lastLow && high === lastHigh) codes[index] = PARENT_ELSEWHERE_AGAIN;
        else {
          codes[index] = PARENT_ELSEWHERE;
          sink.dense.copy(table.parentSpanId, row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES);
          lastLow = low;
          lastHigh = high;
        }
      }
    }
    packIntegers(sink, codes, 0, rows, 1);
  }

  #starts(sink: PartSink, table: SpanTable, order: Uint32Array, from: number, rows: number): void {
    const { startLow, startHigh } = table;
    const lows = this.#low;
    const highs = this.#high;
    const runs = this.#runs;
    for (let run = 0; run < this.#runCount; run++) {
      const row = order[from + runs[run]!]!;
      lows[run] = startLow[row]!;
      highs[run] = startHigh[row]!;
    }
    packPairs(sink, lows, highs, this.#runCount);
    // Of a run's first row nothing is left to say; a zero costs next to nothing and keeps the rows in step.
    let run = 0;
    for (let index = 0; index < rows; index++) {
      if (index === runs[run]) {
        run++;
        lows[index] = 0;
        highs[index] = 0;
        continue;
      }
      const row = order[from + index]!;
      const before = order[from + index - 1]!;
      const low = startLow[row]! - startLow[before]!;
      lows[index] = low;
      highs[index] = startHigh[row]! - startHigh[before]! - (low < 0 ? 1 : 0);
    }
    packPairs(sink, lows, highs, rows);
  }

  /** From the last row to the first, so that children come before their parents. */
  #ends(sink: PartSink, table: SpanTable, order: Uint32Array, from: number, rows: number): void {
    const { startLow, startHigh, endLow, endHigh } = table;
    const lows = this.#low;
    const highs = this.#high;
    const childLow = this.#childLow.fill(0, 0, rows);
    const childHigh = this.#childHigh.fill(0, 0, rows);
    const parents = this.#parents;
    for (let index = rows - 1; index >= 0; index--) {
      const row = order[from + index]!;
      const isParent = (childLow[index]! | childHigh[index]!) !== 0;
      const low = endLow[row]! - (isParent ? childLow[index]! : startLow[row]!);
      lows[index] = low;
      highs[index] = endHigh[row]! - (isParent ? childHigh[index]! : startHigh[row]!) - (low < 0 ? 1 : 0);
      const parent = parents[index]!;
      if (parent >= index) continue;
      if (isLater(endHigh[row]!, endLow[row]!, childHigh[parent]!, childLow[parent]!)) {
        childHigh[parent] = endHigh[row]!;
        childLow[parent] = endLow[row]!;
      }
    }
    packPairs(sink, lows, highs, rows);
  }

  #giveUps(sink: PartSink, { giveUps }: SpanTable, order: Uint32Array, from: number, rows: number): void {
    if (giveUps.size === 0) return;
    const found: [number, RowGiveUp][] = [];
    for (let index = 0; index < rows; index++) {
      const giveUp = giveUps.get(order[from + index]!);
      if (giveUp !== undefined) found.push([index, giveUp]);
    }
    if (found.length === 0) return;
    sink.begin('give_up');
    writeGiveUps(sink.loose, found);
  }
}

export function isLater(high: number, low: number, thanHigh: number, thanLow: number): boolean {
  return high > thanHigh || (high === thanHigh && low > thanLow);
}

/** Numbers of 64 bits in two halves. */
export function packPairs(sink: PartSink, lows: Uint32Array, highs: Uint32Array, count: number): void {
  packIntegers(sink, lows, 0, count, 1);
  packIntegers(sink, highs, 0, count, 1);
}

/** The same memory as words of this machine. */
function wordsOf(ids: Uint8Array): Uint32Array {
  return new Uint32Array(ids.buffer, ids.byteOffset, ids.length >>> 2);
}

function isSameTrace(words: Uint32Array, a: number, b: number): boolean {
  const atA = 4 * a;
  const atB = 4 * b;
  return (
    words[atA] === words[atB] &&
    words[atA + 1] === words[atB + 1] &&
    words[atA + 2] === words[atB + 2] &&
    words[atA + 3] === words[atB + 3]
  );
}

function slotOf(low: number, high: number): number {
  const hash = Math.imul(low ^ Math.imul(high, MIX), MIX);
  return hash ^ (hash >>> 15);
}

function copyId(source: Uint8Array, from: number, target: Uint8Array, to: number): void {
  for (let index = 0; index < SPAN_ID_BYTES; index++) target[to + index] = source[from + index]!;
}
