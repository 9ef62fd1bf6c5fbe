/** Tempo's API below `/tempo`, as far as Grafana's data source asks it. */
import { withErrors, type ErrorForm } from '../compatible/answer-errors.ts';
import { answerTraces } from '../compatible/trace-list.ts';
import { HttpError } from '../http-error.ts';
import { json, type Answer, type Exchange, type Route } from '../route.ts';
import { number, text, type Parameter } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { readTraceId, shortTraceId } from './answers.ts';
import { readSearch } from './search.ts';
import { readTagScopes, readTagValues } from './tags.ts';

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/protobuf';
const ERRORS: ErrorForm = {
  gives: { 'text/plain': text },
  write: ({ message }) => ({ type: 'text/plain; charset=utf-8', body: message }),
};

const TRACE_ID: Parameter = { name: 'id', description: '1 to 32 hex digits', schema: text };
const TAG: Parameter = { name: 'tag', description: 'As TraceQL names it: `span.http.method`', schema: text };
const RANGE: readonly Parameter[] = [
  { name: 'start', description: 'Seconds since the epoch', schema: number },
  { name: 'end', description: 'The same; with start', schema: number },
];
const LIMIT: Parameter = { name: 'limit', description: 'Most to give', schema: number };
const SCOPE: Parameter = {
  name: 'scope',
  description: 'resource, span, intrinsic, event, link or instrumentation; all',
  schema: text,
};
const SEARCH: readonly Parameter[] = [
  { name: 'q', description: 'TraceQL: one set of spans, or several with || between', schema: text },
  {
    name: 'tags',
    description: 'logfmt: `service.name=shop http.url="/a b"`; where there is no q',
    schema: text,
  },
  { name: 'minDuration', description: 'The trace took at least: 1.5s, 20ms', schema: text },
  { name: 'maxDuration', description: 'At most', schema: text },
  { name: 'spss', description: 'Most spans to give of a trace; 3', schema: number },
  LIMIT,
  ...RANGE,
];

export function tempoRoutes(sources: Sources): Route[] {
  const get = (
    path: string,
    summary: string,
    query: readonly Parameter[],
    handle: (exchange: Exchange) => Promise<Answer>,
  ): Route => ({
    method: 'GET',
    path: `/tempo/api${path}`,
    summary: `Tempo: ${summary}`,
    segments: [...path.matchAll(/:(\w+)/g)].map(([, name]) => (name === 'id' ? TRACE_ID : TAG)),
    query,
    gives: { [JSON_TYPE]: { type: 'object' } },
    handle,
  });
  const completion = [LIMIT, ...RANGE];
  const routes: Route[] = [
    {
      ...get('/echo', 'says that it is there', [], async () => ({
        type: 'text/plain; charset=utf-8',
        body: 'echo',
      })),
      gives: { 'text/plain': text },
    },
    // Grafana asks for it with each page: whether answers can be streamed, which ours cannot, is told by the version.
    get('/status/buildinfo', 'its version', [], async () =>
      json({
        version: sources.version,
        revision: '',
        branch: '',
        buildUser: '',
        buildDate: '',
        goVersion: '',
      }),
    ),
    ...['/metrics/query_range', '/metrics/query'].map((path): Route => ({
      ...get(path, 'metrics of TraceQL (not available)', [], async () => {
        throw new HttpError(501, 'not_available', 'metrics of TraceQL are not available: search for traces', {
          got: path,
          expected: '/search',
        });
      }),
      errors: [501],
    })),
    get('/search', 'traces with a span that matches', SEARCH, (exchange) => searchTraces(sources, exchange)),
    get('/v2/search/tags', 'names of attributes by scope', [SCOPE, ...completion], async (exchange) =>
      json({ scopes: await readTagScopes(sources, exchange), metrics: {} }),
    ),
    get('/search/tags', 'names of attributes', [SCOPE, ...completion], async (exchange) => {
      const scopes = await readTagScopes(sources, exchange);
      return json({ tagNames: [...new Set(scopes.flatMap(({ tags }) => tags))], metrics: {} });
    }),
    get('/v2/search/tag/:tag/values', 'values of one, with their types', completion, async (exchange) =>
      json({ tagValues: await readTagValues(sources, exchange, exchange.path.tag ?? ''), metrics: {} }),
    ),
    get('/search/tag/:tag/values', 'values of one', completion, async (exchange) => {
      const values = await readTagValues(sources, exchange, exchange.path.tag ?? '');
      return json({ tagValues: values.map(({ value }) => value), metrics: {} });
    }),
    ...(['', '/v2'] as const).map((version): Route => ({
      ...get(`${version}/traces/:id`, 'one trace, as JSON or protobuf by Accept', RANGE, (exchange) =>
        oneTrace(sources, exchange, version),
      ),
      gives: { [JSON_TYPE]: { type: 'object' }, [PROTOBUF_TYPE]: { type: 'string', format: 'binary' } },
      errors: [404],
    })),
  ];
  return withErrors(routes, ERRORS);
}

async function searchTraces(sources: Sources, { query, nowUnixMs, signal }: Exchange): Promise<Answer> {
  const { search, shown } = readSearch(query, nowUnixMs);
  const { traces } = await sources.query.searchTraces(search, signal);
  const list = {
    traceIds: traces.map(({ traceId }) => traceId),
    form: { kind: 'tempo-found', shown },
    head: '{"traces":[',
    tail: () => `],"metrics":${JSON.stringify({ inspectedTraces: traces.length })}}`,
  } as const;
  const found = await answerTraces(sources.traces, list, signal);
  return found ?? json({ traces: [], metrics: { inspectedTraces: 0 } });
}

async function oneTrace(
  { traces }: Sources,
  { request, path, signal }: Exchange,
  version: '' | '/v2',
): Promise<Answer> {
  const traceId = readTraceId(path.id ?? '');
  const missing = new HttpError(404, 'not_found', `trace not found: ${shortTraceId(traceId)}`, {
    got: traceId,
    expected: 'a stored trace',
  });
  if (request.headers.accept?.includes(PROTOBUF_TYPE)) {
    const form = version === '' ? 'protobuf' : 'protobuf-message';
    const body = await traces.write(traceId, form, signal);
    if (body === null) throw missing;
    return body instanceof Uint8Array ? { type: PROTOBUF_TYPE, body } : { type: PROTOBUF_TYPE, pieces: body };
  }
  const list = {
    traceIds: [traceId],
    form: 'tempo-spans',
    head: version === '' ? '{"batches":[' : '{"trace":{"resourceSpans":[',
    tail: () => (version === '' ? ']}' : ']},"metrics":{}}'),
  } as const;
  const found = await answerTraces(traces, list, signal);
  if (found === null) throw missing;
  return found;
}
