/** Tempo's API of a real collector, as Grafana's data source asks it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage } from '../../../collector/decode/otlp-json.ts';
import { TRACES_DATA } from '../../../collector/decode/otlp-schema.ts';
import { shopTrace, TRACE_ID } from '../shop-trace.ts';
import { startCollector, type Collector } from '../start-collector.ts';

const OTHER_ID = 'a1';
const AGO_MS = 60_000;
/** More than is written where it is asked for. */
const LARGE_ID = 'c'.repeat(32);
const LARGE_SPANS = 4_000;

let collector: Collector;

async function send(path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(collector.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.ok).toBe(true);
}

beforeAll(async () => {
  collector = await startCollector('--max-request-bytes', '8MiB');
  await send('/api/import', shopTrace(AGO_MS));
  const span = { traceId: OTHER_ID, localEndpoint: { serviceName: 'billing' }, tags: { env: 'prod' } };
  const timestamp = (Date.now() - AGO_MS) * 1000;
  await send('/zipkin/api/v2/spans', [
    { ...span, id: 'b1', name: 'bill', kind: 'SERVER', timestamp, duration: 50_000 },
  ]);
  const long = { ...span, traceId: LARGE_ID, localEndpoint: { serviceName: 'batch' }, duration: 1000 };
  await send(
    '/zipkin/api/v2/spans',
    Array.from({ length: LARGE_SPANS }, (_, index) => ({
      ...long,
      id: (index + 1).toString(16),
      name: `step ${index}`,
      timestamp: timestamp - 3 * 3_600_000_000,
      tags: { note: `${index}`.padEnd(150, 'x') },
    })),
  );
});
afterAll(() => collector.close());

const ask = (path: string, accept = '*/*') =>
  fetch(`${collector.url}/tempo/api${path}`, { headers: { accept } });
async function read<T>(path: string): Promise<T> {
  const answer = await ask(path);
  expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 200, 'application/json']);
  return (await answer.json()) as T;
}
interface Found {
  traces: {
    traceID: string;
    startTimeUnixNano: unknown;
    spanSets?: { matched: number; spans: { spanID: string }[] }[];
  }[];
  metrics: object;
}
const search = (parameters: Record<string, string>) =>
  read<Found>(`/search?${new URLSearchParams(parameters)}`);
const idsOf = ({ traces }: Found) => traces.map(({ traceID }) => traceID).toSorted();
const seconds = (agoMs: number) => String(Math.floor((Date.now() - agoMs) / 1000));

it('is there', async () => {
  const answer = await ask('/echo');
  expect([answer.status, await answer.text()]).toEqual([200, 'echo']);
});

it('says its version, and that it has no metrics of TraceQL', async () => {
  const build = await read<{ version: string }>('/status/buildinfo');
  // Before 2.2.0 Grafana does not ask for streams of answers.
  expect(build).toEqual({
    version: expect.stringMatching(/^0\.\d+\.\d+/),
    revision: '',
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  });
  const metrics = await ask('/metrics/query_range?q={}|rate()&since=1h');
  expect([metrics.status, metrics.headers.get('content-type'), await metrics.text()]).toEqual([
    501,
    'text/plain; charset=utf-8',
    'metrics of TraceQL are not available: search for traces',
  ]);
});

