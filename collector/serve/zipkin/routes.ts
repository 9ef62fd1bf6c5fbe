/** Zipkin's API, below `/zipkin` of the web port or at the root of a port of its own. */
import { everyTime } from '../compatible/every-time.ts';
import { answerTraces } from '../compatible/trace-list.ts';
import { withErrors, type ErrorForm } from '../compatible/answer-errors.ts';
import { countRefused } from '../api/take-traces.ts';
import { HttpError } from '../http-error.ts';
import { json, type Answer, type Exchange, type Route } from '../route.ts';
import { anything, list, number, text, type Parameter } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { linksOf, namesOf, PAGE_CONFIG, readTraceId, shortTraceId } from './answers.ts';
import { badRequest, readName, readPositive, readRange, readSearch } from './search.ts';
import { spanRoutes } from './take-spans.ts';

/** Values that are completed of one key; ids of one `traceMany`, as there. */
const VALUES_MAX = 1_000;
const TRACE_IDS_MAX = 1_000;

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const ERRORS: ErrorForm = {
  gives: { 'text/plain': text },
  write: ({ message }) => ({ type: TEXT_TYPE, body: message }),
};

const SERVICE: Parameter = { name: 'serviceName', description: 'Any case', schema: text };
const END: Parameter = {
  name: 'endTs',
  description: 'End of the range, epoch milliseconds',
  schema: number,
};
const LOOKBACK: Parameter = {
  name: 'lookback',
  description: 'Length of the range, milliseconds; a day',
  schema: number,
};
const SEARCH: readonly Parameter[] = [
  SERVICE,
  { name: 'spanName', description: 'Any case', schema: text },
  { name: 'remoteServiceName', description: 'Who is called; any case', schema: text },
  { name: 'annotationQuery', description: '`error and http.method=GET`', schema: text },
  { name: 'minDuration', description: 'Microseconds that the span took at least', schema: number },
  { name: 'maxDuration', description: 'At most; only with minDuration', schema: number },
  END,
  LOOKBACK,
  { name: 'limit', description: 'Most traces to give; 10', schema: number },
];

export function zipkinRoutes(sources: Sources, base: '' | '/zipkin'): Route[] {
  const get = (
    path: string,
    summary: string,
    query: readonly Parameter[],
    handle: (exchange: Exchange) => Promise<unknown>,
  ): Route => ({
    method: 'GET',
    path: `${base}${path}`,
    summary: `Zipkin: ${summary}`,
    query,
    gives: { [JSON_TYPE]: list(anything) },
    handle: async (exchange) => json(await handle(exchange)),
  });
  const { query } = sources;
  const routes: Route[] = [
    get('/api/v2/services', 'names of services', [], async ({ nowUnixMs }) => {
      const { services } = await query.services(everyTime(nowUnixMs));
      return namesOf(services.map(({ service }) => service));
    }),
    get('/api/v2/spans', 'names of a service’s spans', [SERVICE], async (exchange) => {
      const services = await servicesNamed(sources, exchange);
      const found = await Promise.all(
        services.map((service) => query.operations(everyTime(exchange.nowUnixMs), service)),
      );
      return namesOf(found.flatMap(({ operations }) => operations.map(({ operation }) => operation)));
    }),
    get('/api/v2/remoteServices', 'whom a service calls', [SERVICE], async (exchange) => {
      const name = required(exchange, 'serviceName');
      const links = linksOf(await query.map(everyTime(exchange.nowUnixMs), null, 0));
      return namesOf(links.filter(({ parent }) => parent === name).map(({ child }) => child));
    }),
    get('/api/v2/dependencies', 'who calls whom, how often', [END, LOOKBACK], async (exchange) => {
      const endTs = readPositive(exchange.query, 'endTs');
      if (endTs === null) throw badRequest('endTs parameter is required');
      return linksOf(await query.map(readRange(exchange.query, endTs), null, 0));
    }),
    get('/api/v2/autocompleteKeys', 'the keys of --zipkin-keys', [], async () => sources.zipkinKeys),
    get(
      '/api/v2/autocompleteValues',
      'values of one of these',
      [{ name: 'key', description: 'Required', schema: text }],
      async (exchange) => {
        const key = exchange.query.get('key');
        if (key === null) throw badRequest('key parameter is required');
        if (!sources.zipkinKeys.includes(key)) return [];
        const range = everyTime(exchange.nowUnixMs);
        const { values } = await query.attributeValues(range, key, '', VALUES_MAX);
        return values.map(({ value }) => String(value));
      },
    ),
    {
      ...get('/api/v2/traces', 'traces with a span that matches', SEARCH, async () => []),
      handle: (exchange) => searchTraces(sources, exchange),
    },
    {
      ...get(
        '/api/v2/traceMany',
        'several traces',
        [{ name: 'traceIds', description: 'Separated by commas, two or more', schema: text }],
        async () => [],
      ),
      handle: (exchange) => listTraces(sources, readTraceIds(exchange), exchange),
    },
    {
      ...get('/api/v2/trace/:id', 'one trace', [], async () => []),
      segments: [{ name: 'id', description: '1 to 32 hex digits', schema: text }],
      errors: [404],
      handle: (exchange) => oneTrace(sources, exchange),
    },
    {
      ...get('/config.json', 'what its page reads when it starts', [], async () => PAGE_CONFIG),
      gives: { [JSON_TYPE]: { type: 'object' } },
    },
    {
      ...get('/health', 'whether the store answers', [], async () => readHealth(sources)),
      gives: { [JSON_TYPE]: { type: 'object' } },
    },
  ];
  return [...withErrors(routes, ERRORS), ...countRefused(spanRoutes(sources, base), sources)];
}

