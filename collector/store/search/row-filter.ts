/**
 * What of a query can be told from columns, for all rows of a table or granule at once, without decoding a span.
 *
 * Every term becomes a mark for each row: it may match, and whether that is certain. What may match and is not certain
 * is decoded and asked by `compileMatcher`; what is certain never is.
 *
 *     NOT of what is certain is certain; NOT of what is not lets every row through.
 */
import { compileComparison } from '../../query/match-span.ts';
import type { FieldTerm, QueryTerm } from '../../query/query-term.ts';
import type { Attributes, AttributeValue } from '../../span.ts';
import { KINDS, STATUSES, TIMEOUT } from '../columns/codes.ts';
import type { Granule, RowClassColumns } from '../columns/granule.ts';
import { durationMsOf } from '../columns/span-table.ts';
import { compileAttribute, expandClasses } from './attribute-filter.ts';
import { markedRuns } from './marked-runs.ts';
import { rememberByNumber } from './remember-by-number.ts';

export interface RowMarks {
  /** By row: 1 where it may match. */
  readonly may: Uint8Array;
  /** Those marked do match. */
  readonly isCertain: boolean;
}

/** What numbers in rows stand for, as far as the filter needs it; each is asked about every number once. */
export interface FilterNames {
  service(operation: number): string;
  operation(operation: number): string;
  /** Attributes of a resource, of a scope. */
  resource(resource: number): Attributes;
  scope(scope: number): Attributes;
}

/** Rows that `among` does not mark need no answer: what is said of them is not looked at. */
export type RowFilter = (granule: Granule, among?: Uint8Array) => RowMarks;

/** `checkpoint` is called before every value is looked at, which may take long: it throws to stop the search. */
export function compileRowFilter(
  term: QueryTerm,
  names: FilterNames,
  checkpoint: () => void = () => {},
): RowFilter {
  if (term.type === 'field') return compileField(term, names, checkpoint);
  if (term.type === 'not') {
    const inner = compileRowFilter(term.term, names, checkpoint);
    return (rows, among) => {
      const { may, isCertain } = inner(rows, among);
      if (!isCertain) return everyRow(rows, false);
      for (let row = 0; row < may.length; row++) may[row]! ^= 1;
      return { may, isCertain };
    };
  }
  if (term.type === 'or') {
    const filters = term.terms.map((part) => compileRowFilter(part, names, checkpoint));
    return (rows, among) => filters.map((filter) => filter(rows, among)).reduce(keepEither);
  }
  const ofClasses: KeepClasses[] = [];
  const others: QueryTerm[] = [];
  for (const part of term.terms) {
    const keep = compileClasses(part, names);
    if (keep === null) others.push(part);
    else ofClasses.push(keep);
  }
  // Durations are rows' own and take many columns: they are asked for last, of what is left.
  others.sort((a, b) => Number(isDuration(a)) - Number(isDuration(b)));
  const filters = others.map((part) => compileRowFilter(part, names, checkpoint));
  if (ofClasses.length > 0) filters.unshift(byClasses(ofClasses));
  return (rows, among) => {
    let marks: RowMarks | null = null;
    for (const filter of filters) {
      const next = filter(rows, marks?.may ?? among);
      marks = marks === null ? next : keepBoth(marks, next);
      if (!marks.may.includes(1)) break;
    }
    return marks ?? everyRow(rows, true);
  };
}

function isDuration(term: QueryTerm): boolean {
  return term.type === 'field' && term.of === 'span' && term.key === 'duration';
}

/** Marks are written over: each filter makes its own. */
function keepBoth(a: RowMarks, b: RowMarks): RowMarks {
  for (let row = 0; row < a.may.length; row++) a.may[row]! &= b.may[row]!;
  return { may: a.may, isCertain: a.isCertain && b.isCertain };
}

