/**
 * Finds walls: durations at which calls pile up far beyond what is usual, though nobody told of a timer that ends them there.
 * Pure.
 *
 *     calls  █                                    a timer fires late and never early: its calls lie within a few
 *            ██▄                      ▌           percent, with little around them. What an operation simply takes
 *            ████▄▃▂▁▁ ▁  ▁           █ ▁         has shoulders, or is where most of the calls are.
 *            1 ms                    5 s
 *
 * A wall is a window of two buckets of a sketch, 4 %: one alone could be cut in two by their border.
 */
import type { LatencyWall } from '../serve/wire.ts';
import {
  bucketOf,
  durationMsOfBucket,
  latencyOfSketch,
  totalOf,
  type Sketch,
} from '../store/rollup/sketch.ts';
import { percentile } from './percentile.ts';

/** Fewer at one duration are chance. */
const WALL_CALLS_MIN = 10;
/** Below it clocks of whole milliseconds make piles of their own. */
const WALL_MIN_MS = 20;
/** Than any window near it, which would be its shoulder, and than most of those further below, which would be the tail it is in. */
const TIMES_AS_MANY = 4;
/** Not the buckets next to a window, for who is busy is late; up to a sixth of it away. */
const NEXT_BELOW = 1;
const NEXT_ABOVE = 3;
const NEAR_BUCKETS = 8;
/** Nearly an octave: there may be other walls, as timers are doubled. */
const BELOW_BUCKETS = 32;
const MOST_WINDOWS = 0.75;
/**
 * A budget explains a wall this far from it: a callee sees a little less of its caller's, a busy caller is late. What waits for
 * someone else's call that ends by its budget does something of its own, too: what is usual, or at most a tenth.
 */
const BUDGET_REACH = 0.05;
const OWN_SHARE = 0.1;
const WALLS_MAX = 10;

/** `all` are the durations of calls, `timeouts` those of timeouts among them; `knownMs`, ascending, some of `all` as they were measured. */
export function findWalls(
  all: Sketch,
  timeouts: Sketch,
  budgetsMs: readonly number[],
  knownMs: readonly number[] = [],
): LatencyWall[] {
  const counts = new Map(all.buckets.map((bucket, index) => [bucket, all.counts[index]!]));
  const timeoutCounts = new Map(timeouts.buckets.map((bucket, index) => [bucket, timeouts.counts[index]!]));
  const inWindow = (of: ReadonlyMap<number, number>, first: number) =>
    (of.get(first) ?? 0) + (of.get(first + 1) ?? 0);
  const total = totalOf(all);
  const usualMs = latencyOfSketch(all).p50Ms;

  /** The largest window that begins in one of these buckets. */
  function largest(from: number, to: number): number {
    let most = 0;
    for (let first = from; first <= to; first++) most = Math.max(most, inWindow(counts, first));
    return most;
  }

  /** What most windows below a bucket do not exceed. */
  function tailBelow(bucket: number): number {
    const windows: number[] = [];
    for (let first = bucket - 2; first > bucket - BELOW_BUCKETS + NEAR_BUCKETS; first -= 2)
      windows.push(inWindow(counts, first));
    return percentile(
      windows.toSorted((a, b) => a - b),
      MOST_WINDOWS,
    );
  }

  function isWall(first: number): boolean {
    const count = inWindow(counts, first);
    if (count < WALL_CALLS_MIN || durationMsOfBucket(first) < WALL_MIN_MS) return false;
    // The fullest place of the pile, the earlier one of equals.
    if (inWindow(counts, first - 1) >= count || inWindow(counts, first + 1) > count) return false;
    const near = Math.max(
      largest(first - NEAR_BUCKETS, first - 2 - NEXT_BELOW),
      largest(first + 2 + NEXT_ABOVE, first + 2 + NEAR_BUCKETS),
    );
    if (TIMES_AS_MANY * Math.max(near, tailBelow(first - NEAR_BUCKETS)) > count) return false;
    const shorter = sumOf(all, (bucket) => bucket < first - BELOW_BUCKETS);
    return 2 * shorter >= total || 2 * inWindow(timeoutCounts, first) >= count;
  }

  return [...new Set(all.buckets.flatMap((bucket) => [bucket - 1, bucket]))]
    .filter(isWall)
    .map((first) => ({
      atMs: placeOf(first, counts, knownMs),
      count: inWindow(counts, first),
      timeouts: inWindow(timeoutCounts, first),
    }))
    .filter(({ atMs }) => !budgetsMs.some((budgetMs) => explains(budgetMs, atMs, usualMs)))
    .toSorted((a, b) => b.count - a.count)
    .slice(0, WALLS_MAX);
}

function explains(budgetMs: number, atMs: number, usualMs: number): boolean {
  const ownMs = Math.min(usualMs, OWN_SHARE * budgetMs);
  return atMs >= budgetMs * (1 - BUDGET_REACH) && atMs <= budgetMs * (1 + BUDGET_REACH) + ownMs;
}

/** In the middle of what was measured there, else of the window's calls. */
function placeOf(first: number, counts: ReadonlyMap<number, number>, knownMs: readonly number[]): number {
  const measured = knownMs.filter((ms) => bucketOf(ms) === first || bucketOf(ms) === first + 1);
  if (measured.length > 0) return percentile(measured, 0.5);
  const [lower, upper] = [counts.get(first) ?? 0, counts.get(first + 1) ?? 0];
  return (
    (lower * durationMsOfBucket(first) + upper * durationMsOfBucket(first + 1)) / Math.max(1, lower + upper)
  );
}

function sumOf({ buckets, counts }: Sketch, isCounted: (bucket: number) => boolean): number {
  return counts.reduce((sum, count, index) => (isCounted(buckets[index]!) ? sum + count : sum), 0);
}
