/**
 * Zipkin's search parameters as a search of ours. Pure; what Zipkin refuses is refused in its words.
 *
 * Zipkin knows names in lower case alone, ours are searched whatever their case. All that is asked holds on one span.
 */
import type { QueryTerm } from '../../query/query-term.ts';
import type { TraceSearchParameters } from '../../query/query.ts';
import { BARE_METHODS } from '../../span.ts';
import type { TimeRange } from '../../store/store.ts';
import { allOf, anyOf, attributeTerm, quotePattern, spanTerm } from '../compatible/terms.ts';
import { TRACES_LISTED_MAX } from '../compatible/trace-list.ts';
import { HttpError } from '../http-error.ts';

const LIMIT_DEFAULT = 10;
const LOOKBACK_DEFAULT_MS = 86_400_000;
/** The last instant a JavaScript date can name. */
const UNIX_MS_MAX = 8.64e15;
/** Of `annotationQuery`: what is beyond belongs to the last, as there. */
const ANNOTATIONS_MAX = 100;

export function badRequest(message: string, got = '', expected = ''): HttpError {
  return new HttpError(400, 'bad_parameter', message, { got, expected });
}

export function readSearch(query: URLSearchParams, nowUnixMs: number): TraceSearchParameters {
  const limit = readPositive(query, 'limit') ?? LIMIT_DEFAULT;
  const service = readName(query, 'serviceName');
  const span = readName(query, 'spanName');
  const remote = readName(query, 'remoteServiceName');
  const terms: QueryTerm[] = [
    ...(service === null ? [] : [spanTerm('service', '~', `(?i)^${quotePattern(service)}$`)]),
    ...(span === null || span === 'all' ? [] : [operationTerm(span)]),
    ...(remote === null ? [] : remoteTerms(remote)),
    ...readAnnotations(query.get('annotationQuery') ?? ''),
  ];
  return {
    range: readRange(query, readPositive(query, 'endTs') ?? nowUnixMs),
    q: '',
    term: allOf(terms),
    service: null,
    operation: null,
    ...readDurations(query),
    sort: 'newest',
    limit: Math.min(limit, TRACES_LISTED_MAX),
    cursor: null,
  };
}

/** What starts within `lookback` before `endTs`, both of them included. */
export function readRange(query: URLSearchParams, endTs: number): TimeRange {
  const end = Math.min(endTs, UNIX_MS_MAX - 1);
  const lookbackMs = readPositive(query, 'lookback') ?? LOOKBACK_DEFAULT_MS;
  return { fromUnixMs: Math.max(0, end - lookbackMs), toUnixMs: end + 1 };
}

/** A whole number above 0; null where none is given. */
export function readPositive(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null || text === '') return null;
  if (!/^[+-]?\d{1,19}$/.test(text)) {
    throw badRequest(`${name}: got ${text.slice(0, 40)}, expected a whole number`);
  }
  if (Number(text) <= 0) throw badRequest(`${name} <= 0`);
  return Number(text);
}

export function readName(query: URLSearchParams, name: string): string | null {
  return query.get(name)?.toLowerCase() || null;
}

function readDurations(
  query: URLSearchParams,
): Pick<TraceSearchParameters, 'minDurationMs' | 'maxDurationMs'> {
  const min = readPositive(query, 'minDuration');
  const max = readPositive(query, 'maxDuration');
  if (max !== null && min === null) throw badRequest('maxDuration is only valid with minDuration');
  if (max !== null && min !== null && max < min) throw badRequest('maxDuration < minDuration');
  return { minDurationMs: min && min / 1000, maxDurationMs: max && max / 1000 };
}

/** Where a span is named by its method alone, our operations have its path as well. */
function operationTerm(spanName: string): QueryTerm {
  const isMethod = BARE_METHODS.has(spanName.toUpperCase());
  return spanTerm('operation', '~', `(?i)^${quotePattern(spanName)}${isMethod ? '( .*)?' : ''}$`);
}

/** Who is called has a name where the span is of a call. */
function remoteTerms(remoteService: string): QueryTerm[] {
  const callers = anyOf([spanTerm('kind', '=', 'client'), spanTerm('kind', '=', 'producer')]);
  return [callers, spanTerm('edge', '~', `(?i)->${quotePattern(remoteService)}$`)];
}

/** `error and http.method=GET`: a name alone asks for the tag, whatever its value. */
function readAnnotations(text: string): QueryTerm[] {
  const asked = new Map<string, string>();
  const parts = text.split(' and ');
  const last = parts.splice(ANNOTATIONS_MAX - 1).join(' and ');
  for (const part of [...parts, last]) {
    const [key = '', ...value] = part.split('=');
    const name = key.trim();
    // A tag's value is not taken back by its name alone.
    if (value.length > 0 || !asked.has(name)) asked.set(name, value.join('=').trim());
  }
  asked.delete('');
  return [...asked].map(([key, value]) => annotationTerm(key, value));
}

function annotationTerm(key: string, value: string): QueryTerm {
  const tag = value === '' ? attributeTerm(key, 'exists') : attributeTerm(key, '=', value);
  const status = statusOf(key, value);
  return status === null ? tag : anyOf([spanTerm('status', '=', status), tag]);
}

/** Tags that stand for the span's status. */
function statusOf(key: string, value: string): 'ok' | 'error' | null {
  if (key === 'error') return value === '' || value === 'true' ? 'error' : null;
  if (key !== 'otel.status_code') return null;
  const word = value.toLowerCase();
  return word === 'ok' || word === 'error' ? word : null;
}
