/**
 * The part of TraceQL that our query language has words for. Pure; what it has none for is refused, and said.
 *
 *     query    := spansets ('|' 'select' '(' field, … ')')* ('with' '(' … ')')?
 *     spansets := set ('||' set)*             set  := '{' any? '}' | '(' spansets ')'
 *     any      := all ('||' all)*             all  := unary ('&&' unary)*
 *     unary    := '!' unary | '(' any ')' | 'true' | field (operator value)?
 *
 * An attribute is looked for wherever it may be, whatever its scope.
 */
import { RE2JS } from 're2js';
import type { Comparison, QueryTerm } from '../../query/query-term.ts';
import { parseGoDuration } from '../compatible/go-duration.ts';
import { allOf, anyOf, attributeTerm, operationTerm, spanTerm } from '../compatible/terms.ts';
import { HttpError } from '../http-error.ts';
import { readField, type Field } from './fields.ts';

export const QUERY_LENGTH_MAX = 4_096;
const DEPTH_MAX = 50;
const SIZES: readonly string[] = ['>', '>=', '<', '<='];

export interface TraceQuery {
  /** null matches every span. */
  readonly term: QueryTerm | null;
  /** What the query speaks of, which is shown of the spans it finds. */
  readonly fields: readonly Field[];
}

type Value =
  | { readonly type: 'text' | 'word'; readonly value: string }
  | { readonly type: 'duration'; readonly value: number }
  /** `text` has all digits of a long integer, which a number rounds. */
  | { readonly type: 'number'; readonly value: number; readonly text: string };

interface Source {
  readonly text: string;
  position: number;
  readonly fields: Field[];
}

/** Throws HttpError 400 with the place. */
export function parseTraceQl(text: string): TraceQuery {
  const source: Source = { text, position: 0, fields: [] };
  if (text.length > QUERY_LENGTH_MAX) throw unsupported(source, `more than ${QUERY_LENGTH_MAX} characters`);
  const term = parseSpansets(source, 0);
  while (take(source, /\|(?!\|)/y)) parseSelect(source);
  take(source, /with\s*\([^()]*\)/y);
  skipSpace(source);
  if (source.position < text.length) throw fault(source, 'the end of the query');
  return { term, fields: source.fields };
}

function parseSpansets(source: Source, depth: number): QueryTerm | null {
  const sets = [parseSpanset(source, depth)];
  for (;;) {
    if (take(source, /\|\|/y)) sets.push(parseSpanset(source, depth));
    else if (peek(source, /&&|[!&]?(?:>>|<<|>|<|~)/y)) {
      throw unsupported(source, 'a relation between sets of spans, other than ||,');
    } else break;
  }
  // A set of all spans is found wherever any is.
  return sets.includes(null) ? null : anyOf(sets as [QueryTerm, ...QueryTerm[]]);
}

function parseSpanset(source: Source, depth: number): QueryTerm | null {
  checkDepth(source, depth);
  if (take(source, /\(/y)) {
    const inner = parseSpansets(source, depth + 1);
    expectToken(source, /\)/y, ')');
    return inner;
  }
  expectToken(source, /\{/y, '{');
  if (take(source, /\}/y)) return null;
  const term = parseAny(source, depth + 1);
  expectToken(source, /\}/y, '}, && or ||');
  return term;
}

/** Null is true of every span. */
function parseAny(source: Source, depth: number): QueryTerm | null {
  const terms = [parseAll(source, depth)];
  while (take(source, /\|\|/y)) terms.push(parseAll(source, depth));
  return terms.includes(null) ? null : anyOf(terms as [QueryTerm, ...QueryTerm[]]);
}

function parseAll(source: Source, depth: number): QueryTerm | null {
  const terms = [parseUnary(source, depth)];
  while (take(source, /&&/y)) terms.push(parseUnary(source, depth));
  return allOf(terms.filter((term) => term !== null));
}

