/** Incidents under one heading: of one callee, one caller, one phase or one cause. Pure. */
import type { Incident } from '../../collector/serve/wire.ts';

export const GROUPINGS = { callee: 'Callee', caller: 'Caller', phase: 'Phase', cause: 'Cause' } as const;
export type Grouping = keyof typeof GROUPINGS;

export interface IncidentGroup {
  readonly title: string;
  readonly incidents: readonly Incident[];
  /** Calls that gave up. */
  readonly count: number;
}

export function readGrouping(text: string | undefined): Grouping | null {
  return text !== undefined && Object.hasOwn(GROUPINGS, text) ? (text as Grouping) : null;
}

/** Groups come as their first incidents do, and keep the order of these. */
export function groupIncidents(incidents: readonly Incident[], by: Grouping): IncidentGroup[] {
  return [...Map.groupBy(incidents, (incident) => titleOf(incident, by))].map(([title, members]) => ({
    title,
    incidents: members,
    count: members.reduce((sum, { count }) => sum + count, 0),
  }));
}

/** The first so many incidents of all groups together, each under its heading; the headings count all of theirs. */
export function firstOf(
  groups: readonly IncidentGroup[],
  most: number,
): { readonly group: IncidentGroup; readonly shown: readonly Incident[] }[] {
  let left = most;
  return groups.flatMap((group) => {
    if (left <= 0) return [];
    const shown = group.incidents.slice(0, left);
    left -= shown.length;
    return [{ group, shown }];
  });
}

function titleOf(incident: Incident, by: Grouping): string {
  const [caller = '', callee = caller] = incident.edge.split('->');
  if (by === 'caller') return caller;
  if (by === 'callee') return callee;
  if (by === 'cause') return incident.cause === 'unknown' ? 'Cause unknown' : `Likeliest ${incident.cause}`;
  return incident.phase === 'none' ? 'Own work' : `In ${incident.phase}`;
}
