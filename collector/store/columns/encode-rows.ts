/**
 * Packs what every span has of its own: trace and span ids, parent, times.
 *
 *     trace     an id for each run of rows of one trace, and how long the run is
 *     span_id   8 bytes a row
 *     parent    how many rows before or behind in its run the parent is; else its id
 *     start     of a run's first row; of the others, since the row before
 *     end       since the last child that starts later ends; of rows without one, since the start
 *
 * Times are differences to what comes shortly before them, because those are small.
 */
import { packIntegers } from './pack-integers.ts';
import type { PartSink } from './part.ts';
import { END_HIGH, END_LOW, PARENT, ROW_WORDS, SPAN, START_HIGH, START_LOW, TRACE } from './sorted-rows.ts';
import { TimesOfZone } from './zone.ts';

/** Codes of a parent; from PARENT_NEAR on, how far away it is in the run. */
export const NO_PARENT = 0;
export const PARENT_ELSEWHERE = 1;
/** The same as of the row before of which that was said. */
export const PARENT_ELSEWHERE_AGAIN = 2;
export const PARENT_NEAR = 3;

const MIX = 0x9e3779b1;
/** In runs of so many rows a parent is looked for row by row, nearest first. */
const SHORT_RUN = 64;

export class RowEncoder {
  /** The rows being packed: from word `#base` on. */
  #sorted = new Uint32Array(0);
  #base = 0;
  #low = new Uint32Array(0);
  #high = new Uint32Array(0);
  /** Ids on their way to the dense stream. */
  #ids = new Uint32Array(0);
  /** Where the runs of one trace begin, and the end. */
  #runs = new Uint32Array(0);
  #runCount = 0;
  /** Rows of a long run by span id. */
  #slots = new Uint32Array(0);
  /** Of each row, the row of its parent in its run; itself where there is none. */
  #parents = new Uint32Array(0);
  /** When its last child ends. */
  #childLow = new Uint32Array(0);
  #childHigh = new Uint32Array(0);

  /** Packs the sorted rows from `from` up to `to`. Returns between which times they are. */
  encode(sink: PartSink, sorted: Uint32Array<ArrayBuffer>, from: number, to: number): TimesOfZone {
    const rows = to - from;
    if (this.#low.length < rows) this.#grow(2 * rows);
    this.#sorted = sorted;
    this.#base = from * ROW_WORDS;
    sink.begin('trace');
    this.#traces(sink, rows);
    sink.begin('span_id');
    for (let row = 0; row < rows; row++) this.#copyId(row * 2, row, SPAN);
    sink.dense.words(this.#ids, 2 * rows);
    sink.begin('parent');
    this.#findParents(sink, rows);
    sink.begin('start');
    this.#starts(sink, rows);
    sink.begin('end');
    return this.#ends(sink, rows);
  }

  #grow(rows: number): void {
    this.#low = new Uint32Array(rows);
    this.#high = new Uint32Array(rows);
    this.#ids = new Uint32Array(4 * rows);
    this.#runs = new Uint32Array(rows + 1);
    this.#parents = new Uint32Array(rows);
    this.#childLow = new Uint32Array(rows);
    this.#childHigh = new Uint32Array(rows);
  }

  #copyId(to: number, row: number, word: number): void {
    const at = this.#base + row * ROW_WORDS + word;
    this.#ids[to] = this.#sorted[at]!;
    this.#ids[to + 1] = this.#sorted[at + 1]!;
  }

  #traces(sink: PartSink, rows: number): void {
    const sorted = this.#sorted;
    const runs = this.#runs;
    let count = 0;
    for (let row = 0, at = this.#base + TRACE; row < rows; row++, at += ROW_WORDS) {
      if (row > 0 && isSameTrace(sorted, at - ROW_WORDS, at)) continue;
      this.#copyId(4 * count, row, TRACE);
      this.#copyId(4 * count + 2, row, TRACE + 2);
      runs[count++] = row;
    }
    runs[count] = rows;
    this.#runCount = count;
    sink.dense.words(this.#ids, 4 * count);
    for (let run = 0; run < count; run++) this.#low[run] = runs[run + 1]! - runs[run]!;
    sink.loose.varint(count);
    packIntegers(sink, this.#low, 0, count, 1);
  }

  #findParents(sink: PartSink, rows: number): void {
    const sorted = this.#sorted;
    const codes = this.#low;
    // Siblings whose parent is elsewhere come one after the other.
    let last = -1;
    let elsewhere = 0;
    for (let run = 0; run < this.#runCount; run++) {
      const first = this.#runs[run]!;
      const end = this.#runs[run + 1]!;
      const isLong = end - first > SHORT_RUN;
      if (isLong) this.#indexRun(first, end);
      for (let row = first; row < end; row++) {
        const at = this.#base + row * ROW_WORDS + PARENT;
        // Of a row without a parent in its run: itself, which is not before it.
        this.#parents[row] = row;
        if ((sorted[at]! | sorted[at + 1]!) === 0) {
          codes[row] = NO_PARENT;
          continue;
        }
        const parent = isLong ? this.#indexed(at) : this.#nearest(at, row, first, end);
        if (parent >= 0 && parent !== row) {
          this.#parents[row] = parent;
          codes[row] = PARENT_NEAR + (parent < row ? 2 * (row - parent - 1) : 2 * (parent - row) - 1);
        } else if (last >= 0 && sorted[last] === sorted[at] && sorted[last + 1] === sorted[at + 1]) {
          codes[row] = PARENT_ELSEWHERE_AGAIN;
        } else {
          codes[row] = PARENT_ELSEWHERE;
          this.#copyId(2 * elsewhere++, row, PARENT);
          last = at;
        }
      }
    }
    sink.dense.words(this.#ids, 2 * elsewhere);
    packIntegers(sink, codes, 0, rows, 1);
  }

  /** The row of the run whose id stands at `at`; -1 when it is not there. */
  #nearest(at: number, row: number, first: number, end: number): number {
    const sorted = this.#sorted;
    const low = sorted[at]!;
    const high = sorted[at + 1]!;
    for (
      let other = row - 1, id = this.#base + other * ROW_WORDS + SPAN;
      other >= first;
      other--, id -= ROW_WORDS
    ) {
      if (sorted[id] === low && sorted[id + 1] === high) return other;
    }
    for (
      let other = row + 1, id = this.#base + other * ROW_WORDS + SPAN;
      other < end;
      other++, id += ROW_WORDS
    ) {
      if (sorted[id] === low && sorted[id + 1] === high) return other;
    }
    return -1;
  }

