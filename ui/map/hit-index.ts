/**
 * Which node or edge stands at a place of the map: a grid of cells, each with what passes through it, so that a look
 * costs the same on a map of ten nodes and of a thousand. Pure.
 */
import { sampleCurve } from './edge-curve.ts';
import type { Point } from './layout.ts';
import type { EdgeShape, NodeShape, Scene } from './scene.ts';

const CELL = 160;
/** Between two points of a line when its cells are looked for; well below a cell, so that none is jumped over. */
const CELL_SAMPLE_PX = 40;
/** Between two points of a line whose distance is measured. */
const DISTANCE_SAMPLE_PX = 12;

interface Cell {
  readonly nodes: NodeShape[];
  readonly edges: EdgeShape[];
}

export interface HitIndex {
  /** The node at this place, else the nearest edge that is no farther than `reach`; null when there is neither. */
  at(place: Point, reach: number): NodeShape | EdgeShape | null;
}

export function createHitIndex(scene: Scene): HitIndex {
  const cells = new Map<string, Cell>();
  const lines = new Map<EdgeShape, Point[]>();
  const index = (value: number) => Math.floor(value / CELL);

  function cellAt(column: number, row: number): Cell {
    const key = `${column} ${row}`;
    let cell = cells.get(key);
    if (cell === undefined) cells.set(key, (cell = { nodes: [], edges: [] }));
    return cell;
  }

  for (const shape of scene.nodes) {
    const { left, right, top, bottom } = shape.box;
    for (let column = index(left); column <= index(right); column++) {
      for (let row = index(top); row <= index(bottom); row++) cellAt(column, row).nodes.push(shape);
    }
  }
  for (const shape of scene.edges) {
    let last: Cell | null = null;
    for (const point of sampleCurve(shape.curve, CELL_SAMPLE_PX)) {
      const cell = cellAt(index(point.x), index(point.y));
      if (cell !== last) cell.edges.push(shape);
      last = cell;
    }
  }

  function distanceTo(shape: EdgeShape, place: Point): number {
    let line = lines.get(shape);
    if (line === undefined) lines.set(shape, (line = sampleCurve(shape.curve, DISTANCE_SAMPLE_PX)));
    let nearest = Infinity;
    for (let i = 1; i < line.length; i++) {
      nearest = Math.min(nearest, distanceToSegment(place, line[i - 1] ?? place, line[i] ?? place));
    }
    return nearest;
  }

  return {
    at(place, reach) {
      const node = cells
        .get(`${index(place.x)} ${index(place.y)}`)
        ?.nodes.find(({ box: { left, right, top, bottom } }) => {
          return place.x >= left && place.x <= right && place.y >= top && place.y <= bottom;
        });
      if (node !== undefined) return node;
      const near = new Set<EdgeShape>();
      for (let column = index(place.x - reach); column <= index(place.x + reach); column++) {
        for (let row = index(place.y - reach); row <= index(place.y + reach); row++) {
          for (const shape of cells.get(`${column} ${row}`)?.edges ?? []) near.add(shape);
        }
      }
      let found: EdgeShape | null = null;
      let nearest = reach;
      for (const shape of near) {
        const distance = distanceTo(shape, place);
        if (distance <= nearest) [found, nearest] = [shape, distance];
      }
      return found;
    },
  };
}

function distanceToSegment(place: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const lengthSquared = dx * dx + dy * dy;
  const along = lengthSquared === 0 ? 0 : ((place.x - a.x) * dx + (place.y - a.y) * dy) / lengthSquared;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(place.x - a.x - share * dx, place.y - a.y - share * dy);
}
