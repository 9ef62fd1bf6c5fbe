/**
 * Whether a span matches a query. All terms of an AND hold on this one span; `trace.` terms speak of its trace.
 *
 * A comparison with an attribute holds when any attribute of that key does: of the span, its resource, its scope, its
 * events or its links; an array when any of its elements does. `!=` is the opposite of `:`.
 */
import { RE2JS } from 're2js';
import { spanOutcome } from '../diagnose/outcome.ts';
import {
  durationMsOf,
  serviceOf,
  type Attributes,
  type AttributeValue,
  type Span,
  operationOf,
} from '../span.ts';
import { USER_NODE } from './callee.ts';
import type { FieldTerm, QueryTerm } from './query-term.ts';

/** What a term may ask that the span itself does not hold. */
export interface SpanSurroundings {
  readonly trace: {
    readonly services: ReadonlySet<string>;
    readonly durationMs: number;
    readonly spans: number;
  };
  /** Of the calls this span made: the callee's name. Null when it made none. */
  callee(span: Span): string | null;
  /** Verdicts in which this span gave up or is the origin. */
  verdicts(span: Span): readonly SpanVerdict[];
}

export interface SpanVerdict {
  readonly edge: string;
  readonly phase: string;
  readonly cause: string;
  readonly category: string;
  readonly isOrigin: boolean;
}

/** Only so much of a value is looked at by a pattern. */
const PATTERN_TEXT_LENGTH_MAX = 8_192;

export type SpanMatcher = (span: Span, surroundings: SpanSurroundings) => boolean;

/** Patterns are compiled once. */
export function compileMatcher(term: QueryTerm): SpanMatcher {
  switch (term.type) {
    case 'and': {
      const matchers = term.terms.map(compileMatcher);
      return (span, surroundings) => matchers.every((matches) => matches(span, surroundings));
    }
    case 'or': {
      const matchers = term.terms.map(compileMatcher);
      return (span, surroundings) => matchers.some((matches) => matches(span, surroundings));
    }
    case 'not': {
      const matches = compileMatcher(term.term);
      return (span, surroundings) => !matches(span, surroundings);
    }
    case 'field':
      return compileField(term);
  }
}

function compileField(term: FieldTerm): SpanMatcher {
  const holds = compileComparison(term);
  if (term.of === 'attribute') {
    return (span) => {
      const found = attributesOf(span).some((attributes) => hasMatch(attributes, term.key, holds));
      return term.comparison === '!=' ? !found : found;
    };
  }
  const read = term.of === 'span' ? SPAN_READERS[term.key] : TRACE_READERS[term.key];
  if (read === undefined) throw new Error(`no reader for ${term.of} ${term.key}`);
  return (span, surroundings) => {
    const found = read(span, surroundings).some(holds);
    return term.comparison === '!=' ? !found : found;
  };
}

type Reader = (span: Span, surroundings: SpanSurroundings) => readonly (string | number)[];

const SPAN_READERS: { readonly [key: string]: Reader } = {
  service: (span) => [serviceOf(span)],
  operation: (span) => [operationOf(span)],
  duration: (span) => [durationMsOf(span)],
  kind: (span) => [span.kind],
  status: (span) => [span.status.code],
  timeout: (span) => [String(spanOutcome(span).outcome === 'timeout')],
  phase: (span, { verdicts }) => {
    const own = spanOutcome(span).giveUp?.phase;
    const found = verdicts(span).flatMap((verdict) => (verdict.isOrigin ? [verdict.phase] : []));
    return own === undefined ? found : [own, ...found];
  },
  cause: (span, { verdicts }) =>
    verdicts(span).flatMap(({ cause, category }) => [cause.toLowerCase(), category]),
  // The caller's span; of calls from outside, which have none, the one that answers them; of a verdict, its origin.
  edge: (span, { callee, verdicts }) => {
    const name = callee(span);
    const isEntry = span.kind === 'server' && span.parentSpanId === '';
    return [
      ...(name === null ? [] : [`${serviceOf(span)}->${name}`]),
      ...(isEntry ? [`${USER_NODE}->${serviceOf(span)}`] : []),
      ...verdicts(span).flatMap((verdict) => (verdict.isOrigin ? [verdict.edge] : [])),
    ];
  },
};

const TRACE_READERS: { readonly [key: string]: Reader } = {
  service: (_, { trace }) => [...trace.services],
  duration: (_, { trace }) => [trace.durationMs],
  spans: (_, { trace }) => [trace.spans],
};

/** `!=` is answered by the caller from `=`. */
export function compileComparison({
  of,
  key,
  comparison,
  value,
}: FieldTerm): (actual: AttributeValue) => boolean {
  if (comparison === 'exists') return () => true;
  if (comparison === '~') {
    const pattern = RE2JS.compile(String(value));
    return (actual) => {
      const text = textOf(actual);
      return text !== null && pattern.matcher(text.slice(0, PATTERN_TEXT_LENGTH_MAX)).find();
    };
  }
  if (comparison === '=' || comparison === '!=') {
    const wanted = of === 'span' && key === 'cause' ? String(value).toLowerCase() : String(value);
    return (actual) => textOf(actual) === wanted;
  }
  const limit = Number(value);
  return (actual) => {
    const number = typeof actual === 'bigint' ? Number(actual) : actual;
    if (typeof number !== 'number') return false;
    if (comparison === '>') return number > limit;
    if (comparison === '>=') return number >= limit;
    return comparison === '<' ? number < limit : number <= limit;
  };
}

function attributesOf(span: Span): readonly Attributes[] {
  return [
    span.attributes,
    span.resource.attributes,
    span.scope.attributes,
    ...span.events.map((event) => event.attributes),
    ...span.links.map((link) => link.attributes),
  ];
}

function hasMatch(attributes: Attributes, key: string, holds: (value: AttributeValue) => boolean): boolean {
  const value = attributes.get(key);
  if (value === undefined) return false;
  return holds(value) || (Array.isArray(value) && value.some(holds));
}

function textOf(value: AttributeValue): string | null {
  return typeof value === 'object' ? null : String(value);
}