describe('the search', () => {
  it('finds traces by TraceQL, with the spans that match', async () => {
    const cases: [string, string[]][] = [
      ['{}', [TRACE_ID, OTHER_ID]],
      ['{ resource.service.name = "checkout" && status = error }', [TRACE_ID]],
      ['{ span.server.port = 8443 && duration > 3s && kind = client }', [TRACE_ID]],
      ['{ .env =~ "pr.d" } || { name = "POST /buy" }', [TRACE_ID, OTHER_ID]],
      ['{ .env != "prod" }', []],
      ['{ name = "bill" } | select(span.env)', [OTHER_ID]],
      ['{ trace:duration > 2s }', [TRACE_ID]],
    ];
    for (const [q, ids] of cases) expect([q, idsOf(await search({ q }))]).toEqual([q, ids]);

    const { traces } = await search({ q: '{ status = error && .host.name = "node-7" }', spss: '2' });
    const attributes = [
      { key: 'status', value: { stringValue: 'error' } },
      { key: 'host.name', value: { stringValue: 'node-7' } },
    ];
    expect(traces).toMatchObject([
      {
        traceID: TRACE_ID,
        rootServiceName: 'gateway',
        rootTraceName: 'POST /buy',
        startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
        durationMs: 3010,
        spanSets: [{ matched: 3, spans: [{ attributes }, { attributes }] }],
        spanSet: { matched: 3 },
        serviceStats: { gateway: { spanCount: 2, errorCount: 1 }, checkout: { spanCount: 2, errorCount: 2 } },
      },
    ]);
  });

  it('finds them by tags, durations and range', async () => {
    const cases: [Record<string, string>, string[]][] = [
      [{}, [TRACE_ID, OTHER_ID]],
      [{ tags: 'service.name=GATE' }, [TRACE_ID]],
      [{ tags: 'env=PROD service.name=bill' }, [OTHER_ID]],
      [{ minDuration: '1s' }, [TRACE_ID]],
      [{ maxDuration: '1s' }, [OTHER_ID]],
      [{ start: seconds(2 * AGO_MS), end: seconds(-1000) }, [TRACE_ID, OTHER_ID]],
      [{ start: seconds(3 * AGO_MS), end: seconds(2 * AGO_MS) }, []],
      [{ unknown: 'x', service: 'y', tags: '' }, [TRACE_ID, OTHER_ID]],
    ];
    for (const [parameters, ids] of cases) {
      expect([parameters, idsOf(await search(parameters))]).toEqual([parameters, ids]);
    }
    expect((await search({ limit: '1' })).traces).toHaveLength(1);
    expect(await search({ q: '{ name = "none" }' })).toEqual({ traces: [], metrics: { inspectedTraces: 0 } });
  });

  it('shows spans of a large trace too', async () => {
    const { traces } = await search({
      q: '{ resource.service.name = "batch" && name =~ "step [12]..." }',
      start: seconds(4 * 3_600_000),
      end: seconds(0),
    });
    expect(traces).toMatchObject([{ traceID: LARGE_ID, spanSets: [{ matched: 2000 }] }]);
    expect(traces[0]?.spanSets?.[0]?.spans).toHaveLength(3);
  });
});

describe('names and values', () => {
  it('are told by scope', async () => {
    const { scopes } = await read<{ scopes: { name: string; tags: string[] }[] }>('/v2/search/tags');
    const tags = new Map(scopes.map(({ name, tags: each }) => [name, each]));
    expect(tags.get('resource')).toEqual(['host.name', 'service.name']);
    expect(tags.get('span')).toEqual(expect.arrayContaining(['env', 'server.port', 'error.type']));
    expect(tags.get('span')).not.toContain('host.name');
    expect(tags.get('intrinsic')).toEqual(expect.arrayContaining(['name', 'status', 'kind', 'duration']));
    // What is offered can be asked for.
    for (const name of tags.get('intrinsic') ?? []) {
      const value = /uration/.test(name) ? '1s' : { kind: 'client', status: 'ok' }[name.replace('span:', '')];
      expect((await search({ q: `{ ${name} != ${value ?? '"x"'} }` })).metrics).toBeDefined();
    }
    const one = await read<{ scopes: { name: string }[] }>('/v2/search/tags?scope=resource&limit=1');
    expect(one.scopes).toEqual([{ name: 'resource', tags: [expect.any(String)] }]);
    expect(await read('/v2/search/tags?scope=event')).toMatchObject({ scopes: [] });
    expect(await read('/search/tags?scope=resource')).toMatchObject({
      tagNames: ['host.name', 'service.name'],
    });
  });

  it('are told of a tag, with their types', async () => {
    const values = async (tag: string) => {
      const path = `/v2/search/tag/${encodeURIComponent(tag)}/values?start=${seconds(AGO_MS * 2)}&end=${seconds(0)}`;
      return (await read<{ tagValues: object[] }>(path)).tagValues;
    };
    const texts = (...each: string[]) => each.map((value) => ({ type: 'string', value }));
    expect(await values('resource.service.name')).toEqual(texts('billing', 'checkout', 'gateway'));
    expect(await values('.env')).toEqual(texts('prod'));
    expect(await values('env')).toEqual(texts('prod'));
    expect(await values('span.server.port')).toEqual(
      expect.arrayContaining([{ type: 'int', value: '8443' }]),
    );
    expect(await values('status')).toContainEqual({ type: 'keyword', value: 'error' });
    expect(await values('kind')).toContainEqual({ type: 'keyword', value: 'client' });
    expect(await values('name')).toEqual(expect.arrayContaining(texts('bill', 'POST /buy')));
    expect(await values('span."a/b"')).toEqual([]);
    expect(await values('duration')).toEqual([]);
    expect(await read('/search/tag/service.name/values')).toMatchObject({
      tagValues: ['batch', 'billing', 'checkout', 'gateway'],
    });
  });
});

