/**
 * Finds the rows of given traces in blocks, so that late spans join them.
 *
 * The traces looked for and those of a block are both ordered by id, so one pass along both finds what they share: some
 * 20 µs a block. What is found is copied out of the granules, which are many and large.
 */
import type { Granule } from '../../columns/granule.ts';
import { prefixAt } from '../../columns/trace-prefixes.ts';
import { clearLines, createLines, type RowLines } from '../../rollup/row-lines.ts';
import { rowsOfTrace } from '../read/trace-directory.ts';
import type { BlockRow } from '../block-rows.ts';
import { reasonOfDamage, type Damage } from './damage.ts';
import type { Steps } from './jobs.ts';
import type { OpenBlocks } from './open-blocks.ts';
import { addGranuleLines } from './make-lines.ts';

/**
 * Blocks that arrived longer than this before a trace began, as far as is known, hold nothing that its spans are paired with:
 * clocks are apart, and spans of a trace. What serves a call that is not at hand is sought in all, by `startMs`.
 */
const APART_MS = 10 * 60_000;
/** Of one trace, beyond which late spans no longer join it in the rollups: they are counted by themselves. */
export const JOINED_ROWS_MAX = 100_000;

export interface WantedTrace {
  readonly traceId: Uint8Array;
  /** Start of its first span; -Infinity when what it is to be paired with may have arrived at any time. Epoch milliseconds. */
  readonly startMs: number;
}

/** Rows of a trace in a granule, `firstRow` and on; their lines are `from` up to `to`. */
export interface KnownPiece {
  readonly block: BlockRow;
  readonly granule: number;
  readonly firstRow: number;
  readonly from: number;
  readonly to: number;
}

/** What was found of each wanted trace, by its index among them. */
export class KnownTraces {
  readonly lines: RowLines = createLines();
  readonly #pieces = new Map<number, KnownPiece[]>();
  readonly #tooLong = new Set<number>();

  pieces(trace: number): readonly KnownPiece[] {
    return this.#pieces.get(trace) ?? [];
  }

  clear(): void {
    clearLines(this.lines);
    this.#pieces.clear();
    this.#tooLong.clear();
  }

  add(
    trace: number,
    traceId: Uint8Array,
    granule: Granule,
    piece: Omit<KnownPiece, 'from' | 'to'>,
    endRow: number,
  ): void {
    if (this.#tooLong.has(trace)) return;
    const pieces = this.pieces(trace);
    const count = endRow - piece.firstRow;
    if (pieces.reduce((sum, { from, to }) => sum + to - from, count) > JOINED_ROWS_MAX) {
      this.#tooLong.add(trace);
      this.#pieces.delete(trace);
      return;
    }
    const from = this.lines.count;
    addGranuleLines(this.lines, granule, traceId, piece.firstRow, endRow);
    this.#pieces.set(trace, [...pieces, { ...piece, from, to: this.lines.count }]);
  }
}

export interface BlockSearch {
  readonly opened: OpenBlocks;
  readonly damage: Damage;
}

/** `wanted` is ordered by trace id. What is found is added to `known`. A block that cannot be read is set aside. */
export function* findKnownTraces(
  { opened, damage }: BlockSearch,
  blocks: readonly BlockRow[],
  wanted: readonly WantedTrace[],
  known: KnownTraces,
): Steps<void> {
  const startMs = wanted.reduce((least, trace) => Math.min(least, trace.startMs), Infinity);
  const soughtIn = blocks.filter((block) => mayHold(block, startMs));
  for (const [index, block] of soughtIn.entries()) {
    const found = attempt(damage, block, () => findInBlock(opened, block, wanted));
    for (const { trace, granule, number, rows } of found ?? []) {
      const { traceId } = wanted[trace]!;
      known.add(trace, traceId, granule, { block, granule: number, firstRow: rows.first }, rows.end);
    }
    yield index / soughtIn.length;
  }
}

function mayHold({ lastArrivedUnixMs }: BlockRow, startMs: number): boolean {
  return startMs <= lastArrivedUnixMs + APART_MS;
}

/** Whether any block has a span of the trace. */
export function isInBlocks(
  { opened, damage, blockRows }: BlockSearch & { readonly blockRows: () => BlockRow[] },
  traceId: Uint8Array,
): boolean {
  const wanted = [{ traceId, startMs: -Infinity }];
  return blockRows().some(
    (block) => (attempt(damage, block, () => findInBlock(opened, block, wanted)) ?? []).length > 0,
  );
}

/** Null when the block turned out to be damaged. */
export function attempt<T>(damage: Damage, block: BlockRow, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    const reason = reasonOfDamage(error);
    if (reason === null) throw error;
    damage.setAside(block, reason);
    return null;
  }
}

interface Found {
  readonly trace: number;
  readonly number: number;
  readonly granule: Granule;
  readonly rows: { readonly first: number; readonly end: number };
}

function findInBlock(opened: OpenBlocks, block: BlockRow, wanted: readonly WantedTrace[]): Found[] {
  const { prefixes, granules } = opened.tracePrefixes(block);
  const found: Found[] = [];
  let at = 0;
  // By index, for all traces of a fold in each of the last blocks: an iterator makes a pair for each.
  for (let trace = 0; trace < wanted.length; trace++) {
    const { traceId, startMs } = wanted[trace]!;
    if (!mayHold(block, startMs)) continue;
    const prefix = prefixAt(traceId, 0);
    at = gallop(prefixes, at, prefix);
    for (let same = at; prefixes[same] === prefix; same++) {
      // A long trace is in several granules; different traces may share a prefix.
      if (same > at && granules[same] === granules[same - 1]) continue;
      const number = granules[same]!;
      const granule = opened.granule(block, number);
      const rows = rowsOfTrace(granule, traceId);
      if (rows === null) continue;
      readWhole(granule);
      found.push({ trace, number, granule, rows });
    }
  }
  return found;
}

/** What lines are made of, so that damage shows before any of the block is copied. Each is decoded when it is read first. */
function readWhole({ classes, peer, giveUps, spanId, parentSpanId, startLow, endLow }: Granule): void {
  const { of, resource, operation, kind, outcome, flags } = classes;
  void [of, resource, operation, kind, outcome, flags, peer, giveUps, spanId, parentSpanId, startLow, endLow];
}

/** The first place from `from` on whose prefix is not lower. */
function gallop(prefixes: Uint32Array, from: number, prefix: number): number {
  let step = 1;
  let low = from;
  while (low + step < prefixes.length && prefixes[low + step - 1]! < prefix) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step, prefixes.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (prefixes[middle]! < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
