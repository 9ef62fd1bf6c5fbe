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
  /** What is found without looking through the unit; null where nothing is. */
  listed?(): ListedTraces | null;
}

export interface ListedTraces {
  readonly traces: readonly FoundTrace[];
  /** The unit has no others that match. */
  readonly isAll: boolean;
}

export interface FoundTrace {
  readonly traceId: string;
  /** The trace starts here or earlier. */
  readonly latestStartMs: number;
}

/** What a trace is sorted by; null when it cannot be read, so that it is left out. */
type ValueOf = (traceId: string) => number | null;

export interface FoundPage {
  readonly page: readonly RankedTrace[];
  readonly total: number;
  readonly truncated: boolean;
  readonly isMore: boolean;
}

/** Beyond it a total is not counted. */
export const TOTAL_MAX = 1_000;
/**
 * A list says nothing of when its traces start, so for the newest each of them is read whole. Looking through the unit
 * opens its granules once and reads little more than the page: it is the cheaper one when a list names several pages.
 */
const LISTED_PAGES = 4;

export function findTraces(
  units: readonly SearchUnit[],
  { range, sort, limit }: Pick<TraceSearch, 'range' | 'sort' | 'limit'>,
  cursor: Cursor | null,
  valueOf: ValueOf,
  isCancelled: () => boolean,
): FoundPage {
  const inRange = units
    .filter((unit) => unit.lastStartMs >= range.fromUnixMs && unit.firstStartMs < range.toUnixMs)
    .toSorted((a, b) => Number(b.lastStartMs > a.lastStartMs) - Number(b.lastStartMs < a.lastStartMs));
  const found = new Map<string, number>();
  const readValue: ValueOf = (traceId) => {
    stopIfCancelled(isCancelled);
    return valueOf(traceId);
  };
  const countWanted = cursor === null ? Math.max(limit, TOTAL_MAX) + 1 : 0;
  /** Once nothing that is still to come can stand before it. */
  let newest: readonly RankedTrace[] | null = null;
  /** What lists of units still to come tell, besides what is found; null until it is to be counted. */
  let told: Set<string> | null = null;
  for (const [index, unit] of inRange.entries()) {
    const listedMax = sort === 'newest' && newest === null ? LISTED_PAGES * limit : Infinity;
    for (const { traceId, latestStartMs } of matchesOf(unit, listedMax, (id) => found.has(id))) {
      stopIfCancelled(isCancelled);
      found.set(traceId, latestStartMs);
      told?.delete(traceId);
    }
    // A unit that was left halfway gives what it had.
    stopIfCancelled(isCancelled);
    const rest = inRange.slice(index + 1);
    if (sort !== 'newest' || rest.length === 0) continue;
    if (newest === null) {
      if (found.size <= limit) continue;
      const settled = newestOf(found, rest[0]!.lastStartMs, limit + 1, cursor, readValue);
      if (settled.length <= limit) continue;
      newest = settled;
    }
    told ??= toldBy(rest, found, countWanted, isCancelled);
    const count = found.size + told.size;
    if (count >= countWanted) return pageOf(newest, limit, cursor, count);
  }
  const ranked =
    sort === 'newest'
      ? (newest ?? newestOf(found, -Infinity, limit + 1, cursor, readValue))
      : rankAll(found, sort, cursor, readValue);
  return pageOf(ranked, limit, cursor, found.size);
}

/** From the unit's list, when it is whole and no longer than that. */
function matchesOf(
  unit: SearchUnit,
  listedMax: number,
  isKnown: (traceId: string) => boolean,
): Iterable<FoundTrace> {
  const listed = unit.listed?.() ?? null;
  return listed !== null && listed.isAll && listed.traces.length <= listedMax
    ? listed.traces
    : unit.matches(isKnown);
}

/** What units tell some of their traces of, besides those found; no more than it takes to have `wanted` of both. */
function toldBy(
  units: readonly SearchUnit[],
  found: ReadonlyMap<string, number>,
  wanted: number,
  isCancelled: () => boolean,
): Set<string> {
  const told = new Set<string>();
  for (const unit of units) {
    if (found.size + told.size >= wanted) break;
    stopIfCancelled(isCancelled);
    for (const { traceId } of unit.listed?.()?.traces ?? []) if (!found.has(traceId)) told.add(traceId);
  }
  return told;
}

function rankAll(
  found: ReadonlyMap<string, number>,
  sort: TraceSearch['sort'],
  cursor: Cursor | null,
  valueOf: ValueOf,
): RankedTrace[] {
  return [...found.keys()]
    .flatMap((traceId) => {
      const value = valueOf(traceId);
      return value === null ? [] : [{ traceId, value }];
    })
    .filter((trace) => cursor === null || compareRanks(sort, trace, cursor) > 0)
    .toSorted((a, b) => compareRanks(sort, a, b));
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
  valueOf: ValueOf,
): RankedTrace[] {
  const bounds = [...found]
    .map(([traceId, value]) => ({ traceId, value }))
    .filter(({ value }) => value >= startsBefore)
    .toSorted((a, b) => compareRanks('newest', a, b));
  const newest: RankedTrace[] = [];
  for (const bound of bounds) {
    const isSettled = newest.length >= wanted && newest[wanted - 1]!.value > bound.value;
    if (isSettled) break;
    const value = valueOf(bound.traceId);
    if (value === null || value < startsBefore) continue;
    const trace = { traceId: bound.traceId, value };
    if (cursor !== null && compareRanks('newest', trace, cursor) <= 0) continue;
    newest.push(trace);
    // Nearly always already in order: one comparison.
    for (let at = newest.length - 1; at > 0 && compareRanks('newest', newest[at - 1]!, trace) > 0; at--) {
      [newest[at - 1], newest[at]] = [newest[at]!, newest[at - 1]!];
    }
  }
  return newest.slice(0, wanted);
}
