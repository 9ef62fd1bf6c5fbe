/** Jaeger's APIs below `/jaeger`: the first, of its page of old, of Grafana and of scripts; the third, that of its page now. */
import { withErrors } from '../compatible/answer-errors.ts';
import { everyTime } from '../compatible/every-time.ts';
import { answerTraces } from '../compatible/trace-list.ts';
import { json, type Answer, type Exchange, type Route } from '../route.ts';
import { number, text, type Parameter } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { dependenciesOf, operationsOf, readTraceId, shortTraceId } from './answers.ts';
import { badRequest, envelope, notFound, V1_ERRORS, V3_ERRORS } from './errors.ts';
import { METRICS, readMetrics, readMetricsQuestion } from './metrics.ts';
import { readEither, readInteger, readSearchV1, readSearchV3, readTime } from './search.ts';

const LOOKBACK_DEFAULT_MS = 86_400_000;
const JSON_TYPE = 'application/json';
const NOT_FOUND = 'trace not found';

const SERVICE: Parameter = { name: 'service', description: 'Name of a service', schema: text };
const SPAN_KIND: Parameter = { name: 'spanKind', description: 'Only of this kind', schema: text };
const TRACE_ID: Parameter = { name: 'id', description: '1 to 32 hex digits', schema: text };
const SEARCH_V1: readonly Parameter[] = [
  { name: 'service', description: 'Required, unless traceID is given', schema: text },
  { name: 'operation', description: 'Name of the span', schema: text },
  { name: 'tags', description: 'JSON of strings: {"error":"true"}', schema: text },
  { name: 'tag', description: 'One as key:value; repeatable', schema: text },
  { name: 'start', description: 'Microseconds since the epoch; two days ago', schema: number },
  { name: 'end', description: 'The same; now', schema: number },
  { name: 'minDuration', description: 'The span took at least: 1.5s, 20ms', schema: text },
  { name: 'maxDuration', description: 'At most', schema: text },
  { name: 'limit', description: 'Most traces to give; 100', schema: number },
  { name: 'traceID', description: 'These traces instead; repeatable', schema: text },
];
const METRICS_QUERY: readonly Parameter[] = [
  { name: 'service', description: 'Required; repeatable', schema: text },
  { name: 'groupByOperation', description: 'true: of each operation', schema: text },
  { name: 'quantile', description: 'Of latencies: 0.5, 0.95 or 0.99; nothing of another', schema: number },
  { name: 'endTs', description: 'Milliseconds since the epoch; now', schema: number },
  { name: 'lookback', description: 'Milliseconds; an hour', schema: number },
  {
    name: 'step',
    description: 'Milliseconds between points; a minute at least, 61 points at most',
    schema: number,
  },
  {
    name: 'ratePer',
    description: 'Milliseconds before a point that it speaks of; ten minutes',
    schema: number,
  },
  { name: 'spanKind', description: 'server or consumer; nothing of another', schema: text },
];
const SEARCH_V3: readonly Parameter[] = [
  { name: 'query.serviceName', description: 'Each also with underscores: query.service_name', schema: text },
  { name: 'query.operationName', description: 'Name of the span', schema: text },
  { name: 'query.attributes', description: 'JSON of strings', schema: text },
  { name: 'query.startTimeMin', description: 'RFC 3339; required', schema: text },
  { name: 'query.startTimeMax', description: 'RFC 3339; required', schema: text },
  { name: 'query.durationMin', description: 'The span took at least: 1.5s, 20ms', schema: text },
  { name: 'query.durationMax', description: 'At most', schema: text },
  { name: 'query.searchDepth', description: 'Most traces to give; 100', schema: number },
];

export function jaegerRoutes(sources: Sources): Route[] {
  return [...withErrors(routesV1(sources), V1_ERRORS), ...withErrors(routesV3(sources), V3_ERRORS)];
}

type Handle = Route['handle'];

