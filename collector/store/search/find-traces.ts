/**
 * Finds the traces of a page: units (blocks, segments) are looked through in the order of the list, and no further
 * than the page and the count need.
 *
 *     newest first     a trace starts no later than any of its spans, so what is in units still to come starts
 *                      before their last span: what was found and starts later than that is settled.
 *     other orders     can only be told when every unit was looked through.
 */
import { Cancelled, type TraceSearch } from '../store.ts';
import { compareRanks, type Cursor, type RankedTrace } from './cursor.ts';

/** Spans that are searched together. */
export interface SearchUnit {
  /** Of its spans' starts, epoch milliseconds; infinite where they are not known. */
  readonly firstStartMs: number;
  readonly lastStartMs: number;
  /** Ids of its traces with a matching span, each with a start it has none before in this unit; once each. */
  matches(isKnown: (traceId: string) => boolean): Iterable<FoundTrace>;
}

export interface FoundTrace {
  readonly traceId: string;
  /** The trace starts here or earlier. */
  readonly latestStartMs: number;
}

export interface FoundPage {
  readonly page: readonly RankedTrace[];
  readonly total: number;
  readonly truncated: boolean;
  readonly isMore: boolean;
}

/** Beyond it a total is not counted. */
export const TOTAL_MAX = 1_000;

export function findTraces(
  units: readonly SearchUnit[],
  { range, sort, limit }: Pick<TraceSearch, 'range' | 'sort' | 'limit'>,
  cursor: Cursor | null,
  valueOf: (traceId: string) => number,
  isCancelled: () => boolean,
): FoundPage {
  const inRange = units
    .filter((unit) => unit.lastStartMs >= range.fromUnixMs && unit.firstStartMs < range.toUnixMs)
    .toSorted((a, b) => Number(b.lastStartMs > a.lastStartMs) - Number(b.lastStartMs < a.lastStartMs));
  const found = new Map<string, number>();
  const countWanted = cursor === null ? Math.max(limit, TOTAL_MAX) + 1 : 0;
  let settled: readonly RankedTrace[] = [];
  for (const [index, unit] of inRange.entries()) {
    for (const { traceId, latestStartMs } of unit.matches((id) => found.has(id))) {
      stopIfCancelled(isCancelled);
      found.set(traceId, latestStartMs);
    }
    // A unit that was left halfway gives what it had.
    stopIfCancelled(isCancelled);
    if (sort !== 'newest' || found.size < countWanted) continue;
    const startsBefore = inRange[index + 1]?.lastStartMs ?? -Infinity;
    settled = newestOf(found, startsBefore, limit + 1, cursor, valueOf);
    if (settled.length > limit) return pageOf(settled, limit, cursor, found.size);
  }
  const ranked =
    sort === 'newest'
      ? newestOf(found, -Infinity, limit + 1, cursor, valueOf)
      : [...found.keys()]
          .map((traceId) => ({ traceId, value: valueOf(traceId) }))
          .filter((trace) => cursor === null || compareRanks(sort, trace, cursor) > 0)
          .toSorted((a, b) => compareRanks(sort, a, b));
  return pageOf(ranked, limit, cursor, found.size);
}

function stopIfCancelled(isCancelled: () => boolean): void {
  if (isCancelled()) throw new Cancelled('the caller went away');
}

function pageOf(
  ranked: readonly RankedTrace[],
  limit: number,
  cursor: Cursor | null,
  found: number,
): FoundPage {
  return {
    page: ranked.slice(0, limit),
    isMore: ranked.length > limit,
    total: cursor?.total ?? Math.min(found, TOTAL_MAX),
    truncated: cursor?.truncated ?? found > TOTAL_MAX,
  };
}

/**
 * The newest of what was found, as far as they start at `startsBefore` or later. Starts are asked for one by one from
 * the top: most traces lie in one unit, whose latest start is the start.
 */
function newestOf(
  found: ReadonlyMap<string, number>,
  startsBefore: number,
  wanted: number,
  cursor: Cursor | null,
  valueOf: (traceId: string) => number,
): RankedTrace[] {
  const bounds = [...found]
    .map(([traceId, value]) => ({ traceId, value }))
    .filter(({ value }) => value >= startsBefore)
    .toSorted((a, b) => compareRanks('newest', a, b));
  const newest: RankedTrace[] = [];
  for (const bound of bounds) {
    const isSettled = newest.length >= wanted && newest[wanted - 1]!.value > bound.value;
    if (isSettled) break;
    const trace = { traceId: bound.traceId, value: valueOf(bound.traceId) };
    if (trace.value < startsBefore) continue;
    if (cursor !== null && compareRanks('newest', trace, cursor) <= 0) continue;
    newest.push(trace);
    // Nearly always already in order: one comparison.
    for (let at = newest.length - 1; at > 0 && compareRanks('newest', newest[at - 1]!, trace) > 0; at--) {
      [newest[at - 1], newest[at]] = [newest[at]!, newest[at - 1]!];
    }
  }
  return newest.slice(0, wanted);
}
