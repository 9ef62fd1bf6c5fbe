/** Traces: the search, one trace in our form and in others', and its diagnosis. */
import { notFound } from '../http-error.ts';
import {
  parseChoice,
  parseDurationMs,
  parseLimit,
  parseRange,
  parseSpanId,
  parseTraceId,
  textParameter,
} from '../parameters.ts';
import { json, type Answer, type Route } from '../route.ts';
import { anything, list, named, number, text, words } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { TraceForm } from '../traces/write-trace.ts';
import { CURSOR, LIMIT, RANGE, SPAN_ID, TRACE_ID } from './parameter-docs.ts';

const SORTS = ['newest', 'oldest', 'longest', 'errors'] as const;
const FORMATS = ['otlp', 'jaeger', 'zipkin', 'columns', 'texts'] as const;
const JSON_TYPE = 'application/json';
const COLUMNS_TYPE = 'application/octet-stream';
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
      gives: { [JSON_TYPE]: named('TracePage') },
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
          description:
            'Another form: OTLP, Jaeger or Zipkin JSON; columns (typed arrays, for large traces), texts (to find in)',
          schema: words(...FORMATS),
        },
      ],
      gives: {
        [JSON_TYPE]: { anyOf: [named('Trace'), { type: 'object' }, list(anything)] },
        [COLUMNS_TYPE]: { type: 'string', format: 'binary' },
      },
      errors: [404, 503],
      handle: async ({ path, query, signal }) => {
        const traceId = parseTraceId(path.id ?? '');
        const form = parseChoice(query, 'format', FORMATS) ?? 'json';
        const answer = await answerTrace(sources, traceId, form, signal);
        if (answer === null) throw notFound('trace', traceId, STORED_TRACE);
        return answer;
      },
    },
    {
      method: 'GET',
      path: '/api/traces/:id/diagnosis',
      summary: 'Where the trace’s timeouts and failed calls started, and why',
      segments: [TRACE_ID],
      gives: { [JSON_TYPE]: named('Diagnosis') },
      errors: [404],
      handle: async ({ path }) => {
        const traceId = parseTraceId(path.id ?? '');
        const diagnosed = await sources.traces.diagnose(traceId);
        if (diagnosed === null) throw notFound('trace', traceId, STORED_TRACE);
        return json(diagnosed);
      },
    },
    {
      method: 'GET',
      path: '/api/traces/:id/spans/:spanId',
      summary:
        'What one span says: attributes, resource, scope, events, links; several where several have its id',
      segments: [TRACE_ID, SPAN_ID],
      gives: { [JSON_TYPE]: named('SpanDetails') },
      errors: [404],
      handle: async ({ path }) => {
        const traceId = parseTraceId(path.id ?? '');
        const spanId = parseSpanId(path.spanId ?? '');
        const details = await sources.query.spanDetails(traceId, spanId);
        if (details.spans.length === 0) throw notFound('span', spanId, 'the id of a span of this trace');
        return json(details);
      },
    },
    {
      method: 'GET',
      path: '/api/traces/:id/edges',
      summary: 'The edges of the map that the trace went along',
      segments: [TRACE_ID],
      gives: { [JSON_TYPE]: named('TraceEdges') },
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

/** null when the trace is not stored. */
async function answerTrace(
  { traces }: Sources,
  traceId: string,
  form: TraceForm | 'columns',
  signal: AbortSignal,
): Promise<Answer | null> {
  const body = await (form === 'columns'
    ? traces.columns(traceId, signal)
    : traces.write(traceId, form, signal));
  if (body === null) return null;
  const type = form === 'columns' || form === 'texts' ? COLUMNS_TYPE : JSON_TYPE;
  return body instanceof Uint8Array ? { type, body } : { type, pieces: body };
}
