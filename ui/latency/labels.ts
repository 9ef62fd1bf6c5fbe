/** Labels at the edge of a plot: each at the height of what it names, or as near as the others leave room. Pure. */

/** `y` of the middle of each, moved apart to `apartPx` and kept within `[top, bottom]`, in the order given. */
export function spreadLabels(
  wanted: readonly number[],
  apartPx: number,
  top: number,
  bottom: number,
): number[] {
  const order = wanted.map((_, index) => index).toSorted((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const placed = wanted.map((y) => Math.min(bottom, Math.max(top, y)));
  let least = top;
  for (const index of order) {
    placed[index] = Math.max(placed[index] ?? 0, least);
    least = (placed[index] ?? 0) + apartPx;
  }
  let most = bottom;
  for (const index of order.toReversed()) {
    placed[index] = Math.min(placed[index] ?? 0, most);
    most = (placed[index] ?? 0) - apartPx;
  }
  return placed;
}
