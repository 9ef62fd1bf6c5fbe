/** Copies rows of a trace, from a table or a granule, into the columns that the rollups read. */
import { SPAN_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { durationMsOf, startMsOf, type RowGiveUp, type SpanTable } from '../../columns/span-table.ts';
import { viewOf } from '../../columns/string-pool.ts';
import { TIMEOUT_PHASES } from '../../rollup/cell.ts';
import { createTraceRows, type TraceRows } from '../../rollup/trace-rows.ts';

/** Room for `added` more rows; those there stay. */
export function makeRoom(rows: TraceRows, added: number): void {
  const needed = rows.count + added;
  if (needed <= rows.kind.length) return;
  const { count, giveUps } = rows;
  const larger = createTraceRows(Math.max(needed, 2 * rows.kind.length));
  copyColumns(larger, 0, rows, 0, count);
  Object.assign(rows, { ...larger, count, giveUps });
}

/** Rows `order[first]` up to `order[end]`; there must be room. */
export function addTableRows(
  into: TraceRows,
  table: SpanTable,
  order: Uint32Array,
  first: number,
  end: number,
): void {
  const spanIds = viewOf(table.spanId);
  const parentIds = viewOf(table.parentSpanId);
  for (let index = first; index < end; index++) {
    const row = order[index]!;
    const to = into.count++;
    copyIds(into, to, spanIds, parentIds, row);
    into.resource[to] = table.resource[row]!;
    into.operation[to] = table.operation[row]!;
    into.peer[to] = table.peer[row]!;
    into.kind[to] = table.kind[row]!;
    into.outcome[to] = table.outcome[row]!;
    into.flags[to] = table.flags[row]!;
    into.startMs[to] = startMsOf(table, row);
    into.durationMs[to] = durationMsOf(table, row);
    if (table.giveUps.size > 0) addGiveUp(into, to, table.giveUps.get(row));
  }
}

/** By class: the granule would make an array of a value a row, and keep it. There must be room. */
export function addGranuleRows(into: TraceRows, granule: Granule, first: number, end: number): void {
  const { classes, giveUps, peer } = granule;
  const spanIds = viewOf(granule.spanId);
  const parentIds = viewOf(granule.parentSpanId);
  for (let row = first; row < end; row++) {
    const to = into.count++;
    const rowClass = classes.of[row]!;
    copyIds(into, to, spanIds, parentIds, row);
    into.resource[to] = classes.resource[rowClass]!;
    into.operation[to] = classes.operation[rowClass]!;
    into.peer[to] = peer[row]!;
    into.kind[to] = classes.kind[rowClass]!;
    into.outcome[to] = classes.outcome[rowClass]!;
    into.flags[to] = classes.flags[rowClass]!;
    into.startMs[to] = startMsOf(granule, row);
    into.durationMs[to] = durationMsOf(granule, row);
    if (giveUps.size > 0) addGiveUp(into, to, giveUps.get(row));
  }
}

/** Rows `first` up to `end` of others; there must be room. */
export function addCopies(into: TraceRows, from: TraceRows, first: number, end: number): void {
  copyColumns(into, into.count, from, first, end);
  if (from.giveUps.size > 0) {
    for (let row = first; row < end; row++) {
      const giveUp = from.giveUps.get(row);
      if (giveUp !== undefined) into.giveUps.set(into.count + row - first, giveUp);
    }
  }
  into.count += end - first;
}

function copyColumns(into: TraceRows, at: number, from: TraceRows, first: number, end: number): void {
  into.spanIdHigh.set(from.spanIdHigh.subarray(first, end), at);
  into.spanIdLow.set(from.spanIdLow.subarray(first, end), at);
  into.parentIdHigh.set(from.parentIdHigh.subarray(first, end), at);
  into.parentIdLow.set(from.parentIdLow.subarray(first, end), at);
  into.resource.set(from.resource.subarray(first, end), at);
  into.operation.set(from.operation.subarray(first, end), at);
  into.peer.set(from.peer.subarray(first, end), at);
  into.kind.set(from.kind.subarray(first, end), at);
  into.outcome.set(from.outcome.subarray(first, end), at);
  into.flags.set(from.flags.subarray(first, end), at);
  into.startMs.set(from.startMs.subarray(first, end), at);
  into.durationMs.set(from.durationMs.subarray(first, end), at);
}

function copyIds(into: TraceRows, to: number, spanIds: DataView, parentIds: DataView, row: number): void {
  const at = row * SPAN_ID_BYTES;
  into.spanIdHigh[to] = spanIds.getUint32(at);
  into.spanIdLow[to] = spanIds.getUint32(at + 4);
  into.parentIdHigh[to] = parentIds.getUint32(at);
  into.parentIdLow[to] = parentIds.getUint32(at + 4);
}

function addGiveUp({ giveUps }: TraceRows, to: number, giveUp: RowGiveUp | undefined): void {
  if (giveUp === undefined) return;
  giveUps.set(to, { phaseIndex: TIMEOUT_PHASES.indexOf(giveUp.phase), budgetMs: giveUp.budgetMs });
}
