/** Percentiles over time as a path through the middles of their steps; broken where too few calls stand behind one. Pure. */

export interface LinePoint {
  /** Of its step. */
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/** Steps nearer than this are joined, as one between them without calls says nothing. */
const GAP_STEPS_MAX = 2;

/** SVG path data of points in order of time, '' of none. A step alone is a line as wide as it is. */
export function drawLine(points: readonly LinePoint[]): string {
  let path = '';
  let isJoined = false;
  for (const [index, { left, right, y }] of points.entries()) {
    if (!isJoined) path += `M${at(left, y)}`;
    path += `L${at((left + right) / 2, y)}`;
    const next = points[index + 1];
    isJoined = next !== undefined && next.left - left <= GAP_STEPS_MAX * (right - left) + 1e-6;
    if (!isJoined) path += `L${at(right, y)}`;
  }
  return path;
}

const at = (x: number, y: number): string => `${Number(x.toFixed(1))},${Number(y.toFixed(1))}`;
