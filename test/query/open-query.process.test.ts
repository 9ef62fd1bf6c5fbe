/** The query facade and the diagnosis loop over a real store: from appended spans to map, incident and verdict. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { about } from '../about.ts';
import { startDiagnosisLoop, type DiagnosisLoop } from '../../collector/query/diagnosis-loop.ts';
import { createQuery } from '../../collector/query/open-query.ts';
import { QuerySyntaxError, type Query, type TraceSearchParameters } from '../../collector/query/query.ts';
import { createTraceReader, type TraceReader } from '../../collector/serve/traces/trace-reader.ts';
import type { Trace } from '../../collector/serve/wire.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { Cancelled, type Store } from '../../collector/store/store.ts';
import {
  AT_ONCE,
  AROUND_NOON,
  call,
  makeRequest,
  NOON_UNIX_MS,
  spanId,
  traceId,
  type SentSpan,
} from '../store/make-request.ts';

const SOON = { timeout: 20_000 };
const EDGE = 'checkout->payments';
const folder = mkdtempSync(join(tmpdir(), 'sockeye-query-'));
let store: Store;
let query: Query;
let traces: TraceReader;
let loop: DiagnosisLoop;

/** gateway -> checkout -> payments; the last call works, or connects for 3 s in vain. */
function buy(trace: string, isFine: boolean, address = '10.0.0.1'): SentSpan[] {
  const durationMs = isFine ? 30 : 3010;
  const inner = isFine ? 20 : 3000;
  const failed = {
    error: 'TimeoutError',
    attributes: {
      'sockeye.phase.dns_ms': 1,
      'sockeye.phase.connect_ms': 2999,
      'sockeye.timeout.phase': 'connect',
      'sockeye.timeout.timer': 'http_timeout',
      'sockeye.timeout.budget_ms': 3000,
      'sockeye.timeout.elapsed_ms': 3000,
    },
  };
  const pay = {
    id: '4',
    parent: '3',
    name: 'POST',
    startMs: 4,
    durationMs: inner,
    ...(!isFine && { error: failed.error }),
    attributes: {
      'http.request.method': 'POST',
      'network.peer.address': address,
      ...(!isFine && failed.attributes),
    },
  };
  return [
    { trace, id: '1', service: 'gateway', name: 'POST /buy', durationMs },
    ...call(
      trace,
      {
        id: '2',
        parent: '1',
        service: 'gateway',
        name: 'POST',
        startMs: 1,
        durationMs: durationMs - 2,
        attributes: { 'server.address': 'checkout', 'server.port': 80 },
      },
      { id: '3', service: 'checkout', name: 'POST /order', startMs: 2, durationMs: durationMs - 4 },
    ),
    ...call(trace, pay, isFine ? { id: '5', name: 'POST /pay', startMs: 6, durationMs: 15 } : undefined),
  ];
}

