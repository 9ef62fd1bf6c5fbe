/** Where a span stands in its trace, and what is odd about that. Pure. */
import { CALL_ABSENT, CYCLE, spanIdAt, type TraceColumns } from './columns.ts';

const FIRST_MISSING = -2;

/** Id of the parent, received or not; '' at a root. */
export function parentIdOf(columns: TraceColumns, span: number): string {
  const parent = columns.parent[span] ?? -1;
  if (parent >= 0) return spanIdAt(columns, parent);
  return columns.head.missingParents[FIRST_MISSING - parent] ?? '';
}

export function placeFlawsOf({ parent, marks }: TraceColumns, span: number): string[] {
  const flaws: string[] = [];
  if ((parent[span] ?? -1) <= FIRST_MISSING) flaws.push('its parent has not arrived');
  if (((marks[span] ?? 0) & CYCLE) !== 0) flaws.push('its parent is its own descendant');
  if (((marks[span] ?? 0) & CALL_ABSENT) !== 0) flaws.push('the call that it answers has not arrived');
  return flaws;
}
