/**
 * Incidents of calls whose callee was known by its address alone, and then by its name: the map renames its edge, and the
 * incident goes with it.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprintOf } from '../../collector/query/incidents.ts';
import type { Diagnosis, Incident, Incidents, ServiceMap, TracePage } from '../../collector/serve/wire.ts';
import { startApi, type Api } from '../serve/start-api.ts';
import { call, makeRequest, traceId, type SentSpan } from '../store/make-request.ts';

let api: Api;
let sent = 0;

beforeEach(async () => {
  api = await startApi();
  sent = 0;
});
afterEach(() => api.close());

const MINUTE_MS = 60_000;
const TIMEOUT = {
  'sockeye.timeout.phase': 'connect',
  'sockeye.timeout.budget_ms': 2000,
  'sockeye.timeout.timer': 'abort_signal',
  'sockeye.phase.connect_ms': 1999,
};

/** So many requests to the shop, which calls this address: a connect in vain, unless a service answers. */
async function send(count: number, address: string, answers?: string, atMinute = 0): Promise<string[]> {
  const [host = '', port = ''] = address.split(':');
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const trace = (++sent).toString(16);
    ids.push(traceId(trace));
    const startMs = atMinute * MINUTE_MS + sent;
    const isFine = answers !== undefined;
    const attributes = {
      'http.request.method': 'GET',
      'server.address': host,
      'server.port': Number(port),
      ...(!isFine && TIMEOUT),
    };
    const failed = isFine ? {} : { error: 'timeout' };
    const shop = { service: 'shop', durationMs: isFine ? 40 : 2000, attributes, ...failed };
    const server = isFine ? { id: '3', service: answers, startMs, durationMs: 20 } : undefined;
    const root: SentSpan = { trace, id: '1', service: 'shop', name: 'GET /pay', startMs, durationMs: 2010 };
    const spans = [root, ...call(trace, { id: '2', parent: '1', name: 'GET', startMs, ...shop }, server)];
    await api.sources.store.append(makeRequest(...spans));
  }
  return ids;
}

async function read<T>(path: string): Promise<T> {
  const response = await fetch(api.url + path);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}
const incidents = async () => (await read<Incidents>('/api/timeouts?from=0')).incidents;
const edgesOfMap = async () =>
  (await read<ServiceMap>('/api/map?from=0')).edges.filter(({ from }) => from === 'shop');
const said = async (incident: Pick<Incident, 'fingerprint'>, state: object) => {
  const path = `${api.url}/api/timeouts/${incident.fingerprint}/state`;
  expect((await fetch(path, { method: 'PUT', body: JSON.stringify(state) })).status).toBe(200);
};
/** As the map and the incidents have it, once every trace is judged. */
async function seen(calls: number) {
  await expect.poll(async () => (await edgesOfMap()).reduce((sum, edge) => sum + edge.calls, 0)).toBe(calls);
  const due = () => api.sources.store.readUndiagnosed({ quietMs: 0, waitMs: 0 }, 1);
  await expect.poll(async () => (await due()).backlog).toBe(0);
  const byEdge = (a: { edge: string }, b: { edge: string }) => (a.edge < b.edge ? -1 : 1);
  return {
    map: (await edgesOfMap())
      .map(({ from, to, calls: all, timeouts }) => ({ edge: `${from}->${to}`, calls: all, timeouts }))
      .toSorted(byEdge),
    incidents: (await incidents()).toSorted(byEdge),
  };
}

test('an incident is on the edge of the map, before and after its callee has a name, with what was said of it', async () => {
  const early = await send(4, 'payments.internal:8080');
  const [first] = (await seen(4)).incidents;
  expect(first).toMatchObject({ edge: 'shop->payments.internal', count: 4, share: 1 });
  await said(first!, { acknowledged: true, mutedUntil: 'now+1h' });

  await send(6, 'payments.internal:8080', 'payments');
  const known = await seen(10);
  expect(known.map).toEqual([{ edge: 'shop->payments', calls: 10, timeouts: 4 }]);
  expect(known.incidents).toMatchObject([
    { edge: 'shop->payments', count: 4, share: 0.4, acknowledged: true, fingerprint: first!.fingerprint },
  ]);
  expect(known.incidents[0]!.mutedUntil).not.toBeNull();
  // It is found, and more may be said of it.
  await said(known.incidents[0]!, { mutedUntil: null });

  const late = await send(4, 'payments.internal:8080', undefined, 5);
  const again = await seen(14);
  expect(again.map).toEqual([{ edge: 'shop->payments', calls: 14, timeouts: 8 }]);
  const fingerprint = fingerprintOf('shop->payments', 'connect', 'timeout');
  expect(again.incidents).toMatchObject([
    { edge: 'shop->payments', count: 8, share: 8 / 14, fingerprint, acknowledged: true, mutedUntil: null },
  ]);
  const [incident] = again.incidents;
  expect(incident!.traces.toSorted()).toEqual([...early, ...late].toSorted());
  expect(incident!.firstSeen).toBe(first!.firstSeen);
  // By its own name, and by the one that a link may have.
  expect(await read(`/api/timeouts/${fingerprint}?from=0`)).toEqual(incident);
  expect(await read(`/api/timeouts/${first!.fingerprint}?from=0`)).toEqual(incident);

  const failed = encodeURIComponent('edge:shop->payments status:error');
  const { total, traces } = await read<TracePage>(`/api/traces?from=0&q=${failed}`);
  expect(total).toBe(8);
  expect(new Set(traces.map(({ verdict }) => verdict?.edge))).toEqual(new Set(['shop->payments']));
  const { verdicts } = await read<Diagnosis>(`/api/traces/${early[0]}/diagnosis`);
  expect(verdicts).toMatchObject([{ origin: { edge: 'shop->payments', peer: 'payments.internal:8080' } }]);
});

test('an incident that was acknowledged, and comes back under the name of a service after a quiet time, is another', async () => {
  await send(2, 'payments.internal:8080');
  const [first] = (await seen(2)).incidents;
  await said(first!, { acknowledged: true });
  await send(2, 'payments.internal:8080', 'payments');
  await send(1, 'payments.internal:8080', undefined, 16);
  expect((await seen(5)).incidents).toMatchObject([
    { edge: 'shop->payments', count: 3, share: 3 / 5, acknowledged: false },
  ]);
});

test('of calls to one host, those whose port a service answers behind are its own', async () => {
  await send(2, 'localhost:3001');
  await send(3, 'localhost:3002');
  const [both] = (await seen(5)).incidents;
  expect(both).toMatchObject({ edge: 'shop->localhost', count: 5 });
  await send(4, 'localhost:3001', 'payments');
  await send(1, 'localhost:3001', undefined, 1);
  const { map, incidents: found } = await seen(10);
  expect(map).toEqual([
    { edge: 'shop->localhost', calls: 3, timeouts: 3 },
    { edge: 'shop->payments', calls: 7, timeouts: 3 },
  ]);
  expect(found).toMatchObject([
    { edge: 'shop->localhost', count: 3, share: 1, fingerprint: both!.fingerprint },
    { edge: 'shop->payments', count: 3, share: 3 / 7 },
  ]);
});
