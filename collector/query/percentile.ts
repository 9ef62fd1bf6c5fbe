/** The exact percentile of durations sorted ascending (nearest rank); 0 when there are none. Imports nothing. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
