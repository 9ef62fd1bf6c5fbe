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
 * What a place costs: over another line, a badge would seem to be that one's, and over a name it hides it, however many
 * lines there are. Tuned on the demo's map, where one caller has three timeout edges.
 */
const COST = { node: 4000, badge: 4000, otherLine: 60, ownLine: 3, lift: 0.5, distance: 40 };

/** One place for each badge, in the given order: the first, which should be the worst, chooses first. */
export function placeBadges(
  badges: readonly Badge[],
  nodes: readonly Rect[],
  lines: readonly (readonly Point[])[],
): Point[] {
  const taken: Rect[] = [];
  const countLines = createLineCounter(lines);
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
      const below =
        reach +
        COST.node * nodes.filter((node) => overlap(rect, node)).length +
        COST.badge * taken.filter((other) => overlap(rect, other)).length +
        COST.ownLine * badge.line.filter((point) => covers(rect, point)).length;
      if (below >= lowest) continue;
      const cost = below + COST.otherLine * countLines(rect, badge.line);
      if (cost < lowest) [best, lowest] = [{ x, y }, cost];
    }
    taken.push(rectAround(best, badge.width));
    return best;
  });
}

export function rectAround({ x, y }: Point, width: number, height = BADGE_HEIGHT): Rect {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

/** Sides of the squares that points are found by; a badge covers a few. */
const CELL_PX = 64;
const CELLS_WIDE = 2 ** 20;

/**
 * Counts the lines, but for one, that have a point in a rectangle. Asking all of them for each place of each badge took
 * 0.7 s with 400 edges, most of which time out.
 */
function createLineCounter(lines: readonly (readonly Point[])[]) {
  const cells = new Map<number, { readonly line: number; readonly point: Point }[]>();
  const cellOf = (px: number): number => Math.floor(px / CELL_PX);
  for (const [line, points] of lines.entries()) {
    for (const point of points) {
      const key = cellOf(point.x) * CELLS_WIDE + cellOf(point.y);
      const cell = cells.get(key);
      if (cell === undefined) cells.set(key, [{ line, point }]);
      else cell.push({ line, point });
    }
  }
  return (rect: Rect, except: readonly Point[]): number => {
    const found = new Set<number>();
    for (let x = cellOf(rect.left); x <= cellOf(rect.right); x++) {
      for (let y = cellOf(rect.top); y <= cellOf(rect.bottom); y++) {
        for (const { line, point } of cells.get(x * CELLS_WIDE + y) ?? []) {
          if (lines[line] !== except && covers(rect, point)) found.add(line);
        }
      }
    }
    return found.size;
  };
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
