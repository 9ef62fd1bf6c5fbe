/**
 * Parses the query language of the search box.
 *
 *     query   := all (OR all)*
 *     all     := unary+                         a space means AND
 *     unary   := '-' unary | '(' query ')' | term
 *     term    := key ':' value | key ':*' | key ('=' | '!=' | '>' | '>=' | '<' | '<=' | '~') value
 *     key     := word | '"' quoted '"'          a quoted key is always an attribute
 *     value   := word | '"' quoted '"'
 */
import { RE2JS } from 're2js';
import { CAUSES } from '../diagnose/causes.ts';
import { PHASES } from '../diagnose/verdict.ts';
import { QuerySyntaxError } from './query.ts';
import type { Comparison, FieldTerm, QueryTerm } from './query-term.ts';

const QUERY_LENGTH_MAX = 4_096;
const DEPTH_MAX = 50;
const SIZE_COMPARISONS: readonly Comparison[] = ['=', '!=', '>', '>=', '<', '<='];
const TEXT_COMPARISONS: readonly Comparison[] = ['=', '!=', '~', 'exists'];
const DURATION_UNITS_MS: { readonly [unit: string]: number } = {
  '': 1,
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

type Value = 'text' | 'duration' | 'count' | 'edge' | 'cause' | readonly string[];
/** What may be said of the span itself, and with which values. */
const SPAN_FIELDS: { readonly [key: string]: Value } = {
  service: 'text',
  operation: 'text',
  duration: 'duration',
  kind: ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'],
  status: ['unset', 'ok', 'error'],
  timeout: ['true', 'false'],
  phase: [...PHASES, 'none'],
  cause: 'cause',
  edge: 'edge',
};
const CATEGORIES = new Set([...CAUSES.values()].map(({ category }) => category as string));
const TRACE_FIELDS: { readonly [key: string]: Value } = {
  service: 'text',
  duration: 'duration',
  spans: 'count',
};

/** null when the query is empty and so matches everything. */
export function parseQuery(text: string): QueryTerm | null {
  if (text.length > QUERY_LENGTH_MAX) {
    throw new QuerySyntaxError(QUERY_LENGTH_MAX, 'a longer query', `at most ${QUERY_LENGTH_MAX} characters`);
  }
  const source: Source = { text, position: 0 };
  skipSpace(source);
  if (source.position === text.length) return null;
  const term = parseAny(source, 0);
  if (source.position < text.length) throw fault(source, 'a term');
  return term;
}

interface Source {
  readonly text: string;
  position: number;
}

function parseAny(source: Source, depth: number): QueryTerm {
  const terms = [parseAll(source, depth)];
  while (takeOr(source)) terms.push(parseAll(source, depth));
  return terms.length === 1 ? terms[0]! : { type: 'or', terms };
}

function parseAll(source: Source, depth: number): QueryTerm {
  const terms = [parseUnary(source, depth)];
  for (;;) {
    skipSpace(source);
    if (source.position === source.text.length || source.text[source.position] === ')' || atOr(source)) break;
    terms.push(parseUnary(source, depth));
  }
  return terms.length === 1 ? terms[0]! : { type: 'and', terms };
}

function parseUnary(source: Source, depth: number): QueryTerm {
  skipSpace(source);
  if (depth > DEPTH_MAX) {
    throw new QuerySyntaxError(
      source.position,
      'one more level',
      `at most ${DEPTH_MAX} of parentheses and -`,
    );
  }
  if (take(source, '-')) return { type: 'not', term: parseUnary(source, depth + 1) };
  if (!take(source, '(')) return parseTerm(source);
  const inner = parseAny(source, depth + 1);
  skipSpace(source);
  if (!take(source, ')')) throw fault(source, ')');
  return inner;
}

function parseTerm(source: Source): FieldTerm {
  const start = source.position;
  const isQuoted = source.text[start] === '"';
  const key = isQuoted ? parseQuoted(source) : takeMatch(source, /[^\s()":<>=~!]+/y);
  if (key === '') throw fault(source, 'a term such as service:checkout');
  const operator = takeMatch(source, /!=|>=|<=|[:=><~]/y);
  if (operator === '') throw fault(source, `: or a comparison after ${key}${hintFor(key)}`);
  const valueStart = source.position;
  const isText = source.text[valueStart] === '"';
  const value = isText ? parseQuoted(source) : takeWord(source);
  if (value === '' && !isText) throw fault(source, 'a value');
  const isAny = operator === ':' && value === '*' && !isText;
  const comparison = isAny ? 'exists' : operator === ':' ? '=' : (operator as Comparison);
  const term = { type: 'field', comparison, value } as const;

  if (!isQuoted && Object.hasOwn(SPAN_FIELDS, key)) {
    return checkedField({ ...term, of: 'span', key }, SPAN_FIELDS[key]!, valueStart);
  }
  if (!isQuoted && key.startsWith('trace.')) {
    const traceKey = key.slice('trace.'.length);
    if (!Object.hasOwn(TRACE_FIELDS, traceKey)) {
      throw new QuerySyntaxError(
        start,
        key,
        `trace.service, trace.duration or trace.spans (an attribute of that name goes in quotes)`,
      );
    }
    return checkedField({ ...term, of: 'trace', key: traceKey }, TRACE_FIELDS[traceKey]!, valueStart);
  }
  return checkedAttribute({ ...term, of: 'attribute', key }, valueStart);
}

function checkedField(term: FieldTerm & { value: string }, type: Value, position: number): FieldTerm {
  const { comparison, key, value } = term;
  if (comparison === 'exists') return term;
  const allowed = type === 'duration' || type === 'count' ? SIZE_COMPARISONS : TEXT_COMPARISONS;
  if (!allowed.includes(comparison)) {
    throw new QuerySyntaxError(position, `${key}${comparison}`, `one of ${allowed.join(' ')} (= is :)`);
  }
  if (type === 'duration') return { ...term, value: parseDuration(value, position) };
  if (type === 'count') return { ...term, value: parseNumber(value, position) };
  if (comparison === '~') return checkedPattern(term, position);
  if (type === 'text') return term;
  if (type === 'cause') return checkedCause(term, position);
  if (type === 'edge') return checkedEdge(term, position);
  const word = value.toLowerCase();
  if (!type.includes(word)) throw new QuerySyntaxError(position, value, `one of ${type.join(', ')}`);
  return { ...term, value: word };
}

function checkedCause(term: FieldTerm & { value: string }, position: number): FieldTerm {
  const { value } = term;
  const isCode = CAUSES.has(value) || CAUSES.has(value.toUpperCase());
  if (isCode || CATEGORIES.has(value.toLowerCase())) return term;
  const expected = `the code of a cause such as B1, or one of ${[...CATEGORIES].join(', ')}`;
  throw new QuerySyntaxError(position, value, expected);
}

/** A service alone is an edge too: of what it did itself. */
function checkedEdge(term: FieldTerm & { value: string }, position: number): FieldTerm {
  if (term.value.split('->').every((side) => side !== '')) return term;
  throw new QuerySyntaxError(
    position,
    term.value,
    'caller->callee, or a service for what took too long inside of it',
  );
}

function checkedAttribute(term: FieldTerm & { value: string }, position: number): FieldTerm {
  if (term.comparison === '~') return checkedPattern(term, position);
  const isSize = ['>', '>=', '<', '<='].includes(term.comparison);
  return isSize ? { ...term, value: parseNumber(term.value, position) } : term;
}

/** Patterns are RE2's, which take time linear in the text whatever the pattern. */
function checkedPattern(term: FieldTerm & { value: string }, position: number): FieldTerm {
  try {
    RE2JS.compile(term.value);
    return term;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new QuerySyntaxError(position, reason, 'a regular expression in RE2 syntax');
  }
}

function parseDuration(text: string, position: number): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([a-zµ]*)$/.exec(text) ?? [];
  const factor =
    unit !== undefined && Object.hasOwn(DURATION_UNITS_MS, unit) ? DURATION_UNITS_MS[unit] : undefined;
  if (factor === undefined)
    throw new QuerySyntaxError(position, text, 'a duration such as 250ms, 2s or 1.5m');
  return Number(digits) * factor;
}

function parseNumber(text: string, position: number): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isNaN(value)) throw new QuerySyntaxError(position, text, 'a number');
  return value;
}