describe('one trace', () => {
  it('is JSON with ids as bytes, kinds and statuses as words', async () => {
    const { batches } = await read<{ batches: { scopeSpans: { spans: object[] }[] }[] }>(
      `/traces/${TRACE_ID}`,
    );
    const v2 = await read<{ trace: { resourceSpans: object[] } }>(`/v2/traces/${TRACE_ID}?start=1&end=2`);
    expect(v2.trace.resourceSpans).toEqual(batches);
    expect(batches.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          traceId: Buffer.from(TRACE_ID, 'hex').toString('base64'),
          spanId: Buffer.from('eee19b7ec3c1b171', 'hex').toString('base64'),
          kind: 'SPAN_KIND_SERVER',
          startTimeUnixNano: expect.any(String),
          status: { message: '502', code: 'STATUS_CODE_ERROR' },
        }),
      ]),
    );
  });

  it.each([
    ['a small one', TRACE_ID, 4],
    ['a large one', LARGE_ID, LARGE_SPANS],
  ])('is protobuf where that is asked for: %s', async (_, id, count) => {
    const spansOf = (bytes: Uint8Array) => {
      const { resourceSpans } = decodeMessage(TRACES_DATA, bytes) as {
        resourceSpans: { scopeSpans: { spans: object[] }[] }[];
      };
      return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
    };
    const answer = await ask(`/traces/${id}`, 'application/protobuf');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/protobuf']);
    const bytes = await answer.bytes();
    expect(spansOf(bytes)).toHaveLength(count);
    const message = await (await ask(`/v2/traces/${id}`, 'application/protobuf')).bytes();
    // Its first field is the trace.
    expect(message[0]).toBe(0x0a);
    expect(
      Buffer.from(message)
        .subarray(message.length - bytes.length)
        .equals(bytes),
    ).toBe(true);
  });
});

describe('what cannot be answered', () => {
  it.each([
    ['/search?q=%7B', 400, 'invalid TraceQL query: at character 2'],
    [`/search?q=${encodeURIComponent('{} | rate()')}`, 400, '| rate is not supported here'],
    ['/search?start=5', 400, 'http parameter start must be before end'],
    ['/search?limit=-1', 400, 'invalid limit'],
    ['/v2/search/tags?scope=other', 400, 'invalid scope'],
    ['/traces/xyz', 400, 'trace IDs can only contain hex characters'],
    ['/v2/traces/b1', 404, 'trace not found'],
    ['/traces/b1', 404, 'trace not found'],
  ])('%s is %i in plain words', async (path, status, message) => {
    const answer = await ask(path, path.endsWith('/b1') ? 'application/protobuf' : '*/*');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      'text/plain; charset=utf-8',
    ]);
    expect(await answer.text()).toContain(message);
  });

  it('takes no harm from hostile names', async () => {
    for (const hostile of ['.*', '\\', '"', "';--", '__proto__', '%00', '€'.repeat(300)]) {
      const tag = encodeURIComponent(hostile);
      expect(await read(`/v2/search/tag/${tag}/values`)).toMatchObject({ tagValues: [] });
      const q = `{ span.${JSON.stringify(hostile)} = ${JSON.stringify(hostile)} }`;
      expect([hostile, idsOf(await search({ q }))]).toEqual([hostile, []]);
    }
  });
});
