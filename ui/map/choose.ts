/** Which part of a large map is drawn at first: what fails, what is around it, and then what is busiest. Pure. */
import type { MapEdge, MapNode } from '../../collector/serve/wire.ts';

export interface MapPart {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

/** More nodes than this are a carpet, not a map. */
export const NODES_SHOWN = 60;

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
 * At most `nodesMax` nodes: the ends of the edges with most timeouts, then most errors, then most calls; and every
 * edge between them. A map that is small enough stays whole.
 */
export function keepWorst(map: MapPart, nodesMax: number): MapPart {
  if (map.nodes.length <= nodesMax) return map;
  const worstFirst = map.edges.toSorted(
    (a, b) =>
      b.timeouts - a.timeouts || b.errors - a.errors || b.calls - a.calls || (a.from < b.from ? -1 : 1),
  );
  const kept = new Set<string>();
  for (const edge of worstFirst) {
    const added = [edge.from, edge.to].filter((end) => !kept.has(end));
    if (kept.size + new Set(added).size > nodesMax) continue;
    for (const end of added) kept.add(end);
  }
  // Nodes that call nobody fill what is left.
  for (const node of map.nodes.toSorted((a, b) => b.calls - a.calls)) {
    if (kept.size < nodesMax) kept.add(node.id);
  }
  return {
    nodes: map.nodes.filter((node) => kept.has(node.id)),
    edges: map.edges.filter((edge) => kept.has(edge.from) && kept.has(edge.to)),
  };
}
