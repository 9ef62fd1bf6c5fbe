/**
 * Where the badges of timeout edges stand: each on or beside its own line, clear of nodes, of each other, and, as far
 * as there is room, of other lines. Pure.
 */
import type { Point } from './layout.ts';

export interface Rect {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}
export interface Badge {
  readonly width: number;
  /** Points along the badge's own line, evenly enough spaced, caller first. */
  readonly line: readonly Point[];
}

export const BADGE_HEIGHT = 22;
/** On the line, or above and below it: near enough to belong to it. */
const LIFTS = [0, -16, 16, -36, 36];
/** Free space around a badge. */
const MARGIN = 3;
/** A caller waited, so its badge stands nearer to it; a third of the way is beyond the fan of its other lines. */
const PREFERRED_SHARE = 0.35;

/**
 * What a place costs: over another line, a badge would seem to be that one's. Tuned on the demo's map, where one
 * caller has three timeout edges.
 */
const COST = { node: 400, badge: 400, otherLine: 60, ownLine: 3, lift: 0.5, distance: 40 };

/** One place for each badge, in the given order: the first, which should be the worst, chooses first. */
export function placeBadges(
  badges: readonly Badge[],
  nodes: readonly Rect[],
  lines: readonly (readonly Point[])[],
): Point[] {
  const taken: Rect[] = [];
  const bounded = lines.map((line) => ({ line, bounds: boundsOf(line) }));
  return badges.map((badge) => {
    let best: Point = badge.line[0] ?? { x: 0, y: 0 };
    let lowest = Infinity;
    const candidates = badge.line
      .flatMap((on, index) => {
        const share = index / Math.max(1, badge.line.length - 1);
        const away = COST.distance * Math.abs(share - PREFERRED_SHARE);
        return LIFTS.map((lift) => ({ x: on.x, y: on.y + lift, cost: away + COST.lift * Math.abs(lift) }));
      })
      .toSorted((a, b) => a.cost - b.cost);
    for (const { x, y, cost: reach } of candidates) {
      // What stands in the way only adds to it.
      if (reach >= lowest) break;
      const rect = rectAround({ x, y }, badge.width);
      const cost =
        reach +
        COST.node * nodes.filter((node) => overlap(rect, node)).length +
        COST.badge * taken.filter((other) => overlap(rect, other)).length +
        COST.ownLine * badge.line.filter((point) => covers(rect, point)).length +
        COST.otherLine *
          bounded.filter(
            ({ line, bounds }) =>
              line !== badge.line && overlap(rect, bounds) && line.some((p) => covers(rect, p)),
          ).length;
      if (cost < lowest) [best, lowest] = [{ x, y }, cost];
    }
    taken.push(rectAround(best, badge.width));
    return best;
  });
}

export function rectAround({ x, y }: Point, width: number, height = BADGE_HEIGHT): Rect {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

function boundsOf(line: readonly Point[]): Rect {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of line) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left, right, top, bottom };
}

function overlap(a: Rect, b: Rect): boolean {
  return (
    a.left < b.right + MARGIN &&
    b.left < a.right + MARGIN &&
    a.top < b.bottom + MARGIN &&
    b.top < a.bottom + MARGIN
  );
}

function covers(rect: Rect, { x, y }: Point): boolean {
  return rect.left < x && x < rect.right && rect.top < y && y < rect.bottom;
}