function parseQuoted(source: Source): string {
  const start = source.position;
  const quoted = takeMatch(source, /"(?:[^"\\]|\\.)*"/sy);
  if (quoted === '') {
    throw new QuerySyntaxError(start, 'a quotation that does not end', 'a closing "');
  }
  return quoted.slice(1, -1).replaceAll(/\\(.)/gs, '$1');
}

/** Up to a space or the parenthesis that closes a group; parentheses of the value itself are in pairs. */
function takeWord(source: Source): string {
  const start = source.position;
  let open = 0;
  for (; source.position < source.text.length; source.position++) {
    const character = source.text[source.position]!;
    if (/\s/.test(character) || (character === ')' && open === 0)) break;
    if (character === '(') open++;
    if (character === ')') open--;
  }
  const word = source.text.slice(start, source.position);
  if (open > 0) throw new QuerySyntaxError(start, word, 'a value whose parentheses close, or one in quotes');
  return word;
}

function takeMatch(source: Source, pattern: RegExp): string {
  pattern.lastIndex = source.position;
  const match = pattern.exec(source.text)?.[0] ?? '';
  source.position += match.length;
  return match;
}

function take(source: Source, character: string): boolean {
  if (source.text[source.position] !== character) return false;
  source.position++;
  return true;
}

function takeOr(source: Source): boolean {
  if (!atOr(source)) return false;
  source.position += 2;
  return true;
}

function atOr(source: Source): boolean {
  skipSpace(source);
  return /^OR(?=[\s("-]|$)/.test(source.text.slice(source.position, source.position + 3));
}

function skipSpace(source: Source): void {
  takeMatch(source, /\s*/y);
}

/** What people write who know other query languages. */
function hintFor(key: string): string {
  if (/^(?:and|&&?)$/i.test(key)) return '; a space means AND';
  if (/^(?:or|\|\|?)$/i.test(key)) return '; OR, in capitals, stands between two terms';
  if (/^not$/i.test(key)) return '; a - before a term means NOT';
  return '';
}

function fault({ text, position }: Source, expected: string): QuerySyntaxError {
  const [rest = ''] = text.slice(position).split(/\s/, 1);
  const got = rest || (position < text.length ? 'a space' : 'the end of the query');
  return new QuerySyntaxError(position, got, expected);
}
