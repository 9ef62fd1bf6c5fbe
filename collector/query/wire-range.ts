/** A range of time as answers say it. Pure. */
import type { TimeRange } from '../store/store.ts';

export function wireRange({ fromUnixMs, toUnixMs }: TimeRange): { from: string; to: string } {
  return { from: new Date(fromUnixMs).toISOString(), to: new Date(toUnixMs).toISOString() };
}
