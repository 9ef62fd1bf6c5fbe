/** A trace in every form, small ones and ones that go to a thread of their own; and files that are looked at only. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  LookedAt,
  PhasesOfTraces,
  SpanDetails,
  TracePhases,
  Trace,
  TracePage,
  TraceTextsHead,
} from '../../collector/serve/wire.ts';
import { readColumnFile, readTraceColumns, spanAt } from '../../ui/timeline/columns.ts';
import { largeTrace, spanIdOf } from '../benchmark/large-trace.ts';
import { shopTrace, TRACE_ID } from './shop-trace.ts';
import { startApi, type Api } from './start-api.ts';

/** Some 2 MB: four times what is read where it is asked for. */
const LARGE_SPANS = 5_000;
const largeId = 'a'.repeat(32);
let api: Api;

const get = (path: string) => fetch(api.url + path);
const post = (path: string, body: RequestInit['body']) => fetch(api.url + path, { method: 'POST', body });
const jsonOf = async <T>(response: Promise<Response>): Promise<T> => (await (await response).json()) as T;
const columnsOf = async (response: Promise<Response>) =>
  readTraceColumns(await (await response).arrayBuffer());

beforeAll(async () => {
  api = await startApi({ maxRequestBytes: 16e6 });
  const requests = [
    JSON.stringify(shopTrace(60_000)),
    ...largeTrace(largeId, LARGE_SPANS, Date.now() - 60_000),
  ];
  for (const request of requests) {
    const response = await post('/api/import', request);
    if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
  }
});
afterAll(() => api?.close());

describe.each([
  ['a small trace', TRACE_ID],
  ['a large trace, in its thread', largeId],
])('%s', (_, traceId) => {
  it('is kept past retention while it is pinned, and says so', async () => {
    const pinned = async () => [
      (await jsonOf<Trace>(get(`/api/traces/${traceId}`))).pinned,
      (await columnsOf(get(`/api/traces/${traceId}?format=columns`))).head.pinned,
    ];
    const pin = (method: string) => fetch(`${api.url}/api/traces/${traceId}/pin`, { method });
    expect(await pinned()).toEqual([false, false]);
    expect(await jsonOf(pin('PUT'))).toEqual({ traceId, pinned: true });
    expect(await pinned()).toEqual([true, true]);
    expect(await jsonOf(pin('DELETE'))).toEqual({ traceId, pinned: false });
    expect(await pinned()).toEqual([false, false]);
  });

  it('is the same in columns as in JSON', async () => {
    const trace = await jsonOf<Trace>(get(`/api/traces/${traceId}`));
    const columns = await columnsOf(get(`/api/traces/${traceId}?format=columns`));
    const bySpanId = new Map(trace.spans.map((span) => [span.spanId, span]));
    expect(columns.head).toMatchObject({
      traceId,
      complete: trace.complete,
      startUnixNano: trace.startUnixNano,
      spans: trace.spans.length,
      duplicates: 0,
    });
    expect(columns.head.durationMs).toBeCloseTo(trace.durationMs, 6);
    for (let index = 0; index < columns.count; index++) {
      const span = spanAt(columns, index);
      const sent = bySpanId.get(span.spanId)!;
      const parent = columns.parent[index]!;
      expect([span.service, span.operation, span.kind, span.status]).toEqual([
        sent.service,
        sent.operation,
        sent.kind,
        sent.status.code,
      ]);
      expect([span.startMs, span.durationMs]).toEqual([
        expect.closeTo(sent.startOffsetMs, 6),
        expect.closeTo(sent.durationMs, 6),
      ]);
      expect(span.phases.map(({ phase, open }) => [phase, open])).toEqual(
        sent.phases.map(({ phase, open }) => [phase, open]),
      );
      expect(parent < 0 ? '' : spanAt(columns, parent).spanId).toBe(sent.parentSpanId);
    }
  });

  it('says where its time went, as much as there is', async () => {
    const { traces } = await jsonOf<PhasesOfTraces>(get(`/api/phases?traces=${'d'.repeat(32)},${traceId}`));
    expect(traces.map((trace) => trace.traceId)).toEqual([traceId]);
    const [{ durationMs, parts }] = traces as [TracePhases];
    expect(durationMs).toBeGreaterThan(0);
    expect(parts.reduce((sum, part) => sum + part.durationMs, 0)).toBeCloseTo(durationMs, 3);
  });

  it('carries the verdicts that its diagnosis gives', async () => {
    const { verdicts } = await jsonOf<{ verdicts: object[] }>(get(`/api/traces/${traceId}/diagnosis`));
    expect(verdicts.length).toBeGreaterThan(0);
    const columns = await columnsOf(get(`/api/traces/${traceId}?format=columns`));
    expect(columns.head.verdicts).toEqual(verdicts);
  });

  it('gives its texts, OTLP, Jaeger and Zipkin JSON', async () => {
    const texts = await (await get(`/api/traces/${traceId}?format=texts`)).arrayBuffer();
    const { head } = readColumnFile<TraceTextsHead>(texts);
    const spans = (await columnsOf(get(`/api/traces/${traceId}?format=columns`))).count;
    expect(head.spans).toBe(spans);
    expect(head.texts).toContain('sockeye.timeout.phase=connect');
    const otlp = await (await get(`/api/traces/${traceId}?format=otlp`)).text();
    expect([...otlp.matchAll(/"spanId":/g)].length).toBeGreaterThanOrEqual(spans);
    const jaeger = await jsonOf<{ data: { spans: object[] }[] }>(get(`/api/traces/${traceId}?format=jaeger`));
    expect(jaeger.data[0]!.spans).toHaveLength(spans);
    expect(await jsonOf<object[]>(get(`/api/traces/${traceId}?format=zipkin`))).toHaveLength(spans);
  });
});

