/** Where an incident is found: by a query, on the map, and in its traces. An edge without a callee is a service's own work. Pure. */
import type { Incident, Verdict } from '../../collector/serve/wire.ts';
import { FAILED_QUERY } from '../search/failed-near.ts';

const isOwnWork = (edge: string): boolean => !edge.includes('->');

/** The origin of own work that took too long need not have failed itself; its verdict alone names the service. */
export function incidentQuery(edge: string): string {
  const term = `edge:${/[\s()"]/.test(edge) ? `"${edge.replace(/["\\]/g, '\\$&')}"` : edge}`;
  return isOwnWork(edge) ? term : `${term} ${FAILED_QUERY}`;
}

/** What `sel` selects on the map. */
export function incidentMark(edge: string): string {
  return isOwnWork(edge) ? `node:${edge}` : `edge:${edge}`;
}

/** Whose latency over time shows it. */
export function latencyOf(edge: string): Record<string, string> {
  const [service = '', peer] = edge.split('->');
  return { service, ...(peer !== undefined && { peer }) };
}

/** The query of a link to a trace, so that it opens on what it has to do with the incident. */
export function incidentInTrace({ kind, phase, edge }: Pick<Incident, 'kind' | 'phase' | 'edge'>): {
  incident: string;
} {
  return { incident: `${kind},${phase},${edge}` };
}

/** Which of a trace's verdicts belongs to the incident of such a link; -1 when none does. */
export function placeOfIncident(verdicts: readonly Verdict[], incident: string): number {
  return verdicts.findIndex(
    ({ giveUp, phase, origin }) =>
      incidentInTrace({ kind: giveUp.kind, phase, edge: origin.edge }).incident === incident,
  );
}