beforeAll(async () => {
  store = await openStore({ folder });
  query = createQuery(store);
  for (let i = 1; i <= 30; i++) await store.append(makeRequest(...buy(i.toString(16), true)));
  await store.append(
    makeRequest(
      ...buy('f1', false, '10.0.0.2'),
      ...buy('f2', false, '10.0.0.2'),
      ...buy('f3', false, '10.0.0.2'),
    ),
  );
  traces = createTraceReader(store);
  loop = startDiagnosisLoop(store, { quietMs: 0, roundMs: 10 });
  await vi.waitUntil(async () => (await store.readUndiagnosed(AT_ONCE, 1)).backlog === 0, {
    timeout: 20_000,
  });
});
afterAll(async () => {
  await loop.stop();
  await traces.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const search = (more: Partial<TraceSearchParameters>) =>
  query.searchTraces({
    range: AROUND_NOON,
    q: '',
    service: null,
    operation: null,
    minDurationMs: null,
    maxDurationMs: null,
    sort: 'newest',
    limit: 20,
    cursor: null,
    ...more,
  });

test('the map shows the path, the time-outs on the caller’s edge, and the user in front', async () => {
  const map = await query.map(AROUND_NOON, null, 0);
  expect(map.edges.map(({ from, to }) => `${from}->${to}`).toSorted()).toEqual([
    EDGE,
    'gateway->checkout',
    'user->gateway',
  ]);
  expect(map.edges.find(({ to }) => to === 'payments')).toMatchObject({
    kind: 'http',
    calls: 33,
    errors: 0,
    timeouts: 3,
    timeoutPhases: { connect: 3 },
    neverArrived: 3,
    budgetsMs: [3000],
    p50Ms: about(20),
    serverP95Ms: about(15),
  });
  const near = await query.map(AROUND_NOON, 'payments', 1);
  expect(near.nodes.map(({ id }) => id).toSorted()).toEqual(['checkout', 'payments']);
});

test('the range of the map is rounded outward to minutes, and the one used is told', async () => {
  const asked = { fromUnixMs: NOON_UNIX_MS + 1, toUnixMs: NOON_UNIX_MS + 60_001 };
  const map = await query.map(asked, null, 0);
  expect([map.from, map.to]).toEqual(['2026-11-20T12:00:00.000Z', '2026-11-20T12:02:00.000Z']);
  expect(map.edges.find(({ to }) => to === 'payments')).toMatchObject({ calls: 33 });
  const whole = await query.map({ fromUnixMs: NOON_UNIX_MS, toUnixMs: NOON_UNIX_MS + 60_000 }, null, 0);
  expect(whole.to).toBe('2026-11-20T12:01:00.000Z');
});

test('every time a parameter can name has a map', async () => {
  const map = await query.map({ fromUnixMs: -8.64e15, toUnixMs: 8.64e15 }, null, 0);
  expect([map.from, map.to]).toEqual(['-271821-04-20T00:00:00.000Z', '+275760-09-13T00:00:00.000Z']);
});

test('the timeline has the calls of the map, step by step', async () => {
  const timeline = await query.mapTimeline(AROUND_NOON, 4);
  expect([timeline.from, timeline.to]).toEqual(['2026-11-20T11:00:00.000Z', '2026-11-20T13:00:00.000Z']);
  expect(timeline.steps.map(({ calls, timeouts }) => [calls, timeouts])).toEqual([
    [0, 0],
    [0, 0],
    [99, 3],
    [0, 0],
  ]);
  const everything = await query.mapTimeline({ fromUnixMs: -8.64e15, toUnixMs: 8.64e15 }, 2);
  expect(everything.steps.reduce((sum, { calls }) => sum + calls, 0)).toBe(99);
});

test('the calls of an edge are as many as the map says, and those from outside are the user’s', async () => {
  const edge = await query.edgeCalls(AROUND_NOON, 'checkout', 'payments');
  expect(edge).toMatchObject({
    calls: 33,
    durations: [
      { minMs: 20, calls: 30 },
      ...Array.from({ length: 20 }, () => ({ calls: 0 })),
      { timeouts: 3 },
    ],
    profiles: [{ outcome: 'timeout', phases: [{ phase: 'dns' }, { phase: 'connect', openShare: 1 }] }, {}],
    budgets: [{ budgetMs: 3000, timer: 'http_timeout', calls: 3 }],
  });
  expect((await query.edgeCalls(AROUND_NOON, 'user', 'gateway')).calls).toBe(33);
  expect((await query.edgeCalls(AROUND_NOON, 'user', 'payments')).calls).toBe(0);
});

test('a trace leads along the edges of the map, also where the callee answered nothing', async () => {
  expect((await query.traceEdges(traceId('f1')))?.edges).toEqual([
    { from: null, to: 'gateway', calls: 1, errors: 0, timeouts: 0 },
    { from: 'gateway', to: 'checkout', calls: 1, errors: 0, timeouts: 0 },
    { from: 'checkout', to: 'payments', calls: 1, errors: 0, timeouts: 1 },
  ]);
  expect(await query.traceEdges(traceId('abc'))).toBeNull();
});

test('a query leads along the edges of the traces that match it, added up', async () => {
  const { edges, ...looked } = await query.matchingEdges(AROUND_NOON, 'timeout:true');
  expect(looked).toMatchObject({ traces: 3, total: 3, truncated: false });
  expect(edges).toEqual([
    { from: null, to: 'gateway', calls: 3, errors: 0, timeouts: 0 },
    { from: 'gateway', to: 'checkout', calls: 3, errors: 0, timeouts: 0 },
    { from: 'checkout', to: 'payments', calls: 3, errors: 0, timeouts: 3 },
  ]);
  expect(await query.matchingEdges(AROUND_NOON, 'service:nobody')).toMatchObject({ traces: 0, edges: [] });
  await expect(query.matchingEdges(AROUND_NOON, 'service:')).rejects.toThrow(QuerySyntaxError);
});

test('a query on the map is cancelled when its caller goes away', async () => {
  const left = AbortSignal.abort();
  await expect(query.matchingEdges(AROUND_NOON, 'timeout:true', left)).rejects.toThrow(Cancelled);
});

test('an incident is diagnosed on the map’s edge, with its share and what sets its calls apart', async () => {
  const { incidents, checkedCalls } = await query.incidents(AROUND_NOON, null, null);
  expect(incidents).toHaveLength(1);
  const [incident] = incidents;
  expect(incident).toMatchObject({
    edge: EDGE,
    phase: 'connect',
    kind: 'timeout',
    count: 3,
    share: 3 / 33,
    entryPoints: [{ service: 'gateway', operation: 'POST /buy', calls: 3 }],
  });
  expect(incident!.series.reduce((sum, count) => sum + count, 0)).toBe(3);
  expect(incident!.differs).toContainEqual({
    key: 'network.peer.address',
    value: '10.0.0.2',
    share: 1,
    othersShare: 0,
  });
  expect(checkedCalls).toBe(33 * 3);
  expect(await query.incident(AROUND_NOON, incident!.fingerprint)).toEqual(incident);
  expect(await query.incident(AROUND_NOON, 'nothing')).toBeNull();
  expect((await query.incidents(AROUND_NOON, 'resolved', 'refused')).incidents).toEqual([]);
  expect((await query.incidents(AROUND_NOON, null, null, false)).incidents).toEqual([
    { ...incident, shared: [], differs: [] },
  ]);
});

test('a verdict says where the time-out started, and the search finds it', async () => {
  const found = await traces.diagnose(traceId('f1'));
  expect(found!.verdicts[0]).toMatchObject({
    origin: { spanId: spanId('4'), edge: EDGE },
    phase: 'connect',
    giveUp: { kind: 'timeout', budgetMs: 3000 },
  });
  const page = await search({
    q: `edge:${EDGE} timeout:true phase:connect`,
    service: 'checkout',
    minDurationMs: 3000,
  });
  expect(page.traces.map((trace) => trace.traceId)).toEqual(['f3', 'f2', 'f1'].map(traceId));
  expect(page.traces[0]).toMatchObject({ timeouts: 1, spans: 4, verdict: { edge: EDGE, phase: 'connect' } });
  expect(await traces.diagnose(traceId('1'))).toMatchObject({ verdicts: [] });
  expect(await traces.diagnose(traceId('dead'))).toBeNull();
});

test('a trace is given with its phases', async () => {
  const json = await traces.write(traceId('f1'), 'json');
  const trace = JSON.parse(Buffer.from(json as Uint8Array).toString()) as Trace;
  expect(trace.spans.find((span) => span.spanId === spanId('4'))).toMatchObject({
    service: 'checkout',
    startOffsetMs: 4,
    phases: [
      { phase: 'dns', open: false },
      { phase: 'connect', open: true },
    ],
  });
  expect(await traces.write(traceId('dead'), 'json')).toBeNull();
});

test('one span of a trace says what it carries', async () => {
  const { spans } = await query.spanDetails(traceId('f1'), spanId('4'));
  expect(spans).toMatchObject([
    { spanId: spanId('4'), attributes: { 'sockeye.timeout.budget_ms': 3000 }, status: { code: 'error' } },
  ]);
  expect(await query.spanDetails(traceId('f1'), spanId('dead'))).toEqual({ spans: [] });
});

test('services, operations and attributes are listed', async () => {
  const { services } = await query.services(AROUND_NOON);
  expect(services.map(({ service, calls }) => `${service} ${calls}`)).toEqual([
    'checkout 33',
    'gateway 33',
    'payments 30',
  ]);
  const { operations } = await query.operations(AROUND_NOON, 'payments');
  expect(operations).toMatchObject([{ service: 'payments', operation: 'POST /pay', calls: 30 }]);
  const { attributes } = await query.attributeKeys(AROUND_NOON, 'network.', 5);
  expect(attributes).toEqual([{ key: 'network.peer.address', count: 33 }]);
  const { values } = await query.attributeValues(AROUND_NOON, 'network.peer.address', '', 5);
  expect(values).toEqual([
    { value: '10.0.0.1', count: 30 },
    { value: '10.0.0.2', count: 3 },
  ]);
});

test('a span that arrives late revises the diagnosis', async () => {
  await store.append(makeRequest(...buy('f4', false).slice(2)));
  const verdictsOf = async () =>
    (await store.readVerdicts(AROUND_NOON)).filter((row) => row.traceId === traceId('f4'));
  await expect
    .poll(async () => (await verdictsOf()).map((row) => row.entry.service), SOON)
    .toEqual(['checkout']);
  await store.append(makeRequest(...buy('f4', false).slice(0, 2)));
  await expect
    .poll(async () => (await verdictsOf()).map((row) => row.entry.service), SOON)
    .toEqual(['gateway']);
});

test('a range in which nothing happened is empty everywhere', async () => {
  const range = { fromUnixMs: NOON_UNIX_MS - 9e6, toUnixMs: NOON_UNIX_MS - 8e6 };
  expect((await query.map(range, null, 0)).edges).toEqual([]);
  expect(await query.incidents(range, null, null)).toEqual({ incidents: [], checkedCalls: 0 });
  expect((await search({ range })).total).toBe(0);
});
