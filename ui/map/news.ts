/** What a fresh map has that the shown one has not, in words: it is offered, not slipped in. Pure. */
import type { ServiceMap } from '../../collector/serve/wire.ts';
import { countOf } from '../format.ts';
import { edgeKey } from './layout.ts';

/** `1 new node and 2 new edges`; null when there is nothing new. */
export function describeNews(before: ServiceMap, after: ServiceMap): string | null {
  const names = new Set(before.nodes.map((node) => node.id));
  const calls = new Set(before.edges.map(edgeKey));
  const nodes = after.nodes.filter((node) => !names.has(node.id)).length;
  const edges = after.edges.filter((edge) => !calls.has(edgeKey(edge))).length;
  const parts = [
    ...(nodes > 0 ? [countOf(nodes, 'new node')] : []),
    ...(edges > 0 ? [countOf(edges, 'new edge')] : []),
  ];
  return parts.length === 0 ? null : parts.join(' and ');
}
