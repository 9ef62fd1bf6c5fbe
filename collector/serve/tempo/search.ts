/** Tempo's search parameters as a search of ours. Pure; what cannot be used is refused in Tempo's words where it has some. */
import type { TraceSearchParameters } from '../../query/query.ts';
import type { QueryTerm } from '../../query/query-term.ts';
import type { TimeRange } from '../../store/store.ts';
import { parseGoDuration } from '../compatible/go-duration.ts';
import { allOf, attributeTerm, quotePattern, spanTerm } from '../compatible/terms.ts';
import { TRACES_LISTED_MAX } from '../compatible/trace-list.ts';
import { HttpError } from '../http-error.ts';
import type { Field } from './fields.ts';
import { parseTraceQl, QUERY_LENGTH_MAX } from './traceql.ts';

const LIMIT_DEFAULT = 20;
const SPANS_DEFAULT = 3;
/** Spans shown of one trace that was found. */
const SET_SPANS_MAX = 100;
/** What is searched where no range is given: what Tempo has not written away yet. */
const RECENT_MS = 3_600_000;

export interface TempoSearch {
  readonly search: TraceSearchParameters;
  /** What is shown of the spans that match; null where traces alone are asked for. */
  readonly shown: {
    readonly term: QueryTerm | null;
    readonly fields: readonly Field[];
    readonly spansMax: number;
  } | null;
}

export function badRequest(message: string): HttpError {
  return new HttpError(400, 'bad_parameter', message, { got: '', expected: '' });
}

export function readSearch(query: URLSearchParams, nowUnixMs: number): TempoSearch {
  const q = query.get('q')?.trim() ?? '';
  const { term, fields } = q === '' ? { term: null, fields: [] } : parseTraceQl(q);
  const tags = q === '' ? readTags(query.get('tags') ?? '') : [];
  const durations = (['minDuration', 'maxDuration'] as const).flatMap((name) => traceDuration(query, name));
  const limit = readPositive(query, 'limit') ?? LIMIT_DEFAULT;
  const spansMax = readPositive(query, 'spss') ?? SPANS_DEFAULT;
  return {
    search: {
      range: readRange(query) ?? { fromUnixMs: nowUnixMs - RECENT_MS, toUnixMs: nowUnixMs + 1 },
      q: '',
      term: allOf([...(term === null ? [] : [term]), ...tags, ...durations]),
      service: null,
      operation: null,
      minDurationMs: null,
      maxDurationMs: null,
      sort: 'newest',
      limit: Math.min(limit, TRACES_LISTED_MAX),
      cursor: null,
    },
    shown: q === '' ? null : { term, fields, spansMax: Math.min(spansMax, SET_SPANS_MAX) },
  };
}

/** Seconds since the epoch; null where none is given. */
export function readRange(query: URLSearchParams): TimeRange | null {
  const [start, end] = (['start', 'end'] as const).map((name) => {
    const text = query.get(name) || '0';
    if (!/^\d{1,12}$/.test(text)) {
      throw badRequest(`invalid ${name}: got ${text.slice(0, 40)}, expected seconds since the epoch`);
    }
    return Number(text);
  }) as [number, number];
  if (start === 0 && end === 0) return null;
  if (end <= start) {
    throw badRequest(`http parameter start must be before end. received start=${start} end=${end}`);
  }
  return { fromUnixMs: start * 1000, toUnixMs: end * 1000 };
}

export function readPositive(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (!text) return null;
  if (!/^\d{1,10}$/.test(text) || Number(text) === 0)
    throw badRequest(`invalid ${name}: must be a positive number`);
  return Number(text);
}

function traceDuration(query: URLSearchParams, name: 'minDuration' | 'maxDuration'): QueryTerm[] {
  const text = query.get(name);
  if (!text) return [];
  const value = parseGoDuration(text);
  if (value === null)
    throw badRequest(`invalid ${name}: got ${text.slice(0, 40)}, expected a duration such as 1.5s`);
  const comparison = name === 'minDuration' ? '>=' : '<=';
  return value === 0 ? [] : [{ type: 'field', of: 'trace', key: 'duration', comparison, value }];
}

/** logfmt: `service.name=shop http.url="/a b"`; a value is found anywhere, whatever its case. */
function readTags(text: string): QueryTerm[] {
  if (text.length > QUERY_LENGTH_MAX)
    throw badRequest(`invalid tags: more than ${QUERY_LENGTH_MAX} characters`);
  const terms: QueryTerm[] = [];
  const tag = /\s*([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|$)/sy;
  while (text.slice(tag.lastIndex).trim() !== '') {
    const at = tag.lastIndex;
    const [, key = '', quoted, plain = ''] = tag.exec(text) ?? [];
    if (key === '')
      throw badRequest(`invalid tags: got ${text.slice(at).trim().slice(0, 40)}, expected key=value`);
    terms.push(tagTerm(key, quoted?.replaceAll(/\\(.)/gs, '$1') ?? plain));
  }
  return terms;
}

function tagTerm(key: string, value: string): QueryTerm {
  const pattern = `(?i)${quotePattern(value)}`;
  if (key === 'service.name') return spanTerm('service', '~', pattern);
  if (key === 'name') return spanTerm('operation', '~', pattern);
  if (key === 'status.code') return spanTerm('status', '=', value.toLowerCase());
  if (key === 'error' && value === 'true') return spanTerm('status', '=', 'error');
  if (key === 'root.name' || key === 'root.service.name') {
    throw badRequest(`invalid tags: ${key} is not supported here; name and service.name are`);
  }
  return value === '' ? attributeTerm(key, 'exists') : attributeTerm(key, '~', pattern);
}