it('a large trace is sent while it is written, a small one with its length', async () => {
  const [large, small] = await Promise.all([largeId, TRACE_ID].map((id) => get(`/api/traces/${id}`)));
  expect([large!.headers.get('transfer-encoding'), large!.headers.get('content-length')]).toEqual([
    'chunked',
    null,
  ]);
  expect(Number(small!.headers.get('content-length'))).toBe((await small!.bytes()).length);
  expect((JSON.parse(await large!.text()) as Trace).spans).toHaveLength(LARGE_SPANS);
  const head = await fetch(`${api.url}/api/traces/${largeId}`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

it('clients that leave while a large trace is sent to them keep nobody waiting', async () => {
  // More than may be read at a time.
  for (let left = 0; left < 20; left++) {
    const controller = new AbortController();
    const { body } = await fetch(`${api.url}/api/traces/${largeId}?format=otlp`, {
      signal: controller.signal,
    });
    await body!.getReader().read();
    controller.abort();
  }
  expect((await jsonOf<Trace>(get(`/api/traces/${largeId}`))).spans).toHaveLength(LARGE_SPANS);
});

it('who asks only for the head of large traces keeps nobody waiting', async () => {
  const heads = Array.from({ length: 5 }, () => [
    `/api/traces/${largeId}`,
    `/tempo/api/traces/${largeId}`,
    `/jaeger/api/traces/${largeId}`,
  ]).flat();
  for (const path of heads) {
    const head = await fetch(`${api.url}${path}`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  }
  expect((await jsonOf<Trace>(get(`/api/traces/${largeId}`))).spans).toHaveLength(LARGE_SPANS);
});

it('asks for the phases of a page of traces, and of no more', async () => {
  const ask = async (count: number) =>
    (await get(`/api/phases?traces=${Array.from({ length: count }, () => TRACE_ID).join()}`)).status;
  expect([await ask(50), await ask(51), (await get('/api/phases')).status]).toEqual([200, 400, 400]);
});

it('a span is given by itself, with its events and links', async () => {
  const { spans } = await jsonOf<SpanDetails>(get(`/api/traces/${TRACE_ID}/spans/EEE19B7EC3C1B174`));
  expect(spans).toMatchObject([
    {
      spanId: 'eee19b7ec3c1b174',
      kind: 'client',
      status: { code: 'error', message: 'timeout of 3000ms exceeded' },
      attributes: { 'sockeye.timeout.budget_ms': 3000 },
      resource: { 'service.name': 'checkout' },
      events: [{ name: 'syn retransmitted', offsetMs: 995, attributes: { count: 2 } }],
      links: [{ spanId: 'e'.repeat(16) }],
      flaws: [],
    },
  ]);
});

it('a span that is known by its snapshots alone is shown as open, and says what they say', async () => {
  const traceId = 'c'.repeat(32);
  const openId = 'abad1dea00000000';
  const nowMs = Date.now();
  const nanoBefore = (ms: number) => String(BigInt(nowMs - ms) * 1_000_000n);
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const snapshot = {
    traceId,
    spanId: '5a495407000000aa',
    parentSpanId: openId,
    name: 'pending POST',
    kind: 1,
    startTimeUnixNano: nanoBefore(0),
    endTimeUnixNano: nanoBefore(0),
    attributes: [
      text('sockeye.pending.span_id', openId),
      text('sockeye.pending.name', 'POST'),
      text('sockeye.pending.kind', 'client'),
      text('sockeye.pending.start_unix_nano', nanoBefore(4_000)),
      text('sockeye.pending.reason', 'exit'),
      text('server.address', 'pay'),
    ],
  };
  const request = { resourceSpans: [{ scopeSpans: [{ spans: [snapshot] }] }] };
  expect((await post('/api/import', JSON.stringify(request))).status).toBe(200);
  const columns = await columnsOf(get(`/api/traces/${traceId}?format=columns`));
  expect(spanAt(columns, 0)).toMatchObject({
    spanId: openId,
    operation: 'POST',
    kind: 'client',
    pending: true,
    processEnded: true,
  });
  const { spans } = await jsonOf<SpanDetails>(get(`/api/traces/${traceId}/spans/${openId}`));
  expect(spans).toMatchObject([{ spanId: openId, attributes: { 'server.address': 'pay' } }]);

  const summary = async () =>
    (await jsonOf<TracePage>(get(`/api/traces?q=server.address:pay trace.spans>0&limit=9`))).traces.find(
      (trace) => trace.traceId === traceId,
    );
  expect(await summary()).toMatchObject({ spans: 1, durationMs: 4_000, root: { operation: 'pending POST' } });

  const ended = {
    ...snapshot,
    spanId: openId,
    parentSpanId: '',
    name: 'POST',
    kind: 3,
    startTimeUnixNano: nanoBefore(4_000),
    endTimeUnixNano: nanoBefore(3_500),
    attributes: [text('server.address', 'pay')],
  };
  await post('/api/import', JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [ended] }] }] }));
  expect(await summary()).toMatchObject({ spans: 1, durationMs: 500, root: { operation: 'POST' } });
});

