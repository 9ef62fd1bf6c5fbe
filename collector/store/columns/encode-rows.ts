/**
 * Packs what every span has: trace and span ids, parents, times, classes, peers, give-ups.
 *
 *     trace     an id for each run of rows of one trace, and how long the run is
 *     span_id   8 bytes a row
 *     parent    how many rows before or behind in its run the parent is; else its id
 *     start     of a run's first row; of the others, since the row before
 *     duration  end minus start
 *     class     the classes, and each row's
 *     peer      one a class where that is all it takes, else one a row
 *     give_up   the rows that have one
 */
import { GIVE_UP_KINDS, GIVE_UP_PHASES, SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { packIntegers } from './pack-integers.ts';
import type { PartSink } from './part.ts';
import type { RowClasses } from './row-classes.ts';
import type { SpanTable } from './span-table.ts';

/** Codes of a parent; from PARENT_NEAR on, how far away it is in the run. */
export const NO_PARENT = 0;
export const PARENT_ELSEWHERE = 1;
export const PARENT_NEAR = 2;

const MIX = 0x9e3779b1;

export class RowEncoder {
  #low = new Uint32Array(0);
  #high = new Uint32Array(0);
  /** Where the runs of one trace begin, and the end. */
  #runs = new Uint32Array(0);
  #runCount = 0;
  #slots = new Uint32Array(0);

  /** Packs rows `order[from]` up to `order[to]`. `shapeOf` gives the number by which the reader knows a table's shape. */
  encode(
    sink: PartSink,
    table: SpanTable,
    order: Uint32Array,
    from: number,
    to: number,
    classes: RowClasses,
    shapeOf: (shape: number) => number,
  ): void {
    const rows = to - from;
    if (this.#low.length < rows) {
      this.#low = new Uint32Array(2 * rows);
      this.#high = new Uint32Array(2 * rows);
      this.#runs = new Uint32Array(2 * rows + 1);
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
    this.#parents(sink, table, order, from, rows);
    sink.begin('start');
    this.#starts(sink, table, order, from, rows);
    sink.begin('duration');
    this.#durations(sink, table, order, from, rows);
    sink.begin('class');
    this.#classes(sink, table, rows, classes, shapeOf);
    sink.begin('peer');
    this.#peers(sink, table, order, from, rows, classes);
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

  #parents(sink: PartSink, table: SpanTable, order: Uint32Array, from: number, rows: number): void {
    let size = 1024;
    while (size < 2 * rows) size *= 2;
    if (this.#slots.length < size) this.#slots = new Uint32Array(size);
    else this.#slots.fill(0, 0, size);
    const slots = this.#slots;
    const mask = size - 1;
    const spanIds = wordsOf(table.spanId);
    const parents = wordsOf(table.parentSpanId);
    const codes = this.#low;
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
        if (distance === 0) {
          codes[index] = PARENT_ELSEWHERE;
          sink.dense.copy(table.parentSpanId, row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES);
        } else codes[index] = PARENT_NEAR + (distance > 0 ? 2 * (distance - 1) : -2 * distance - 1);
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

  #durations(sink: PartSink, table: SpanTable, order: Uint32Array, from: number, rows: number): void {
    const { startLow, startHigh, endLow, endHigh } = table;
    for (let index = 0; index < rows; index++) {
      const row = order[from + index]!;
      const low = endLow[row]! - startLow[row]!;
      this.#low[index] = low;
      this.#high[index] = endHigh[row]! - startHigh[row]! - (low < 0 ? 1 : 0);
    }
    packPairs(sink, this.#low, this.#high, rows);
  }

  #classes(
    sink: PartSink,
    table: SpanTable,
    rows: number,
    classes: RowClasses,
    shapeOf: (shape: number) => number,
  ): void {
    const { count, example } = classes;
    sink.loose.varint(count);
    const pack = (valueOf: (row: number) => number): void => {
      for (let index = 0; index < count; index++) this.#low[index] = valueOf(example[index]!);
      packIntegers(sink, this.#low, 0, count, 1);
    };
    pack((row) => table.operation[row]!);
    pack((row) => shapeOf(table.shape[row]!));
    pack((row) => table.resource[row]!);
    pack((row) => table.scope[row]!);
    pack((row) => table.kind[row]!);
    pack((row) => table.status[row]!);
    pack((row) => table.outcome[row]!);
    pack((row) => table.flags[row]!);
    packIntegers(sink, classes.of, 0, rows, 1);
  }

  #peers(
    sink: PartSink,
    { peer }: SpanTable,
    order: Uint32Array,
    from: number,
    rows: number,
    classes: RowClasses,
  ): void {
    let isByClass = true;
    for (let index = 0; index < rows && isByClass; index++) {
      isByClass = peer[order[from + index]!] === peer[classes.example[classes.of[index]!]!];
    }
    sink.loose.byte(isByClass ? 1 : 0);
    const count = isByClass ? classes.count : rows;
    for (let index = 0; index < count; index++) {
      this.#low[index] = peer[isByClass ? classes.example[index]! : order[from + index]!]!;
    }
    packIntegers(sink, this.#low, 0, count, 1);
  }

  #giveUps(sink: PartSink, { giveUps }: SpanTable, order: Uint32Array, from: number, rows: number): void {
    if (giveUps.size === 0) return;
    let count = 0;
    for (let index = 0; index < rows; index++)
      if (giveUps.has(order[from + index]!)) this.#low[count++] = index;
    if (count === 0) return;
    sink.begin('give_up');
    const { loose } = sink;
    loose.varint(count);
    for (let entry = 0; entry < count; entry++) {
      const index = this.#low[entry]!;
      const { kind, phase, budgetMs } = giveUps.get(order[from + index]!)!;
      loose.varint(index);
      loose.byte(GIVE_UP_KINDS.indexOf(kind));
      loose.byte(GIVE_UP_PHASES.indexOf(phase));
      loose.byte(budgetMs === null ? 0 : 1);
      if (budgetMs !== null) loose.double(budgetMs);
    }
  }
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
