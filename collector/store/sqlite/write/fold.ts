/**
 * Folds what is in no block yet into blocks and rollups, and deletes its segments, in one transaction. All that takes
 * long is done in steps before it.
 *
 *     table ─▶ ordered ─▶ traces ─┬─ copies of spans left out ─▶ blocks
 *                  rows in blocks ┴─▶ each trace counted whole ─▶ rollups, traces to diagnose
 */
import { CONSUMER, OK, SERVER, TRACE_ID_BYTES } from '../../columns/codes.ts';
import { orderRows } from '../../columns/row-order.ts';
import { startMsOf, type SpanTable } from '../../columns/span-table.ts';
import { giveBackWords } from '../../columns/spare-words.ts';
import { Tally, type RowNames } from '../../rollup/tally.ts';
import {
  addLines,
  clearLines,
  CODES,
  createLines,
  LINE_WORDS,
  PARENT_HIGH,
  PARENT_LOW,
  ROW,
  SPAN_HIGH,
  SPAN_LOW,
  startMsOfLine,
  TRACE_ID,
  type RowLines,
} from '../../rollup/row-lines.ts';
import type { Connection } from '../open-database.ts';
import type { RollupWriter } from './rollups.ts';
import type { BlockKind, BlockRow } from '../block-rows.ts';
import { leaveOutCopies } from './copies.ts';
import type { KeptFailures } from './kept-failures.ts';
import { portion, type Steps } from './jobs.ts';
import { findKnownTraces, KnownTraces, type BlockSearch, type WantedTrace } from './known-traces.ts';
import { linesOfTable } from './make-lines.ts';
import { makeBlock, type BlockTable, type MadeBlock } from './make-block.ts';
import { packFingerprints, REMEMBERED_MS } from './recent-requests.ts';
import type { Unfolded } from './unfolded.ts';

export interface FoldParts extends BlockSearch {
  readonly database: Connection;
  readonly blockRows: () => BlockRow[];
  readonly blocks: BlockTable;
  readonly names: RowNames;
  readonly rollups: RollupWriter;
  readonly failures: KeptFailures;
}

/** Lines of one trace: `first` up to `end`. */
interface Run {
  readonly first: number;
  readonly end: number;
}

