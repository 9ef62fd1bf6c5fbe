/** How the map's numbers become marks: widths, colour steps, rings, paths, words. Pure. */
import type { MapEdge, MapNode } from '../../collector/serve/wire.ts';
import { formatShare } from '../format.ts';
import type { Point } from './layout.ts';

export const NODE_WIDTH = 190;
export const NODE_HEIGHT = 44;
/** The user is a circle at the right end of its place, where its calls begin. */
export const USER_RADIUS = 20;

/** How far a node's drawing reaches to the left of its place's centre. */
export function leftReach(node: Pick<MapNode, 'kind'>): number {
  return node.kind === 'user' ? 2 * USER_RADIUS - NODE_WIDTH / 2 : NODE_WIDTH / 2;
}

/** Upper bounds of the colour steps of p95, in milliseconds; the last step has none. */
export const LATENCY_STEPS_MS = [5, 20, 50, 200] as const;

export function latencyStep(p95Ms: number): number {
  const step = LATENCY_STEPS_MS.findIndex((limit) => p95Ms <= limit);
  return step === -1 ? LATENCY_STEPS_MS.length : step;
}

/** Steps of the share of calls that failed: none, below 1 %, below 5 %, below 20 %, more. */
export function failureStep(calls: Counts): number {
  const share = failedShare(calls);
  return [0, 0.01, 0.05, 0.2].filter((limit) => share > limit).length;
}

interface Counts {
  readonly calls: number;
  readonly errors: number;
  readonly timeouts: number;
}

export function failedShare({ calls, errors, timeouts }: Counts): number {
  return calls === 0 ? 0 : (errors + timeouts) / calls;
}

/** From 1.25 to 6 px by the square root of the rate, relative to the busiest edge. */
export function edgeWidth(calls: number, busiestCalls: number): number {
  return busiestCalls <= 0 ? 1.25 : 1.25 + 4.75 * Math.sqrt(calls / busiestCalls);
}

/** The outcomes in ring order, as shares that add up to 1; a node without calls is an empty ring. */
export function ringShares({ calls, errors, timeouts }: Counts): {
  ok: number;
  error: number;
  timeout: number;
} {
  if (calls === 0) return { ok: 0, error: 0, timeout: 0 };
  const timeout = Math.min(1, timeouts / calls);
  const error = Math.min(1 - timeout, errors / calls);
  return { ok: 1 - timeout - error, error, timeout };
}

/** The phase most timeouts of an edge were stuck in; null when that is not recorded. */
function worstPhase({ timeoutPhases }: Pick<MapEdge, 'timeoutPhases'>): string | null {
  const phases = Object.entries(timeoutPhases).filter(([, count]) => count > 0);
  const [worst] = phases.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return worst === undefined || worst[0] === 'none' ? null : worst[0];
}

/** The share of all calls that time out, and what most of these are stuck in: `12 % connect`, `12 % time out`. */
export function timeoutBadge(edge: MapEdge): string | null {
  if (edge.timeouts === 0) return null;
  const phase = worstPhase(edge);
  return `${timeoutShare(edge)} ${phase ?? 'time out'}`;
}

/** The same in words, where there is room: `12 % of calls time out, most in connect`. */
export function sayTimeouts(edge: MapEdge): string | null {
  if (edge.timeouts === 0) return null;
  const phase = worstPhase(edge);
  return `${timeoutShare(edge)} of calls time out${phase === null ? '' : `, most in ${phase}`}`;
}

const timeoutShare = ({ timeouts, calls }: MapEdge): string => formatShare(timeouts / Math.max(1, calls));

/** From the right side of the caller through the waypoints to the left side of the callee. */
export function edgePoints(from: Point, to: Point, route: readonly Point[]): Point[] {
  const out = { x: from.x + NODE_WIDTH / 2, y: from.y };
  const into = { x: to.x - NODE_WIDTH / 2, y: to.y };
  return [out, ...route, into];
}

/** An edge whose callee does not stand to the right of its caller closes a cycle. */
export function isBackward(from: Point, to: Point): boolean {
  return to.x - from.x < NODE_WIDTH;
}

/**
 * Horizontal at every point, so that edges leave and enter nodes straight. One against the flow leaves its caller's
 * bottom and rises into its callee's.
 */
export function edgePath(from: Point, to: Point, route: readonly Point[]): string {
  if (isBackward(from, to)) {
    const below = Math.max(from.y, to.y) + NODE_HEIGHT * 1.6;
    const y = NODE_HEIGHT / 2;
    return `M${n(from.x)},${n(from.y + y)}C${n(from.x)},${n(below)} ${n(to.x)},${n(below)} ${n(to.x)},${n(to.y + y + 8)}`;
  }
  const points = edgePoints(from, to, route);
  let path = '';
  points.forEach((point, index) => {
    const before = points[index - 1];
    // Stops short of the node by the length of the arrow head.
    const x = index === points.length - 1 ? point.x - 8 : point.x;
    if (!before) path = `M${n(point.x)},${n(point.y)}`;
    else {
      const middle = (before.x + x) / 2;
      path += `C${n(middle)},${n(before.y)} ${n(middle)},${n(point.y)} ${n(x)},${n(point.y)}`;
    }
  });
  return path;
}

const n = (value: number): string => String(Math.round(value * 10) / 10);

/** Between two samples of a line, about, in px of the map. */
const SAMPLE_PX = 8;

/** Points along an edge as it is drawn, caller first. */
export function sampleEdge(from: Point, to: Point, route: readonly Point[]): Point[] {
  if (isBackward(from, to)) {
    const below = Math.max(from.y, to.y) + NODE_HEIGHT * 1.6;
    const y = NODE_HEIGHT / 2;
    return sampleCurve(
      { x: from.x, y: from.y + y },
      { x: from.x, y: below },
      { x: to.x, y: below },
      { x: to.x, y: to.y + y },
    );
  }
  return edgePoints(from, to, route).flatMap((point, index, points) => {
    const before = points[index - 1];
    if (!before) return [];
    const middle = (before.x + point.x) / 2;
    return sampleCurve(before, { x: middle, y: before.y }, { x: middle, y: point.y }, point);
  });
}

function sampleCurve(a: Point, b: Point, c: Point, d: Point): Point[] {
  const count = Math.max(2, Math.round(Math.hypot(d.x - a.x, d.y - a.y) / SAMPLE_PX));
  const at = (t: number, axis: 'x' | 'y') =>
    (1 - t) ** 3 * a[axis] +
    3 * (1 - t) ** 2 * t * b[axis] +
    3 * (1 - t) * t ** 2 * c[axis] +
    t ** 3 * d[axis];
  return Array.from({ length: count + 1 }, (_, index) => ({
    x: at(index / count, 'x'),
    y: at(index / count, 'y'),
  }));
}