function keepEither(a: RowMarks, b: RowMarks): RowMarks {
  for (let row = 0; row < a.may.length; row++) a.may[row]! |= b.may[row]!;
  return { may: a.may, isCertain: a.isCertain && b.isCertain };
}

function everyRow({ rows }: Granule, isCertain: boolean): RowMarks {
  return { may: new Uint8Array(rows).fill(1), isCertain };
}

function compileField(term: FieldTerm, names: FilterNames, checkpoint: () => void): RowFilter {
  if (term.of === 'trace') return (rows) => everyRow(rows, false);
  if (term.comparison === '!=') {
    const equal: QueryTerm = { ...term, comparison: '=' };
    return compileRowFilter({ type: 'not', term: equal }, names, checkpoint);
  }
  if (term.of === 'attribute') {
    const compare = compileComparison(term);
    const holds = (value: AttributeValue): boolean => {
      checkpoint();
      return compare(value);
    };
    const equals = term.comparison === '=' ? String(term.value) : null;
    const mark = compileAttribute({ key: term.key, holds, equals }, names);
    return (rows) => {
      checkpoint();
      return mark(rows);
    };
  }
  const ofClasses = compileClasses(term, names);
  if (ofClasses !== null) return byClasses([ofClasses]);
  const holds = compileComparison(term);
  if (term.key === 'duration')
    return (granule, among) => markDurations(granule, among ?? everyRow(granule, true).may, holds);
  // Verdicts and callees are known of the trace, not of the row.
  return (rows) => everyRow(rows, false);
}

/** Leaves marked the classes whose rows match. */
type KeepClasses = (classes: RowClassColumns, marks: Uint8Array) => void;

/** Null where the term is not about something that all rows of a class share. */
function compileClasses(term: QueryTerm, names: FilterNames): KeepClasses | null {
  if (term.type !== 'field' || term.of !== 'span' || term.comparison === '!=') return null;
  const holds = compileComparison(term);
  switch (term.key) {
    case 'service':
      return keepWhere('operation', (operation) => holds(names.service(operation)));
    case 'operation':
      return keepWhere('operation', (operation) => holds(names.operation(operation)));
    case 'kind':
      return keepWhere('kind', (kind) => holds(KINDS[kind]!));
    case 'status':
      return keepWhere('status', (status) => holds(STATUSES[status]!));
    case 'timeout':
      return keepWhere('outcome', (outcome) => holds(String(outcome === TIMEOUT)));
    default:
      return null;
  }
}

function keepWhere(
  column: 'operation' | 'kind' | 'status' | 'outcome',
  holds: (number: number) => boolean,
): KeepClasses {
  const ask = rememberByNumber(holds);
  return (classes, marks) => {
    const numbers = classes[column];
    for (let index = 0; index < marks.length; index++)
      if (marks[index] === 1 && !ask(numbers[index]!)) marks[index] = 0;
  };
}

/** All of the terms at once; granules of a block share their classes. */
function byClasses(terms: readonly KeepClasses[]): RowFilter {
  const known = new WeakMap<object, Uint8Array>();
  return (granule) => {
    const classes = granule.classesOfAnyResource;
    let ofClass = known.get(classes.operation);
    if (ofClass === undefined) {
      ofClass = new Uint8Array(classes.count).fill(1);
      for (const keep of terms) keep(classes, ofClass);
      known.set(classes.operation, ofClass);
    }
    return { may: expandClasses(classes, granule.rows, ofClass), isCertain: true };
  };
}

function markDurations(
  granule: Granule,
  among: Uint8Array,
  holds: (durationMs: number) => boolean,
): RowMarks {
  const may = new Uint8Array(granule.rows);
  for (const { first, end, decoded } of markedRuns(granule, among)) {
    const shift = decoded.first - first;
    for (let row = first; row < end; row++)
      if (among[row] === 1 && holds(durationMsOf(decoded.rows, row + shift))) may[row] = 1;
  }
  return { may, isCertain: true };
}