/** As they are named here, of the one asked for. */
async function servicesNamed({ query }: Sources, exchange: Exchange): Promise<string[]> {
  const name = required(exchange, 'serviceName');
  const { services } = await query.services(everyTime(exchange.nowUnixMs));
  return services.map(({ service }) => service).filter((service) => service.toLowerCase() === name);
}

function required({ query }: Exchange, parameter: string): string {
  const name = readName(query, parameter);
  if (name === null) throw badRequest(`${parameter} parameter is required`);
  return name;
}

async function searchTraces(sources: Sources, exchange: Exchange): Promise<Answer> {
  const search = readSearch(exchange.query, exchange.nowUnixMs);
  const { traces } = await sources.query.searchTraces(search, exchange.signal);
  const traceIds = traces.map(({ traceId }) => traceId);
  return listTraces(sources, traceIds, exchange);
}

async function listTraces(
  { traces }: Sources,
  traceIds: readonly string[],
  { signal }: Exchange,
): Promise<Answer> {
  const list = { traceIds, form: 'zipkin-api', head: '[', tail: () => ']' } as const;
  return (await answerTraces(traces, list, signal)) ?? json([]);
}

function readTraceIds({ query }: Exchange): string[] {
  const text = query.get('traceIds') ?? '';
  if (text === '') throw badRequest('traceIds parameter is empty');
  const parts = text.split(',');
  if (parts.length > TRACE_IDS_MAX)
    throw badRequest(`traceIds: got ${parts.length}, expected at most ${TRACE_IDS_MAX}`);
  const ids = new Set<string>();
  for (const part of parts) {
    const id = readTraceId(part);
    if (ids.has(id)) throw badRequest(`redundant traceId: ${part}`);
    ids.add(id);
  }
  if (ids.size === 1) throw badRequest('Use /api/v2/trace/{traceId} endpoint to retrieve a single trace');
  return [...ids];
}

async function oneTrace({ traces }: Sources, { path, signal }: Exchange): Promise<Answer> {
  const traceId = readTraceId(path.id ?? '');
  const body = await traces.write(traceId, 'zipkin-api', signal);
  if (body === null) {
    const got = shortTraceId(traceId);
    throw new HttpError(404, 'not_found', `${got} not found`, { got, expected: 'a stored trace' });
  }
  return body instanceof Uint8Array ? { type: JSON_TYPE, body } : { type: JSON_TYPE, pieces: body };
}

/** Rejects where it does not. */
async function readHealth({ store }: Sources): Promise<object> {
  const { kind } = await store.status();
  const storage = { [kind]: { status: 'UP' } };
  return { status: 'UP', zipkin: { status: 'UP', details: storage } };
}
