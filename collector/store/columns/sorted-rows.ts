/**
 * A copy of what every row of a block has, in the order of the block, a row in one line of the processor's cache.
 *
 * In the table neighbours of the block lie far apart, and reaching each of twelve columns costs more than all that is
 * done with them. So the table is gone through once as it lies, and each row written where it belongs.
 */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import type { SpanTable } from './span-table.ts';
import { takeWords } from './spare-words.ts';

/** Words of a row: ids in the byte order of this machine, times in halves, numbers; the last is unused. */
export const ROW_WORDS = 16;
export const TRACE = 0;
export const SPAN = 4;
export const PARENT = 6;
export const START_LOW = 8;
export const START_HIGH = 9;
export const END_LOW = 10;
export const END_HIGH = 11;
export const RESOURCE = 12;
export const PEER = 13;
export const CLASS = 14;

/** For each row of a table one more than its place in the order; 0 if it has none. */
export function placesOf(order: Uint32Array, rows: number): Uint32Array<ArrayBuffer> {
  const placeOf = takeWords(rows).fill(0);
  for (let place = 0; place < order.length; place++) placeOf[order[place]!] = place + 1;
  return placeOf;
}

/**
 * A function that goes along all rows is called once a fold: V8 compiles it while it runs, for that call, and anew for the next.
 * One that is called for so many rows at a time is compiled once.
 */
export const STRETCH_ROWS = 2_048;

/** Of `places` rows; `classOf` is by row of the table. Spare words: to be given back when the block is finished. */
export function copySorted(
  table: SpanTable,
  placeOf: Uint32Array,
  classOf: Uint32Array,
  places: number,
): Uint32Array<ArrayBuffer> {
  const sorted = takeWords(places * ROW_WORDS);
  for (let row = 0; row < table.rows; row += STRETCH_ROWS)
    copyRows(sorted, table, placeOf, classOf, row, Math.min(row + STRETCH_ROWS, table.rows));
  return sorted;
}

function copyRows(
  sorted: Uint32Array,
  table: SpanTable,
  placeOf: Uint32Array,
  classOf: Uint32Array,
  from: number,
  end: number,
): void {
  const traceIds = wordsOf(table.traceId, TRACE_ID_BYTES * table.rows);
  const spanIds = wordsOf(table.spanId, SPAN_ID_BYTES * table.rows);
  const parents = wordsOf(table.parentSpanId, SPAN_ID_BYTES * table.rows);
  const { startLow, startHigh, endLow, endHigh, resource, peer } = table;
  for (let row = from; row < end; row++) {
    const place = placeOf[row]! - 1;
    if (place < 0) continue;
    const to = place * ROW_WORDS;
    sorted[to] = traceIds[4 * row]!;
    sorted[to + 1] = traceIds[4 * row + 1]!;
    sorted[to + 2] = traceIds[4 * row + 2]!;
    sorted[to + 3] = traceIds[4 * row + 3]!;
    sorted[to + SPAN] = spanIds[2 * row]!;
    sorted[to + SPAN + 1] = spanIds[2 * row + 1]!;
    sorted[to + PARENT] = parents[2 * row]!;
    sorted[to + PARENT + 1] = parents[2 * row + 1]!;
    sorted[to + START_LOW] = startLow[row]!;
    sorted[to + START_HIGH] = startHigh[row]!;
    sorted[to + END_LOW] = endLow[row]!;
    sorted[to + END_HIGH] = endHigh[row]!;
    sorted[to + RESOURCE] = resource[row]!;
    sorted[to + PEER] = peer[row]!;
    sorted[to + CLASS] = classOf[row]!;
  }
}

/** One word of every row. */
export function columnOf(sorted: Uint32Array, rows: number, word: number): Uint32Array {
  const column = new Uint32Array(rows);
  for (let row = 0, at = word; row < rows; row++, at += ROW_WORDS) column[row] = sorted[at]!;
  return column;
}

function wordsOf(ids: Uint8Array, bytes: number): Uint32Array {
  return new Uint32Array(ids.buffer, ids.byteOffset, bytes >>> 2);
}