function parseUnary(source: Source, depth: number): QueryTerm | null {
  checkDepth(source, depth);
  if (take(source, /!(?![=~])/y)) {
    const term = parseUnary(source, depth + 1);
    if (term === null) throw unsupported(source, '! of what is always true');
    return { type: 'not', term };
  }
  if (take(source, /\(/y)) {
    const inner = parseAny(source, depth + 1);
    expectToken(source, /\)/y, ')');
    return inner;
  }
  if (take(source, /true(?![\w.:])/y)) return null;
  return parseComparison(source);
}

function parseComparison(source: Source): QueryTerm {
  skipSpace(source);
  const start = source.position;
  const field = parseField(source);
  const operator = take(source, /=~|!~|!=|>=|<=|=|>|</y);
  if (operator === '') {
    if (peek(source, /[+*/%^-]/y)) throw unsupported(source, 'arithmetic');
    if (field.of === 'attribute') return attributeTerm(field.key, '=', 'true');
    throw fault(source, `a comparison after ${field.name}`);
  }
  const value = parseValue(source);
  const end = source.position;
  if (peek(source, /[+*/%^-]/y)) throw unsupported(source, 'arithmetic');
  const term = comparisonTerm(field, operator, value);
  if (term === null) {
    source.position = start;
    throw unsupported(source, source.text.slice(start, end).slice(0, 60));
  }
  return term;
}

function parseField(source: Source): Field {
  skipSpace(source);
  const name = take(
    source,
    /[a-zA-Z]*\.(?:"(?:[^"\\]|\\.)*"|[^\s{}()=~!<>&|^,"])+|[a-zA-Z]+(?::[a-zA-Z]+)?/y,
  );
  if (name === '')
    throw fault(source, 'a field such as name, status, span.http.method or resource.service.name');
  const field = readField(name);
  if (field === null) {
    source.position -= name.length;
    throw unsupported(source, name);
  }
  source.fields.push(field);
  return field;
}

