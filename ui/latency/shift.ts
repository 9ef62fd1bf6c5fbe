/** Whether latency changed within the range, and when: one level before and another after, or for a while. Pure. */
import { FEW_CALLS } from './grid.ts';

export interface LatencyPoint {
  /** Epoch milliseconds: where its step begins. */
  readonly t: number;
  readonly p95Ms: number;
  readonly count: number;
}
export interface Shift {
  readonly fromMs: number;
  /** null where it lasts to the end of the range. */
  readonly toMs: number | null;
  /** Typical p95 while it lasted, and before it, or otherwise. */
  readonly insideMs: number;
  readonly outsideMs: number;
}

/** Fewer steps are no level: anything can happen twice. */
const STEPS_MIN = 3;
/** Less than this is what latency does all day. */
const RATIO_MIN = 2;
/** Of the steps of one level, those that may reach into the other. */
const STRAY_SHARE = 0.2;

/** Null where one level explains as much: nothing is said that half of the steps contradict. */
export function findShift(points: readonly LatencyPoint[], stepMs: number): Shift | null {
  const told = points.filter(({ count, p95Ms }) => count >= FEW_CALLS && p95Ms > 0);
  const part = splitLevels(told.map(({ p95Ms }) => Math.log(p95Ms)));
  if (part === null) return null;
  const [from, to] = part;
  const levels = told.map(({ p95Ms }) => p95Ms);
  const inside = levels.slice(from, to).toSorted(ascending);
  const outside = [...levels.slice(0, from), ...levels.slice(to)].toSorted(ascending);
  const [low, high] = at(inside, 0.5) < at(outside, 0.5) ? [inside, outside] : [outside, inside];
  const isApart = at(low, 1 - STRAY_SHARE) < at(high, STRAY_SHARE);
  if (!isApart || at(high, 0.5) < RATIO_MIN * at(low, 0.5)) return null;
  return {
    fromMs: told[from]?.t ?? 0,
    toMs: to === told.length ? null : (told[to - 1]?.t ?? 0) + stepMs,
    insideMs: at(inside, 0.5),
    outsideMs: at(outside, 0.5),
  };
}

/** The steps `[from, to)` that, as a level of their own, leave least unexplained; null of too few. */
function splitLevels(values: readonly number[]): readonly [number, number] | null {
  const total = values.length;
  const sums = [0];
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value);
  const all = sums[total] ?? 0;
  let best: readonly [number, number] | null = null;
  // What two means explain of the squares: the more, the better.
  let most = -Infinity;
  // What is so at the start alone is what comes before the rest.
  for (let from = 1; from < total; from++) {
    for (let to = from + STEPS_MIN; to <= total; to++) {
      const length = to - from;
      if (total - length < STEPS_MIN) continue;
      const inside = (sums[to] ?? 0) - (sums[from] ?? 0);
      const explained = inside ** 2 / length + (all - inside) ** 2 / (total - length);
      if (explained <= most + 1e-9) continue;
      most = explained;
      best = [from, to];
    }
  }
  return best;
}

const ascending = (a: number, b: number): number => a - b;
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
