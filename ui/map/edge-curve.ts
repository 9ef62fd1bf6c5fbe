/** The curve of an edge between its nodes' places: as numbers, as an SVG path, as points along it. Pure. */
import { NODE_HEIGHT, NODE_WIDTH } from './draw.ts';
import type { Point } from './layout.ts';

/** `[x0, y0]`, then six numbers for every cubic Bézier that follows: two control points and its end. */
export type Curve = readonly number[];

/** The line ends this far before the node, where its arrow begins. */
export const ARROW_LENGTH = 8;
/** How far an edge against the flow hangs below its lower node's centre. */
const HANG = NODE_HEIGHT * 1.6;

/** How far to either side of its node's centre a service's calls to itself leave it and come back: beyond their badge. */
const LOOP_REACH = 70;
/** Of such a loop, towards the row below, which it does not touch. */
export const LOOP_HANG = 32;

/** Of the bends of an edge around corners. */
const BEND_PX = 14;

/** An edge whose callee does not stand to the right of its caller closes a cycle, unless it leads there around corners. */
export function isBackward(from: Point, to: Point, route: readonly Point[]): boolean {
  return to.x - from.x < NODE_WIDTH && !hasCorners(route);
}

/** A waypoint straight above or below the one before it is a corner, and so are all of them. */
function hasCorners([first, second]: readonly Point[]): boolean {
  return first !== undefined && first.x === second?.x;
}

/**
 * From the right side of the caller through the waypoints to the left side of the callee, horizontal at every point, so
 * that edges leave and enter nodes straight; or around corners. One against the flow leaves its caller's bottom and rises
 * into its callee's; where these are one node it is a loop below it.
 */
export function edgeCurve(from: Point, to: Point, route: readonly Point[], gap = ARROW_LENGTH): Curve {
  if (isBackward(from, to, route)) {
    const bottom = NODE_HEIGHT / 2;
    const reach = loopReach(from, to);
    const below = Math.max(from.y, to.y) + (reach === 0 ? HANG : bottom + LOOP_HANG);
    const [startX, endX] = [from.x + reach, to.x - reach];
    return [startX, from.y + bottom, startX, below, endX, below, endX, to.y + bottom + gap];
  }
  const points = [...route, { x: to.x - NODE_WIDTH / 2 - gap, y: to.y }];
  let before: Point = { x: from.x + NODE_WIDTH / 2, y: from.y };
  if (hasCorners(route)) return curveAroundCorners([before, ...points]);
  const curve = [before.x, before.y];
  for (const point of points) {
    const middle = (before.x + point.x) / 2;
    curve.push(middle, before.y, middle, point.y, point.x, point.y);
    before = point;
  }
  return curve;
}

/** How far beside the centre of its callee an edge against the flow ends: 0 but for a loop. */
export function loopReach(from: Point, to: Point): number {
  return from.x === to.x && from.y === to.y ? LOOP_REACH : 0;
}

/** Straight from corner to corner, with a bend at each. */
function curveAroundCorners(points: readonly Point[]): Curve {
  const [start = { x: 0, y: 0 }] = points;
  const curve = [start.x, start.y];
  const between = (a: Point, b: Point, share: number): [number, number] => [
    a.x + (b.x - a.x) * share,
    a.y + (b.y - a.y) * share,
  ];
  /** The share of the way from `a` to `b` that a bend at `a` takes. */
  const bend = (a: Point, b: Point) => Math.min(0.5, BEND_PX / Math.max(1, Math.hypot(b.x - a.x, b.y - a.y)));
  points.slice(1).forEach((corner, index) => {
    const [x, y] = curve.slice(-2) as [number, number];
    const last = points[index] ?? corner;
    const next = points[index + 2];
    const [endX, endY] = next ? between(corner, last, bend(corner, last)) : [corner.x, corner.y];
    curve.push((2 * x + endX) / 3, (2 * y + endY) / 3, (x + 2 * endX) / 3, (y + 2 * endY) / 3, endX, endY);
    if (next)
      curve.push(corner.x, corner.y, corner.x, corner.y, ...between(corner, next, bend(corner, next)));
  });
  return curve;
}

export function edgePath(from: Point, to: Point, route: readonly Point[]): string {
  const [x, y, ...rest] = edgeCurve(from, to, route).map((value) => String(Math.round(value * 10) / 10));
  let path = `M${x},${y}`;
  for (let at = 0; at < rest.length; at += 6) {
    const [ax, ay, bx, by, endX, endY] = rest.slice(at, at + 6);
    path += `C${ax},${ay} ${bx},${by} ${endX},${endY}`;
  }
  return path;
}

/** Points along an edge from node to node, some `everyPx` apart, caller first. */
export function sampleEdge(from: Point, to: Point, route: readonly Point[], everyPx: number): Point[] {
  return sampleCurve(edgeCurve(from, to, route, 0), everyPx);
}

export function sampleCurve(curve: Curve, everyPx: number): Point[] {
  const points: Point[] = [{ x: curve[0] ?? 0, y: curve[1] ?? 0 }];
  for (let at = 2; at < curve.length; at += 6) {
    const [x0 = 0, y0 = 0] = [curve[at - 2], curve[at - 1]];
    const [x1 = 0, y1 = 0] = [curve[at + 4], curve[at + 5]];
    const count = Math.max(2, Math.round(Math.hypot(x1 - x0, y1 - y0) / everyPx));
    for (let step = 1; step <= count; step++) points.push(pointOfSegment(curve, at, step / count));
  }
  return points;
}

/** The point at this share of the way, where every segment counts the same. */
export function pointOn(curve: Curve, share: number): Point {
  const segments = (curve.length - 2) / 6;
  const segment = Math.min(segments - 1, Math.floor(share * segments));
  return pointOfSegment(curve, 2 + 6 * segment, share * segments - segment);
}

/** `at`: the index of the segment's first control point. */
function pointOfSegment(curve: Curve, at: number, t: number): Point {
  // Thousands of them are asked for at once.
  const u = 1 - t;
  const [a, b, c, d] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  const [x0 = 0, y0 = 0] = [curve[at - 2], curve[at - 1]];
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = [curve[at], curve[at + 1], curve[at + 2], curve[at + 3]];
  const [x3 = 0, y3 = 0] = [curve[at + 4], curve[at + 5]];
  return { x: a * x0 + b * x1 + c * x2 + d * x3, y: a * y0 + b * y1 + c * y2 + d * y3 };
}
