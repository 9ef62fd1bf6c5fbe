/** Which part of a large map is drawn at first: what fails, what is around it, and then what is busiest. Pure. */
import type { MapEdge, MapNode } from '../../collector/serve/wire.ts';
import { ROW_PITCH } from './draw.ts';
import { edgeKey, type Layout } from './layout.ts';

export interface MapPart {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

/** More nodes than this are a carpet, not a map. */
export const NODES_SHOWN = 60;
/** Neighbourhoods of this many are shown: of more, each would be too small to tell anything. */
const SEEDS_MAX = 6;
/** The node that stands for what is left out; no service's name begins so. */
export const FOLD_ID = '\u0001folded';

function fails(counts: { readonly errors: number; readonly timeouts: number }): boolean {
  return counts.errors + counts.timeouts > 0;
}

/** The unhealthy edges with their ends, and unhealthy nodes. */
export function keepUnhealthy({ nodes, edges }: MapPart): MapPart {
  const failing = edges.filter(fails);
  const ends = new Set(failing.flatMap((edge) => [edge.from, edge.to]));
  return { nodes: nodes.filter((node) => fails(node) || ends.has(node.id)), edges: failing };
}

/**
 * At most `nodesMax` nodes: those of a trace's `path`, the neighbourhoods of `origins` (edges as `a->b`, or services), worst first, or of the edges
 * with most timeouts and errors; and every edge between them. A map that is small enough stays whole.
 */
export function keepWorst(
  map: MapPart,
  nodesMax: number,
  origins: readonly string[] = [],
  path: ReadonlySet<string> = new Set(),
): MapPart {
  if (map.nodes.length <= nodesMax) return map;
  const known = new Set(map.nodes.map((node) => node.id));
  const byKey = new Map(map.edges.map((edge) => [edgeKey(edge), edge]));
  const kept = new Set<string>();
  const keep = (...names: string[]) => {
    const added = new Set(names.filter((name) => known.has(name) && !kept.has(name)));
    // An edge with one end alone would not be drawn.
    if (kept.size + added.size <= nodesMax) for (const name of added) kept.add(name);
  };
  const worstFirst = map.edges.toSorted(
    (a, b) =>
      b.timeouts - a.timeouts || b.errors - a.errors || b.calls - a.calls || (a.from < b.from ? -1 : 1),
  );
  const seeds = new Set([...origins, ...worstFirst.filter(fails).map(edgeKey)]);
  for (const seed of [...path, ...[...seeds].slice(0, SEEDS_MAX)]) {
    const edge = byKey.get(seed);
    if (edge) keep(edge.from, edge.to);
    else keep(seed);
  }
  for (let before = -1; kept.size > before;) {
    before = kept.size;
    const reached = new Set(kept);
    for (const edge of worstFirst)
      if (reached.has(edge.from) || reached.has(edge.to)) keep(edge.from, edge.to);
  }
  // What has nothing to do with any of it fills what is left, busiest first.
  for (const edge of worstFirst) keep(edge.from, edge.to);
  for (const node of map.nodes.toSorted((a, b) => b.calls - a.calls)) keep(node.id);
  return {
    nodes: map.nodes.filter((node) => kept.has(node.id)),
    edges: map.edges.filter((edge) => kept.has(edge.from) && kept.has(edge.to)),
  };
}

/**
 * Puts the node of what is left out below the others, at the right. Where it stands already it stays, but for a band
 * of new nodes that came to stand there.
 */
export function placeFold(layout: Layout, kept: Layout | null): Layout {
  const points = Object.values(layout.nodes);
  const lowestY = Math.max(0, ...points.map((point) => point.y));
  const stood = kept?.nodes[FOLD_ID];
  const isBelow = stood !== undefined && (!layout.bands || stood.y > lowestY);
  const at = isBelow ? stood : { x: Math.max(0, ...points.map((point) => point.x)), y: lowestY + ROW_PITCH };
  return { ...layout, nodes: { ...layout.nodes, [FOLD_ID]: at } };
}
