/**
 * The order in which rows stand in blocks and segments: by trace, within a trace by start, equal starts by span id;
 * what remains equal in order of arrival. Copies of a span therefore stand side by side.
 */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import type { SpanRows } from './span-table.ts';
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

  const prefixes = new Uint32Array(count);
  for (let index = 0; index < count; index++)
    prefixes[index] = ids.getUint32((from + index) * TRACE_ID_BYTES);
  const sorted = orderByPrefix(prefixes, from, order);
  let first = 0;
  for (let i = 1; i <= count; i++) {
    if (i < count && prefixes[sorted[i]! - from] === prefixes[sorted[first]! - from]) continue;
    sortRun(sorted, first, i, isOneTrace(ids, sorted, first, i) ? compare : compareMixed);
    first = i;
  }
  return sorted;
}

/** A radix sort, lowest bits first: equal prefixes stay in order of arrival. */
function orderByPrefix(prefixes: Uint32Array, from: number, rows: Uint32Array<ArrayBuffer>): Uint32Array {
  const mask = (1 << PASS_BITS) - 1;
  let order = rows;
  let next = new Uint32Array(rows.length);
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

function isOneTrace(ids: DataView, order: Uint32Array, first: number, end: number): boolean {
  for (let i = first + 1; i < end; i++)
    if (compareTraces(ids, order[first]!, ids, order[i]!) !== 0) return false;
  return true;
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