it.each([
  [`/api/traces/${TRACE_ID}/spans/1`, 404],
  [`/api/traces/${TRACE_ID}/spans/nothex`, 400],
  ['/api/traces/dead?format=columns', 404],
  [`/api/traces/${TRACE_ID}?format=rows`, 400],
])('%s is refused with %i', async (path, status) => {
  expect((await get(path)).status).toBe(status);
});

describe('a file that is looked at', () => {
  const otherId = 'b'.repeat(32);
  const two = { resourceSpans: [TRACE_ID, otherId].flatMap((id) => shopTrace(5_000, id).resourceSpans) };

  it('lists its traces, each with its verdict, and stores nothing', async () => {
    const before = await api.sources.store.status();
    const found = await jsonOf<LookedAt>(post('/api/look', JSON.stringify(two)));
    expect(found).toMatchObject({ total: 2, refused: 0 });
    expect(found.traces.map(({ traceId }) => traceId).toSorted()).toEqual([TRACE_ID, otherId]);
    expect(found.traces[0]).toMatchObject({
      root: { service: 'gateway', operation: 'POST /buy' },
      durationMs: 3010,
      spans: 4,
      services: ['checkout', 'gateway'],
      timeouts: 1,
      verdict: { edge: 'checkout->payments', phase: 'connect' },
    });
    expect((await api.sources.store.status()).spans).toBe(before.spans);
    expect((await get(`/api/traces/${otherId}`)).status).toBe(404);
  });

  it('gives one of them whole, with texts and details of the same spans', async () => {
    const file = await (await post(`/api/look?trace=${otherId}`, JSON.stringify(two))).arrayBuffer();
    const columns = readTraceColumns(file);
    expect(columns.head.verdicts).toHaveLength(1);
    const { column } = readColumnFile(file);
    const [ends, bytes] = [column('detailEnd', 'u32'), column('detail', 'u8')];
    const details = [...ends].map(
      (end, index) =>
        JSON.parse(new TextDecoder().decode(bytes.subarray(ends[index - 1] ?? 0, end))) as object,
    );
    expect(details.map((_, index) => spanAt(columns, index).spanId)).toEqual(
      details.map((detail) => (detail as { spanId: string }).spanId),
    );
    expect([...column('textEnd', 'u32')]).toHaveLength(columns.count);
  });

  it.each(['otlp', 'jaeger', 'zipkin'])('may be what was downloaded as %s JSON', async (format) => {
    const download = await (await get(`/api/traces/${TRACE_ID}?format=${format}`)).text();
    const found = await jsonOf<LookedAt>(post('/api/look', download));
    expect(found.traces).toMatchObject([{ traceId: TRACE_ID, spans: 4 }]);
  });

  it('may be OTLP protobuf, and large', async () => {
    const bytes = await api.sources.store.readTraceBytes(largeId);
    const found = await jsonOf<LookedAt>(post('/api/look', bytes!));
    expect(found.traces).toMatchObject([{ traceId: largeId, spans: LARGE_SPANS }]);
    const columns = await columnsOf(
      post(`/api/look?trace=${largeId}`, (await api.sources.store.readTraceBytes(largeId))!),
    );
    expect([columns.count, spanAt(columns, 0).spanId]).toEqual([LARGE_SPANS, spanIdOf(0)]);
  });

  it.each([
    ['a picture', Buffer.from('89504e470d0a1a0a0000', 'hex')],
    ['another JSON', '{"hello": 1}'],
    ['nothing', ''],
    ['half a document', JSON.stringify(two).slice(0, -5)],
    ['a large file of nothing', Buffer.alloc(1e6, 7)],
  ])('that is %s is refused with what was got and expected', async (__, body) => {
    const response = await post('/api/look', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: 'undecodable', got: expect.stringMatching(/\S/), expected: expect.stringMatching(/\S/) },
    });
  });

  it('without the trace that is asked for says so', async () => {
    expect((await post(`/api/look?trace=1`, JSON.stringify(two))).status).toBe(404);
    expect((await post(`/api/look?trace=xyz`, JSON.stringify(two))).status).toBe(400);
  });
});
