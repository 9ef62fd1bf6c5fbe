/** The parsed form of a search: what `parseQuery` gives and `matchSpan` reads. Imports nothing. */

export type Comparison = '=' | '!=' | '>' | '>=' | '<' | '<=' | '~' | 'exists';

/** One condition on one field. */
export interface FieldTerm {
  readonly type: 'field';
  /**
   * `span`: a reserved name (service, duration, …). `attribute`: any attribute of the span, its resource, scope, events
   * or links. `trace`: of the trace it belongs to (`trace.service:`, `trace.duration>`, `trace.spans>`), `key` without
   * the prefix.
   */
  readonly of: 'span' | 'trace' | 'attribute';
  readonly key: string;
  readonly comparison: Comparison;
  /** Text as written, numbers for comparisons of size; durations are already milliseconds. */
  readonly value: string | number;
}

export type QueryTerm =
  | FieldTerm
  | { readonly type: 'and' | 'or'; readonly terms: readonly QueryTerm[] }
  | { readonly type: 'not'; readonly term: QueryTerm };
