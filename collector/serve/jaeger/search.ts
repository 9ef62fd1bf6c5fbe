/**
 * The search parameters of both of Jaeger's APIs as a search of ours. Pure. All that is asked holds on one span.
 */
import type { TraceSearchParameters } from '../../query/query.ts';
import type { QueryTerm } from '../../query/query-term.ts';
import { parseGoDuration } from '../compatible/go-duration.ts';
import { allOf, anyOf, attributeTerm, operationTerm, spanTerm } from '../compatible/terms.ts';
import { TRACES_LISTED_MAX } from '../compatible/trace-list.ts';
import { parseTime } from '../parameters.ts';
import { badRequest, unreadable } from './errors.ts';

const LIMIT_DEFAULT = 100;
const LOOKBACK_DEFAULT_MS = 2 * 86_400_000;
/** The last instant a JavaScript date can name. */
const UNIX_MS_MAX = 8.64e15;

/** v1: microseconds since the epoch. */
export function readSearchV1(query: URLSearchParams, nowUnixMs: number): TraceSearchParameters {
  if (!query.get('service')) throw badRequest("parameter 'service' is required");
  const start = readInteger(query, 'start');
  const end = readInteger(query, 'end');
  const fromUnixMs = start === null ? nowUnixMs - LOOKBACK_DEFAULT_MS : Math.floor(start / 1000);
  const lastUnixMs = end === null ? nowUnixMs : Math.floor(end / 1000);
  if (fromUnixMs > lastUnixMs) throw badRequest('invalid parameter: start time must be before end time');
  const limit = readInteger(query, 'limit') ?? LIMIT_DEFAULT;
  if (limit <= 0) throw badRequest('invalid parameter: limit must be greater than 0');
  const [min, max] = [readDuration(query, 'minDuration'), readDuration(query, 'maxDuration')];
  if (min && max && max < min) throw badRequest("'maxDuration' should be greater than 'minDuration'");
  const tags = [
    ...readSimpleTags(query.getAll('tag')),
    ...query.getAll('tags').flatMap(readJsonTags('tags')),
  ];
  return search({
    range: [fromUnixMs, lastUnixMs],
    service: query.get('service') ?? '',
    operation: query.get('operation') ?? '',
    tags,
    minDurationMs: min,
    maxDurationMs: max,
    limit,
  });
}

/** v3: times are RFC 3339; each name in camel case, or with underscores as of old. */
export function readSearchV3(query: URLSearchParams, nowUnixMs: number): TraceSearchParameters {
  const read = (name: string) => readEither(query, `query.${name}`);
  const [from, to] = [read('startTimeMin'), read('startTimeMax')];
  if (from === null || to === null) {
    throw badRequest('query.startTimeMin and query.startTimeMax are required');
  }
  if (query.get('query.filter')) throw badRequest('query.filter is not supported; use query.attributes');
  const range = [
    readTime('query.startTimeMin', from, nowUnixMs),
    readTime('query.startTimeMax', to, nowUnixMs),
  ] as const;
  if (range[0] > range[1]) throw badRequest('query.startTimeMin must be before query.startTimeMax');
  const depth = read('searchDepth') ?? query.get('query.num_traces');
  if (depth && !/^\d{1,10}$/.test(depth)) throw malformed('query.searchDepth', depth, 'a whole number');
  const [min, max] = (['durationMin', 'durationMax'] as const).map((name) => {
    const text = read(name);
    const ms = text === null ? null : parseGoDuration(text);
    if (text !== null && ms === null)
      throw malformed(`query.${name}`, text, 'a duration such as 1.5s or 20ms');
    return ms || null;
  });
  return search({
    range,
    service: read('serviceName') ?? '',
    operation: read('operationName') ?? '',
    tags: query.getAll('query.attributes').flatMap(readJsonTags('query.attributes')),
    minDurationMs: min ?? null,
    maxDurationMs: max ?? null,
    limit: Number(depth) || LIMIT_DEFAULT,
  });
}

