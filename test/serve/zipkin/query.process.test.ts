/** Zipkin's query API of a real collector, below `/zipkin` and on a port of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../collector/serve/wire.ts';
import { shopTrace, TRACE_ID } from '../shop-trace.ts';
import { startCollector, type Collector } from '../start-collector.ts';

const OTHER_ID = '00000000000000a1';
const AGO_MS = 60_000;

let collector: Collector;
let own: string;
/** Zipkin's page asks for the one, its other clients for the other. */
let bases: string[];

async function send(path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(collector.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.ok).toBe(true);
}

beforeAll(async () => {
  collector = await startCollector('--zipkin', '127.0.0.1:0', '--zipkin-keys', 'env, host.name');
  const status = (await (await fetch(`${collector.url}/api/status`)).json()) as Status;
  own = `http://${status.addresses.zipkin}`;
  bases = [`${collector.url}/zipkin`, own, `${own}/zipkin`];
  await send('/api/import', shopTrace(AGO_MS));
  const span = { traceId: OTHER_ID, localEndpoint: { serviceName: 'Billing' }, tags: { env: 'Prod' } };
  const timestamp = (Date.now() - AGO_MS) * 1000;
  await send('/zipkin/api/v2/spans', [
    { ...span, id: 'b1', name: 'Get /Bill', kind: 'SERVER', timestamp, duration: 50_000 },
    { ...span, id: 'b2', parentId: 'b1', name: 'Select', kind: 'CLIENT', timestamp, duration: 1 },
  ]);
});
afterAll(() => collector.close());

const ask = (path: string, base = bases[0]!) => fetch(base + path);
async function read<T>(path: string, base?: string): Promise<T> {
  const answer = await ask(path, base);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
  return (await answer.json()) as T;
}
type Found = { traceId: string; name: string; localEndpoint: object; tags: object }[];
const idsOf = (traces: Found[]) => traces.map(([span]) => span!.traceId);

describe('names', () => {
  it('of services, spans and those called are in lower case, sorted, on each of its paths', async () => {
    for (const base of bases) {
      expect(await read('/api/v2/services', base)).toEqual(['billing', 'checkout', 'gateway']);
      expect(await read('/api/v2/spans?serviceName=BILLING', base)).toEqual(['get /bill', 'select']);
      expect(await read('/api/v2/remoteServices?serviceName=gateway', base)).toEqual(['checkout']);
    }
    expect(await read('/api/v2/spans?serviceName=nobody')).toEqual([]);
    expect(await read('/api/v2/remoteServices?serviceName=nobody')).toEqual([]);
  });

  it('that are completed are those of --zipkin-keys, and no others', async () => {
    expect(await read('/api/v2/autocompleteKeys')).toEqual(['env', 'host.name']);
    expect(await read('/api/v2/autocompleteValues?key=env')).toEqual(['Prod']);
    expect(await read('/api/v2/autocompleteValues?key=host.name')).toEqual(['node-7']);
    expect(await read('/api/v2/autocompleteValues?key=error.type')).toEqual([]);
  });
});

