/** What a query asks of values of attributes, which is known of a block before it is opened. */
import { compileComparison } from '../../query/match-span.ts';
import type { FieldTerm, QueryTerm } from '../../query/query-term.ts';
import type { Attributes, AttributeValue } from '../../span.ts';
import { hashesOf, type ValueFilter } from '../columns/value-filter.ts';
import { rememberByNumber } from './remember-by-number.ts';
import type { FilterNames } from './row-filter.ts';

/** Whether a block can have a span that matches. */
export type CanHave = (values: ValueFilter) => boolean;

type ContextNames = Pick<FilterNames, 'resource' | 'scope'>;

/** Null when every block can, whatever its values are. */
export function compileValueConditions(term: QueryTerm | null, names: ContextNames): CanHave | null {
  if (term === null || term.type === 'not') return null;
  if (term.type === 'field')
    return term.of === 'attribute' && term.comparison === '=' ? compileField(term, names) : null;
  const parts = term.terms.map((part) => compileValueConditions(part, names));
  const known = parts.filter((part) => part !== null);
  if (known.length === 0 || (term.type === 'or' && known.length < parts.length)) return null;
  return term.type === 'and'
    ? (values) => known.every((part) => part(values))
    : (values) => known.some((part) => part(values));
}

function compileField(term: FieldTerm, names: ContextNames): CanHave {
  const { key } = term;
  const equals = compileComparison(term);
  const holds = (value: AttributeValue): boolean =>
    equals(value) || (Array.isArray(value) && value.some(equals));
  const among = (attributesOf: (id: number) => Attributes) =>
    rememberByNumber((id) => {
      const value = attributesOf(id).get(key);
      return value !== undefined && holds(value);
    });
  const isOfResource = among(names.resource);
  const isOfScope = among(names.scope);
  const wanted = hashesOf(key, String(term.value));
  return (values) =>
    values.isUnknown(key) ||
    values.mayHave(wanted) ||
    values.resources.some(isOfResource) ||
    values.scopes.some(isOfScope);
}
