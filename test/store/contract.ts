/** What every store must do, whatever it is made of. Each backend's test file runs this suite on itself. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import { compileMatcher, type SpanSurroundings } from '../../collector/query/match-span.ts';
import type { Diagnosis } from '../../collector/diagnose/verdict.ts';
import { serviceOf, type Span } from '../../collector/span.ts';
import { Cancelled, type Patience, type Store, type TraceSearch } from '../../collector/store/store.ts';
import { about } from '../about.ts';
import { makeVerdict } from '../query/make-verdict.ts';
import { decode, encode, fullMessage } from '../decode/otlp-proto.ts';
import {
  AROUND_NOON,
  AT_ONCE,
  call,
  makeRequest,
  NOON_UNIX_MS,
  PATIENT,
  spanId,
  traceId,
  type SentSpan,
} from './make-request.ts';

/** `open` gives an empty store, `reopen` closes one and opens what it had stored. */
export interface Backend {
  open(): Promise<Store>;
  reopen(store: Store): Promise<Store>;
  remove(): Promise<void>;
}

export function checkStoreContract(name: string, createBackend: () => Backend): void {
  describe(`the store contract, ${name}`, () => {
    let backend: Backend;
    let store: Store;

    beforeAll(async () => {
      backend = createBackend();
      store = await backend.open();
    });
    beforeEach(() => store.purge());
    afterAll(async () => {
      await store.close();
      await backend.remove();
    });

    const search = (q: string, more: Partial<TraceSearch> = {}) =>
      store.searchTraces({
        range: AROUND_NOON,
        term: parseQuery(q),
        sort: 'newest',
        limit: 20,
        cursor: null,
        ...more,
      });
    const found = async (q: string, more: Partial<TraceSearch> = {}) =>
      (await search(q, more)).traces.map((trace) => trace.traceId.replace(/^0+/, ''));

    test('works when empty', async () => {
      expect(await store.readTrace(traceId('1'))).toEqual([]);
      expect(await store.readTraceBytes(traceId('1'))).toBeNull();
      expect(await store.readTraceColumns(traceId('1'))).toBeNull();
      expect(await search('')).toEqual({ traces: [], total: 0, truncated: false, cursor: null });
      expect(await store.readServiceStats(AROUND_NOON, { byOperation: true, service: null })).toEqual([]);
      expect(await store.readCallGroups(AROUND_NOON)).toEqual([]);
      expect(
        await store.readNormals([{ service: 'a', operation: 'b', kind: 'server' }], traceId('1')),
      ).toEqual([]);
      expect(await store.readAttributeKeys(AROUND_NOON, '', 10)).toEqual([]);
      expect(await store.readAttributeValues(AROUND_NOON, 'a', '', 10)).toEqual([]);
      expect(await store.readUndiagnosed(AT_ONCE, 10)).toEqual({ traceIds: [], backlog: 0 });
      expect(await store.readVerdicts(AROUND_NOON)).toEqual([]);
      expect(await store.readAddressServices(['a:1'])).toEqual(new Map());
      expect(await store.readSpans([{ traceId: traceId('1'), spanId: spanId('1') }])).toEqual([]);
      expect(await store.readEdgeCalls(AROUND_NOON, { caller: 'a', callee: 'b' }, 'any', 10)).toEqual([]);
      expect(await store.readCallCounts(AROUND_NOON, 1)).toEqual([{ calls: 0, errors: 0, timeouts: 0 }]);
      expect(await store.readVersions(AROUND_NOON)).toEqual([]);
      expect(await store.applyRetention(1000, 1e9)).toBe(0);
      expect(await store.status()).toMatchObject({ spans: 0, oldestUnixMs: null });
      await store.purge();
      expect(await store.append(new Uint8Array())).toMatchObject({ stored: 0, duplicate: 0, refused: 0 });
    });

    describe('appending', () => {
      test('what was appended is read back at once, by start', async () => {
        const outcome = await store.append(
          makeRequest({ id: '2', parent: '1', startMs: 5 }, { id: '1', startMs: 0 }),
        );
        expect(outcome).toEqual({ stored: 2, duplicate: 0, refused: 0, refusedMessage: '', warning: '' });
        const spans = await store.readTrace(traceId('1'));
        expect(spans.map((span) => span.spanId)).toEqual([spanId('1'), spanId('2')]);
        expect(spans[0]!.startUnixNano).toBe(BigInt(NOON_UNIX_MS) * 1_000_000n);
      });

      test('every field of the protocol comes back as it was sent', async () => {
        const message = fullMessage('TracesData');
        await store.append(encode('TracesData', message));
        const resourceSpans = message['resourceSpans'] as {
          scopeSpans: { spans: { traceId: Buffer }[] }[];
        }[];
        const id = resourceSpans[0]!.scopeSpans[0]!.spans[0]!.traceId.toString('hex');
        const bytes = await store.readTraceBytes(id);
        const sent = decode('TracesData', encode('TracesData', message));
        const kept = decode('TracesData', bytes!) as { resourceSpans: unknown[] };
        // Each of the message's spans has a trace of its own.
        const [resource] = sent['resourceSpans'] as { scopeSpans: { spans: object[] }[] }[];
        const [scope] = resource!.scopeSpans;
        const expected = { ...resource, scopeSpans: [{ ...scope, spans: [scope!.spans[0]] }] };
        expect(kept.resourceSpans).toEqual([expected]);
      });

      test.each([3, 2_500])('a trace of %i spans is given as the page opens it', async (count) => {
        const id = (number: number) => (number + 1).toString(16);
        const parent = (number: number) => (number === 0 ? {} : { parent: id(Math.floor((number - 1) / 4)) });
        const sent = Array.from({ length: count }, (_, number) => ({ id: id(number), ...parent(number) }));
        // In two requests, the callers last.
        for (const half of [sent.slice(2), sent.slice(0, 2)]) await store.append(makeRequest(...half));
        const file = (await store.readTraceColumns(traceId('1')))!;
        const head = JSON.parse(Buffer.from(file.slice(4, 4 + file[0]! + file[1]! * 256)).toString());
        expect(head).toMatchObject({ traceId: traceId('1'), spans: count, complete: true, pinned: false });
        expect(head).toMatchObject({ services: ['checkout'], operations: ['GET /'], verdicts: [] });
      });

      test('a request sent again byte for byte is a duplicate, also within one turn', async () => {
        const request = makeRequest({ id: '1' }, { id: '2' });
        expect(await store.append(request)).toMatchObject({ stored: 2, duplicate: 0 });
        expect(await store.append(request)).toMatchObject({ stored: 0, duplicate: 2 });
        const other = makeRequest({ id: '3' });
        const outcomes = await Promise.all([store.append(other), store.append(other)]);
        expect(outcomes.map(({ stored }) => stored)).toEqual([1, 0]);
        expect((await store.status()).spans).toBe(3);
      });

      test('a span sent again is there once, though it is batched differently, and counted once', async () => {
        await store.append(makeRequest({ id: '1' }, { id: '2' }));
        await store.append(makeRequest({ id: '2' }, { id: '3' }, { id: '3' }));
        expect(await store.readTrace(traceId('1'))).toHaveLength(3);
        expect((await store.status()).spans).toBe(3);
        await store.append(makeRequest({ id: '3' }, { id: '4' }, { id: '1' }));
        expect(await store.readTrace(traceId('1'))).toHaveLength(4);
        expect((await store.status()).spans).toBe(4);
        const stats = await store.readServiceStats(AROUND_NOON, { byOperation: false, service: null });
        expect(stats).toMatchObject([{ service: 'checkout', calls: 4 }]);
      });

      test('two different spans with one id are both kept, and so are equal spans of two resources', async () => {
        await store.append(makeRequest({ id: '1', name: 'a' }, { id: '1', name: 'b' }));
        await store.append(makeRequest({ id: '1', name: 'a', service: 'other' }));
        const spans = await store.readTrace(traceId('1'));
        expect(spans.map((span) => span.name)).toEqual(['a', 'b', 'a']);
      });

      test('refused spans are counted and named, the rest is stored', async () => {
        const outcome = await store.append(
          makeRequest({ id: '1' }, { id: '2', more: { spanId: Buffer.alloc(8) } }),
        );
        expect(outcome).toMatchObject({ stored: 1, refused: 1 });
        expect(outcome.refusedMessage).not.toBe('');
      });

      test('bytes that cannot be decoded are refused whole and leave the appends beside them alone', async () => {
        const broken = Buffer.concat([makeRequest({ id: '1' }), Buffer.from([0x0a, 0x7f])]);
        const outcomes = await Promise.allSettled([
          store.append(makeRequest({ id: '2' })),
          store.append(broken),
          store.append(makeRequest({ id: '3' })),
        ]);
        expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        expect(outcomes[1]).toMatchObject({ reason: { name: 'DecodeError' } });
        expect((await store.status()).spans).toBe(2);
      });

      test('times of 1970 and 2262 and spans that end before they start are kept as sent', async () => {
        const odd = [
          { startTimeUnixNano: '1', endTimeUnixNano: '18446744073709551615' },
          { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '0' },
          { startTimeUnixNano: '2000000000000000001', endTimeUnixNano: '1999999999999999999' },
        ];
        const outcome = await store.append(
          makeRequest(...odd.map((more, index) => ({ id: String(index + 1), more }))),
        );
        expect(outcome.stored).toBe(3);
        const spans = await store.readTrace(traceId('1'));
        const times = new Map(
          spans.map((span) => [span.spanId, [String(span.startUnixNano), String(span.endUnixNano)]]),
        );
        odd.forEach(({ startTimeUnixNano, endTimeUnixNano }, index) => {
          expect(times.get(spanId(String(index + 1)))).toEqual([startTimeUnixNano, endTimeUnixNano]);
        });
        const range = { fromUnixMs: 0, toUnixMs: 8.64e15 };
        expect((await search('', { range })).total).toBe(1);
      });

      test('integers beyond 2^53 come back exact', async () => {
        const attributes = [{ key: 'big', value: { intValue: '-9007199254740995' } }];
        await store.append(makeRequest({ more: { attributes } }));
        const [span] = await store.readTrace(traceId('1'));
        expect(span!.attributes.get('big')).toBe(-9007199254740995n);
      });

      test('a trace of 20,000 spans below one parent is stored and read whole', async () => {
        const children = Array.from({ length: 20_000 }, (_, i) => ({
          id: (i + 2).toString(16),
          parent: '1',
        }));
        expect(await store.append(makeRequest({ id: '1' }, ...children))).toMatchObject({ stored: 20_001 });
        expect(await store.readTrace(traceId('1'))).toHaveLength(20_001);
        expect((await search('trace.spans>20000')).total).toBe(1);
      });

      test('the request remains the caller’s', async () => {
        const request = makeRequest({ id: '1' });
        const before = Buffer.from(request);
        await store.append(request);
        expect(request.equals(before)).toBe(true);
      });
    });

    describe('searching', () => {
      beforeEach(async () => {
        await store.append(
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
        expect((await found(q)).join(' ')).toBe(expected);
      });

      test('a query may have as many terms as fit into it', async () => {
        await store.append(makeRequest({ trace: 'd', attributes: { k: 'v' } }));
        const terms = (count: number, term: string, joint: string) =>
          Array.from({ length: count }, () => term).join(joint);
        expect(await found(terms(1_000, 'k:v', ' '))).toEqual(['d']);
        expect(await found(terms(800, '-k:w', ' '))).toContain('d');
        expect(await found(terms(500, 'x:y', ' OR '))).toEqual([]);
      });

      test('names with a NUL are names like others, and none is taken for another', async () => {
        const names = [
          ['a\0client\0b', 'c'],
          ['a', 'b\0client\0c'],
        ] as const;
        for (const [index, [service, name]] of names.entries()) {
          const trace = 'ab'[index]!;
          const attributes = { 'server.address': `${service}.host`, 'server.port': 80 };
          await store.append(makeRequest({ trace, service, name, kind: 'client', attributes }));
        }
        const quoted = (text: string) => `"${text}"`;
        for (const [index, [service, name]] of names.entries()) {
          const trace = 'ab'[index]!;
          expect(await found(`service:${quoted(service)} operation:${quoted(name)}`)).toEqual([trace]);
          expect(await found(`edge:${quoted(`${service}->${service}.host`)}`)).toEqual([trace]);
        }
      });

      test('terms joined by AND hold on one span', async () => {
        expect(await found('operation:"POST /buy" duration>=300ms')).toEqual(['a']);
        expect(await found('operation:"POST /buy" timeout:true')).toEqual([]);
      });

      test('a search finds what matching every span finds, whatever the query', async () => {
        await store.purge();
        const random = randomNumbers(11);
        const sent = Array.from({ length: 60 }, (_, i) => randomSpan(random, (i + 1).toString(16)));
        await store.append(makeRequest(...sent));
        const spans = await Promise.all(
          sent.map(async ({ trace }) => (await store.readTrace(traceId(trace!)))[0]!),
        );
        for (let round = 0; round < 400; round++) {
          const query = randomQuery(random, 2);
          const matches = compileMatcher(parseQuery(query)!);
          const expected = spans.filter((span) => matches(span, surroundingsOf([span])));
          const ids = expected.map((span) => span.traceId.replace(/^0+/, '')).toReversed();
          expect(await found(query, { limit: 100 }), query).toEqual(ids);
        }
      });

      test('a span outside the range does not match, though its trace reaches into it', async () => {
        const range = { fromUnixMs: NOON_UNIX_MS + 1001, toUnixMs: NOON_UNIX_MS + 2000 };
        expect(await found('', { range })).toEqual(['b']);
        expect(await found('operation:"GET /list"', { range })).toEqual([]);
        expect(await found('kind:client', { range })).toEqual(['b']);
      });

      test('a range includes its start and excludes its end', async () => {
        const at = NOON_UNIX_MS + 2000;
        expect(await found('kind:internal', { range: { fromUnixMs: at, toUnixMs: at + 1 } })).toEqual(['c']);
        expect(await found('kind:internal', { range: { fromUnixMs: at - 1, toUnixMs: at } })).toEqual([]);
      });

      test('each order is that of what it names', async () => {
        expect(await found('', { sort: 'oldest' })).toEqual(['a', 'b', 'c']);
        expect(await found('', { sort: 'longest' })).toEqual(['a', 'b', 'c']);
        expect((await found('', { sort: 'errors' })).at(-1)).toBe('b');
      });

      test('a summary says what the trace holds', async () => {
        const { traces } = await search('timeout:true');
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
        const first = await search('', { limit: 2 });
        expect(first).toMatchObject({ total: 3, truncated: false });
        await store.append(makeRequest({ trace: 'd', startMs: 3000 }));
        const second = await search('', { limit: 2, cursor: first.cursor });
        expect([...first.traces, ...second.traces].map((trace) => trace.traceId)).toEqual(
          ['c', 'b', 'a'].map(traceId),
        );
        expect(second).toMatchObject({ total: 3, cursor: null });
      });

      test('a cursor that is none, or of another order, is refused', async () => {
        const { cursor } = await search('', { limit: 1 });
        await expect(search('', { cursor: 'nonsense' })).rejects.toMatchObject({ name: 'BadCursor' });
        await expect(search('', { cursor, sort: 'oldest' })).rejects.toMatchObject({ name: 'BadCursor' });
      });

      test('the total is exact up to 1,000 and says when it stops', async () => {
        const many = Array.from({ length: 998 }, (_, i) => ({ trace: (0x1000 + i).toString(16) }));
        await store.append(makeRequest(...many.slice(0, 997)));
        expect(await search('', { limit: 1 })).toMatchObject({ total: 1000, truncated: false });
        await store.append(makeRequest(...many));
        expect(await search('', { limit: 1 })).toMatchObject({ total: 1000, truncated: true });
      });

      test('a search whose caller went away ends as cancelled', async () => {
        const gone = new AbortController();
        gone.abort();
        const cancelled = store.searchTraces(
          { range: AROUND_NOON, term: null, sort: 'newest', limit: 1, cursor: null },
          gone.signal,
        );
        await expect(cancelled).rejects.toBeInstanceOf(Cancelled);
      });
    });

    describe('calls and statistics', () => {
      test('the outcome and latency of an edge are the caller’s, however late the server’s span comes', async () => {
        await store.append(
          makeRequest(
            ...call('a', {
              id: '1',
              error: 'TimeoutError',
              durationMs: 3000,
              attributes: {
                'sockeye.timeout.phase': 'wait',
                'sockeye.timeout.timer': 'http_timeout',
                'sockeye.timeout.budget_ms': 3000,
              },
            }),
          ),
        );
        const before = await store.readCallGroups(AROUND_NOON);
        expect(before).toMatchObject([
          { from: 'checkout', to: 'payments.local', callee: { kind: 'external' } },
        ]);
        await store.append(
          makeRequest({ trace: 'a', id: '2', parent: '1', service: 'payments', durationMs: 9000 }),
        );
        const [edge] = await store.readCallGroups(AROUND_NOON);
        expect(edge).toMatchObject({
          from: 'checkout',
          to: 'payments',
          calls: 1,
          errors: 0,
          timeouts: 1,
          timeoutPhases: { wait: 1 },
          p50Ms: about(3000),
          serverP95Ms: about(9000),
          neverArrived: 0,
          budgetsMs: [3000],
        });
      });

      test('a call that never arrived belongs to the service seen behind its address before', async () => {
        await store.append(makeRequest(...call('a', { id: '1' }, { id: '2' })));
        await store.append(makeRequest(...call('b', { id: '1', error: 'ECONNREFUSED', durationMs: 1 })));
        const [edge] = await store.readCallGroups(AROUND_NOON);
        expect(edge).toMatchObject({ to: 'payments', calls: 2, errors: 1, neverArrived: 1 });
        expect(await store.readAddressServices(['payments.local:8443', 'x:1'])).toEqual(
          new Map([['payments.local:8443', 'payments']]),
        );
      });

      test('an address that two services answer behind tells nothing', async () => {
        await store.append(
          makeRequest(
            ...call('a', { id: '1' }, { id: '2' }),
            ...call('b', { id: '1' }, { id: '2', service: 'refunds' }),
          ),
        );
        expect(await store.readAddressServices(['payments.local:8443'])).toEqual(new Map());
      });

      test('requests from outside are a group of their own', async () => {
        await store.append(makeRequest({ id: '1', durationMs: 7 }));
        expect(await store.readCallGroups(AROUND_NOON)).toMatchObject([
          { from: null, to: 'checkout', calls: 1, p50Ms: about(7) },
        ]);
      });

      test('streams count as calls but have no latency', async () => {
        await store.append(
          makeRequest(
            ...call('a', { id: '1', durationMs: 10 }),
            ...call('b', { id: '1', durationMs: 60_000, attributes: { 'sockeye.stream': true } }),
          ),
        );
        expect(await store.readCallGroups(AROUND_NOON)).toMatchObject([{ calls: 2, p99Ms: about(10) }]);
      });

      test('services and operations count the spans that serve', async () => {
        await store.append(
          makeRequest(
            ...call(
              'a',
              { id: '1', name: 'GET', service: 'gateway' },
              { id: '2', name: 'GET /pay', durationMs: 5 },
            ),
          ),
        );
        const services = await store.readServiceStats(AROUND_NOON, { byOperation: false, service: null });
        expect(services.map(({ service, calls }) => [service, calls])).toEqual([
          ['gateway', 0],
          ['payments', 1],
        ]);
        const operations = await store.readServiceStats(AROUND_NOON, {
          byOperation: true,
          service: 'payments',
        });
        expect(operations).toMatchObject([
          { service: 'payments', operation: 'GET /pay', calls: 1, p99Ms: about(5) },
        ]);
      });

      test('an operation is called by the beginning of a long name, and the span keeps the whole', async () => {
        const name = 'n'.repeat(1_000_000);
        await store.append(makeRequest({ id: '1', name }, { id: '2', name: `${name}other` }));
        expect((await store.readTrace(traceId('1')))[0]!.name).toBe(name);
        const operations = await store.readServiceStats(AROUND_NOON, { byOperation: true, service: null });
        expect(operations.map(({ operation }) => operation)).toEqual([`${'n'.repeat(1_023)}…`]);
      });

      test('what is normal leaves out the trace that is judged by it', async () => {
        const key = { service: 'checkout', operation: 'GET /', kind: 'server' } as const;
        await store.append(
          makeRequest(
            { trace: 'a', durationMs: 10 },
            { trace: 'b', durationMs: 20 },
            { trace: 'c', durationMs: 9000 },
          ),
        );
        expect(await store.readNormals([key], traceId('c'))).toEqual([
          { ...key, count: 2, p50Ms: about(10), p95Ms: about(20) },
        ]);
      });

      test('attribute names and values come with counts, most frequent first', async () => {
        await store.append(
          makeRequest(
            { id: '1', attributes: { 'shop.item': 'hat', other: 1 } },
            { id: '2', attributes: { 'shop.item': 'hat' } },
            { id: '3', attributes: { 'shop.item': 'shoe' } },
          ),
        );
        expect(await store.readAttributeKeys(AROUND_NOON, 'shop', 10)).toEqual([
          { key: 'shop.item', count: 3 },
        ]);
        expect(await store.readAttributeValues(AROUND_NOON, 'shop.item', '', 10)).toEqual([
          { value: 'hat', count: 2 },
          { value: 'shoe', count: 1 },
        ]);
        expect(await store.readAttributeValues(AROUND_NOON, 'shop.item', 's', 10)).toHaveLength(1);
      });

      const tracesOf = async (caller: string | null, callee: string, outcome: 'ok' | 'any', limit = 10) =>
        (await store.readEdgeCalls(AROUND_NOON, { caller, callee }, outcome, limit)).map((span) =>
          span.traceId.replace(/^0+/, ''),
        );

      test('the calls of an edge are found newest first, all of them or those that worked', async () => {
        await store.append(
          makeRequest(
            ...call('a', { id: '1' }, { id: '2' }),
            ...call('b', { id: '1', startMs: 5, error: 'ECONNREFUSED' }),
            ...call('c', { id: '1', attributes: { 'server.address': 'elsewhere' } }),
          ),
        );
        expect(await tracesOf('checkout', 'payments', 'ok')).toEqual(['a']);
        expect(await tracesOf('checkout', 'payments', 'any')).toEqual(['b', 'a']);
        expect(await tracesOf('checkout', 'payments', 'any', 1)).toEqual(['b']);
        expect(await tracesOf('checkout', 'elsewhere', 'any')).toEqual(['c']);
      });

      test('calls from outside are found by the service they came to', async () => {
        await store.append(
          makeRequest(
            { trace: 'a', service: 'gateway' },
            { trace: 'b', service: 'gateway', error: '500' },
            { trace: 'c', service: 'gateway', parent: '9' },
            { trace: 'd', service: 'checkout' },
          ),
        );
        expect((await tracesOf(null, 'gateway', 'any')).toSorted()).toEqual(['a', 'b']);
        expect(await tracesOf(null, 'gateway', 'ok')).toEqual(['a']);
      });

      test('calls are counted per step, and as many as the map has', async () => {
        await store.append(
          makeRequest(
            ...call('a', { id: '1', startMs: -3_600_000 }, { id: '2', startMs: -3_600_000 }),
            ...call('b', { id: '1', startMs: -1, error: 'ECONNREFUSED' }),
            ...call('c', {
              id: '1',
              error: 'ETIMEDOUT',
              attributes: { 'sockeye.timeout.phase': 'connect', 'sockeye.timeout.timer': 'kernel' },
            }),
            { trace: 'd', service: 'gateway', startMs: 3_599_999 },
            { trace: 'd', service: 'gateway', startMs: 3_600_000 },
          ),
        );
        const counts = await store.readCallCounts(AROUND_NOON, 4);
        expect(counts).toEqual([
          { calls: 1, errors: 0, timeouts: 0 },
          { calls: 1, errors: 1, timeouts: 0 },
          { calls: 1, errors: 0, timeouts: 1 },
          { calls: 1, errors: 0, timeouts: 0 },
        ]);
        const groups = await store.readCallGroups(AROUND_NOON);
        expect(groups.reduce((sum, group) => sum + group.calls, 0)).toBe(4);
      });

      test('versions of a service stand with the minutes of their first and last span of the range', async () => {
        const version = (id: string, startMs: number, resource: Record<string, string>): SentSpan => ({
          id,
          startMs,
          resource,
        });
        await store.append(
          makeRequest(
            version('1', -7_200_000, { 'service.version': '1.0' }),
            version('2', 0, { 'service.version': '1.0', 'host.name': 'a' }),
            version('3', MINUTE_MS, { 'service.version': '1.0', 'host.name': 'b' }),
            version('4', 3 * MINUTE_MS + 1, { 'service.version': '1.1' }),
            version('5', 4 * MINUTE_MS, {}),
          ),
        );
        const found = await store.readVersions(AROUND_NOON);
        expect(found.toSorted((a, b) => a.firstUnixMs - b.firstUnixMs)).toEqual([
          {
            service: 'checkout',
            version: '1.0',
            firstUnixMs: NOON_UNIX_MS,
            lastUnixMs: NOON_UNIX_MS + 2 * MINUTE_MS,
          },
          {
            service: 'checkout',
            version: '1.1',
            firstUnixMs: NOON_UNIX_MS + 3 * MINUTE_MS,
            lastUnixMs: NOON_UNIX_MS + 4 * MINUTE_MS,
          },
        ]);
      });
    });

    describe('diagnoses', () => {
      const failing = () => makeRequest(...call('a', { id: '1', error: 'ECONNREFUSED', durationMs: 1 }));
      const { giveUp, ...verdict } = makeVerdict({
        spanId: spanId('1'),
        atUnixMs: NOON_UNIX_MS + 1,
        cause: 'C7',
        category: 'server',
      });
      const refused = { ...verdict, giveUp: { ...giveUp, kind: 'refused' as const } };
      const diagnosis: Diagnosis = { traceId: traceId('a'), complete: true, verdicts: [refused] };
      const entry = { service: 'checkout', operation: 'GET /' };
      const save = (spanCount: number, verdicts = diagnosis.verdicts) =>
        store.saveDiagnosis({
          diagnosis: { ...diagnosis, verdicts },
          spanCount,
          entry,
          startsUnixMs: verdicts.map(() => NOON_UNIX_MS),
        });

      test('a trace that failed is due once it is quiet, and no more when it was diagnosed', async () => {
        await store.append(failing());
        await store.append(makeRequest({ trace: 'b' }));
        expect(await store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [], backlog: 1 });
        expect(await store.readUndiagnosed(AT_ONCE, 10)).toEqual({ traceIds: [traceId('a')], backlog: 1 });
        await save(1);
        expect(await store.readUndiagnosed(AT_ONCE, 10)).toEqual({ traceIds: [], backlog: 0 });
      });

      test('spans that arrive later, or during the diagnosis, make it due again', async () => {
        await store.append(failing());
        await save(1);
        await store.append(makeRequest({ trace: 'a', id: '2', parent: '1' }));
        expect((await store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(1);
        await save(1);
        expect((await store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(1);
        await save(2);
        expect((await store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(0);
      });

      test('a trace that never is quiet is due when it has waited, and then waits anew', async () => {
        const due = async (patience: Patience) => (await store.readUndiagnosed(patience, 10)).traceIds;
        await store.append(failing());
        await store.append(makeRequest({ trace: 'a', id: '2', parent: '1' }));
        expect(await due({ ...PATIENT, waitMs: 0 })).toEqual([traceId('a')]);
        expect(await due(PATIENT)).toEqual([]);
        await save(1);
        expect(await store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [], backlog: 1 });
        await save(2);
        expect(await due(AT_ONCE)).toEqual([]);
      });

      test('verdicts are read by start of the give-up, replaced by the next, and searched by cause', async () => {
        await store.append(failing());
        await save(1);
        const [row] = await store.readVerdicts(AROUND_NOON);
        expect(row).toMatchObject({
          traceId: traceId('a'),
          ordinal: 0,
          atUnixMs: NOON_UNIX_MS + 1,
          seenUnixMs: { first: NOON_UNIX_MS + 1, last: NOON_UNIX_MS + 1 },
          entry,
          verdict: diagnosis.verdicts[0],
        });
        expect(await found('cause:C7')).toEqual(['a']);
        expect(await found('cause:server')).toEqual(['a']);
        expect(await found('cause:dns')).toEqual([]);
        expect(await found('edge:checkout->payments')).toEqual(['a']);
        expect((await search('cause:c7')).traces[0]!.verdict).toMatchObject({
          cause: 'C7',
          phase: 'connect',
        });
        await save(1, []);
        expect(await store.readVerdicts(AROUND_NOON)).toEqual([]);
      });
    });

    describe('keeping and dropping', () => {
      test('everything is there after a restart', async () => {
        const request = makeRequest(...call('a', { id: '1', error: 'ECONNREFUSED' }, { id: '2' }));
        await store.append(request);
        const before = await Promise.all([store.readTrace(traceId('a')), store.readCallGroups(AROUND_NOON)]);
        store = await backend.reopen(store);
        const after = await Promise.all([store.readTrace(traceId('a')), store.readCallGroups(AROUND_NOON)]);
        expect(after).toEqual(before);
        expect((await store.status()).spans).toBe(2);
        expect((await store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(1);
        expect(await store.append(request)).toMatchObject({ stored: 0, duplicate: 2 });
        await store.append(makeRequest(...call('a', { id: '1', error: 'ECONNREFUSED' })));
        expect((await store.status()).spans).toBe(2);
      });

      test('retention drops by arrival, not by what the spans say of their time', async () => {
        await store.append(
          makeRequest({ trace: 'a', more: { startTimeUnixNano: '1', endTimeUnixNano: '2' } }),
        );
        expect(await store.applyRetention(60_000, 1e9)).toBe(0);
        const { oldestUnixMs } = await store.status();
        await expect.poll(() => Date.now() > oldestUnixMs!).toBe(true);
        expect(await store.applyRetention(0, 1e9)).toBe(1);
        expect(await store.readTrace(traceId('a'))).toEqual([]);
        expect(await store.status()).toMatchObject({ spans: 0, oldestUnixMs: null });
      });

      test('a trace that loses some of its spans is counted again from those it keeps', async () => {
        await store.append(makeRequest({ trace: 'a', id: '1', durationMs: 9000, error: 'Boom' }));
        const { oldestUnixMs } = await store.status();
        await expect.poll(() => Date.now() > oldestUnixMs! + 200).toBe(true);
        await store.append(makeRequest({ trace: 'a', id: '2', parent: '1', startMs: 5, durationMs: 20 }));
        // The limit falls between the two.
        expect(await store.applyRetention(Date.now() - oldestUnixMs! - 100, 1e9)).toBe(1);
        expect((await search('')).traces).toMatchObject([{ spans: 1, errors: 0, durationMs: 20 }]);
      });

      test('a pinned trace outlives retention and is the same after it; let go, it goes', async () => {
        await store.append(
          makeRequest(
            ...call('a', { id: '1', error: 'ECONNREFUSED' }, { id: '2' }),
            ...call('b', { id: '1' }, { id: '2' }),
          ),
        );
        expect(await store.pinTrace(traceId('c'))).toBe('unknown');
        expect(await store.isPinned(traceId('a'))).toBe(false);
        expect(await store.pinTrace(traceId('a'))).toBe('pinned');
        expect(await store.isPinned(traceId('a'))).toBe(true);
        const before = await store.readTraceBytes(traceId('a'));
        const { oldestUnixMs } = await store.status();
        await expect.poll(() => Date.now() > oldestUnixMs!).toBe(true);
        // Again and again: a pinned trace has no time.
        for (const dropped of [2, 0]) expect(await store.applyRetention(0, 1e9)).toBe(dropped);
        store = await backend.reopen(store);
        expect(await store.applyRetention(0, 1e9)).toBe(0);
        expect(await store.readTraceBytes(traceId('a'))).toEqual(before);
        expect(await store.readTrace(traceId('b'))).toEqual([]);
        expect((await store.readUndiagnosed(AT_ONCE, 10)).traceIds).toEqual([traceId('a')]);
        expect(await found('service:checkout')).toEqual(['a']);
        // Its calls are of a time that the map no longer has.
        expect(await store.readCallGroups(AROUND_NOON)).toEqual([]);
        await store.unpinTrace(traceId('a'));
        expect(await store.applyRetention(0, 1e9)).toBe(2);
        expect(await store.readTrace(traceId('a'))).toEqual([]);
        expect((await store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(0);
        expect(await store.status()).toMatchObject({ spans: 0 });
      });

      test('sums are those of the spans that retention left', async () => {
        await store.append(makeRequest(...call('a', { id: '1', durationMs: 100 }), { trace: 'b', id: '1' }));
        const { oldestUnixMs } = await store.status();
        await expect.poll(() => Date.now() > oldestUnixMs! + 200).toBe(true);
        await store.append(makeRequest({ trace: 'a', id: '2', parent: '1', service: 'payments' }));
        expect(await store.readCallGroups(AROUND_NOON)).toMatchObject([
          { from: null, to: 'checkout', calls: 1 },
          { from: 'checkout', to: 'payments', calls: 1, p50Ms: about(100) },
        ]);
        expect(await store.applyRetention(Date.now() - oldestUnixMs! - 100, 1e9)).toBe(2);
        expect(await store.readCallGroups(AROUND_NOON)).toEqual([]);
        const stats = await store.readServiceStats(AROUND_NOON, { byOperation: false, service: null });
        expect(stats).toMatchObject([{ service: 'payments', calls: 1 }]);
      });

      test('what is kept within a size is the newest, and the rest is counted as dropped', async () => {
        const sent = 3_000;
        for (let batch = 0; batch < 3; batch++) {
          const spans = Array.from({ length: sent / 3 }, (_, i) => ({
            trace: (0x1000 + batch * 1000 + i).toString(16),
            // Of such text nothing can be saved by compressing it.
            attributes: { filler: randomBytes(750).toString('base64') },
          }));
          await store.append(makeRequest(...spans));
          // What is stored by now is dropped as a whole.
          await store.status();
        }
        const dropped = await store.applyRetention(60_000, 2_000_000);
        const { spans } = await store.status();
        expect(dropped).toBeGreaterThan(0);
        expect(dropped + spans).toBe(sent);
        expect(spans).toBeGreaterThan(0);
        const newest = traceId((0x1000 + sent - 1).toString(16));
        expect(await store.readTrace(newest)).toHaveLength(1);
        expect(await store.readTrace(traceId('1000'))).toEqual([]);
      });

      test('purge deletes everything, and the store goes on', async () => {
        await store.append(makeRequest(...call('a', { id: '1' }, { id: '2' })));
        await store.purge();
        expect(await store.status()).toMatchObject({ spans: 0, oldestUnixMs: null });
        expect((await search('')).total).toBe(0);
        expect(await store.append(makeRequest(...call('a', { id: '1' }, { id: '2' })))).toMatchObject({
          stored: 2,
        });
        expect(await store.readTrace(traceId('a'))).toHaveLength(2);
      });

      test('closing finishes what was accepted; afterwards appends are refused as unavailable', async () => {
        const appends = Array.from({ length: 50 }, (_, i) =>
          store.append(makeRequest({ id: String(i + 1) })),
        );
        const closed = store.close();
        expect((await Promise.all(appends)).every((outcome) => outcome.stored === 1)).toBe(true);
        await closed;
        await expect(store.append(makeRequest({ id: '99' }))).rejects.toMatchObject({
          name: 'StoreUnavailable',
        });
        store = await backend.reopen(store);
        expect((await store.status()).spans).toBe(50);
      });
    });
  });
}

const MINUTE_MS = 60_000;

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
