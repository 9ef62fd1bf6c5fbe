/** Nodes and edges in words: what stands in a node, and what a mark is called for who cannot see it. Pure. */
import type { MapEdge, MapNode } from '../../collector/serve/wire.ts';
import { formatDuration, formatRate } from '../format.ts';
import { failureBadges, isFailing, sayTimeouts } from './draw.ts';
import { NODE_KIND } from './kind-names.ts';

/** Beside the name: how slow and how busy; of what was not called, its kind. */
export function nodeNumbers(node: MapNode, seconds: number): string {
  if (node.calls === 0) return NODE_KIND[node.kind];
  return `p95 ${formatDuration(node.p95Ms)} · ${formatRate(node.calls, seconds)}`;
}

export function nodeLabel(node: MapNode, seconds: number): string {
  return (
    `${node.id}, ${NODE_KIND[node.kind]}${node.inferred ? ', known from its callers alone' : ''}: ` +
    `${nodeNumbers(node, seconds)}, ${node.timeouts} timeouts, ${node.errors} errors`
  );
}

export function edgeLabel(edge: MapEdge, seconds: number): string {
  const says = isFailing(edge) ? failureBadges(edge)[0] : sayTimeouts(edge);
  return (
    `${edge.from} calls ${edge.to}: ${formatRate(edge.calls, seconds)}, p95 ${formatDuration(edge.p95Ms)}, ` +
    `${edge.timeouts} timeouts, ${edge.errors} errors${says ? `, ${says}` : ''}`
  );
}