function get(path: string, summary: string, query: readonly Parameter[], handle: Handle): Route {
  const segments = [...path.matchAll(/:(\w+)/g)].map(([, name]) =>
    name === 'id' ? TRACE_ID : { ...SERVICE, name: name! },
  );
  return {
    method: 'GET',
    path: `/jaeger/api${path}`,
    summary: `Jaeger: ${summary}`,
    segments,
    query,
    gives: { [JSON_TYPE]: { type: 'object' } },
    handle,
  };
}

function routesV1(sources: Sources): Route[] {
  const { query } = sources;
  return [
    get('/services', 'names of services', [], async ({ nowUnixMs }) => {
      return listed(await serviceNames(sources, nowUnixMs));
    }),
    get('/services/:service/operations', 'names of its operations', [], async ({ path, nowUnixMs }) => {
      const found = await query.operationKinds(everyTime(nowUnixMs), path.service ?? '');
      return listed(found.map(({ operation }) => operation));
    }),
    get('/operations', 'operations with their kinds', [SERVICE, SPAN_KIND], async (exchange) => {
      if (!exchange.query.get('service')) throw badRequest("parameter 'service' is required");
      return listed(await readOperations(sources, exchange));
    }),
    get('/traces', 'traces with a span that matches', SEARCH_V1, (exchange) => searchV1(sources, exchange)),
    {
      ...get('/traces/:id', 'one trace', [], (exchange) => oneTraceV1(sources, exchange)),
      errors: [404],
    },
    get(
      '/dependencies',
      'who calls whom, how often',
      [
        { name: 'endTs', description: 'Milliseconds since the epoch; now', schema: number },
        { name: 'lookback', description: 'Milliseconds; a day', schema: number },
        SERVICE,
      ],
      async ({ query: asked, nowUnixMs }) => {
        const end = Math.min(readInteger(asked, 'endTs') ?? nowUnixMs, 8.64e15 - 1);
        const lookbackMs = readInteger(asked, 'lookback') ?? LOOKBACK_DEFAULT_MS;
        const range = { fromUnixMs: Math.max(0, end - lookbackMs), toUnixMs: Math.max(1, end + 1) };
        const found = range.fromUnixMs < range.toUnixMs ? await query.map(range, null, 0) : null;
        const data = found && dependenciesOf(found, asked.get('service') ?? '');
        return json(envelope(data ?? [], 0));
      },
    ),
    ...METRICS.map((metric): Route => {
      const summary = `${metric} of services over time`;
      return get(`/metrics/${metric}`, summary, METRICS_QUERY, async (exchange) => {
        const question = readMetricsQuestion(metric, exchange.query, exchange.nowUnixMs);
        return json(await readMetrics(query, question, exchange.signal));
      });
    }),
  ];
}

function routesV3(sources: Sources): Route[] {
  return [
    get('/v3/services', 'names of services', [], async ({ nowUnixMs }) => {
      return json({ services: await serviceNames(sources, nowUnixMs) });
    }),
    get('/v3/operations', 'operations with their kinds', [SERVICE, SPAN_KIND], async (exchange) => {
      const operations = await readOperations(sources, exchange);
      // What says no kind is taken for a service's own work, as there.
      return json({
        operations: operations.map(({ name, spanKind }) => ({ name, spanKind: spanKind || 'internal' })),
      });
    }),
    {
      ...get('/v3/traces', 'traces with a span that matches, as OTLP', SEARCH_V3, async (exchange) => {
        const traceIds = await findV3(sources, exchange);
        if (traceIds.length === 0) throw notFound('No traces found');
        return answerOtlp(sources, traceIds, exchange);
      }),
      errors: [404],
    },
    {
      ...get('/v3/traces/:id', 'one trace, as OTLP', [], async (exchange) => {
        const { path, query, nowUnixMs } = exchange;
        const traceId = readTraceId(path.id ?? '', 'trace_id');
        for (const name of ['startTime', 'endTime']) {
          const time = readEither(query, name);
          if (time !== null) readTime(name, time, nowUnixMs);
        }
        return answerOtlp(sources, [traceId], exchange);
      }),
      errors: [404],
    },
    get('/v3/trace-summaries', 'what can be said of these traces in short', SEARCH_V3, async (exchange) => {
      const traceIds = await findV3(sources, exchange);
      const list = { traceIds, form: 'jaeger-summary', head: '{"summaries":[', tail: () => ']}' } as const;
      return (await answerTraces(sources.traces, list, exchange.signal)) ?? json({ summaries: [] });
    }),
  ];
}

