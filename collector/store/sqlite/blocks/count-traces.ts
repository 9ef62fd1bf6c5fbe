/** Hands the traces of ordered rows to the rollups, each whole: with its rows that are in blocks already. */
import {
  CLIENT,
  CONSUMER,
  ERROR,
  IS_RETRY,
  IS_STREAM,
  NEVER_ARRIVED,
  PRODUCER,
  SERVER,
  SPAN_ID_BYTES,
  TIMEOUT,
} from '../../columns/codes.ts';
import { durationMsOf, startMsOf, type SpanRows } from '../../columns/span-table.ts';
import { TIMEOUT_PHASES } from '../../rollup/cell.ts';
import type { RowCodes } from '../../rollup/tally.ts';
import { resetTraceRows, type TraceRows } from '../../rollup/trace-rows.ts';
import { viewOf } from './row-order.ts';

export const ROW_CODES: RowCodes = {
  client: CLIENT,
  producer: PRODUCER,
  server: SERVER,
  consumer: CONSUMER,
  error: ERROR,
  timeout: TIMEOUT,
  isStream: IS_STREAM,
  isRetry: IS_RETRY,
  neverArrived: NEVER_ARRIVED,
};

/** Rows of one trace: `order[first]` up to `order[end]` of a table, or of a granule, which is in order as it is. */
export interface TracePiece {
  readonly rows: SpanRows;
  readonly order: Uint32Array | null;
  readonly first: number;
  readonly end: number;
}

/** Fills `into` with the rows of a trace, piece after piece. */
export function fillTraceRows(into: TraceRows, pieces: readonly TracePiece[]): void {
  const count = pieces.reduce((sum, { first, end }) => sum + end - first, 0);
  resetTraceRows(into, count);
  for (const piece of pieces) addPiece(into, piece);
}

function addPiece(into: TraceRows, { rows, order, first, end }: TracePiece): void {
  const spanIds = viewOf(rows.spanId);
  const parentIds = viewOf(rows.parentSpanId);
  const { resource, operation, peer, kind, outcome, flags, giveUps } = rows;
  for (let i = first; i < end; i++) {
    const row = order === null ? i : order[i]!;
    const to = into.count++;
    into.spanIdHigh[to] = spanIds.getUint32(row * SPAN_ID_BYTES);
    into.spanIdLow[to] = spanIds.getUint32(row * SPAN_ID_BYTES + 4);
    into.parentIdHigh[to] = parentIds.getUint32(row * SPAN_ID_BYTES);
    into.parentIdLow[to] = parentIds.getUint32(row * SPAN_ID_BYTES + 4);
    into.resource[to] = resource[row]!;
    into.operation[to] = operation[row]!;
    into.peer[to] = peer[row]!;
    into.kind[to] = kind[row]!;
    into.outcome[to] = outcome[row]!;
    into.flags[to] = flags[row]!;
    into.startMs[to] = startMsOf(rows, row);
    into.durationMs[to] = durationMsOf(rows, row);
    const giveUp = giveUps.size > 0 ? giveUps.get(row) : undefined;
    if (giveUp !== undefined) {
      into.giveUps.set(to, { phaseIndex: TIMEOUT_PHASES.indexOf(giveUp.phase), budgetMs: giveUp.budgetMs });
    }
  }
}
