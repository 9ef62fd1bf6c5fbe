/** Which edges of the map other systems have too. Pure. */
import type { MapEdge, ServiceMap } from '../wire.ts';

/** What a callee is called that no attribute of its calls names: it may be any, and is no service. */
export const UNKNOWN_PEER = 'unknown peer';

/** Calls of services to what has a name; those from outside have no caller. */
export function namedCalls({ nodes, edges }: ServiceMap): MapEdge[] {
  const users = new Set(nodes.filter(({ kind }) => kind === 'user').map(({ id }) => id));
  return edges.filter(({ from, to }) => !users.has(from) && to !== UNKNOWN_PEER);
}