function parseValue(source: Source): Value {
  const quoted = take(source, /"(?:[^"\\]|\\.)*"/sy);
  if (quoted !== '') return { type: 'text', value: quoted.slice(1, -1).replaceAll(/\\(.)/gs, unescape) };
  const raw = take(source, /`[^`]*`/y);
  if (raw !== '') return { type: 'text', value: raw.slice(1, -1) };
  const number = take(source, /-?(?:\d+(?:\.\d*)?|\.\d+)(?:[a-zµμ]+[\w.µμ]*)?/y);
  if (number !== '') {
    if (/^-?[\d.]+$/.test(number)) {
      const value = Number(number);
      return { type: 'number', value, text: String(number.includes('.') ? value : BigInt(number)) };
    }
    const ms = parseGoDuration(number);
    if (ms !== null) return { type: 'duration', value: ms };
    source.position -= number.length;
    throw fault(source, 'a number, or a duration such as 1.5s or 20ms');
  }
  const word = take(source, /[a-zA-Z]+(?![\w.:])/y);
  if (word !== '') return { type: 'word', value: word };
  if (peek(source, /[a-zA-Z]*[.:]/y)) throw unsupported(source, 'a field compared with another');
  throw fault(source, 'a value: "text", a number, a duration, true, false, nil or a word such as error');
}

function unescape(_escape: string, character: string): string {
  return { n: '\n', t: '\t', r: '\r' }[character] ?? character;
}

/** null where there is no such comparison. */
function comparisonTerm(field: Field, operator: string, value: Value): QueryTerm | null {
  switch (field.of) {
    case 'attribute':
      return attributeComparison(field.key, operator, value);
    case 'service':
    case 'name':
      return value.type === 'text' ? textComparison(field.of, operator, value.value) : null;
    case 'kind':
    case 'status':
      if (value.type !== 'word' || !field.words.includes(value.value)) return null;
      return equality(operator, spanTerm(field.of, '=', value.value));
    case 'duration':
    case 'traceDuration':
      return durationComparison(field.of, operator, value);
    case 'unsupported':
      return null;
  }
}

/** What has no such attribute does not differ from a value either. */
function attributeComparison(key: string, operator: string, compared: Value): QueryTerm | null {
  const { type, value } = compared;
  const exists = attributeTerm(key, 'exists');
  if (type === 'word' && value === 'nil') {
    if (operator === '!=') return exists;
    return operator === '=' ? { type: 'not', term: exists } : null;
  }
  if (type === 'duration' || (type === 'word' && value !== 'true' && value !== 'false')) return null;
  if (SIZES.includes(operator)) {
    return type === 'number' ? attributeTerm(key, operator as Comparison, value) : null;
  }
  const isPattern = operator === '=~' || operator === '!~';
  if (isPattern && type !== 'text') return null;
  const found = attributeTerm(
    key,
    isPattern ? '~' : '=',
    isPattern ? wholePattern(String(value)) : type === 'number' ? compared.text : String(value),
  );
  if (operator === '=' || operator === '=~') return found;
  return { type: 'and', terms: [exists, { type: 'not', term: found }] };
}

function textComparison(of: 'service' | 'name', operator: string, value: string): QueryTerm | null {
  if (operator === '=~' || operator === '!~') {
    const found = spanTerm(of === 'service' ? 'service' : 'operation', '~', wholePattern(value));
    return operator === '=~' ? found : { type: 'not', term: found };
  }
  return equality(operator, of === 'service' ? spanTerm('service', '=', value) : operationTerm(value));
}

function equality(operator: string, equal: QueryTerm): QueryTerm | null {
  if (operator === '=') return equal;
  return operator === '!=' ? { type: 'not', term: equal } : null;
}

function durationComparison(of: 'duration' | 'traceDuration', operator: string, { type, value }: Value) {
  if (operator === '=~' || operator === '!~') return null;
  // A number alone counts nanoseconds.
  const ms = type === 'duration' ? value : type === 'number' ? value / 1e6 : null;
  if (ms === null) return null;
  const comparison = operator as Comparison;
  if (of === 'duration') return spanTerm('duration', comparison, ms);
  return { type: 'field', of: 'trace', key: 'duration', comparison, value: ms } as const;
}

/** Patterns hold of the whole value. */
function wholePattern(pattern: string): string {
  try {
    RE2JS.compile(pattern);
  } catch (error) {
    throw badQuery(`${(error as Error).message}: ${pattern.slice(0, 60)}`);
  }
  return `^(?:${pattern})$`;
}

/** What is selected is shown; other stages of a pipeline change what is found. */
function parseSelect(source: Source): void {
  const stage = take(source, /[a-z_]*/y);
  if (stage !== 'select') {
    source.position -= stage.length;
    throw unsupported(source, `| ${stage || source.text.slice(source.position).trim().slice(0, 20)}`);
  }
  expectToken(source, /\(/y, '(');
  do parseField(source);
  while (take(source, /,/y));
  expectToken(source, /\)/y, ', or )');
}

function take(source: Source, token: RegExp): string {
  skipSpace(source);
  token.lastIndex = source.position;
  const found = token.exec(source.text)?.[0] ?? '';
  source.position += found.length;
  return found;
}

function peek(source: Source, token: RegExp): boolean {
  skipSpace(source);
  token.lastIndex = source.position;
  return token.test(source.text);
}

function skipSpace(source: Source): void {
  while (/\s/.test(source.text[source.position] ?? '')) source.position++;
}

function expectToken(source: Source, token: RegExp, expected: string): void {
  if (take(source, token) === '') throw fault(source, expected);
}

function checkDepth(source: Source, depth: number): void {
  if (depth > DEPTH_MAX) throw unsupported(source, `more than ${DEPTH_MAX} levels`);
}

function fault(source: Source, expected: string): HttpError {
  const got = source.text.slice(source.position).trim().slice(0, 40) || 'the end of the query';
  return badQuery(`at character ${source.position + 1}: got ${got}, expected ${expected}`);
}

function unsupported({ position }: Source, what: string): HttpError {
  return badQuery(`at character ${position + 1}: ${what} is not supported here`);
}

function badQuery(message: string): HttpError {
  return new HttpError(400, 'bad_query', `invalid TraceQL query: ${message}`, { got: '', expected: '' });
}
