/** What surrounds the calls that are looked at: who gave up on them, incidents of their edges, what they wait for. Pure. */
import type { Incident, MapEdge } from '../../collector/serve/wire.ts';
import type { Asked } from './asked.ts';

/** The node of the map that requests from outside come from: it is the server's spans that these are counted by. */
const OUTSIDE = 'user';

export interface GivenUp {
  /** Calls to the service that its callers gave up on, whatever it noticed of it. */
  readonly byCallers: number;
  /** Calls of the service to others that it gave up on. */
  readonly own: number;
}

/** Null where the map does not count it: of anything but a service as a whole. */
export function givenUpAround(
  { service, operation, peer, phase }: Asked,
  edges: readonly MapEdge[],
): GivenUp | null {
  if (service === null || operation !== null || peer !== null || phase !== null) return null;
  const sum = (of: readonly MapEdge[]) => of.reduce((total, { timeouts }) => total + timeouts, 0);
  return {
    byCallers: sum(edges.filter(({ from, to }) => to === service && from !== OUTSIDE)),
    own: sum(edges.filter(({ from }) => from === service)),
  };
}

/** Incidents of these calls, of a service also those of calls to it and of its own; all of them where nothing was asked for. */
export function incidentsAround(
  { service, operation, peer }: Asked,
  incidents: readonly Incident[],
): Incident[] {
  const isAround = (edge: string): boolean => {
    const [from, to = null] = edge.split('->');
    if (peer !== null) return to === peer && (service === null || from === service);
    if (service !== null) return from === service || to === service;
    return operation === null;
  };
  return incidents.filter(({ edge }) => isAround(edge));
}

/** Of a callee's slowest calls, what they may differ from the calls that waited for them. */
const NEAR = 0.1;

/** Whose slow calls last a little less than this: calls of the service that may wait for them. */
export function calleesNear(atMs: number, service: string | null, edges: readonly MapEdge[]): string[] {
  return edges
    .filter(({ from, p99Ms }) => from === service && p99Ms <= atMs * 1.02 && p99Ms >= atMs * (1 - NEAR))
    .toSorted((a, b) => b.calls - a.calls)
    .map(({ to }) => to);
}
