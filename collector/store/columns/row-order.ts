/**
 * The order in which rows stand in blocks and segments: by trace, within a trace by start, equal starts by span id;
 * what remains equal in order of arrival. Copies of a span therefore stand side by side.
 */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import type { SpanRows } from './span-table.ts';
import { giveBackWords, takeWords } from './spare-words.ts';
import { viewOf } from './string-pool.ts';

const PREFIX_BITS = 32;
/** 2,048 counters of a pass stay in the first cache; 131,000 rows take 9 ms, sorted as doubles 20. */
const PASS_BITS = 11;
/** Fewer rows are not worth the passes over the counters. */
const FEW_ROWS = 1_024;
/** Longer runs are left to the engine's sort. */
const SHORT_RUN = 32;

/** The rows from `from` up to `to`, ordered. */
export function orderRows(rows: SpanRows, from = 0, to = rows.rows): Uint32Array {
  const count = to - from;
  const ids = viewOf(rows.traceId);
  const compare = startComparer(rows);
  const compareMixed = (a: number, b: number) => compareTraces(ids, a, ids, b) || compare(a, b);
  const order = new Uint32Array(count);
  for (let index = 0; index < count; index++) order[index] = from + index;
  if (count < FEW_ROWS) return order.toSorted(compareMixed);

  const prefixes = takeWords(count);
  for (let index = 0; index < count; index++)
    prefixes[index] = ids.getUint32((from + index) * TRACE_ID_BYTES);
  const sorted = orderByPrefix(prefixes, from, order);
  const keys = keysOf(rows, from, sorted);
  let first = 0;
  for (let i = 1; i <= count; i++) {
    if (i < count && prefixes[sorted[i]! - from] === prefixes[sorted[first]! - from]) continue;
    if (!isOneTrace(keys, first, i)) sortRun(sorted, first, i, compareMixed);
    else if (i - first > SHORT_RUN) sortRun(sorted, first, i, compare);
    else sortByStart(sorted, keys, first, i, compare);
    first = i;
  }
  giveBackWords(prefixes);
  return sorted;
}

/** Memory that is used again by every call, and by no one between two calls. */
let spareKeys = new Float64Array(0);
const KEY_DOUBLES = 3;
const START = 2;

/**
 * What rows are told apart by, side by side in the order given: the rest of the trace's id, and the start, rounded. The
 * table is gone through as it lies: to read each row where it is when it is compared costs twice the sorting.
 */
function keysOf(rows: SpanRows, from: number, order: Uint32Array): Float64Array {
  const placeOf = takeWords(order.length);
  for (let place = 0; place < order.length; place++) placeOf[order[place]! - from] = place;
  if (spareKeys.length < KEY_DOUBLES * order.length) spareKeys = new Float64Array(KEY_DOUBLES * order.length);
  const keys = spareKeys;
  const ids = viewOf(rows.traceId);
  const { startHigh, startLow } = rows;
  for (let index = 0; index < order.length; index++) {
    const row = from + index;
    const at = row * TRACE_ID_BYTES;
    const to = KEY_DOUBLES * placeOf[index]!;
    // 48 bits each are exact.
    keys[to] = ids.getUint32(at + 4) * 2 ** 16 + ids.getUint16(at + 8);
    keys[to + 1] = ids.getUint32(at + 12) * 2 ** 16 + ids.getUint16(at + 10);
    keys[to + START] = startHigh[row]! * 2 ** 32 + startLow[row]!;
  }
  giveBackWords(placeOf);
  return keys;
}

/** A radix sort, lowest bits first: equal prefixes stay in order of arrival. */
function orderByPrefix(prefixes: Uint32Array, from: number, rows: Uint32Array<ArrayBuffer>): Uint32Array {
  const mask = (1 << PASS_BITS) - 1;
  let order = rows;
  let next = takeWords(rows.length);
  for (let shift = 0; shift < PREFIX_BITS; shift += PASS_BITS) {
    const starts = new Uint32Array(mask + 2);
    for (let index = 0; index < prefixes.length; index++)
      starts[((prefixes[index]! >>> shift) & mask) + 1]!++;
    for (let digit = 1; digit <= mask; digit++) starts[digit]! += starts[digit - 1]!;
    for (let index = 0; index < order.length; index++) {
      const row = order[index]!;
      next[starts[(prefixes[row - from]! >>> shift) & mask]!++] = row;
    }
    [order, next] = [next, order];
  }
  giveBackWords(next);
  return order;
}

export function compareTraces(a: DataView, rowOfA: number, b: DataView, rowOfB: number): number {
  for (let word = 0; word < TRACE_ID_BYTES; word += 4) {
    const difference =
      a.getUint32(rowOfA * TRACE_ID_BYTES + word) - b.getUint32(rowOfB * TRACE_ID_BYTES + word);
    if (difference !== 0) return difference;
  }
  return 0;
}

type Compare = (a: number, b: number) => number;

function startComparer(rows: SpanRows): Compare {
  const { startHigh, startLow } = rows;
  const spanIds = viewOf(rows.spanId);
  return (a, b) =>
    startHigh[a]! - startHigh[b]! ||
    startLow[a]! - startLow[b]! ||
    spanIds.getUint32(a * SPAN_ID_BYTES) - spanIds.getUint32(b * SPAN_ID_BYTES) ||
    spanIds.getUint32(a * SPAN_ID_BYTES + 4) - spanIds.getUint32(b * SPAN_ID_BYTES + 4) ||
    a - b;
}

/** Of places with the same prefix. */
function isOneTrace(keys: Float64Array, first: number, end: number): boolean {
  const at = KEY_DOUBLES * first;
  for (let other = at + KEY_DOUBLES; other < KEY_DOUBLES * end; other += KEY_DOUBLES)
    if (keys[other] !== keys[at] || keys[other + 1] !== keys[at + 1]) return false;
  return true;
}

/** Starts that are the same once rounded are compared exactly. */
function sortByStart(
  order: Uint32Array,
  keys: Float64Array,
  first: number,
  end: number,
  compare: Compare,
): void {
  for (let i = first + 1; i < end; i++) {
    const row = order[i]!;
    const start = keys[KEY_DOUBLES * i + START]!;
    let at = i;
    for (; at > first; at--) {
      const before = keys[KEY_DOUBLES * (at - 1) + START]!;
      if (before < start || (before === start && compare(order[at - 1]!, row) < 0)) break;
      order[at] = order[at - 1]!;
      keys[KEY_DOUBLES * at + START] = before;
    }
    order[at] = row;
    keys[KEY_DOUBLES * at + START] = start;
  }
}

function sortRun(order: Uint32Array, first: number, end: number, compare: Compare): void {
  if (end - first > SHORT_RUN) {
    order.subarray(first, end).sort(compare);
    return;
  }
  for (let i = first + 1; i < end; i++) {
    const row = order[i]!;
    let at = i;
    for (; at > first && compare(order[at - 1]!, row) > 0; at--) order[at] = order[at - 1]!;
    order[at] = row;
  }
}