describe('traces', () => {
  it('are found by what a span of theirs says', async () => {
    const cases: [string, string[]][] = [
      ['', [OTHER_ID, TRACE_ID]],
      ['?serviceName=checkout&annotationQuery=error', [TRACE_ID]],
      ['?serviceName=gateway&remoteServiceName=checkout', [TRACE_ID]],
      ['?remoteServiceName=payments', [TRACE_ID]],
      ['?serviceName=billing&spanName=get+/bill&minDuration=50000&maxDuration=50000', [OTHER_ID]],
      ['?serviceName=billing&minDuration=50001', []],
      ['?annotationQuery=env%3DProd+and+env', [OTHER_ID]],
      ['?annotationQuery=env%3Dprod', []],
      [`?endTs=${Date.now() - 2 * AGO_MS}`, []],
      [`?endTs=${Date.now()}&lookback=${2 * AGO_MS}`, [OTHER_ID, TRACE_ID]],
      ['?lookback=1000', []],
    ];
    for (const [query, ids] of cases) {
      const found = await read<Found[]>(`/api/v2/traces${query}`);
      expect([query, idsOf(found).toSorted()]).toEqual([query, ids]);
    }
  });

  it('are at most as many as asked for, and none is an empty list', async () => {
    expect(await read<Found[]>('/api/v2/traces?limit=1')).toHaveLength(1);
    expect(await (await ask('/api/v2/traces?serviceName=nobody')).text()).toBe('[]');
  });

  it('ignore parameters that Zipkin does not know, and take no harm from hostile ones', async () => {
    expect(await read<Found[]>('/api/v2/traces?unknown=1&__proto__=x&limit=5&limit=6')).toHaveLength(2);
    for (const hostile of [
      '.*',
      '\\',
      '\\E.*',
      '"',
      "';--",
      '(',
      'a OR b',
      '__proto__',
      '%00',
      '€'.repeat(500),
    ]) {
      const text = encodeURIComponent(hostile);
      for (const name of ['serviceName', 'spanName', 'remoteServiceName', 'annotationQuery']) {
        expect([hostile, name, await read(`/api/v2/traces?${name}=${text}`)]).toEqual([hostile, name, []]);
      }
    }
  });

  it('by id are as they were sent, but for the case of names', async () => {
    for (const id of [OTHER_ID, 'a1', OTHER_ID.padStart(32, '0'), 'A1']) {
      const spans = await read<Found>(`/api/v2/trace/${id}`);
      expect(spans).toMatchObject([
        { traceId: OTHER_ID, name: 'get /bill', localEndpoint: { serviceName: 'billing' } },
        { traceId: OTHER_ID, name: 'select', tags: { env: 'Prod' } },
      ]);
    }
    const [first, second] = await read<Found[]>(`/api/v2/traceMany?traceIds=${TRACE_ID},a1`);
    expect([first!.length, second!.length]).toEqual([4, 2]);
    expect(await read(`/api/v2/traceMany?traceIds=c1,c2`)).toEqual([]);
  });
});

it('links are counted with what failed, without calls from outside', async () => {
  expect(await read(`/api/v2/dependencies?endTs=${Date.now()}`)).toEqual(
    expect.arrayContaining([
      { parent: 'gateway', child: 'checkout', callCount: 1 },
      { parent: 'checkout', child: 'payments', callCount: 1, errorCount: 1 },
    ]),
  );
  expect(await read(`/api/v2/dependencies?endTs=${Date.now() - 10 * AGO_MS}&lookback=1000`)).toEqual([]);
});

it('its page finds its settings, and who probes that it is well', async () => {
  for (const base of bases) {
    expect(await read('/config.json', base)).toMatchObject({ searchEnabled: true, queryLimit: 10 });
    expect(await read('/health', base)).toMatchObject({ status: 'UP', zipkin: { status: 'UP' } });
  }
});

describe('what cannot be answered', () => {
  it.each([
    ['/api/v2/trace/c1', 404, '00000000000000c1 not found'.slice(14)],
    ['/api/v2/trace/0x1', 400, '0x1 should be lower-hex encoded with no prefix'],
    [`/api/v2/trace/${'f'.repeat(33)}`, 400, 'traceId.length > 32'],
    ['/api/v2/trace/000', 400, 'traceId is all zeros'],
    ['/api/v2/traceMany', 400, 'traceIds parameter is empty'],
    ['/api/v2/traceMany?traceIds=a1', 400, 'Use /api/v2/trace/{traceId} endpoint'],
    ['/api/v2/traceMany?traceIds=a1,00a1', 400, 'redundant traceId: 00a1'],
    [`/api/v2/traceMany?traceIds=${'1,'.repeat(1000)}1`, 400, 'got 1001'],
    ['/api/v2/traces?limit=0', 400, 'limit <= 0'],
    ['/api/v2/traces?endTs=soon', 400, 'endTs: got soon'],
    ['/api/v2/dependencies', 400, 'endTs parameter is required'],
    ['/api/v2/dependencies?endTs=-1', 400, 'endTs <= 0'],
    ['/api/v2/spans', 400, 'serviceName parameter is required'],
    ['/api/v2/autocompleteValues', 400, 'key parameter is required'],
  ])('%s is %i in Zipkin’s words', async (path, status, message) => {
    const answer = await ask(path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      'text/plain; charset=utf-8',
    ]);
    expect(await answer.text()).toContain(message);
  });

  it('is what there is not, and methods that are not taken', async () => {
    expect((await ask('/api/v2/other')).status).toBe(404);
    expect((await fetch(`${bases[0]}/api/v2/services`, { method: 'POST' })).status).toBe(405);
    const head = await fetch(`${bases[0]}/api/v2/traces`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
});
