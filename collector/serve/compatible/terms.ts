/** Words of our query language, for those who translate another one into it. Pure. */
import { RE2JS } from 're2js';
import type { Comparison, QueryTerm } from '../../query/query-term.ts';
import { BARE_METHODS } from '../../span.ts';

export function spanTerm(key: string, comparison: Comparison, value: string | number): QueryTerm {
  return { type: 'field', of: 'span', key, comparison, value };
}

export function attributeTerm(key: string, comparison: Comparison, value: string | number = ''): QueryTerm {
  return { type: 'field', of: 'attribute', key, comparison, value };
}

/** null where nothing is asked. */
export function allOf(terms: readonly QueryTerm[]): QueryTerm | null {
  return terms.length <= 1 ? (terms[0] ?? null) : { type: 'and', terms };
}

export function anyOf(terms: readonly [QueryTerm, ...QueryTerm[]]): QueryTerm {
  return terms.length === 1 ? terms[0] : { type: 'or', terms };
}

/** Where a span is named by its method alone, our operations have its path as well. */
export function operationTerm(name: string): QueryTerm {
  if (!BARE_METHODS.has(name)) return spanTerm('operation', '=', name);
  return spanTerm('operation', '~', `^${quotePattern(name)}( .*)?$`);
}

/** Part of a pattern that finds this text and no other. */
export function quotePattern(text: string): string {
  return RE2JS.quote(text);
}
