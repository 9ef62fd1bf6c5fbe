/** An operation that a compatible API lists is what its traces call the span. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type Collector } from '../start-collector.ts';

const TRACE_ID = 'c0'.padStart(32, 'c');
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const span = (spanId: string, parentSpanId: string, name: string, path: string) => ({
  traceId: TRACE_ID,
  spanId: spanId.padStart(16, '0'),
  parentSpanId: parentSpanId && parentSpanId.padStart(16, '0'),
  name,
  kind: 2,
  startTimeUnixNano: `${Date.now() - 60_000}000000`,
  endTimeUnixNano: `${Date.now() - 59_000}000000`,
  attributes: [text('url.path', path)],
});
const SENT = {
  resourceSpans: [
    {
      resource: { attributes: [text('service.name', 'worker')] },
      scopeSpans: [{ spans: [span('1', '', 'GET', '/cpu'), span('2', '1', 'run job', '/job')] }],
    },
  ],
};
const NAMES = ['GET /cpu', 'run job'];

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
  const body = JSON.stringify(SENT);
  await fetch(`${collector.url}/api/import`, { method: 'POST', body });
});
afterAll(() => collector.close());

const read = async <Answer>(path: string) =>
  (await (await fetch(`${collector.url}${path}`)).json()) as Answer;

it('of Jaeger, in both of its APIs', async () => {
  const listed = await read<{ data: string[] }>('/jaeger/api/services/worker/operations');
  expect(listed.data.toSorted()).toEqual(NAMES);
  type Traces = { data: { spans: { operationName: string }[] }[] };
  const { data } = await read<Traces>(`/jaeger/api/traces/${TRACE_ID}`);
  expect(data[0]!.spans.map(({ operationName }) => operationName)).toEqual(NAMES);

  type Otlp = { result: { resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[] } };
  const { result } = await read<Otlp>(`/jaeger/api/v3/traces/${TRACE_ID}`);
  expect(result.resourceSpans[0]!.scopeSpans[0]!.spans.map(({ name }) => name)).toEqual(NAMES);
  const range = [3_600_000, 0].map((agoMs) => new Date(Date.now() - agoMs).toISOString());
  const query = `query.serviceName=worker&query.startTimeMin=${range[0]}&query.startTimeMax=${range[1]}`;
  expect(await read(`/jaeger/api/v3/trace-summaries?${query}`)).toMatchObject({
    summaries: [{ rootOperationName: 'GET /cpu' }],
  });
});

it('of Zipkin, in lower case', async () => {
  const names = NAMES.map((name) => name.toLowerCase());
  expect(await read('/zipkin/api/v2/spans?serviceName=worker')).toEqual(names);
  const spans = await read<{ name: string }[]>(`/zipkin/api/v2/trace/${TRACE_ID}`);
  expect(spans.map(({ name }) => name)).toEqual(names);
});

it('a download has the names that were sent', async () => {
  const { data } = await read<{ data: { spans: { operationName: string }[] }[] }>(
    `/api/traces/${TRACE_ID}?format=jaeger`,
  );
  expect(data[0]!.spans.map(({ operationName }) => operationName)).toEqual(['GET', 'run job']);
});
