/** What a query asks of operation and duration, which is known of blocks and granules before their rows are. */
import { compileComparison } from '../../query/match-span.ts';
import type { FieldTerm, QueryTerm } from '../../query/query-term.ts';
import type { GranuleZone } from '../columns/zone.ts';
import { rememberByNumber } from './remember-by-number.ts';
import type { FilterNames } from './row-filter.ts';

export interface SpanConditions {
  readonly ofDuration: number;
  /** The query asks for nothing else. */
  readonly isAll: boolean;
  isWanted(operation: number): boolean;
  /** True of everything longer, too. */
  isLong(durationMs: number): boolean;
}

/** Those that every span which matches must meet. */
export function compileConditions(
  term: QueryTerm | null,
  names: Pick<FilterNames, 'service' | 'operation'>,
): SpanConditions {
  const terms = term === null ? [] : partsOf(term);
  const fields = terms.filter((each) => each.type === 'field');
  const durations = fields.filter(isAtLeast).map(compileComparison);
  const operations = fields
    .filter(isOfOperation)
    .map((each) => ({ nameOf: names[each.key as 'service' | 'operation'], holds: compileComparison(each) }));
  return {
    ofDuration: durations.length,
    isAll: durations.length + operations.length === terms.length,
    isWanted: rememberByNumber((operation) =>
      operations.every(({ nameOf, holds }) => holds(nameOf(operation))),
    ),
    isLong: (durationMs) => durations.every((holds) => holds(durationMs)),
  };
}

/** Whether a granule can have a span that meets them. */
export function canMeet({ maxDurationMs, operations }: GranuleZone, conditions: SpanConditions): boolean {
  if (!conditions.isLong(maxDurationMs)) return false;
  for (let index = 0; index < operations.length; index++)
    if (conditions.isWanted(operations[index]!)) return true;
  return false;
}

/** All of which must hold. */
function partsOf(term: QueryTerm): readonly QueryTerm[] {
  return term.type === 'and' ? term.terms.flatMap(partsOf) : [term];
}

function isAtLeast({ of, key, comparison }: FieldTerm): boolean {
  return of === 'span' && key === 'duration' && (comparison === '>' || comparison === '>=');
}

function isOfOperation({ of, key, comparison }: FieldTerm): boolean {
  return of === 'span' && (key === 'service' || key === 'operation') && comparison !== '!=';
}
