/**
 * A search for long spans of certain operations, and nothing else: what most look for, and what the lists of slow spans
 * answer without opening a granule.
 */
import { compileComparison } from '../../query/match-span.ts';
import type { FieldTerm, QueryTerm } from '../../query/query-term.ts';
import type { SlowRows } from '../columns/slow-rows.ts';
import { rememberByNumber } from './remember-by-number.ts';
import type { FilterNames } from './row-filter.ts';

export interface SlowSpans {
  /** Those listed that match; a trace may come more than once. */
  readonly spans: readonly number[];
  /** No other span of the block matches. */
  readonly isAll: boolean;
}

/** Null when the term asks for anything else, or for nothing of durations. */
export function compileSlowSearch(
  term: QueryTerm | null,
  names: Pick<FilterNames, 'service' | 'operation'>,
): ((slow: SlowRows) => SlowSpans) | null {
  const terms = term === null ? [] : partsOf(term);
  if (!terms.every((each) => each.type === 'field')) return null;
  const durations = terms.filter(isAtLeast).map(compileComparison);
  const others = terms.filter((each) => !isAtLeast(each));
  if (durations.length === 0 || !others.every(isOfOperation)) return null;
  const holdAll = others.map((each) => ({ of: each.key, holds: compileComparison(each) }));
  const isWanted = rememberByNumber((operation) =>
    holdAll.every(({ of, holds }) =>
      holds(of === 'service' ? names.service(operation) : names.operation(operation)),
    ),
  );
  const isLong = (durationMs: number) => durations.every((holds) => holds(durationMs));
  return (slow) => {
    const spans: number[] = [];
    let isAll = true;
    for (let index = 0; index < slow.operations.length; index++) {
      if (!isWanted(slow.operations[index]!)) continue;
      // What is shorter than the shortest listed could match, too.
      if (isLong(slow.fromMs(index))) isAll = false;
      for (let span = slow.firsts[index]!; span < slow.firsts[index + 1]!; span++)
        if (isLong(slow.durationMs(span))) spans.push(span);
    }
    return { spans, isAll };
  };
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