function listed(data: readonly unknown[]): Answer {
  return json(envelope(data, data.length));
}

async function serviceNames({ query }: Sources, nowUnixMs: number): Promise<string[]> {
  const { services } = await query.services(everyTime(nowUnixMs));
  return services.map(({ service }) => service);
}

async function readOperations(sources: Sources, { query, nowUnixMs }: Exchange) {
  const service = query.get('service') ?? '';
  const found = await sources.query.operationKinds(everyTime(nowUnixMs), service);
  return operationsOf(found, readEither(query, 'spanKind') ?? '');
}

async function searchV1(sources: Sources, exchange: Exchange): Promise<Answer> {
  const { query, nowUnixMs, signal } = exchange;
  const asked = query.getAll('traceID').map((id) => readTraceId(id, 'traceID'));
  if (asked.length > 0) return answerV1(sources, [...new Set(asked)], exchange);
  const { traces } = await sources.query.searchTraces(readSearchV1(query, nowUnixMs), signal);
  return answerV1(
    sources,
    traces.map(({ traceId }) => traceId),
    exchange,
  );
}

/** Those that are not stored are named among the errors. */
async function answerV1(
  { traces }: Sources,
  traceIds: readonly string[],
  { signal }: Exchange,
): Promise<Answer> {
  const errorsOf = (missing: readonly string[]) =>
    missing.length === 0
      ? null
      : missing.map((traceId) => ({ msg: NOT_FOUND, traceID: shortTraceId(traceId) }));
  const tail = (missing: readonly string[]) => {
    const { data: _data, ...rest } = envelope(null, traceIds.length - missing.length);
    return `],${JSON.stringify({ ...rest, errors: errorsOf(missing) }).slice(1)}`;
  };
  const found = await answerTraces(
    traces,
    { traceIds, form: 'jaeger-trace', head: '{"data":[', tail },
    signal,
  );
  return found ?? json({ ...envelope([], 0), errors: errorsOf(traceIds) });
}

async function oneTraceV1({ traces }: Sources, { path, signal }: Exchange): Promise<Answer> {
  const traceIds = [readTraceId(path.id ?? '', 'traceID')];
  const { data: _data, ...rest } = envelope(null, 1);
  const tail = () => `],${JSON.stringify(rest).slice(1)}`;
  const found = await answerTraces(
    traces,
    { traceIds, form: 'jaeger-trace', head: '{"data":[', tail },
    signal,
  );
  if (found === null) throw notFound(NOT_FOUND);
  return found;
}

async function findV3(sources: Sources, { query, nowUnixMs, signal }: Exchange): Promise<string[]> {
  const { traces } = await sources.query.searchTraces(readSearchV3(query, nowUnixMs), signal);
  return traces.map(({ traceId }) => traceId);
}

/** Their resources one after the other, in one document. */
async function answerOtlp(
  { traces }: Sources,
  traceIds: readonly string[],
  { signal }: Exchange,
): Promise<Answer> {
  const list = {
    traceIds,
    form: 'resource-spans',
    head: '{"result":{"resourceSpans":[',
    tail: () => ']}}',
  } as const;
  const found = await answerTraces(traces, list, signal);
  if (found === null) throw notFound(traceIds.length === 1 ? NOT_FOUND : 'No traces found');
  return found;
}
