/** The parsed form of a search: what `parseQuery` gives and `matchesSpan` reads. Imports nothing. */

export type Comparison = '=' | '!=' | '>' | '>=' | '<' | '<=' | '~' | 'exists';

/** One condition on one field. `key` is a reserved name (service, duration, …) or any attribute's name. */
export interface FieldTerm {
  readonly type: 'field';
  /** Of the span, or of the trace it belongs to (`trace.service:`, `trace.duration>`, `trace.spans>`). */
  readonly of: 'span' | 'trace';
  readonly key: string;
  readonly comparison: Comparison;
  /** Text as written; durations are already milliseconds. */
  readonly value: string | number;
}

export type QueryTerm =
  | FieldTerm
  | { readonly type: 'and' | 'or'; readonly terms: readonly QueryTerm[] }
  | { readonly type: 'not'; readonly term: QueryTerm };
