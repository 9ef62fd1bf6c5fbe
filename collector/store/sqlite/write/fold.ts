/**
 * Folds what is in no block yet into blocks and rollups, and deletes its segments, in one transaction. All that takes
 * long is done in steps before it.
 *
 *     table ─▶ ordered ─▶ traces ─┬─ copies of spans left out ─▶ blocks
 *                  rows in blocks ┴─▶ each trace counted whole ─▶ rollups, traces to diagnose
 */
import { CONSUMER, OK, TRACE_ID_BYTES } from '../../columns/codes.ts';
import { compareTraces, orderRows } from '../../columns/row-order.ts';
import { startMsOf, type SpanTable } from '../../columns/span-table.ts';
import { viewOf } from '../../columns/string-pool.ts';
import { Tally, type RowNames } from '../../rollup/tally.ts';
import { createTraceRows, resetTraceRows } from '../../rollup/trace-rows.ts';
import type { Connection } from '../open-database.ts';
import type { RollupWriter } from './rollups.ts';
import type { BlockKind, BlockRow } from '../block-rows.ts';
import { leaveOutCopies } from './copies.ts';
import { portion, type Steps } from './jobs.ts';
import { findKnownTraces, KnownTraces, type BlockSearch, type WantedTrace } from './known-traces.ts';
import { makeBlock, type BlockTable, type MadeBlock } from './make-block.ts';
import { packFingerprints, REMEMBERED_MS } from './recent-requests.ts';
import { ROW_CODES } from './row-codes.ts';
import { addCopies, addTableRows, makeRoom } from './trace-row-copies.ts';
import type { Unfolded } from './unfolded.ts';

export interface FoldParts extends BlockSearch {
  readonly database: Connection;
  readonly blockRows: () => BlockRow[];
  readonly blocks: BlockTable;
  readonly names: RowNames;
  readonly rollups: RollupWriter;
}

/** A trace to diagnose: it has spans that failed. */
interface FailedTrace {
  readonly traceId: Buffer;
  readonly spans: number;
}

/** Rows of one trace: `order[first]` up to `order[end]`. */
interface Run {
  readonly first: number;
  readonly end: number;
}

/** What is known of a fold before anything of it is stored. */
interface Joined {
  /** The rows that are kept, in order. */
  readonly order: Uint32Array;
  readonly tally: Tally;
  readonly failed: readonly FailedTrace[];
}

/** Traces are looked up in blocks so many rows at a time: what is found of them is in memory meanwhile. */
const SLICE_ROWS = 32_768;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Late spans of more days than this share a block, so that a fold makes no crowd of small ones. */
const LATE_DAYS_MAX = 16;
/** Of the steps: what comes before the granules. */
const JOINED_SHARE = 0.5;

/** Gives the bytes of the blocks. When it throws, nothing has changed. */
export function* fold(parts: FoldParts, unfolded: Unfolded): Steps<number> {
  const { table } = unfolded;
  const order = orderRows(table);
  yield JOINED_SHARE / 8;
  const joined = yield* joinTraces(parts, table, order);
  const made: MadeBlock[] = [];
  for (const group of groupByTime(table, joined.order, unfolded.lastArrivedUnixMs)) {
    made.push(yield* portion(makeBlock(table, group.order, group.kind), JOINED_SHARE, 1));
  }
  return store(parts, unfolded, joined, made);
}

function* joinTraces(parts: FoldParts, table: SpanTable, order: Uint32Array): Steps<Joined> {
  const tally = new Tally(parts.names, ROW_CODES);
  const failed: FailedTrace[] = [];
  const kept = new Uint32Array(order.length);
  const known = new KnownTraces();
  const trace = createTraceRows();
  // Pinned spans are no longer in the rollups.
  const blocks = parts.blockRows().filter(({ kind }) => kind !== 'pinned');
  const runs = runsOf(table, order);
  let keptRows = 0;
  for (let at = 0; at < runs.length;) {
    const slice = sliceOf(runs, at);
    at += slice.length;
    const wanted = slice.map((run) => wantedTrace(table, order, run));
    for (const _ of findKnownTraces(parts, blocks, wanted, known)) yield progressOf(at, runs.length);
    for (const [index, run] of slice.entries()) {
      const pieces = known.pieces(index);
      const first = keptRows;
      keptRows = leaveOutCopies(parts, table, order, run, known.rows, pieces, kept, first);
      if (keptRows === first) continue;
      resetTraceRows(trace, 0);
      for (const { from, to } of pieces) {
        makeRoom(trace, to - from);
        addCopies(trace, known.rows, from, to);
      }
      if (trace.count > 0) tally.add(trace, -1);
      makeRoom(trace, keptRows - first);
      addTableRows(trace, table, kept, first, keptRows);
      tally.add(trace, 1);
      if (trace.outcome.subarray(0, trace.count).some((outcome) => outcome !== OK)) {
        failed.push({ traceId: Buffer.from(wanted[index]!.traceId), spans: trace.count });
      }
    }
    known.clear();
    yield progressOf(at, runs.length);
  }
  return { order: kept.subarray(0, keptRows), tally, failed };
}

