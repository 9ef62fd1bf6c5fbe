/**
 * Where the badges of edges stand: each on or beside its own line, clear of nodes, of each other, and, as far
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
  /** In full, then of shorter texts. */
  readonly widths: readonly number[];
  /** Points along the badge's own line, evenly enough spaced, caller first. */
  readonly line: readonly Point[];
  /** At which share of it the badge stands best; the rest of the line is next best by how far away it is. */
  readonly share: number;
}

/** Where a badge stands, and which of its widths there is room for. */
export interface BadgePlace {
  readonly at: Point;
  readonly size: number;
}

export const BADGE_HEIGHT = 22;
/** On the line, or above and below it: near enough to belong to it. */
const LIFTS = [0, -16, 16, -36, 36];
/** Free space around a badge. */
const MARGIN = 3;
/**
 * What a place costs: over another line, a badge would seem to be that one's, and over a name it hides it, however many
 * lines there are. Tuned on the demo's map, where one caller has three timeout edges.
 */
const COST = {
  node: 4000,
  badge: 4000,
  otherLine: 60,
  strayLine: 150,
  ownLine: 2,
  lift: 1,
  distance: 40,
  shorter: [0, 25, 200],
};

/** Places badges some at a time: it takes longer than anything else that is drawn. */
export interface BadgePlacer {
  /** Of the first so many badges; those that were placed before are known. */
  placeFirst(count: number): readonly BadgePlace[];
}

/**
 * One place for each badge, in the given order: the first, which should be the worst, chooses first. Where it would hide
 * much, a shorter one is chosen. `grown`: how much larger badges are than the map.
 */
export function createBadgePlacer(
  badges: readonly Badge[],
  nodes: readonly Rect[],
  lines: readonly (readonly Point[])[],
  grown = 1,
): BadgePlacer {
  const taken: Rect[] = [];
  const places: BadgePlace[] = [];
  const countLines = createLineCounter(lines);
  const height = BADGE_HEIGHT * grown;

  function place(badge: Badge): BadgePlace {
    let best: BadgePlace = { at: badge.line[0] ?? { x: 0, y: 0 }, size: 0 };
    let lowest = Infinity;
    for (const { at, size, cost: reach } of candidatesOf(badge, grown)) {
      // What stands in the way only adds to it.
      if (reach >= lowest) break;
      const rect = rectAround(at, (badge.widths[size] ?? 0) * grown, height);
      const onOwn = badge.line.filter((point) => covers(rect, point)).length;
      // Beside its own line, it would seem to be that of the line below it.
      const otherLine = onOwn > 0 ? COST.otherLine : COST.strayLine;
      let below = reach + COST.ownLine * onOwn;
      for (const node of nodes) if (below < lowest && overlap(rect, node)) below += COST.node;
      for (const other of taken) if (below < lowest && overlap(rect, other)) below += COST.badge;
      if (below >= lowest) continue;
      const enough = Math.ceil((lowest - below) / otherLine);
      const cost = below + otherLine * countLines(rect, badge.line, enough);
      if (cost < lowest) [best, lowest] = [{ at, size }, cost];
    }
    taken.push(rectAround(best.at, (badge.widths[best.size] ?? 0) * grown, height));
    return best;
  }

  return {
    placeFirst(count) {
      for (const badge of badges.slice(places.length, count)) places.push(place(badge));
      return places.slice(0, count);
    },
  };
}

/** Each place of each size with what it costs by itself, cheapest first. */
function candidatesOf(
  { line, widths, share: best }: Badge,
  grown: number,
): (BadgePlace & { cost: number })[] {
  return line
    .flatMap((on, index) => {
      const share = index / Math.max(1, line.length - 1);
      const away = COST.distance * Math.abs(share - best);
      return LIFTS.flatMap((lift) =>
        widths.map((_, size) => ({
          at: { x: on.x, y: on.y + lift * grown },
          size,
          cost: away + COST.lift * Math.abs(lift) + (COST.shorter[size] ?? 0),
        })),
      );
    })
    .toSorted((a, b) => a.cost - b.cost);
}

export function rectAround({ x, y }: Point, width: number, height = BADGE_HEIGHT): Rect {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

/** Sides of the squares that points are found by; a badge covers a few. */
const CELL_PX = 64;
const CELLS_WIDE = 2 ** 20;

/**
 * Counts the lines, but for one, that have a point in a rectangle, up to as many as are enough. Asking all of them for each
 * place of each badge took 0.7 s with 400 edges, most of which time out.
 */
function createLineCounter(lines: readonly (readonly Point[])[]) {
  /** Of each square, line, x and y of every point in it, one after the other. */
  const cells = new Map<number, number[]>();
  const cellOf = (px: number): number => Math.floor(px / CELL_PX);
  for (const [line, points] of lines.entries()) {
    for (const point of points) {
      const key = cellOf(point.x) * CELLS_WIDE + cellOf(point.y);
      const cell = cells.get(key);
      if (cell === undefined) cells.set(key, [line, point.x, point.y]);
      else cell.push(line, point.x, point.y);
    }
  }
  return (rect: Rect, except: readonly Point[], enough: number): number => {
    const found = new Set<number>();
    for (let x = cellOf(rect.left); x <= cellOf(rect.right); x++) {
      for (let y = cellOf(rect.top); y <= cellOf(rect.bottom); y++) {
        const cell = cells.get(x * CELLS_WIDE + y) ?? [];
        for (let at = 0; at < cell.length; at += 3) {
          const [line = 0, px = 0, py = 0] = [cell[at], cell[at + 1], cell[at + 2]];
          if (isIn(rect, px, py) && lines[line] !== except) found.add(line);
          if (found.size >= enough) return enough;
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
  return isIn(rect, x, y);
}

function isIn(rect: Rect, x: number, y: number): boolean {
  return rect.left < x && x < rect.right && rect.top < y && y < rect.bottom;
}
