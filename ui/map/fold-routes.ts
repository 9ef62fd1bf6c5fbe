/**
 * How the edges of a folded map run: between its columns and bands, never behind a node. Pure and deterministic.
 *
 *   to a later column   straight through the gaps between the nodes of those in between
 *   to another band,    around corners: down the gutter right of the caller, along the channel between two bands,
 *   or back             and down the gutter left of the callee
 */
import { NODE_HEIGHT, NODE_WIDTH } from './draw.ts';
import { BAND_GAP, FOLDED_PITCH, type Bands, type Places } from './fold-layers.ts';
import type { GraphEdge, Point } from './layout.ts';

/** Lines that share a gap, a gutter or a channel run side by side, this far apart, in as many lanes. */
const LANE_PX = 4;
const LANES = 7;
/** From the middle of a node to the middle of the gap beside it. */
const TO_GAP = NODE_HEIGHT / 2 + 15;
/** Where a line has left a gap. */
const BESIDE = NODE_WIDTH / 2 + 6;

interface Standing {
  readonly band: number;
  readonly column: number;
}

/** Waypoints by edge; those of an edge around corners are its corners. */
export function routeFolded(
  edges: readonly GraphEdge[],
  bands: Bands,
  places: Places,
): Record<string, Point[]> {
  const at = new Map<string, Standing>();
  bands.forEach((columns, band) =>
    columns.forEach((names, column) => names.forEach((name) => at.set(name, { band, column }))),
  );
  const lanes = createLanes();
  const routes: Record<string, Point[]> = {};
  for (const edge of edges) {
    const [from, to] = [at.get(edge.from), at.get(edge.to)];
    const [start, end] = [places.nodes[edge.from], places.nodes[edge.to]];
    if (!from || !to || !start || !end) continue;
    const isOnward = from.band === to.band && to.column > from.column;
    if (isOnward && to.column === from.column + 1) continue;
    routes[`${edge.from}->${edge.to}`] = isOnward
      ? throughGaps(start, end, (bands[from.band] ?? []).slice(from.column + 1, to.column), places, lanes)
      : aroundCorners(start, end, channelOf(from.band, to.band, places), lanes);
  }
  return routes;
}

/** In each column between, the gap nearest to the straight line. */
function throughGaps(
  start: Point,
  end: Point,
  between: Bands[number],
  { nodes }: Places,
  lanes: Lanes,
): Point[] {
  return between.flatMap((names) => {
    const column = names.flatMap((name) => nodes[name] ?? []);
    const x = column[0]?.x ?? 0;
    const straight = start.y + ((end.y - start.y) * (x - start.x)) / (end.x - start.x);
    const gaps = column.flatMap(({ y }) => [y - TO_GAP, y + TO_GAP]);
    const [nearest = straight] = gaps.toSorted((a, b) => Math.abs(a - straight) - Math.abs(b - straight));
    const y = nearest + lanes.next(`gap ${x} ${nearest}`);
    return [
      { x: x - BESIDE, y },
      { x: x + BESIDE, y },
    ];
  });
}

/** The channel that an edge from one band to another runs along: above the lower one; within a band, below it. */
function channelOf(from: number, to: number, { ends }: Places): number {
  const above = from === to ? from : Math.max(from, to) - 1;
  return (ends[above]?.bottom ?? 0) + BAND_GAP / 2;
}

function aroundCorners(start: Point, end: Point, channel: number, lanes: Lanes): Point[] {
  const gutter = (x: number) => x + lanes.next(`gutter ${x}`);
  const right = gutter(start.x + FOLDED_PITCH / 2);
  const left = gutter(end.x - FOLDED_PITCH / 2);
  const y = channel + lanes.next(`channel ${channel}`);
  return [
    { x: right, y: start.y },
    { x: right, y },
    { x: left, y },
    { x: left, y: end.y },
  ];
}

type Lanes = ReturnType<typeof createLanes>;

/** How far from the middle of a place the next line through it runs. */
function createLanes() {
  const used = new Map<string, number>();
  return {
    next(place: string): number {
      const count = used.get(place) ?? 0;
      used.set(place, count + 1);
      const lane = count % LANES;
      // The middle first, then by turns on both sides.
      return (lane % 2 === 0 ? -1 : 1) * Math.ceil(lane / 2) * LANE_PX || 0;
    },
  };
}
