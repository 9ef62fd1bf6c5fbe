/** Searches: every term, range, order, page and total, held against matching every span. */
import { beforeEach, expect, test } from 'vitest';
import { parseQuery } from '../../../collector/query/parse-query.ts';
import { compileMatcher, type SpanSurroundings } from '../../../collector/query/match-span.ts';
import { serviceOf, type Span } from '../../../collector/span.ts';
import { Cancelled } from '../../../collector/store/store.ts';
import { AROUND_NOON, call, makeRequest, NOON_UNIX_MS, traceId, type SentSpan } from '../make-request.ts';
import type { TestedStore } from './tested-store.ts';

export function checkSearching(tested: TestedStore): void {
  beforeEach(async () => {
    await tested.store.append(
      makeRequest(
        { trace: 'a', id: '1', name: 'POST /buy', durationMs: 300, startMs: 0 },
        ...call('a', {
          id: '2',
          parent: '1',
          error: 'TimeoutError',
          durationMs: 250,
          attributes: {
            'sockeye.timeout.phase': 'connect',
            'sockeye.timeout.timer': 'http_timeout',
            'sockeye.timeout.budget_ms': 250,
          },
        }),
        {
          trace: 'b',
          id: '1',
          name: 'GET /list',
          startMs: 1000,
          durationMs: 20,
          attributes: { 'shop.size': 12 },
        },
        ...call('b', { id: '2', parent: '1', startMs: 1001 }, { id: '3', startMs: 1002 }),
        {
          trace: 'c',
          id: '1',
          service: 'worker',
          kind: 'internal',
          startMs: 2000,
          error: 'Boom',
          resource: { 'host.name': 'h1' },
        },
      ),
    );
  });

  test.each([
    ['', 'c b a'],
    ['service:checkout', 'b a'],
    ['service:nobody', ''],
    ['operation:"POST /buy"', 'a'],
    ['kind:internal', 'c'],
    ['status:error', 'c a'],
    ['timeout:true', 'a'],
    ['-timeout:true', 'c b a'],
    ['phase:connect', 'a'],
    ['duration>=300ms', 'a'],
    ['duration<15ms', 'c b'],
    ['shop.size>=12', 'b'],
    ['shop.size>12', ''],
    ['shop.size:12', 'b'],
    ['shop.size:*', 'b'],
    ['host.name:h1', 'c'],
    ['host.name~^h[12]$', 'c'],
    ['server.address:payments.local', 'b a'],
    ['edge:checkout->payments', 'b a'],
    ['edge:checkout->nobody', ''],
    ['edge:user->checkout', 'b a'],
    ['trace.service:payments', 'b'],
    ['trace.service:payments operation:"GET /list"', 'b'],
    ['trace.spans>=3', 'b'],
    ['trace.duration>=300ms', 'a'],
    ['service:worker OR timeout:true', 'c a'],
    ['(service:worker OR kind:client) status:error', 'c a'],
  ])('%j finds %j', async (q, expected) => {
    expect((await tested.found(q)).join(' ')).toBe(expected);
  });

  test('a query may have as many terms as fit into it', async () => {
    await tested.store.append(makeRequest({ trace: 'd', attributes: { k: 'v' } }));
    const terms = (count: number, term: string, joint: string) =>
      Array.from({ length: count }, () => term).join(joint);
    expect(await tested.found(terms(1_000, 'k:v', ' '))).toEqual(['d']);
    expect(await tested.found(terms(800, '-k:w', ' '))).toContain('d');
    expect(await tested.found(terms(500, 'x:y', ' OR '))).toEqual([]);
  });

  test('names with a NUL are names like others, and none is taken for another', async () => {
    const names = [
      ['a\0client\0b', 'c'],
      ['a', 'b\0client\0c'],
    ] as const;
    for (const [index, [service, name]] of names.entries()) {
      const trace = 'ab'[index]!;
      const attributes = { 'server.address': `${service}.host`, 'server.port': 80 };
      await tested.store.append(makeRequest({ trace, service, name, kind: 'client', attributes }));
    }
    const quoted = (text: string) => `"${text}"`;
    for (const [index, [service, name]] of names.entries()) {
      const trace = 'ab'[index]!;
      expect(await tested.found(`service:${quoted(service)} operation:${quoted(name)}`)).toEqual([trace]);
      expect(await tested.found(`edge:${quoted(`${service}->${service}.host`)}`)).toEqual([trace]);
    }
  });

  test('terms joined by AND hold on one span', async () => {
    expect(await tested.found('operation:"POST /buy" duration>=300ms')).toEqual(['a']);
    expect(await tested.found('operation:"POST /buy" timeout:true')).toEqual([]);
  });

  test('a search finds what matching every span finds, whatever the query', async () => {
    await tested.store.purge();
    const random = randomNumbers(11);
    const sent = Array.from({ length: 60 }, (_, i) => randomSpan(random, (i + 1).toString(16)));
    await tested.store.append(makeRequest(...sent));
    const spans = await Promise.all(
      sent.map(async ({ trace }) => (await tested.store.readTrace(traceId(trace!)))[0]!),
    );
    for (let round = 0; round < 400; round++) {
      const query = randomQuery(random, 2);
      const matches = compileMatcher(parseQuery(query)!);
      const expected = spans.filter((span) => matches(span, surroundingsOf([span])));
      const ids = expected.map((span) => span.traceId.replace(/^0+/, '')).toReversed();
      expect(await tested.found(query, { limit: 100 }), query).toEqual(ids);
    }
  });

  test('a span outside the range does not match, though its trace reaches into it', async () => {
    const range = { fromUnixMs: NOON_UNIX_MS + 1001, toUnixMs: NOON_UNIX_MS + 2000 };
    expect(await tested.found('', { range })).toEqual(['b']);
    expect(await tested.found('operation:"GET /list"', { range })).toEqual([]);
    expect(await tested.found('kind:client', { range })).toEqual(['b']);
  });

  test('a range includes its start and excludes its end', async () => {
    const at = NOON_UNIX_MS + 2000;
    expect(await tested.found('kind:internal', { range: { fromUnixMs: at, toUnixMs: at + 1 } })).toEqual([
      'c',
    ]);
    expect(await tested.found('kind:internal', { range: { fromUnixMs: at - 1, toUnixMs: at } })).toEqual([]);
  });

  test('each order is that of what it names', async () => {
    expect(await tested.found('', { sort: 'oldest' })).toEqual(['a', 'b', 'c']);
    expect(await tested.found('', { sort: 'longest' })).toEqual(['a', 'b', 'c']);
    expect((await tested.found('', { sort: 'errors' })).at(-1)).toBe('b');
  });

  test('a summary says what the trace holds', async () => {
    const { traces } = await tested.search('timeout:true');
    expect(traces).toEqual([
      {
        traceId: traceId('a'),
        root: { service: 'checkout', operation: 'POST /buy' },
        startedAt: new Date(NOON_UNIX_MS).toISOString(),
        durationMs: 300,
        spans: 2,
        services: ['checkout'],
        errors: 0,
        timeouts: 1,
        verdict: null,
      },
    ]);
  });

  test('pages follow one another without gaps or repeats while new traces arrive', async () => {
    const first = await tested.search('', { limit: 2 });
    expect(first).toMatchObject({ total: 3, truncated: false });
    await tested.store.append(makeRequest({ trace: 'd', startMs: 3000 }));
    const second = await tested.search('', { limit: 2, cursor: first.cursor });
    expect([...first.traces, ...second.traces].map((trace) => trace.traceId)).toEqual(
      ['c', 'b', 'a'].map(traceId),
    );
    expect(second).toMatchObject({ total: 3, cursor: null });
  });

  test('a cursor that is none, or of another order, is refused', async () => {
    const { cursor } = await tested.search('', { limit: 1 });
    await expect(tested.search('', { cursor: 'nonsense' })).rejects.toMatchObject({ name: 'BadCursor' });
    await expect(tested.search('', { cursor, sort: 'oldest' })).rejects.toMatchObject({ name: 'BadCursor' });
  });

  test('the total is exact up to 1,000 and says when it stops', async () => {
    const many = Array.from({ length: 998 }, (_, i) => ({ trace: (0x1000 + i).toString(16) }));
    await tested.store.append(makeRequest(...many.slice(0, 997)));
    expect(await tested.search('', { limit: 1 })).toMatchObject({ total: 1000, truncated: false });
    await tested.store.append(makeRequest(...many));
    expect(await tested.search('', { limit: 1 })).toMatchObject({ total: 1000, truncated: true });
  });

  test('what is asked by a caller that went away ends as cancelled', async () => {
    const gone = AbortSignal.abort();
    const cancelled = [
      tested.store.searchTraces(
        { range: AROUND_NOON, term: null, sort: 'newest', limit: 1, cursor: null },
        gone,
      ),
      tested.store.readTracePhases(traceId('a'), gone),
    ];
    for (const { reason } of (await Promise.allSettled(cancelled)) as PromiseRejectedResult[])
      expect(reason).toBeInstanceOf(Cancelled);
  });
}

