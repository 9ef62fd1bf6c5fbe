/** The range of what is asked without one: which names there are. */
import type { TimeRange } from '../../store/store.ts';

/** Clocks of senders may be ahead of ours. */
const AHEAD_MS = 86_400_000;

/** All that is stored. Sums are read by the day, so that it costs little. */
export function everyTime(nowUnixMs: number): TimeRange {
  return { fromUnixMs: 0, toUnixMs: nowUnixMs + AHEAD_MS };
}
