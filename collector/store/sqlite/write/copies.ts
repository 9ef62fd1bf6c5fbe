/** Leaves out spans that are stored already, or twice in the rows at hand: byte for byte, resource and scope included. */
import { SPAN_ID_BYTES } from '../../columns/codes.ts';
import { spanBytes } from '../../columns/span-bytes.ts';
import { startMsOf, type SpanTable } from '../../columns/span-table.ts';
import type { TraceRows } from '../../rollup/trace-rows.ts';
import { attempt, type BlockSearch, type KnownPiece } from './known-traces.ts';

/** Spans of one trace, start and id that a span is compared with; beyond them it is kept, whatever it is. */
const SAME_ID_MAX = 32;

/**
 * Puts the rows of a run that are no copies into `kept` from `to` on. Returns where the next run's go. Rows of a run, and
 * of a piece, are ordered by start.
 */
export function leaveOutCopies(
  search: BlockSearch,
  table: SpanTable,
  order: Uint32Array,
  run: { readonly first: number; readonly end: number },
  stored: TraceRows,
  pieces: readonly KnownPiece[],
  kept: Uint32Array,
  to: number,
): number {
  const firstKept = to;
  let next = to;
  for (let index = run.first; index < run.end; index++) {
    const row = order[index]!;
    let isCopy = false;
    // Copies stand side by side, so one of a kept row is among the last kept with its start and id.
    const lowest = Math.max(firstKept, next - SAME_ID_MAX);
    for (let before = next - 1; before >= lowest && isSameSpan(table, kept[before]!, row); before--) {
      isCopy ||= isSameContent(table, kept[before]!, row);
    }
    for (const piece of pieces) isCopy ||= isStored(search, table, row, stored, piece);
    if (!isCopy) kept[next++] = row;
  }
  return next;
}

function isSameSpan(table: SpanTable, a: number, b: number): boolean {
  if (table.startLow[a] !== table.startLow[b] || table.startHigh[a] !== table.startHigh[b]) return false;
  for (let byte = 0; byte < SPAN_ID_BYTES; byte++) {
    if (table.spanId[a * SPAN_ID_BYTES + byte] !== table.spanId[b * SPAN_ID_BYTES + byte]) return false;
  }
  return true;
}

function isSameContent(table: SpanTable, a: number, b: number): boolean {
  return (
    table.resource[a] === table.resource[b] &&
    table.scope[a] === table.scope[b] &&
    spanBytes(table, a).equals(spanBytes(table, b))
  );
}

function isStored(
  { opened, damage }: BlockSearch,
  table: SpanTable,
  row: number,
  stored: TraceRows,
  { block, granule, firstRow, from, to }: KnownPiece,
): boolean {
  const startMs = startMsOf(table, row);
  const id = new DataView(table.spanId.buffer, table.spanId.byteOffset + row * SPAN_ID_BYTES, SPAN_ID_BYTES);
  const high = id.getUint32(0);
  const low = id.getUint32(4);
  let compared = 0;
  for (
    let at = lowerBound(stored.startMs, from, to, startMs);
    at < to && stored.startMs[at] === startMs;
    at++
  ) {
    if (stored.spanIdHigh[at] !== high || stored.spanIdLow[at] !== low || ++compared > SAME_ID_MAX) continue;
    const isSame = attempt(damage, block, () => {
      const other = opened.granule(block, granule);
      const rowThere = firstRow + at - from;
      const rowClass = other.classes.of[rowThere]!;
      return (
        other.classes.resource[rowClass] === table.resource[row] &&
        other.classes.scope[rowClass] === table.scope[row] &&
        other.spanBytes(rowThere).equals(spanBytes(table, row))
      );
    });
    if (isSame === true) return true;
  }
  return false;
}

function lowerBound(values: Float64Array, from: number, to: number, wanted: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