/** Seeded, so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
}

/** One to a trace, so that a query that is wrong about it cannot be right about its siblings. */
function randomSpan(random: (below: number) => number, trace: string): SentSpan {
  const one = <T>(...choices: T[]): T => choices[random(choices.length)]!;
  return {
    trace,
    startMs: Number.parseInt(trace, 16),
    service: one('checkout', 'worker'),
    name: one('GET /list', 'GET'),
    kind: one('server', 'client', 'internal'),
    durationMs: one(10, 20, 30),
    ...one({}, { error: 'Boom' }, { error: 'ETIMEDOUT' }),
    attributes: one<Record<string, string | number>>(
      {},
      { 'shop.size': one(11, 12) },
      { 'shop.size': 'large', 'shop.kind': 12 },
    ),
    resource: one<Record<string, string>>({}, { 'host.name': one('h1', 'h2') }),
  };
}

// prettier-ignore
const TERMS = [
  'service:checkout', 'service!=checkout', 'service~work', 'service:*', 'operation:"GET /list"', 'operation!=GET',
  'kind:client', 'kind!=server', 'status:error', 'timeout:true', 'timeout:false', 'timeout!=true', 'duration>=20',
  'duration!=10', 'duration<15', 'phase:wait', 'shop.size:12', 'shop.size!=12', 'shop.size>11', 'shop.size:*',
  'shop.size:large', 'shop.kind:large', 'host.name:h1', 'host.name~h', 'error.type:Boom', 'error.type:*', 'nothing:here',
  '"service":x', 'trace.spans>1', 'trace.service:worker', 'cause:dns',
];

function randomQuery(random: (below: number) => number, depth: number): string {
  const kind = depth === 0 ? 0 : random(5);
  const part = () => randomQuery(random, depth - 1);
  if (kind === 1) return `${part()} ${part()}`;
  if (kind === 2) return `(${part()} OR ${part()})`;
  if (kind === 3) return `-(${part()})`;
  return TERMS[random(TERMS.length)]!;
}

/** As far as the random queries ask. */
function surroundingsOf(spans: readonly Span[]): SpanSurroundings {
  return {
    trace: { services: new Set(spans.map(serviceOf)), durationMs: 0, spans: spans.length },
    callee: () => null,
    verdicts: () => [],
  };
}
