/** Stretches of time in which something did not run, and how much of a given time they cover. Pure. */

export interface Pause {
  startMs: number;
  endMs: number;
}

export interface Pauses {
  add(startMs: number, endMs: number): void;
  /** How much of `[startMs, endMs)` they cover, in ms; stretches do not overlap. */
  within(startMs: number, endMs: number): number;
  /** The longest that ended in `[startMs, endMs]`. */
  longest(startMs: number, endMs: number): Pause | undefined;
}

/** Keeps the last ones. */
export function keepPauses(countMax: number): Pauses {
  const starts = new Float64Array(countMax);
  const ends = new Float64Array(countMax);
  let added = 0;
  return {
    add(startMs, endMs) {
      starts[added % countMax] = startMs;
      ends[added % countMax] = endMs;
      added += 1;
    },
    within(startMs, endMs) {
      let sumMs = 0;
      // From the last one backwards: they were added in the order of time.
      for (let index = added - 1; index >= Math.max(0, added - countMax); index -= 1) {
        const [from, to] = [starts[index % countMax]!, ends[index % countMax]!];
        if (to <= startMs) break;
        sumMs += Math.max(0, Math.min(to, endMs) - Math.max(from, startMs));
      }
      return sumMs;
    },
    longest(startMs, endMs) {
      let longest: Pause | undefined;
      for (let index = added - 1; index >= Math.max(0, added - countMax); index -= 1) {
        const [from, to] = [starts[index % countMax]!, ends[index % countMax]!];
        if (to < startMs) break;
        if (to <= endMs && (longest === undefined || to - from > longest.endMs - longest.startMs))
          longest = { startMs: from, endMs: to };
      }
      return longest;
    },
  };
}
