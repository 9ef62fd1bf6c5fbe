/** Where an incident is found: by a query, and on the map. An edge without a callee is a service's own work. Pure. */
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
