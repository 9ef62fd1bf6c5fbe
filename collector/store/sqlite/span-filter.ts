/**
 * What of a query SQLite can decide: a condition on the columns of `span` that every matching span meets.
 *
 * A filter may let through more than the query does, never less; `isExact` says that it lets through just that. With
 * `inBodies`, it also looks for the bytes of attribute names and values in the stored protobuf, where text stands as
 * it is, so that few spans need decoding.
 */
import { USER_NODE } from '../../query/callee.ts';
import type { FieldTerm, QueryTerm } from '../../query/query-term.ts';

export interface SpanFilter {
  /** null when nothing can be said. */
  readonly sql: string | null;
  readonly parameters: readonly (string | number | Buffer)[];
  readonly isExact: boolean;
}

const NOTHING: SpanFilter = { sql: null, parameters: [], isExact: false };
const OPERATION_WHERE = 'operation_id IN (SELECT operation_id FROM operation WHERE';
const COLUMN_OF: { readonly [key: string]: string } = { kind: 'kind', status: 'status' };

export function spanFilter(term: QueryTerm, inBodies: boolean): SpanFilter {
  if (term.type === 'field') return fieldFilter(term, inBodies);
  if (term.type === 'not') {
    const inner = spanFilter(term.term, inBodies);
    return inner.isExact ? { ...inner, sql: `NOT (${inner.sql})` } : NOTHING;
  }
  const parts = term.terms.map((part) => spanFilter(part, inBodies));
  const known = parts.filter((part) => part.sql !== null);
  if (known.length === 0 || (term.type === 'or' && known.length < parts.length)) return NOTHING;
  return {
    sql: joinConditions(
      known.map((part) => `(${part.sql})`),
      term.type === 'and' ? 'AND' : 'OR',
    ),
    parameters: known.flatMap((part) => part.parameters),
    isExact: parts.every((part) => part.isExact),
  };
}

/** As a balanced tree: a chain of a thousand conditions is deeper than SQLite goes. */
function joinConditions(conditions: readonly string[], operator: 'AND' | 'OR'): string {
  if (conditions.length <= 2) return conditions.join(` ${operator} `);
  const half = Math.ceil(conditions.length / 2);
  const [left, right] = [conditions.slice(0, half), conditions.slice(half)];
  return `(${joinConditions(left, operator)}) ${operator} (${joinConditions(right, operator)})`;
}

function fieldFilter(term: FieldTerm, inBodies: boolean): SpanFilter {
  if (term.of === 'attribute') return inBodies ? attributeFilter(term) : NOTHING;
  if (term.of === 'trace') return NOTHING;
  const { key, comparison, value } = term;
  if (key === 'duration') {
    if (comparison === 'exists') return exact('1');
    return exact(`duration_ns / 1e6 ${comparison} ?`, value);
  }
  if (comparison === '!=') {
    const opposite = fieldFilter({ ...term, comparison: '=' }, inBodies);
    return opposite.isExact ? { ...opposite, sql: `NOT (${opposite.sql})` } : NOTHING;
  }
  if (comparison !== '=') return NOTHING;
  if (key === 'service') return exact(`${OPERATION_WHERE} service = ?)`, value);
  if (key === 'operation') return exact(`${OPERATION_WHERE} name = ?)`, value);
  if (key === 'timeout') return exact(`outcome ${value === 'true' ? '=' : '<>'} 'timeout'`);
  if (key === 'phase') {
    return superset(
      'give_up_phase = ? OR trace_key IN (SELECT trace_key FROM verdict WHERE phase = ?)',
      value,
      value,
    );
  }
  if (key === 'cause') {
    const cause = String(value).toLowerCase();
    return superset(
      'trace_key IN (SELECT trace_key FROM verdict WHERE lower(cause) = ? OR category = ?)',
      cause,
      cause,
    );
  }
  if (key === 'edge') {
    return superset(
      `kind IN ('client', 'producer') AND ${OPERATION_WHERE} instr(?, service || '->') = 1)
       OR kind = 'server' AND parent_span_id IS NULL AND ${OPERATION_WHERE} '${USER_NODE}->' || service = ?)
       OR trace_key IN (SELECT trace_key FROM verdict WHERE edge = ?)`,
      value,
      value,
      value,
    );
  }
  const column = COLUMN_OF[key];
  return column === undefined ? NOTHING : exact(`${column} = ?`, value);
}

/** An attribute's name stands in the body of the span, its resource or its scope; so does a value that is text. */
function attributeFilter({ key, comparison, value }: FieldTerm): SpanFilter {
  // U+FFFD stands for bytes that are no UTF-8: what is stored then differs from what is asked for.
  if (comparison === '!=' || `${key}${value}`.includes('\uFFFD')) return NOTHING;
  const isText =
    comparison === '=' && Number.isNaN(Number(value)) && !['true', 'false', 'NaN'].includes(`${value}`);
  const contents = isText ? [key, String(value)] : [key];
  const contains = `(instr(body, ?) OR resource_id IN (SELECT resource_id FROM resource WHERE instr(body, ?))
    OR scope_id IN (SELECT scope_id FROM scope WHERE instr(body, ?)))`;
  return superset(
    contents.map(() => contains).join(' AND '),
    ...contents.flatMap((text) => Array.from({ length: 3 }, () => Buffer.from(text))),
  );
}

function exact(sql: string, ...parameters: (string | number)[]): SpanFilter {
  return { sql, parameters, isExact: true };
}

function superset(sql: string, ...parameters: (string | number | Buffer)[]): SpanFilter {
  return { sql, parameters, isExact: false };
}
