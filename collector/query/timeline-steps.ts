/** The steps that a range is shown in: whole minutes, hours or days that begin where clocks do. Pure. */
import type { TimeRange } from '../store/store.ts';

/** What a date can name ends there. */
const UNIX_MS_MAX = 8.64e15;
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE_MS);

/** At most about `most` steps, and the range that they cover: the one given, rounded outward. */
export function chooseSteps(
  { fromUnixMs, toUnixMs }: TimeRange,
  most: number,
): { readonly range: TimeRange; readonly steps: number } {
  const shortestMs = (toUnixMs - fromUnixMs) / most;
  const stepMs = STEPS_MS.find((ms) => ms >= shortestMs) ?? Math.ceil(shortestMs / DAY_MS) * DAY_MS;
  const from = Math.floor(fromUnixMs / stepMs) * stepMs;
  const to = Math.ceil(toUnixMs / stepMs) * stepMs;
  return {
    range: { fromUnixMs: Math.max(from, -UNIX_MS_MAX), toUnixMs: Math.min(to, UNIX_MS_MAX) },
    steps: Math.round((to - from) / stepMs),
  };
}