/** A trace to diagnose: it has spans that failed. The lines are those that are kept of it. */
interface FailedTrace extends Run {
  readonly traceId: Buffer;
  /** With those of earlier folds. */
  readonly spans: number;
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
/** Of a long trace, so many lines before and after a span that serves are gone through for its call. */
const NEAR_LINES = 64;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Late spans of more days than this share a block, so that a fold makes no crowd of small ones. */
const LATE_DAYS_MAX = 16;
/** Of the steps: what comes before the granules, and with them; then come those of traces that failed. */
const JOINED_SHARE = 0.5;
const MADE_SHARE = 0.95;

/** When it throws, nothing has changed. */
export function* fold(parts: FoldParts, unfolded: Unfolded): Steps<void> {
  const { table } = unfolded;
  const order = orderRows(table);
  yield JOINED_SHARE / 8;
  const joined = yield* joinTraces(parts, table, order, unfolded.lastArrivedUnixMs);
  const groups = groupByTime(table, joined.order, unfolded.lastArrivedUnixMs);
  const made: MadeBlock[] = [];
  for (const group of groups) {
    made.push(yield* portion(makeBlock(table, group.order, group.kind), JOINED_SHARE, MADE_SHARE));
  }
  // Late rows, of blocks of their own, are read from these.
  const failed =
    groups.length === 1
      ? yield* portion(parts.failures.make(table, joined.order, joined.failed), MADE_SHARE, 1)
      : null;
  const ids = store(parts, unfolded, joined, made);
  if (failed !== null) {
    const traceIds = joined.failed.map(({ traceId }) => traceId.toString('hex'));
    parts.failures.keep(ids[0]!, failed, traceIds);
  }
}

function* joinTraces(
  parts: FoldParts,
  table: SpanTable,
  order: Uint32Array,
  arrivedUnixMs: number,
): Steps<Joined> {
  const lines = linesOfTable(table, order);
  const runs = runsOf(lines);
  yield progressOf(0, 1);
  const tally = new Tally(parts.names);
  const failed: FailedTrace[] = [];
  const known = new KnownTraces();
  const trace = createLines();
  // Pinned spans are no longer in the rollups.
  const blocks = parts.blockRows().filter(({ kind }) => kind !== 'pinned');
  let kept = 0;
  for (let at = 0; at < runs.length;) {
    const slice = sliceOf(runs, at);
    at += slice.length;
    const wanted = slice.map((run) => wantedTrace(table, lines, run, arrivedUnixMs));
    for (const _ of findKnownTraces(parts, blocks, wanted, known)) yield progressOf(at, runs.length);
    for (const [index, { first, end }] of slice.entries()) {
      const pieces = known.pieces(index);
      const firstKept = kept;
      kept = leaveOutCopies(parts, table, lines, first, end, known.lines, pieces, firstKept);
      if (kept === firstKept) continue;
      let hasFailed = isAnyFailed(lines, firstKept, kept);
      let spans = kept - firstKept;
      if (pieces.length === 0) tally.add(lines, firstKept, kept, 1);
      else {
        clearLines(trace);
        for (const { from, to } of pieces) addLines(trace, known.lines, from, to);
        tally.add(trace, 0, trace.count, -1);
        addLines(trace, lines, firstKept, kept);
        tally.add(trace, 0, trace.count, 1);
        hasFailed ||= isAnyFailed(trace, 0, trace.count);
        spans = trace.count;
      }
      if (!hasFailed) continue;
      const traceId = Buffer.from(wanted[index]!.traceId);
      failed.push({ traceId, spans, first: firstKept, end: kept });
    }
    known.clear();
    yield progressOf(at, runs.length);
  }
  const isWhole = kept === order.length;
  const ordered = isWhole ? order : rowsOf(lines, kept);
  giveBackWords(lines.words, known.lines.words, trace.words);
  return { order: ordered, tally, failed };
}

function rowsOf({ words }: RowLines, count: number): Uint32Array {
  const rows = new Uint32Array(count);
  for (let line = 0; line < count; line++) rows[line] = words[line * LINE_WORDS + ROW]!;
  return rows;
}

function progressOf(done: number, all: number): number {
  return (JOINED_SHARE / 8) * (1 + (7 * done) / all);
}

function runsOf({ words, count }: RowLines): Run[] {
  const runs: Run[] = [];
  let first = 0;
  for (let line = 1; line <= count; line++) {
    if (line < count && isSameTrace(words, first * LINE_WORDS, line * LINE_WORDS)) continue;
    runs.push({ first, end: line });
    first = line;
  }
  return count === 0 ? [] : runs;
}

function isSameTrace(words: Uint32Array, a: number, b: number): boolean {
  for (let word = TRACE_ID; word < TRACE_ID + 4; word++)
    if (words[a + word] !== words[b + word]) return false;
  return true;
}

function isAnyFailed({ words }: RowLines, first: number, end: number): boolean {
  for (let at = first * LINE_WORDS; at < end * LINE_WORDS; at += LINE_WORDS) {
    if (((words[at + CODES]! >>> 8) & 0xff) !== OK) return true;
  }
  return false;
}

function sliceOf(runs: readonly Run[], at: number): readonly Run[] {
  let end = at + 1;
  while (end < runs.length && runs[end]!.end - runs[at]!.first <= SLICE_ROWS) end++;
  return runs.slice(at, end);
}

/**
 * What is served may have been asked for long ago, as by a message or a job: where the call is not in the fold, it may be in any
 * block. A start after the arrival does not tell when it was.
 */
function wantedTrace(table: SpanTable, { words }: RowLines, run: Run, arrivedUnixMs: number): WantedTrace {
  const { first, end } = run;
  let startMs = startMsOfLine(words, first * LINE_WORDS);
  if (startMs > arrivedUnixMs) startMs = -Infinity;
  for (let line = first; line < end && startMs !== -Infinity; line++) {
    const kind = words[line * LINE_WORDS + CODES]! & 0xff;
    if ((kind === SERVER || kind === CONSUMER) && !isCallNear(words, run, line)) startMs = -Infinity;
  }
  const id = words[first * LINE_WORDS + ROW]! * TRACE_ID_BYTES;
  return { traceId: table.traceId.subarray(id, id + TRACE_ID_BYTES), startMs };
}

/** Whether a span that serves has no parent, or one among the lines around it: by start, it is mostly the one before. */
function isCallNear(words: Uint32Array, { first, end }: Run, line: number): boolean {
  const high = words[line * LINE_WORDS + PARENT_HIGH]!;
  const low = words[line * LINE_WORDS + PARENT_LOW]!;
  if (high === 0 && low === 0) return true;
  const isAt = (near: number) =>
    words[near * LINE_WORDS + SPAN_LOW] === low && words[near * LINE_WORDS + SPAN_HIGH] === high;
  for (let near = line - 1; near >= Math.max(first, line - NEAR_LINES); near--) if (isAt(near)) return true;
  for (let near = line + 1; near < Math.min(end, line + NEAR_LINES); near++) if (isAt(near)) return true;
  return false;
}

interface TimeGroup {
  readonly kind: BlockKind;
  readonly order: Uint32Array;
}

/** Rows whose start is far from their arrival go to blocks of their own, so that they stretch no other's range. */
export function groupByTime(table: SpanTable, order: Uint32Array, arrivedUnixMs: number): TimeGroup[] {
  if (!isAnyLate(table, order, arrivedUnixMs)) return order.length === 0 ? [] : [{ kind: 'recent', order }];
  const isLate = (row: number) => isFar(startMsOf(table, row), arrivedUnixMs);
  const groups: TimeGroup[] = [];
  const recent = order.filter((row) => !isLate(row));
  if (recent.length > 0) groups.push({ kind: 'recent', order: recent });
  const late = order.filter(isLate);
  const days = Map.groupBy(late, (row) => Math.floor(startMsOf(table, row) / DAY_MS));
  if (days.size > LATE_DAYS_MAX) return [...groups, { kind: 'scattered', order: late }];
  for (const rows of days.values()) groups.push({ kind: 'late', order: Uint32Array.from(rows) });
  return groups;
}

/** A function made for each fold would be compiled for each. */
function isAnyLate(table: SpanTable, order: Uint32Array, arrivedUnixMs: number): boolean {
  for (let at = 0; at < order.length; at++)
    if (isFar(startMsOf(table, order[at]!), arrivedUnixMs)) return true;
  return false;
}

function isFar(startMs: number, arrivedUnixMs: number): boolean {
  return Math.abs(startMs - arrivedUnixMs) > HOUR_MS;
}

/** Gives the ids of the blocks. */
function store(parts: FoldParts, unfolded: Unfolded, joined: Joined, made: readonly MadeBlock[]): number[] {
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
    return ids;
  } catch (error) {
    rollups.forget();
    throw error;
  }
}
