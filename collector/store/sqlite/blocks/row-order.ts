/**
 * The order in which rows stand in a block: by trace, within a trace by start, equal starts by span id; what remains
 * equal in order of arrival. Copies of a span therefore stand side by side.
 */
import { SPAN_ID_BYTES, TRACE_ID_BYTES, type SpanRows } from '../../columns/span-table.ts';

/** Rows of one trace: `order[first]` up to `order[end]`. */
export interface TraceRun {
  readonly first: number;
  readonly end: number;
}

/** A sort key is 32 bits of the trace id above the row, within the 53 of a double. */
const ROWS_MAX = 2 ** 21;
/** Longer runs are left to the engine's sort. */
const SHORT_RUN = 32;

export function orderRows(rows: SpanRows): Uint32Array {
  const count = rows.rows;
  if (count > ROWS_MAX) throw new RangeError(`${count} rows cannot be sorted at once, at most ${ROWS_MAX}`);
  const ids = viewOf(rows.traceId);
  const keys = new Float64Array(count);
  for (let row = 0; row < count; row++) keys[row] = ids.getUint32(row * TRACE_ID_BYTES) * ROWS_MAX + row;
  keys.sort();
  const order = new Uint32Array(count);
  const compare = rowComparer(rows);
  let first = 0;
  let runPrefix = -1;
  for (let i = 0; i < count; i++) {
    const prefix = Math.floor(keys[i]! / ROWS_MAX);
    order[i] = keys[i]! - prefix * ROWS_MAX;
    if (prefix === runPrefix) continue;
    sortRun(order, first, i, compare);
    runPrefix = prefix;
    first = i;
  }
  sortRun(order, first, count, compare);
  return order;
}

/** The traces of ordered rows, in order. */
export function traceRuns(rows: SpanRows, order: Uint32Array): TraceRun[] {
  const ids = viewOf(rows.traceId);
  const runs: TraceRun[] = [];
  let first = 0;
  for (let i = 1; i <= order.length; i++) {
    if (i < order.length && compareTraces(ids, order[first]!, ids, order[i]!) === 0) continue;
    runs.push({ first, end: i });
    first = i;
  }
  return runs;
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

function rowComparer(rows: SpanRows): Compare {
  const { startHigh, startLow } = rows;
  const traceIds = viewOf(rows.traceId);
  const spanIds = viewOf(rows.spanId);
  return (a, b) =>
    compareTraces(traceIds, a, traceIds, b) ||
    startHigh[a]! - startHigh[b]! ||
    startLow[a]! - startLow[b]! ||
    spanIds.getUint32(a * SPAN_ID_BYTES) - spanIds.getUint32(b * SPAN_ID_BYTES) ||
    spanIds.getUint32(a * SPAN_ID_BYTES + 4) - spanIds.getUint32(b * SPAN_ID_BYTES + 4) ||
    a - b;
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

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