/** `serviceName` or `service_name`, after the dot of what it belongs to. */
export function readEither(query: URLSearchParams, name: string): string | null {
  const snake = name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
  return query.get(name) || query.get(snake) || null;
}

interface Asked {
  readonly range: readonly [fromUnixMs: number, lastUnixMs: number];
  readonly service: string;
  readonly operation: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly minDurationMs: number | null;
  readonly maxDurationMs: number | null;
  readonly limit: number;
}

function search({ range: [from, last], service, operation, tags, limit, ...durations }: Asked) {
  const [fromUnixMs, toUnixMs] = [Math.max(0, from), Math.min(last, UNIX_MS_MAX - 1) + 1];
  const terms = tags.map(([key, value]) => tagTerm(key, value));
  if (operation !== '') terms.push(operationTerm(operation));
  return {
    range: { fromUnixMs: Math.min(fromUnixMs, toUnixMs - 1), toUnixMs: Math.max(toUnixMs, 1) },
    q: '',
    term: allOf(terms),
    service: service || null,
    operation: null,
    ...durations,
    sort: 'newest',
    limit: Math.min(limit, TRACES_LISTED_MAX),
    cursor: null,
  } satisfies TraceSearchParameters;
}

/** Tags that Jaeger makes of a span's fields are asked of the fields. */
function tagTerm(key: string, value: string): QueryTerm {
  const tag = attributeTerm(key, '=', value);
  const word = value.toLowerCase();
  const isError = spanTerm('status', '=', 'error');
  if (key === 'error' && value === 'true') return anyOf([isError, tag]);
  if (key === 'error' && value === 'false') return { type: 'not', term: isError };
  if (key === 'otel.status_code' && ['ok', 'error', 'unset'].includes(word)) {
    return anyOf([spanTerm('status', '=', word), tag]);
  }
  if (key === 'span.kind') return anyOf([spanTerm('kind', '=', word), tag]);
  return tag;
}

function readSimpleTags(tags: readonly string[]): [string, string][] {
  return tags.map((tag) => {
    const colon = tag.indexOf(':');
    if (colon < 0) {
      throw badRequest(`malformed 'tag' parameter, expecting key:value, received: ${tag.slice(0, 60)}`);
    }
    return [tag.slice(0, colon), tag.slice(colon + 1)];
  });
}

function readJsonTags(parameter: string): (text: string) => [string, string][] {
  return (text) => {
    if (text === '') return [];
    let tags: unknown;
    try {
      tags = JSON.parse(text);
    } catch (error) {
      throw badRequest(
        `malformed '${parameter}' parameter, cannot unmarshal JSON: ${(error as Error).message}`,
      );
    }
    const entries =
      typeof tags === 'object' && tags !== null && !Array.isArray(tags) ? Object.entries(tags) : null;
    if (entries === null || entries.some(([, value]) => typeof value !== 'string')) {
      throw badRequest(
        `malformed '${parameter}' parameter, expecting JSON of strings such as {"error":"true"}`,
      );
    }
    return entries as [string, string][];
  };
}

/** null where it is absent. */
export function readInteger(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (!text) return null;
  if (!/^[+-]?\d{1,19}$/.test(text)) throw unreadable(name, text, 'a whole number');
  return Number(text);
}

/** In milliseconds; null where it is absent or 0, which asks for nothing. */
function readDuration(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (!text) return null;
  const ms = parseGoDuration(text);
  if (ms === null) throw unreadable(name, text, 'a duration such as 1.5s or 20ms');
  return ms || null;
}

export function readTime(name: string, text: string, nowUnixMs: number): number {
  if (!/^\d{4}-/.test(text)) throw malformed(name, text, 'RFC 3339 such as 2026-01-31T12:00:00Z');
  try {
    return Math.floor(parseTime(name, text, nowUnixMs));
  } catch {
    throw malformed(name, text, 'RFC 3339 such as 2026-01-31T12:00:00Z');
  }
}

function malformed(name: string, got: string, expected: string) {
  return badRequest(`malformed parameter ${name}: got ${got.slice(0, 60)}, expected ${expected}`);
}
