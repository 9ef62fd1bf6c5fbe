/** Calls, services, operations, attributes and versions, as sums over the spans. */
import { expect, test } from 'vitest';
import { about } from '../../about.ts';
import { AROUND_NOON, call, makeRequest, NOON_UNIX_MS, traceId, type SentSpan } from '../make-request.ts';
import type { TestedStore } from './tested-store.ts';

export function checkStatistics(tested: TestedStore): void {
  test('the outcome and latency of an edge are the caller’s, however late the server’s span comes', async () => {
    await tested.store.append(
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
    const before = await tested.store.readCallGroups(AROUND_NOON);
    expect(before).toMatchObject([{ from: 'checkout', to: 'payments.local', callee: { kind: 'external' } }]);
    await tested.store.append(
      makeRequest({ trace: 'a', id: '2', parent: '1', service: 'payments', durationMs: 9000 }),
    );
    const [edge] = await tested.store.readCallGroups(AROUND_NOON);
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
    await tested.store.append(makeRequest(...call('a', { id: '1' }, { id: '2' })));
    await tested.store.append(makeRequest(...call('b', { id: '1', error: 'ECONNREFUSED', durationMs: 1 })));
    const [edge] = await tested.store.readCallGroups(AROUND_NOON);
    expect(edge).toMatchObject({ to: 'payments', calls: 2, errors: 1, neverArrived: 1 });
    expect(await tested.store.readAddressServices(['payments.local:8443', 'x:1'])).toEqual(
      new Map([['payments.local:8443', 'payments']]),
    );
  });

  test('an address that two services answer behind tells nothing', async () => {
    await tested.store.append(
      makeRequest(
        ...call('a', { id: '1' }, { id: '2' }),
        ...call('b', { id: '1' }, { id: '2', service: 'refunds' }),
      ),
    );
    expect(await tested.store.readAddressServices(['payments.local:8443'])).toEqual(new Map());
  });

  test('requests from outside are a group of their own', async () => {
    await tested.store.append(makeRequest({ id: '1', durationMs: 7 }));
    expect(await tested.store.readCallGroups(AROUND_NOON)).toMatchObject([
      { from: null, to: 'checkout', calls: 1, p50Ms: about(7) },
    ]);
  });

  test('streams count as calls but have no latency', async () => {
    await tested.store.append(
      makeRequest(
        ...call('a', { id: '1', durationMs: 10 }),
        ...call('b', { id: '1', durationMs: 60_000, attributes: { 'sockeye.stream': true } }),
      ),
    );
    expect(await tested.store.readCallGroups(AROUND_NOON)).toMatchObject([{ calls: 2, p99Ms: about(10) }]);
  });

  test('services and operations count the spans that serve', async () => {
    await tested.store.append(
      makeRequest(
        ...call(
          'a',
          { id: '1', name: 'GET', service: 'gateway' },
          { id: '2', name: 'GET /pay', durationMs: 5 },
        ),
      ),
    );
    const services = await tested.store.readServiceStats(AROUND_NOON, { byOperation: false, service: null });
    expect(services.map(({ service, calls }) => [service, calls])).toEqual([
      ['gateway', 0],
      ['payments', 1],
    ]);
    const operations = await tested.store.readServiceStats(AROUND_NOON, {
      byOperation: true,
      service: 'payments',
    });
    expect(operations).toMatchObject([
      { service: 'payments', operation: 'GET /pay', kinds: ['server'], calls: 1, p99Ms: about(5) },
    ]);
  });

  test('latency is read as any quantile', async () => {
    await tested.store.append(
      makeRequest(...[10, 20, 30, 40].map((durationMs, at) => ({ trace: `${at + 1}`, durationMs }))),
    );
    const readAt = async (quantile: number) => {
      const group = { byOperation: false, service: null, quantile };
      return (await tested.store.readServiceStats(AROUND_NOON, group))[0]!.quantileMs;
    };
    expect([await readAt(0), await readAt(0.5), await readAt(0.75), await readAt(1)]).toEqual(
      [10, 20, 30, 40].map(about),
    );
  });

  test('an operation is called by the beginning of a long name, and the span keeps the whole', async () => {
    const name = 'n'.repeat(1_000_000);
    await tested.store.append(makeRequest({ id: '1', name }, { id: '2', name: `${name}other` }));
    expect((await tested.store.readTrace(traceId('1')))[0]!.name).toBe(name);
    const operations = await tested.store.readServiceStats(AROUND_NOON, { byOperation: true, service: null });
    expect(operations.map(({ operation }) => operation)).toEqual([`${'n'.repeat(1_023)}…`]);
  });

  test('what is normal leaves out the trace that is judged by it', async () => {
    const key = { service: 'checkout', operation: 'GET /', kind: 'server' } as const;
    await tested.store.append(
      makeRequest(
        { trace: 'a', durationMs: 10 },
        { trace: 'b', durationMs: 20 },
        { trace: 'c', durationMs: 9000 },
      ),
    );
    expect(await tested.store.readNormals([key], traceId('c'))).toEqual([
      { ...key, count: 2, p10Ms: about(10), p50Ms: about(10), p90Ms: about(20) },
    ]);
  });

  test('what is normal leaves out what an inner timer decided, and keeps what went on in its own time', async () => {
    const key = { service: 'payments', operation: 'POST /pay', kind: 'server' } as const;
    const pay = (trace: string, durationMs: number, bankMs?: number) =>
      makeRequest(
        ...call(
          trace,
          { id: '1', name: 'POST', durationMs: 1000, error: 'ETIMEDOUT' },
          { id: '2', name: 'POST /pay', durationMs },
        ),
        ...(bankMs === undefined
          ? []
          : call(trace, {
              id: '3',
              parent: '2',
              service: 'payments',
              durationMs: bankMs,
              error: 'ETIMEDOUT',
            })),
      );
    for (const trace of ['a1', 'a2', 'a3']) await tested.store.append(pay(trace, 3012, 3000));
    await tested.store.append(pay('b', 2000));
    await tested.store.append(pay('c', 2500));
    const normal = { ...key, count: 2, p10Ms: about(2000), p50Ms: about(2000), p90Ms: about(2500) };
    expect(await tested.store.readNormals([key], traceId('dead'))).toEqual([normal]);
    expect(await tested.store.readNormals([key], traceId('a1'))).toEqual([normal]);
    expect(await tested.store.readNormals([key], traceId('c'))).toEqual([
      { ...normal, count: 1, p90Ms: about(2000) },
    ]);
    const [operation] = (
      await tested.store.readServiceStats(AROUND_NOON, { byOperation: true, service: 'payments' })
    ).filter(({ operation }) => operation === 'POST /pay');
    expect(operation).toMatchObject({ calls: 5, p50Ms: about(3012) });
  });

  test('attribute names and values come with counts, most frequent first', async () => {
    await tested.store.append(
      makeRequest(
        { id: '1', attributes: { 'shop.item': 'hat', other: 1 } },
        { id: '2', attributes: { 'shop.item': 'hat' } },
        { id: '3', attributes: { 'shop.item': 'shoe' } },
      ),
    );
    expect(await tested.store.readAttributeKeys(AROUND_NOON, 'shop', 10)).toEqual([
      { key: 'shop.item', count: 3 },
    ]);
    const namesOf = async (of: 'span' | 'resource') =>
      (await tested.store.readAttributeKeys(AROUND_NOON, '', 10, of)).map(({ key }) => key);
    expect([await namesOf('span'), await namesOf('resource')]).toEqual([
      ['shop.item', 'other'],
      ['service.name'],
    ]);
    expect(await tested.store.readAttributeValues(AROUND_NOON, 'shop.item', '', 10)).toEqual([
      { value: 'hat', count: 2 },
      { value: 'shoe', count: 1 },
    ]);
    expect(await tested.store.readAttributeValues(AROUND_NOON, 'shop.item', 's', 10)).toHaveLength(1);
  });

  test('offers no value that is too long to type', async () => {
    const typed = 'y'.repeat(1_000);
    await tested.store.append(
      makeRequest(
        { id: '1', attributes: { text: 'x'.repeat(1_001) } },
        { id: '2', attributes: { text: typed } },
      ),
    );
    expect(await tested.store.readAttributeValues(AROUND_NOON, 'text', '', 10)).toEqual([
      { value: typed, count: 1 },
    ]);
  });

  const tracesOf = async (caller: string | null, callee: string, outcome: 'ok' | 'any', limit = 10) =>
    (await tested.store.readEdgeCalls(AROUND_NOON, { caller, callee }, outcome, limit)).map((span) =>
      span.traceId.replace(/^0+/, ''),
    );

  test('the calls of an edge are found newest first, all of them or those that worked', async () => {
    await tested.store.append(
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
    await tested.store.append(
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
    await tested.store.append(
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
    const counts = await tested.store.readCallCounts(AROUND_NOON, 4);
    expect(counts).toEqual([
      { calls: 1, errors: 0, timeouts: 0 },
      { calls: 1, errors: 1, timeouts: 0 },
      { calls: 1, errors: 0, timeouts: 1 },
      { calls: 1, errors: 0, timeouts: 0 },
    ]);
    const groups = await tested.store.readCallGroups(AROUND_NOON);
    expect(groups.reduce((sum, group) => sum + group.calls, 0)).toBe(4);
  });

  test('versions of a service stand with the minutes of their first and last span of the range', async () => {
    const version = (id: string, startMs: number, resource: Record<string, string>): SentSpan => ({
      id,
      startMs,
      resource,
    });
    await tested.store.append(
      makeRequest(
        version('1', -7_200_000, { 'service.version': '1.0' }),
        version('2', 0, { 'service.version': '1.0', 'host.name': 'a' }),
        version('3', MINUTE_MS, { 'service.version': '1.0', 'host.name': 'b' }),
        version('4', 3 * MINUTE_MS + 1, { 'service.version': '1.1' }),
        version('5', 4 * MINUTE_MS, {}),
      ),
    );
    const found = await tested.store.readVersions(AROUND_NOON);
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
}

const MINUTE_MS = 60_000;
