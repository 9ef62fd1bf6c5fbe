/** Shares what may be looked at among those that have something to look at. Pure. */

/**
 * The most that each may give, so that all together give at most `total`: those that have less give all of it, and what they
 * leave goes to the others.
 */
export function fairShare(counts: readonly number[], total: number): number {
  const rising = counts.filter((count) => count > 0).toSorted((a, b) => a - b);
  let left = total;
  for (const [index, count] of rising.entries()) {
    const share = Math.floor(left / (rising.length - index));
    if (count > share) return Math.max(1, share);
    left -= count;
  }
  return Math.max(1, total);
}
