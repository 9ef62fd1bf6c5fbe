/** Both of Jaeger's query APIs of a real collector. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shopTrace, TRACE_ID } from '../shop-trace.ts';
import { startCollector, type Collector } from '../start-collector.ts';

const OTHER_ID = '00000000000000a1';
const AGO_MS = 60_000;

let collector: Collector;

async function send(path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(collector.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.ok).toBe(true);
}

beforeAll(async () => {
  collector = await startCollector();
  await send('/api/import', shopTrace(AGO_MS));
  const span = { traceId: OTHER_ID, localEndpoint: { serviceName: 'billing' } };
  const timestamp = (Date.now() - AGO_MS) * 1000;
  await send('/zipkin/api/v2/spans', [
    { ...span, id: 'b1', name: 'bill', kind: 'SERVER', timestamp, duration: 50_000 },
  ]);
});
afterAll(() => collector.close());

const ask = (path: string) => fetch(`${collector.url}/jaeger/api${path}`);
async function read<T>(path: string): Promise<T> {
  const answer = await ask(path);
  expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 200, 'application/json']);
  return (await answer.json()) as T;
}

interface Envelope<Data> {
  data: Data;
  total: number;
  errors: { code?: number; msg: string; traceID?: string }[] | null;
}
interface JaegerTrace {
  traceID: string;
  spans: { traceID: string; processID: string }[];
  processes: Record<string, { serviceName: string }>;
}
interface Otlp {
  result: { resourceSpans: { scopeSpans: { spans: { traceId: string; kind: unknown }[] }[] }[] };
}
const isoAgo = (ms: number) => new Date(Date.now() - ms).toISOString();
const lastHour = () => `query.startTimeMin=${isoAgo(3_600_000)}&query.start_time_max=${isoAgo(0)}`;
const traceIdsOf = ({ result }: Otlp) => [
  ...new Set(
    result.resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map(({ traceId }) => traceId)),
    ),
  ),
];

describe('the first API', () => {
  it('names services and operations', async () => {
    const services = {
      data: ['billing', 'checkout', 'gateway'],
      total: 3,
      limit: 0,
      offset: 0,
      errors: null,
    };
    expect(await read('/services')).toEqual(services);
    expect(await read('/services/checkout/operations')).toMatchObject({ data: ['POST', 'POST /checkout'] });
    expect(await read('/services/a%2Fb/operations')).toMatchObject({ data: [], total: 0 });
    expect(await read('/operations?service=checkout')).toMatchObject({
      data: [
        { name: 'POST', spanKind: 'client' },
        { name: 'POST /checkout', spanKind: 'server' },
      ],
      total: 2,
    });
    expect(await read('/operations?service=checkout&spanKind=server')).toMatchObject({ total: 1 });
  });

  it('finds traces by what a span of theirs says', async () => {
    const cases: [string, string[]][] = [
      ['service=billing', [OTHER_ID]],
      ['service=checkout&tags={"error":"true","server.port":"8443"}', [TRACE_ID]],
      ['service=checkout&operation=POST&minDuration=3s&maxDuration=3.1s', [TRACE_ID]],
      ['service=checkout&operation=POST&minDuration=3.1s', []],
      [`service=gateway&start=${(Date.now() - 2 * AGO_MS) * 1000}&end=${Date.now() * 1000}`, [TRACE_ID]],
      [`service=gateway&end=${(Date.now() - 2 * AGO_MS) * 1000}`, []],
      ['service=nobody', []],
      ['service=billing&unknown=1&limit=1&limit=2&lookback=1h', [OTHER_ID]],
      ['service=%22&tags={"\\"":"(\\\\"}', []],
    ];
    for (const [query, ids] of cases) {
      const { data, total, errors } = await read<Envelope<JaegerTrace[]>>(`/traces?${query}`);
      expect([query, data.map(({ traceID }) => traceID), total, errors]).toEqual([
        query,
        ids,
        ids.length,
        null,
      ]);
    }
  });

  it('gives traces by id, and names those there are not', async () => {
    const { data } = await read<Envelope<JaegerTrace[]>>(`/traces/${TRACE_ID.toUpperCase()}`);
    expect(data).toMatchObject([{ traceID: TRACE_ID, spans: [{}, {}, {}, {}] }]);
    expect(Object.values(data[0]!.processes).map(({ serviceName }) => serviceName)).toEqual([
      'gateway',
      'checkout',
    ]);
    const several = await read<Envelope<JaegerTrace[]>>(`/traces?traceID=${TRACE_ID}&traceID=a1&traceID=c1`);
    expect(several.data.map(({ traceID, spans }) => [traceID, spans[0]!.traceID])).toEqual([
      [TRACE_ID, TRACE_ID],
      [OTHER_ID, OTHER_ID],
    ]);
    const missing = [{ msg: 'trace not found', traceID: '00000000000000c1' }];
    expect([several.total, several.errors]).toEqual([2, missing]);
    expect(await read('/traces?traceID=c1')).toMatchObject({ data: [], errors: missing });
  });

  it('counts who calls whom', async () => {
    const { data } = await read<Envelope<object[]>>('/dependencies');
    expect(data).toEqual(
      expect.arrayContaining([
        { parent: 'gateway', child: 'checkout', callCount: 1 },
        { parent: 'checkout', child: 'payments', callCount: 1 },
      ]),
    );
    expect(data).toHaveLength(2);
    expect(await read(`/dependencies?endTs=${Date.now()}&lookback=3600000&service=payments`)).toMatchObject({
      data: [{ parent: 'checkout' }],
    });
    expect(await read('/dependencies?endTs=1000&lookback=1000')).toMatchObject({ data: [] });
    expect(await read('/dependencies?lookback=-1000000')).toMatchObject({ data: [] });
  });

  it('tells calls, errors and latency over time', async () => {
    interface Family {
      name: string;
      metrics: { labels: object[]; metricPoints: { gaugeValue: { doubleValue: number } }[] }[];
    }
    const newest = async (path: string) => {
      const { metrics } = await read<Family>(path);
      return metrics.map(({ metricPoints }) => metricPoints.at(-1)?.gaugeValue.doubleValue);
    };
    expect(await newest('/metrics/calls?service=gateway&service=checkout')).toEqual([1 / 600, 1 / 600]);
    expect(await newest('/metrics/errors?service=gateway&service=billing')).toEqual([0, 1]);
    const [latency] = await newest('/metrics/latencies?service=gateway&quantile=0.95&step=60000');
    expect(latency! / 3010).toBeCloseTo(1, 1);
    const { name, metrics } = await read<Family>('/metrics/calls?service=checkout&groupByOperation=true');
    expect([name, metrics.map(({ labels }) => labels[0])]).toEqual([
      'service_operation_call_rate',
      expect.arrayContaining([{ name: 'operation', value: 'POST /checkout' }]),
    ]);
    expect(await newest('/metrics/calls?service=nobody')).toEqual([]);
    // Jaeger's page asks for these three.
    for (const quantile of [0.5, 0.75, 0.95])
      expect(await newest(`/metrics/latencies?service=gateway&quantile=${quantile}`)).toEqual([latency]);
    expect(
      await newest('/metrics/latencies?service=checkout&groupByOperation=true&quantile=0.75'),
    ).toContainEqual(expect.any(Number));
    expect(await newest('/metrics/calls?service=gateway&spanKind=client')).toEqual([]);
  });

  it.each([
    ['/traces', 400, "parameter 'service' is required"],
    ['/operations', 400, "parameter 'service' is required"],
    ['/traces?service=a&tags=[', 400, "malformed 'tags' parameter"],
    ['/traces?traceID=xyz', 400, 'cannot parse traceID param'],
    ['/traces/xyz', 400, 'cannot parse traceID param'],
    [`/traces/${'f'.repeat(33)}`, 400, 'cannot be longer than 32'],
    ['/traces/c1', 404, 'trace not found'],
    ['/dependencies?endTs=now', 400, "unable to parse param 'endTs'"],
    ['/metrics/calls', 400, 'please provide at least one service name'],
  ])('%s is %i in its envelope', async (path, status, msg) => {
    const answer = await ask(path);
    expect([answer.status, await answer.json()]).toEqual([
      status,
      {
        data: null,
        total: 0,
        limit: 0,
        offset: 0,
        errors: [{ code: status, msg: expect.stringContaining(msg) }],
      },
    ]);
  });
});

describe('the third API', () => {
  it('names services and operations', async () => {
    expect(await read('/v3/services')).toEqual({ services: ['billing', 'checkout', 'gateway'] });
    expect(await read('/v3/operations?service=gateway&span_kind=server')).toEqual({
      operations: [{ name: 'POST /buy', spanKind: 'server' }],
    });
    expect(await read('/v3/operations?service=nobody')).toEqual({ operations: [] });
  });

  it('gives traces as OTLP in one document', async () => {
    const all = await read<Otlp>(`/v3/traces?${lastHour()}`);
    expect(traceIdsOf(all).toSorted()).toEqual([OTHER_ID.padStart(32, '0'), TRACE_ID]);
    const found = await read<Otlp>(
      `/v3/traces?${lastHour()}&query.service_name=checkout&query.attributes={"server.port":"8443"}`,
    );
    expect(traceIdsOf(found)).toEqual([TRACE_ID]);
    expect(found.result.resourceSpans).toHaveLength(2);
    expect(traceIdsOf(await read<Otlp>(`/v3/traces/${TRACE_ID}?startTime=${isoAgo(0)}`))).toEqual([TRACE_ID]);
  });

  it('says of traces in short what they are', async () => {
    const { summaries } = await read<{ summaries: object[] }>(
      `/v3/trace-summaries?${lastHour()}&query.serviceName=gateway`,
    );
    expect(summaries).toMatchObject([
      {
        traceId: TRACE_ID,
        rootServiceName: 'gateway',
        rootOperationName: 'POST /buy',
        spanCount: 4,
        errorSpanCount: 3,
        orphanSpanCount: 0,
        minStartTimeUnixNano: expect.stringMatching(/^\d{19}$/),
        services: [
          { name: 'gateway', spanCount: 2, errorSpanCount: 1 },
          { name: 'checkout', spanCount: 2, errorSpanCount: 2 },
        ],
      },
    ]);
    expect(await read(`/v3/trace-summaries?${lastHour()}&query.serviceName=nobody`)).toEqual({
      summaries: [],
    });
  });

  it.each([
    ['/v3/traces', 400, 'are required'],
    ['/v3/trace-summaries?query.startTimeMin=x&query.startTimeMax=y', 400, 'malformed parameter'],
    ['/v3/traces/xyz', 400, 'cannot parse trace_id'],
    ['/v3/traces/c1', 404, 'trace not found'],
    [`/v3/traces/${TRACE_ID}?start_time=x`, 400, 'malformed parameter startTime'],
    [
      '/v3/traces?query.startTimeMin=2001-01-01T00:00:00Z&query.startTimeMax=2001-01-02T00:00:00Z',
      404,
      'No traces found',
    ],
  ])('%s is %i as of a gateway', async (path, status, message) => {
    const answer = await ask(path);
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { error: { httpCode: status, message: expect.stringContaining(message) } },
    ]);
  });
});

it('is guarded as every other path is', async () => {
  const guarded = await startCollector('--token', 'secret');
  try {
    for (const path of ['/jaeger/api/services', '/jaeger/api/v3/services', '/zipkin/api/v2/services']) {
      expect((await fetch(guarded.url + path)).status).toBe(401);
      const headers = { authorization: 'Bearer secret' };
      expect((await fetch(guarded.url + path, { headers })).status).toBe(200);
    }
  } finally {
    await guarded.close();
  }
});
