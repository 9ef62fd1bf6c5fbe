/**
 * Drops a block: takes its traces out of the rollups, carries those that are pinned over into a block that is kept, and
 * deletes it, in one transaction.
 *
 * A trace was counted whole, so it is taken out whole and what other blocks have of it is counted again.
 */
import { appendGranule } from '../../columns/append-granule.ts';
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { orderRows } from '../../columns/row-order.ts';
import { createSpanTable } from '../../columns/span-table.ts';
import { Tally } from '../../rollup/tally.ts';
import { addLines, clearLines, createLines } from '../../rollup/row-lines.ts';
import type { BlockRow } from '../block-rows.ts';
import type { FoldParts } from './fold.ts';
import { portion, type Steps } from './jobs.ts';
import { attempt, findKnownTraces, KnownTraces, type WantedTrace } from './known-traces.ts';
import { makeBlock, type MadeBlock } from './make-block.ts';
import { addGranuleLines } from './make-lines.ts';

/** Rows of one trace in one granule. */
interface GranuleRun {
  readonly granule: Granule;
  readonly first: number;
  readonly end: number;
}
/** A trace of the block; a long one is in several granules. */
interface BlockTrace {
  readonly traceId: Buffer;
  readonly runs: readonly GranuleRun[];
}

/** Traces are taken out so many rows at a time. */
const SLICE_ROWS = 32_768;
const COUNTED_SHARE = 0.8;

/** Gives the spans that are gone. `pinned` holds ids of traces in order. */
export function* dropBlock(parts: FoldParts, block: BlockRow, pinned: readonly Buffer[]): Steps<number> {
  const { database, blocks, damage, rollups } = parts;
  const tally = new Tally(parts.names);
  // What cannot be read cannot be taken out either, nor carried over.
  const traces = attempt(damage, block, () => tracesOf(parts, block)) ?? [];
  if (block.kind !== 'pinned') yield* takeOut(parts, block, traces, tally);
  const kept = yield* portion(keepPinned(parts, block, traces, pinned), COUNTED_SHARE, 1);
  try {
    database
      .transaction(() => {
        blocks.delete(block.blockId);
        if (kept !== null) blocks.insert(kept, block);
        rollups.apply(tally, Date.now());
      })
      .immediate();
    parts.opened.forgetBlocks([block]);
  } catch (error) {
    rollups.forget();
    throw error;
  }
  return block.spans - (kept?.spans ?? 0);
}

/** Reads all that will be needed of the block. */
function tracesOf({ opened }: FoldParts, block: BlockRow): BlockTrace[] {
  const traces: { traceId: Buffer; runs: GranuleRun[] }[] = [];
  for (let number = 0; number < block.granules; number++) {
    const granule = opened.granule(block, number);
    const { ids, starts } = granule.traces;
    for (let run = 0; run + 1 < starts.length; run++) {
      const traceId = ids.subarray(run * TRACE_ID_BYTES, (run + 1) * TRACE_ID_BYTES);
      const rows = { granule, first: starts[run]!, end: starts[run + 1]! };
      const before = traces.at(-1);
      if (before?.traceId.equals(traceId) === true) before.runs.push(rows);
      else traces.push({ traceId, runs: [rows] });
    }
  }
  return traces;
}

function* takeOut(
  parts: FoldParts,
  block: BlockRow,
  traces: readonly BlockTrace[],
  tally: Tally,
): Steps<void> {
  // However far apart they arrived: a message may be received days after it was sent. Pinned spans are in no sums.
  const others = parts
    .blockRows()
    .filter(({ blockId, kind }) => blockId !== block.blockId && kind !== 'pinned');
  const trace = createLines();
  const known = new KnownTraces();
  for (let at = 0; at < traces.length;) {
    const slice = sliceOf(traces, at);
    at += slice.length;
    const wanted = slice.map(({ traceId }): WantedTrace => ({ traceId, startMs: -Infinity }));
    for (const _ of findKnownTraces(parts, others, wanted, known)) yield (COUNTED_SHARE * at) / traces.length;
    const isRead = attempt(parts.damage, block, () => {
      for (const [index, { traceId, runs }] of slice.entries()) {
        clearLines(trace);
        for (const { from, to } of known.pieces(index)) addLines(trace, known.lines, from, to);
        const rest = trace.count;
        for (const { granule, first, end } of runs) addGranuleLines(trace, granule, traceId, first, end);
        tally.add(trace, 0, trace.count, -1);
        if (rest > 0) tally.add(trace, 0, rest, 1);
      }
      return true;
    });
    known.clear();
    if (isRead === null) return;
    yield (COUNTED_SHARE * at) / traces.length;
  }
}

function sliceOf(traces: readonly BlockTrace[], at: number): readonly BlockTrace[] {
  let rows = 0;
  let end = at;
  while (end < traces.length && (end === at || rows < SLICE_ROWS)) {
    rows += traces[end++]!.runs.reduce((sum, { first, end: last }) => sum + last - first, 0);
  }
  return traces.slice(at, end);
}

/** A block of those that are pinned; null when none is. */
function* keepPinned(
  { damage }: FoldParts,
  block: BlockRow,
  traces: readonly BlockTrace[],
  pinned: readonly Buffer[],
): Steps<MadeBlock | null> {
  if (pinned.length === 0) return null;
  const wanted = new Set(pinned.map((id) => id.toString('latin1')));
  const table = createSpanTable();
  attempt(damage, block, () => {
    for (const { traceId, runs } of traces) {
      if (!wanted.has(traceId.toString('latin1'))) continue;
      for (const { granule, first, end } of runs) appendGranule(table, granule, first, end);
    }
  });
  return table.rows === 0 ? null : yield* makeBlock(table, orderRows(table), 'pinned');
}
