/** Traces: the search, one trace in our form and in others', and its diagnosis. */
import { tracesToJson } from '../../decode/otlp-json.ts';
import { toJaegerJson } from '../formats/jaeger-json.ts';
import { toZipkinJson } from '../formats/zipkin-json.ts';
import { notFound } from '../http-error.ts';
import {
  parseChoice,
  parseDurationMs,
  parseLimit,
  parseRange,
  parseTraceId,
  textParameter,
} from '../parameters.ts';
import { json, type BodyAnswer, type Route } from '../route.ts';
import { anything, list, named, number, text, words } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { CURSOR, LIMIT, RANGE, TRACE_ID } from './parameter-docs.ts';

const SORTS = ['newest', 'oldest', 'longest', 'errors'] as const;
const FORMATS = ['otlp', 'jaeger', 'zipkin'] as const;
const STORED_TRACE = 'the id of a stored trace (its spans may still be on their way)';

export function traceRoutes(sources: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/traces',
      summary: 'Traces with a span that matches; no filter is mandatory',
      query: [
        { name: 'q', description: 'Query language: terms joined by AND hold on the same span', schema: text },
        { name: 'service', description: 'Service of the span', schema: text },
        { name: 'operation', description: 'Name of the span', schema: text },
        { name: 'minDurationMs', description: 'The span took at least this long', schema: number },
        { name: 'maxDurationMs', description: 'The span took at most this long', schema: number },
        ...RANGE,
        { name: 'sort', description: 'By trace; newest by default', schema: words(...SORTS) },
        LIMIT,
        CURSOR,
      ],
      gives: { 'application/json': named('TracePage') },
      errors: [503],
      handle: async ({ query, nowUnixMs, signal }) => {
        const parameters = {
          range: parseRange(query, nowUnixMs),
          q: query.get('q') ?? '',
          service: textParameter(query, 'service'),
          operation: textParameter(query, 'operation'),
          minDurationMs: parseDurationMs(query, 'minDurationMs'),
          maxDurationMs: parseDurationMs(query, 'maxDurationMs'),
          sort: parseChoice(query, 'sort', SORTS) ?? 'newest',
          limit: parseLimit(query),
          cursor: textParameter(query, 'cursor'),
        };
        return json(await sources.query.searchTraces(parameters, signal));
      },
    },
    {
      method: 'GET',
      path: '/api/traces/:id',
      summary: 'One trace, whole',
      segments: [TRACE_ID],
      query: [
        {
          name: 'format',
          description: 'Another form: OTLP, Jaeger or Zipkin JSON',
          schema: words(...FORMATS),
        },
      ],
      gives: { 'application/json': { anyOf: [named('Trace'), { type: 'object' }, list(anything)] } },
      errors: [404],
      handle: async ({ path, query }) => {
        const traceId = parseTraceId(path.id ?? '');
        const format = parseChoice(query, 'format', FORMATS);
        const answer =
          format === null ? await ownForm(sources, traceId) : await otherForm(sources, traceId, format);
        if (answer === null) throw notFound('trace', traceId, STORED_TRACE);
        return answer;
      },
    },
    {
      method: 'GET',
      path: '/api/traces/:id/diagnosis',
      summary: 'Where the trace’s timeouts and failed calls started, and why',
      segments: [TRACE_ID],
      gives: { 'application/json': named('Diagnosis') },
      errors: [404],
      handle: async ({ path }) => {
        const traceId = parseTraceId(path.id ?? '');
        const diagnosis = await sources.query.diagnosis(traceId);
        if (diagnosis === null) throw notFound('trace', traceId, STORED_TRACE);
        return json(diagnosis);
      },
    },
    {
      method: 'GET',
      path: '/api/traces/:id/edges',
      summary: 'The edges of the map that the trace went along',
      segments: [TRACE_ID],
      gives: { 'application/json': named('TraceEdges') },
      errors: [404],
      handle: async ({ path }) => {
        const traceId = parseTraceId(path.id ?? '');
        const edges = await sources.query.traceEdges(traceId);
        if (edges === null) throw notFound('trace', traceId, STORED_TRACE);
        return json(edges);
      },
    },
  ];
}

async function ownForm({ query }: Sources, traceId: string): Promise<BodyAnswer | null> {
  const trace = await query.trace(traceId);
  return trace && json(trace);
}

async function otherForm(
  { query, store }: Sources,
  traceId: string,
  format: (typeof FORMATS)[number],
): Promise<BodyAnswer | null> {
  if (format === 'otlp') {
    const bytes = await query.traceBytes(traceId);
    return bytes && { type: 'application/json', body: tracesToJson(bytes) };
  }
  const spans = await store.readTrace(traceId);
  if (spans.length === 0) return null;
  return json(format === 'jaeger' ? toJaegerJson(spans) : toZipkinJson(spans));
}