function progressOf(done: number, all: number): number {
  return (JOINED_SHARE / 8) * (1 + (7 * done) / all);
}

function runsOf(table: SpanTable, order: Uint32Array): Run[] {
  const ids = viewOf(table.traceId);
  const runs: Run[] = [];
  let first = 0;
  for (let index = 1; index <= order.length; index++) {
    if (index < order.length && compareTraces(ids, order[first]!, ids, order[index]!) === 0) continue;
    runs.push({ first, end: index });
    first = index;
  }
  return runs;
}

function sliceOf(runs: readonly Run[], at: number): readonly Run[] {
  let end = at + 1;
  while (end < runs.length && runs[end]!.end - runs[at]!.first <= SLICE_ROWS) end++;
  return runs.slice(at, end);
}

/** Of a message's receipt, the sending may be long ago. */
function wantedTrace(table: SpanTable, order: Uint32Array, { first, end }: Run): WantedTrace {
  const at = order[first]! * TRACE_ID_BYTES;
  let startMs = startMsOf(table, order[first]!);
  for (let index = first; index < end; index++) {
    if (table.kind[order[index]!] === CONSUMER) startMs = -Infinity;
  }
  return { traceId: table.traceId.subarray(at, at + TRACE_ID_BYTES), startMs };
}

interface TimeGroup {
  readonly kind: BlockKind;
  readonly order: Uint32Array;
}

/** Rows whose start is far from their arrival go to blocks of their own, so that they stretch no other's range. */
export function groupByTime(table: SpanTable, order: Uint32Array, arrivedUnixMs: number): TimeGroup[] {
  const isLate = (row: number) => Math.abs(startMsOf(table, row) - arrivedUnixMs) > HOUR_MS;
  if (!order.some(isLate)) return order.length === 0 ? [] : [{ kind: 'recent', order }];
  const groups: TimeGroup[] = [];
  const recent = order.filter((row) => !isLate(row));
  if (recent.length > 0) groups.push({ kind: 'recent', order: recent });
  const late = order.filter(isLate);
  const days = Map.groupBy(late, (row) => Math.floor(startMsOf(table, row) / DAY_MS));
  if (days.size > LATE_DAYS_MAX) return [...groups, { kind: 'scattered', order: late }];
  for (const rows of days.values()) groups.push({ kind: 'late', order: Uint32Array.from(rows) });
  return groups;
}

function store(parts: FoldParts, unfolded: Unfolded, joined: Joined, made: readonly MadeBlock[]): number {
  const { database, blocks, opened, rollups } = parts;
  const { segmentIds, fingerprints, lastArrivedUnixMs } = unfolded;
  const nowUnixMs = Date.now();
  const deleteSegment = database.prepare<[number]>('DELETE FROM segment WHERE segment_id = ?');
  const awaitDiagnosis = database.prepare<[Buffer, number, number, number]>(
    `INSERT INTO undiagnosed_trace VALUES (?, ?, ?, ?) ON CONFLICT (trace_id) DO UPDATE
     SET last_arrived_unix_ms = excluded.last_arrived_unix_ms, span_count = excluded.span_count`,
  );
  try {
    const ids = database
      .transaction(() => {
        const blockIds = made.map((block) => blocks.insert(block, unfolded));
        rollups.apply(joined.tally, nowUnixMs);
        for (const { traceId, spans } of joined.failed) {
          awaitDiagnosis.run(traceId, nowUnixMs, lastArrivedUnixMs, spans);
        }
        database
          .prepare('INSERT INTO recent_requests VALUES (?, ?)')
          .run(lastArrivedUnixMs, packFingerprints(fingerprints));
        database
          .prepare('DELETE FROM recent_requests WHERE arrived_unix_ms < ?')
          .run(nowUnixMs - REMEMBERED_MS);
        for (const segmentId of segmentIds) deleteSegment.run(segmentId);
        return blockIds;
      })
      .immediate();
    made.forEach((block, index) => opened.keepTracePrefixes(ids[index]!, block.prefixes));
  } catch (error) {
    rollups.forget();
    throw error;
  }
  return made.reduce((sum, { bytes }) => sum + bytes, 0);
}
