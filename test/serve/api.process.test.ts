/** The API of a real collector: every answer against its own description, every error against its shape. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  Imported,
  Incidents,
  IncidentState,
  Latency,
  LatencyDiffers,
  Status,
  Trace,
} from '../../collector/serve/wire.ts';
import { faultsOf } from './json-schema.ts';
import { shopTrace, TRACE_ID } from './shop-trace.ts';
import { startCollector, type Collector } from './start-collector.ts';

let collector: Collector;
let description: {
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>
  >;
  components: { schemas: Record<string, object> };
};
const sent = shopTrace(60_000);

const get = (path: string, init: RequestInit = {}) => fetch(collector.url + path, init);
const post = (path: string, body: RequestInit['body'], headers: Record<string, string> = {}) =>
  get(path, { method: 'POST', body, headers });
async function importTrace(body: unknown): Promise<Imported> {
  const response = await post('/api/import', JSON.stringify(body));
  expect(response.status).toBe(200);
  return (await response.json()) as Imported;
}
async function read<T>(path: string): Promise<T> {
  return (await (await get(path)).json()) as T;
}
/** Asks again until the answer is what is waited for; the test's own limit ends it. */
async function readUntil<T>(path: string, isThere: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await read<T>(path);
    if (isThere(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

beforeAll(async () => {
  collector = await startCollector('--max-request-bytes', '1MiB', '--max-queue-bytes', '8MiB');
  description = await read('/api/openapi.json');
  await importTrace(sent);
  await readUntil<Incidents>('/api/timeouts', ({ incidents }) => incidents.length > 0);
});
afterAll(async () => {
  await collector?.close();
});

describe('every answer is what /api/openapi.json says', () => {
  it.each([
    ['/api/status', '/api/status'],
    ['/api/services', '/api/services'],
    ['/api/services', '/api/services?limit=1'],
    ['/api/operations', '/api/operations?service=checkout'],
    ['/api/map', '/api/map'],
    ['/api/map', '/api/map?focus=checkout&hops=1&from=now-1d'],
    ['/api/map/timeline', '/api/map/timeline?steps=10'],
    ['/api/map/edges', '/api/map/edges?q=timeout:true'],
    ['/api/phases', `/api/phases?traces=${TRACE_ID}`],
    ['/api/calls', '/api/calls?caller=checkout&callee=payments'],
    ['/api/calls', '/api/calls?caller=user&callee=gateway'],
    ['/api/calls', '/api/calls?caller=nobody&callee=nobody'],
    ['/api/latency', '/api/latency'],
    ['/api/latency', '/api/latency?service=checkout&peer=payments&steps=10'],
    ['/api/latency', '/api/latency?service=checkout&phase=connect&from=now-7d'],
    ['/api/latency', '/api/latency?service=nobody&operation=nothing'],
    ['/api/latency/differs', '/api/latency/differs?service=checkout&peer=payments&minMs=1000'],
    ['/api/latency/differs', '/api/latency/differs?phase=wait&brushFrom=now-5m&brushTo=now'],
    ['/api/traces', '/api/traces'],
    ['/api/traces', '/api/traces?q=timeout:true&sort=longest&limit=1'],
    ['/api/traces', '/api/traces?service=nobody'],
    ['/api/traces/{id}', `/api/traces/${TRACE_ID}`],
    ['/api/traces/{id}', `/api/traces/${TRACE_ID.toUpperCase()}`],
    ['/api/traces/{id}/edges', `/api/traces/${TRACE_ID}/edges`],
    ['/api/traces/{id}/diagnosis', `/api/traces/${TRACE_ID}/diagnosis`],
    ['/api/timeouts', '/api/timeouts'],
    ['/api/timeouts', '/api/timeouts?compare=false'],
    ['/api/timeouts', '/api/timeouts?from=0&to=1'],
    ['/api/attributes', '/api/attributes?prefix=sockeye.'],
    ['/api/attributes/{key}/values', '/api/attributes/host.name/values'],
    ['/healthz', '/healthz'],
    ['/readyz', '/readyz'],
  ])('%s: %s', async (path, url) => {
    const response = await get(url);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
    const schema = description.paths[path]?.['get']?.responses['200']?.content['application/json']?.schema;
    expect(faultsOf(await response.json(), schema ?? { enum: [] }, description.components.schemas)).toEqual(
      [],
    );
  });

  it('/api/timeouts/{fingerprint}', async () => {
    const [incident] = (await read<Incidents>('/api/timeouts')).incidents;
    expect(incident).toMatchObject({ phase: 'connect', kind: 'timeout', count: 1, traces: [TRACE_ID] });
    const one = await read(`/api/timeouts/${incident?.fingerprint}`);
    expect(faultsOf(one, { $ref: 'Incident' }, description.components.schemas)).toEqual([]);
  });

  it('/api/timeouts/{fingerprint}/state', async () => {
    const [incident] = (await read<Incidents>('/api/timeouts')).incidents;
    const path = `/api/timeouts/${incident?.fingerprint}`;
    const put = (body: object, at = path) =>
      get(`${at}/state`, { method: 'PUT', body: JSON.stringify(body) });
    const muted = (await (await put({ acknowledged: true, mutedUntil: 'now+1h' })).json()) as IncidentState;
    expect(faultsOf(muted, { $ref: 'IncidentState' }, description.components.schemas)).toEqual([]);
    expect(await read(path)).toMatchObject({ acknowledged: true, mutedUntil: muted.mutedUntil });
    expect(await (await put({ mutedUntil: null })).json()).toEqual({ acknowledged: true, mutedUntil: null });
    await put({ acknowledged: false });
    expect(await read(path)).toMatchObject({ acknowledged: false, mutedUntil: null });
    expect((await put({ acknowledged: true }, '/api/timeouts/0000000000000000')).status).toBe(404);
    expect((await put({ acknowledged: 'x'.repeat(5_000) })).status).toBe(413);
    const foreign = {
      method: 'PUT',
      body: '{"acknowledged":true}',
      headers: { origin: 'http://evil.example' },
    };
    expect((await get(`${path}/state`, foreign)).status).toBe(403);
  });
});

describe('what was sent is what is told', () => {
  it('latency has the call that timed out, in its cell, with its phases and its budget', async () => {
    const edge = 'service=checkout&peer=payments';
    const latency = await read<Latency>(`/api/latency?${edge}`);
    expect(latency).toMatchObject({
      of: 'calls',
      countedFrom: 'sums',
      calls: 1,
      timeouts: 1,
      truncated: false,
      cells: [{ minMs: 2500, maxMs: 3200, count: 1, timeouts: 1 }],
      overall: { p50Ms: expect.closeTo(3001, -2), p99Ms: expect.closeTo(3001, -2), count: 1 },
      phases: [{ calls: 1, dnsMs: 0.5, connectMs: 3000.25 }],
      budgetsMs: [3000],
      walls: [],
    });
    const [cell] = latency.cells;
    const brush = `brushFrom=${cell!.t}&brushTo=${cell!.t + latency.stepMs}&minMs=${cell!.minMs}&maxMs=${cell!.maxMs}`;
    const differs = await read<LatencyDiffers>(`/api/latency/differs?${edge}&${brush}`);
    expect(differs).toMatchObject({ selected: { calls: 1, timeouts: 1 }, slowest: [{ traceId: TRACE_ID }] });
  });

  it('a trace has its spans, phases, events and links', async () => {
    const trace = await read<Trace>(`/api/traces/${TRACE_ID}`);
    expect(trace.spans.map(({ service, operation }) => `${service} ${operation}`)).toEqual([
      'gateway POST /buy',
      'gateway POST',
      'checkout POST /checkout',
      'checkout POST',
    ]);
    const call = trace.spans.find(({ spanId }) => spanId === 'eee19b7ec3c1b174');
    expect(call?.phases.at(-1)).toMatchObject({ phase: 'connect', durationMs: 3000.25, open: true });
    expect(call?.events).toEqual([
      { name: 'syn retransmitted', offsetMs: expect.any(Number), attributes: { count: 2 } },
    ]);
    expect(call?.links[0]?.attributes).toEqual({ why: 'retry' });
    expect(call?.attributes['note.hostile']).toBe('</script><script>alert(1)</script>');
  });

  it('OTLP JSON is lossless: what comes out is what went in', async () => {
    const otlp = await read<typeof sent>(`/api/traces/${TRACE_ID}?format=otlp`);
    const bySpan = (request: typeof sent) =>
      request.resourceSpans
        .flatMap(({ resource, scopeSpans }) =>
          scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span }))),
        )
        .toSorted((a, b) => JSON.stringify(a.span).localeCompare(JSON.stringify(b.span)));
    expect(bySpan(otlp)).toEqual(bySpan(JSON.parse(JSON.stringify(sent)) as typeof sent));
    expect(await importTrace(otlp)).toMatchObject({ stored: 0, duplicate: 4 });
  });

  it('Jaeger and Zipkin JSON hold every span', async () => {
    const jaeger = await read<{ data: { spans: object[] }[] }>(`/api/traces/${TRACE_ID}?format=jaeger`);
    expect(jaeger.data[0]?.spans).toHaveLength(4);
    expect(await read(`/api/traces/${TRACE_ID}?format=zipkin`)).toHaveLength(4);
  });

  it('the diagnosis points at the call that never connected', async () => {
    const { verdicts } = await read<{ verdicts: { phase: string; origin: object }[] }>(
      `/api/traces/${TRACE_ID}/diagnosis`,
    );
    expect(verdicts[0]).toMatchObject({
      phase: 'connect',
      origin: { spanId: 'eee19b7ec3c1b174', service: 'checkout', peer: 'payments:8443' },
    });
  });

  it('a page of a list continues at its cursor', async () => {
    const first = await read<{ services: { service: string }[]; cursor: string }>('/api/services?limit=1');
    const second = await read<typeof first>(`/api/services?limit=1&cursor=${first.cursor}`);
    expect([...first.services, ...second.services].map(({ service }) => service).toSorted()).toEqual([
      'checkout',
      'gateway',
    ]);
    expect(second.cursor).toBeNull();
  });

  it('names of attributes, most frequent first, continue at their cursor', async () => {
    type Keys = { attributes: { key: string }[]; cursor: string | null };
    const all = await read<Keys>('/api/attributes?limit=1000');
    const keys: string[] = [];
    let cursor: string | null = '';
    do {
      const page: Keys = await read(`/api/attributes?limit=3&cursor=${cursor}`);
      keys.push(...page.attributes.map(({ key }) => key));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(all.cursor).toBeNull();
    expect(keys).toEqual(all.attributes.map(({ key }) => key));
    expect(keys.length).toBeGreaterThan(6);
  });

  it('received is the sum of what became of it, in the status and in the metrics', async () => {
    const { spans } = await read<Status>('/api/status');
    const { received, stored, refused, dropped, duplicate, queued } = spans;
    expect(received).toBe(stored + refused + dropped + duplicate + queued);
    expect(stored).toBeGreaterThanOrEqual(4);
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toContain(`sockeye_spans_total{outcome="stored"} ${stored}\n`);
    expect(metrics).toContain('sockeye_requests_refused_total{reason="overloaded"} 0\n');
    expect(metrics).toContain('sockeye_diagnosis_evicted_total 0\n');
    for (const line of metrics.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"]*"\})? [0-9.e+-]+)$/);
  });
});

