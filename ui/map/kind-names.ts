/** What nodes and edges are, in words and signs. */
import type { MapEdge, NodeKind } from '../../collector/serve/wire.ts';

export const NODE_KIND: Record<NodeKind, string> = {
  service: 'service',
  database: 'database',
  messaging: 'queue',
  external: 'external',
  user: 'user',
};

export const EDGE_KIND: Record<MapEdge['kind'], string> = {
  http: 'HTTP',
  rpc: 'RPC',
  db: 'database',
  messaging: 'messaging',
  tcp: 'TCP',
};

/** Drawn in a box of 16 × 16. */
export const KIND_ICON: Record<NodeKind, string> = {
  service: 'M3 3.5h10v9H3zM3 6.5h10',
  database: 'M3 4c0-2 10-2 10 0v8c0 2-10 2-10 0zM3 4c0 2 10 2 10 0M3 8c0 2 10 2 10 0',
  messaging: 'M2.5 4h11v8h-11zM2.5 4.5 8 9l5.5-4.5',
  external: 'M4.5 11.5l7-7M6 4.5h5.5V10',
  user: 'M8 2.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM3.5 13.5c0-5 9-5 9 0',
};
