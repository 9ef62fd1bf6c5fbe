/** Walking the map by arrow keys: from a node onto its edges, along them, and between siblings. Pure. */
import { edgeKey, type GraphEdge, type Point } from './layout.ts';

/** `node:checkout` or `edge:checkout->payments`; the form the URL's `sel` has. */
export type Selection = { readonly node: string } | { readonly edge: GraphEdge };

export function formatSelection(selection: Selection): string {
  return 'node' in selection ? `node:${selection.node}` : `edge:${edgeKey(selection.edge)}`;
}

/** Reads `sel` against what is on the map; null when it is not there. */
export function findSelection(
  text: string | undefined,
  nodes: readonly { readonly id: string }[],
  edges: readonly GraphEdge[],
): Selection | null {
  if (text === undefined) return null;
  const node = nodes.find((other) => text === `node:${other.id}`);
  if (node) return { node: node.id };
  const edge = edges.find((other) => text === `edge:${edgeKey(other)}`);
  return edge ? { edge: { from: edge.from, to: edge.to } } : null;
}

interface Walkable {
  readonly nodes: Readonly<Record<string, Point>>;
  readonly edges: readonly GraphEdge[];
}

/**
 * Right and left follow a call to its edge and on to its other end; up and down go to the nearest sibling: another
 * edge of the same node, or another node of the same column. Null when there is nowhere to go.
 */
export function walk(
  map: Walkable,
  at: Selection,
  key: 'ArrowRight' | 'ArrowLeft' | 'ArrowUp' | 'ArrowDown',
): Selection | null {
  if (key === 'ArrowRight' || key === 'ArrowLeft') return walkAlong(map, at, key === 'ArrowRight');
  const step = key === 'ArrowDown' ? 1 : -1;
  if ('edge' in at) {
    const siblings = byCallee(map, at.edge.from);
    const index = siblings.findIndex((edge) => edgeKey(edge) === edgeKey(at.edge));
    const next = siblings[index + step];
    return next ? { edge: next } : null;
  }
  const here = map.nodes[at.node];
  if (!here) return null;
  const [nearest] = Object.entries(map.nodes)
    .filter(([, point]) => Math.abs(point.x - here.x) < 1 && (point.y - here.y) * step > 0)
    .toSorted((a, b) => Math.abs(a[1].y - here.y) - Math.abs(b[1].y - here.y));
  return nearest ? { node: nearest[0] } : null;
}

function walkAlong(map: Walkable, at: Selection, rightward: boolean): Selection | null {
  if ('edge' in at) return { node: rightward ? at.edge.to : at.edge.from };
  const edges = rightward
    ? byCallee(map, at.node)
    : map.edges.filter((edge) => edge.to === at.node && edge.from !== edge.to);
  const here = map.nodes[at.node];
  const other = (edge: GraphEdge) => map.nodes[rightward ? edge.to : edge.from];
  // Calls of a service to itself lead nowhere: only where there are no others.
  const distance = (edge: GraphEdge) =>
    edge.from === edge.to ? Infinity : Math.abs((other(edge)?.y ?? 0) - (here?.y ?? 0));
  const [nearest] = edges.toSorted((a, b) => distance(a) - distance(b) || 0);
  return nearest ? { edge: { from: nearest.from, to: nearest.to } } : null;
}

/** A caller's edges from top to bottom, as they are drawn. */
function byCallee(map: Walkable, caller: string): GraphEdge[] {
  return map.edges
    .filter((edge) => edge.from === caller)
    .map(({ from, to }) => ({ from, to }))
    .toSorted((a, b) => (map.nodes[a.to]?.y ?? 0) - (map.nodes[b.to]?.y ?? 0) || (a.to < b.to ? -1 : 1));
}