describe('what cannot be answered says what was got and what is expected', () => {
  it.each([
    ['GET', '/api/traces?limit=0', 400, 'bad_parameter'],
    ['GET', '/api/traces?limit=1001', 400, 'bad_parameter'],
    ['GET', '/api/traces?from=yesterday', 400, 'bad_parameter'],
    ['GET', '/api/traces?from=2&to=1', 400, 'bad_parameter'],
    ['GET', '/api/traces?sort=best', 400, 'bad_parameter'],
    ['GET', '/api/traces?minDuration=1', 400, 'bad_parameter'],
    ['GET', '/api/traces?cursor=none', 400, 'bad_parameter'],
    ['GET', '/api/services?cursor=none', 400, 'bad_parameter'],
    ['GET', '/api/map?hops=21', 400, 'bad_parameter'],
    ['GET', '/api/map/timeline?steps=0', 400, 'bad_parameter'],
    ['GET', '/api/map/timeline?steps=1001', 400, 'bad_parameter'],
    ['GET', '/api/calls?caller=checkout', 400, 'bad_parameter'],
    ['GET', '/api/calls?callee=checkout', 400, 'bad_parameter'],
    ['GET', '/api/timeouts?state=old', 400, 'bad_parameter'],
    ['GET', '/api/timeouts?kind=slow', 400, 'bad_parameter'],
    ['GET', '/api/timeouts?compare=no', 400, 'bad_parameter'],
    ['GET', '/api/traces?q=service%3A', 400, 'bad_query'],
    ['GET', '/api/traces/xyz', 400, 'bad_parameter'],
    ['GET', `/api/traces/${'f'.repeat(33)}`, 400, 'bad_parameter'],
    ['GET', `/api/traces/${TRACE_ID}?format=xml`, 400, 'bad_parameter'],
    ['GET', `/api/traces/${'f'.repeat(32)}/edges`, 404, 'not_found'],
    ['GET', '/api/traces/%zz', 400, 'malformed_url'],
    ['GET', '/api/traces/abc', 404, 'not_found'],
    ['GET', '/api/traces/abc?format=otlp', 404, 'not_found'],
    ['GET', '/api/traces/abc?format=jaeger', 404, 'not_found'],
    ['GET', '/api/traces/abc/diagnosis', 404, 'not_found'],
    ['GET', '/api/timeouts/none', 404, 'not_found'],
    ['GET', '/help/causes/Z9', 404, 'not_found'],
    ['GET', '/api/nothing', 404, 'not_found'],
    ['GET', '/etc/passwd', 404, 'not_found'],
    ['POST', '/api/traces', 405, 'method_not_allowed'],
    ['DELETE', '/map', 405, 'method_not_allowed'],
    ['POST', '/api/purge', 403, 'purge_not_allowed'],
    ['PUT', '/api/traces/1/pin', 404, 'not_found'],
    ['PUT', '/api/traces/x/pin', 400, 'bad_parameter'],
    ['PUT', '/api/timeouts/x/state', 400, 'bad_parameter'],
    ['GET', '/api/latency?phase=none', 400, 'bad_parameter'],
    ['GET', '/api/latency?steps=401', 400, 'bad_parameter'],
    ['GET', '/api/latency?op=x', 400, 'bad_parameter'],
    ['GET', '/api/latency?from=now&to=now-1h', 400, 'bad_parameter'],
    ['GET', '/api/latency/differs?minMs=2&maxMs=2', 400, 'bad_parameter'],
    ['GET', '/api/latency/differs?brushFrom=now&brushTo=now-1h', 400, 'bad_parameter'],
    ['GET', '/api/latency/differs?steps=10', 400, 'bad_parameter'],
    ['POST', '/mcp', 501, 'not_available'],
    ['POST', '/jaeger/api/services', 405, 'method_not_allowed'],
    ['GET', '/jaeger/api/other', 404, 'not_found'],
    ['POST', '/zipkin/api/v2/other', 404, 'not_found'],
    ['GET', '/tempo/api/no/such/route', 404, 'not_found'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    const response = await get(path, { method });
    const body: unknown = await response.json();
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/json']);
    expect(faultsOf(body, { $ref: 'WireError' }, description.components.schemas)).toEqual([]);
    expect(body).toMatchObject({
      error: { code, got: expect.stringMatching(/./), expected: expect.stringMatching(/./) },
    });
    expect(response.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD, OPTIONS' : null);
  });

  it('a bad query has the position of its fault', async () => {
    const body = await read<{ error: { position: number } }>('/api/traces?q=service%3Acheckout%20%29');
    expect(body.error.position).toBe(17);
  });
});

describe('live events', () => {
  it('tell the status at once, and a trace that arrives later', async () => {
    const controller = new AbortController();
    const response = await get('/api/live', { signal: controller.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const traceId = '9'.repeat(32);
    await importTrace(shopTrace(1000, traceId));
    const seen = new Map<string, unknown>();
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (const [, name = '', data = ''] of text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)) {
        const value = JSON.parse(data) as { traceId?: string };
        if (name !== 'trace' || value.traceId === traceId) seen.set(name, value);
      }
      if (seen.has('status') && seen.has('trace') && seen.has('map')) break;
    }
    controller.abort();
    const schemas = { status: 'Status', trace: 'TraceSummary', map: 'MapChange' };
    for (const [event, schema] of Object.entries(schemas))
      expect(faultsOf(seen.get(event), { $ref: schema }, description.components.schemas)).toEqual([]);
  });
});

describe('strangers', () => {
  it('with a foreign Host get nothing', async () => {
    // fetch does not let a program set Host.
    const { request } = await import('node:http');
    const statuses = await Promise.all(
      ['/', '/api/status', '/healthz', '/help/help.css', '/nothing'].map(
        (path) =>
          new Promise((resolve, reject) => {
            request(collector.url + path, { headers: { host: 'rebound.example' } }, (response) => {
              response.resume();
              resolve(response.statusCode);
            })
              .on('error', reject)
              .end();
          }),
      ),
    );
    expect(statuses).toEqual([403, 403, 403, 403, 403]);
  });
});