  #indexRun(first: number, end: number): void {
    let size = 4 * SHORT_RUN;
    while (size < 2 * (end - first)) size *= 2;
    this.#slots = new Uint32Array(size);
    const mask = size - 1;
    for (let row = first; row < end; row++) {
      const id = this.#base + row * ROW_WORDS + SPAN;
      let slot = slotOf(this.#sorted[id]!, this.#sorted[id + 1]!) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = row + 1;
    }
  }

  /** As `#nearest`, of the run indexed last; of several rows with the id, the first. */
  #indexed(at: number): number {
    const sorted = this.#sorted;
    const mask = this.#slots.length - 1;
    let slot = slotOf(sorted[at]!, sorted[at + 1]!) & mask;
    for (let found = this.#slots[slot]!; found !== 0; found = this.#slots[slot]!) {
      const id = this.#base + (found - 1) * ROW_WORDS + SPAN;
      if (sorted[id] === sorted[at] && sorted[id + 1] === sorted[at + 1]) return found - 1;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #starts(sink: PartSink, rows: number): void {
    const sorted = this.#sorted;
    const lows = this.#low;
    const highs = this.#high;
    const runs = this.#runs;
    for (let run = 0; run < this.#runCount; run++) {
      const at = this.#base + runs[run]! * ROW_WORDS;
      lows[run] = sorted[at + START_LOW]!;
      highs[run] = sorted[at + START_HIGH]!;
    }
    packPairs(sink, lows, highs, this.#runCount);
    // Of a run's first row nothing is left to say; a zero costs next to nothing and keeps the rows in step.
    let run = 0;
    for (let row = 0, at = this.#base; row < rows; row++, at += ROW_WORDS) {
      if (row === runs[run]) {
        run++;
        lows[row] = 0;
        highs[row] = 0;
        continue;
      }
      const low = sorted[at + START_LOW]! - sorted[at - ROW_WORDS + START_LOW]!;
      lows[row] = low;
      highs[row] = sorted[at + START_HIGH]! - sorted[at - ROW_WORDS + START_HIGH]! - (low < 0 ? 1 : 0);
    }
    packPairs(sink, lows, highs, rows);
  }

  /** From the last row to the first, so that children come before their parents. */
  #ends(sink: PartSink, rows: number): TimesOfZone {
    const times = new TimesOfZone();
    const sorted = this.#sorted;
    const lows = this.#low;
    const highs = this.#high;
    const childLow = this.#childLow.fill(0, 0, rows);
    const childHigh = this.#childHigh.fill(0, 0, rows);
    const parents = this.#parents;
    for (let row = rows - 1, at = this.#base + row * ROW_WORDS; row >= 0; row--, at -= ROW_WORDS) {
      const startLow = sorted[at + START_LOW]!;
      const startHigh = sorted[at + START_HIGH]!;
      const endLow = sorted[at + END_LOW]!;
      const endHigh = sorted[at + END_HIGH]!;
      times.add(startLow, startHigh, endLow, endHigh);
      const isParent = (childLow[row]! | childHigh[row]!) !== 0;
      const low = endLow - (isParent ? childLow[row]! : startLow);
      lows[row] = low;
      highs[row] = endHigh - (isParent ? childHigh[row]! : startHigh) - (low < 0 ? 1 : 0);
      const parent = parents[row]!;
      if (parent < row && isLater(endHigh, endLow, childHigh[parent]!, childLow[parent]!)) {
        childHigh[parent] = endHigh;
        childLow[parent] = endLow;
      }
    }
    packPairs(sink, lows, highs, rows);
    return times;
  }
}

export function isLater(high: number, low: number, thanHigh: number, thanLow: number): boolean {
  return high > thanHigh || (high === thanHigh && low > thanLow);
}

/** Numbers of 64 bits in two halves. */
function packPairs(sink: PartSink, lows: Uint32Array, highs: Uint32Array, count: number): void {
  packIntegers(sink, lows, 0, count, 1);
  packIntegers(sink, highs, 0, count, 1);
}

function isSameTrace(sorted: Uint32Array, a: number, b: number): boolean {
  return (
    sorted[a] === sorted[b] &&
    sorted[a + 1] === sorted[b + 1] &&
    sorted[a + 2] === sorted[b + 2] &&
    sorted[a + 3] === sorted[b + 3]
  );
}

function slotOf(low: number, high: number): number {
  const hash = Math.imul(low ^ Math.imul(high, MIX), MIX);
  return hash ^ (hash >>> 15);
}
