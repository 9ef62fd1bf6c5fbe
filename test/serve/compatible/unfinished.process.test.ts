/**
 * Calls that hang, as other systems' APIs give them, which know no snapshots:
 *
 *     buy          |==========…            open, as of its latest snapshot
 *       GET        |=====|                 ended, after three snapshots
 *       hang         |=======…             open, two snapshots
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeTraces } from '../../../collector/decode/decode-traces.ts';
import { startCollector, type Collector } from '../start-collector.ts';

const TRACE_ID = '4d'.repeat(16);
const [ROOT, CALL, HANGING] = ['00000000000000a1', '00000000000000a2', '00000000000000a3'];
const startMs = Date.now() - 60_000;
const nanoAt = (ms: number) => `${startMs + ms}000000`;
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

interface Call {
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly kind: 'server' | 'client';
  readonly from: number;
}
const BUY: Call = { id: ROOT, parent: '', name: 'buy', kind: 'server', from: 0 };
const GET: Call = { id: CALL, parent: ROOT, name: 'GET', kind: 'client', from: 100 };
const HANG: Call = { id: HANGING, parent: ROOT, name: 'hang', kind: 'client', from: 200 };

let snapshots = 0;
const snapshot = (of: Call, takenMs: number) => ({
  traceId: TRACE_ID,
  spanId: (0xb00 + ++snapshots).toString(16).padStart(16, '0'),
  parentSpanId: of.id,
  name: `pending ${of.name}`,
  kind: 1,
  startTimeUnixNano: nanoAt(takenMs),
  endTimeUnixNano: nanoAt(takenMs),
  attributes: [
    text('sockeye.pending.span_id', of.id),
    text('sockeye.pending.parent_id', of.parent),
    text('sockeye.pending.name', of.name),
    text('sockeye.pending.kind', of.kind),
    text('sockeye.pending.start_unix_nano', nanoAt(of.from)),
    text('sockeye.pending.reason', 'open'),
    text('server.address', 'pay'),
  ],
});
const ended = (of: Call, untilMs: number) => ({
  traceId: TRACE_ID,
  spanId: of.id,
  parentSpanId: of.parent,
  name: of.name,
  kind: 3,
  startTimeUnixNano: nanoAt(of.from),
  endTimeUnixNano: nanoAt(untilMs),
  attributes: [text('server.address', 'pay')],
});

let collector: Collector;

async function send(spans: readonly object[], scope: string): Promise<void> {
  const resource = { attributes: [text('service.name', 'shop')] };
  const body = JSON.stringify({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: scope }, spans }] }],
  });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${collector.url}/api/import`, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
}

beforeAll(async () => {
  collector = await startCollector();
  await send([snapshot(BUY, 1000), snapshot(GET, 1000), snapshot(HANG, 1000)], 'hook');
  await send([snapshot(BUY, 2000), snapshot(GET, 2000), snapshot(HANG, 2500)], 'hook');
  await send([snapshot(GET, 3000), ended(GET, 3100)], 'hook');
  // Again, from another exporter.
  await send([ended(GET, 3100)], 'other');
});
afterAll(() => collector.close());

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(collector.url + path);
  expect([path, answer.status]).toEqual([path, 200]);
  return (await answer.json()) as T;
}
const lastHour = () => {
  const iso = (agoMs: number) => new Date(Date.now() - agoMs).toISOString();
  return `query.startTimeMin=${iso(3_600_000)}&query.startTimeMax=${iso(0)}`;
};
const expected = (startOf: (ms: number) => unknown, tookOf: (ms: number) => unknown) => [
  [ROOT, '', 'buy', startOf(0), tookOf(2000)],
  [CALL, ROOT, 'GET', startOf(100), tookOf(3000)],
  [HANGING, ROOT, 'hang', startOf(200), tookOf(2300)],
];
const micros = (ms: number) => (startMs + ms) * 1000;
const byId = (rows: unknown[][]) => rows.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

it('Jaeger has each call once, with its own start, and the latest snapshot for an end', async () => {
  interface JaegerSpan {
    spanID: string;
    references: { spanID: string }[];
    operationName: string;
    startTime: number;
    duration: number;
    tags: { key: string; value: unknown }[];
  }
  const { data } = await read<{ data: { spans: JaegerSpan[] }[] }>(`/jaeger/api/traces/${TRACE_ID}`);
  const { spans } = data[0]!;
  const rows = spans.map(({ spanID, references, operationName, startTime, duration }) => [
    spanID,
    references[0]?.spanID ?? '',
    operationName,
    startTime,
    duration,
  ]);
  expect(byId(rows)).toEqual(expected(micros, (ms) => ms * 1000));
  const tags = spans
    .find(({ spanID }) => spanID === HANGING)
    ?.tags.map(({ key, value }) => `${key}=${value}`);
  expect(tags).toEqual(expect.arrayContaining(['server.address=pay', 'span.kind=client']));
  expect(JSON.stringify(spans)).not.toContain('pending');
});

it('Jaeger’s third API has them too, and counts them', async () => {
  interface Otlp {
    result: { resourceSpans: { scopeSpans: { spans: { spanId: string; kind: number }[] }[] }[] };
  }
  const { result } = await read<Otlp>(`/jaeger/api/v3/traces/${TRACE_ID}`);
  const spans = result.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  expect(byId(spans.map(({ spanId, kind }) => [spanId, kind]))).toEqual([
    [ROOT, 2],
    [CALL, 3],
    [HANGING, 3],
  ]);
  const { summaries } = await read<{ summaries: object[] }>(`/jaeger/api/v3/trace-summaries?${lastHour()}`);
  expect(summaries).toMatchObject([
    {
      rootOperationName: 'buy',
      spanCount: 3,
      orphanSpanCount: 0,
      services: [{ name: 'shop', spanCount: 3 }],
    },
  ]);
});

it('Zipkin has each once', async () => {
  interface ZipkinSpan {
    id: string;
    parentId?: string;
    name: string;
    timestamp: number;
    duration: number;
  }
  const spans = await read<ZipkinSpan[]>(`/zipkin/api/v2/trace/${TRACE_ID}`);
  const rows = spans.map(({ id, parentId, name, timestamp, duration }) => [
    id,
    parentId ?? '',
    name,
    timestamp,
    duration,
  ]);
  const inLowerCase = expected(micros, (ms) => ms * 1000).map((row) =>
    row.map((cell) => (cell === 'GET' ? 'get' : cell)),
  );
  expect(byId(rows)).toEqual(inLowerCase);
});

it('Tempo finds, counts and gives each once', async () => {
  const q = encodeURIComponent('{ resource.service.name = "shop" }');
  const { traces } = await read<{ traces: object[] }>(`/tempo/api/search?q=${q}&spss=9`);
  expect(traces).toMatchObject([
    {
      rootServiceName: 'shop',
      rootTraceName: 'buy',
      serviceStats: { shop: { spanCount: 3 } },
      durationMs: 3100,
      spanSets: [{ matched: 3, spans: [{}, {}, {}] }],
    },
  ]);
  for (const [version, spansOf] of [
    ['', (bytes: Buffer) => decodeTraces(bytes)],
    // In the first field of a message, whose head is three bytes here.
    ['v2/', (bytes: Buffer) => decodeTraces(bytes.subarray(3))],
  ] as const) {
    const headers = { accept: 'application/protobuf' };
    const answer = await fetch(`${collector.url}/tempo/api/${version}traces/${TRACE_ID}`, { headers });
    const rows = spansOf(Buffer.from(await answer.arrayBuffer())).map((span) => [
      span.spanId,
      span.parentSpanId,
      span.name,
      String(span.startUnixNano),
      span.endUnixNano - span.startUnixNano,
    ]);
    expect(byId(rows)).toEqual(expected(nanoAt, (ms) => BigInt(ms) * 1_000_000n));
  }
  const { batches } = await read<{ batches: { scopeSpans: { spans: object[] }[] }[] }>(
    `/tempo/api/traces/${TRACE_ID}`,
  );
  expect(batches.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))).toHaveLength(3);
});

it('what snapshots alone say is not completed', async () => {
  const { tagNames } = await read<{ tagNames: string[] }>('/tempo/api/search/tags?scope=span');
  expect(tagNames).toEqual(['server.address']);
});

it('a download is what was sent, so that it can be imported as it was', async () => {
  expect(await read(`/api/traces/${TRACE_ID}?format=zipkin`)).toHaveLength(7 + 2);
});
