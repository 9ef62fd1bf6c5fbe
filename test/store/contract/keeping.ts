/** What is there after a restart, what retention, pins and purge keep and drop. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { about } from '../../about.ts';
import { AROUND_NOON, AT_ONCE, call, makeRequest, traceId } from '../make-request.ts';
import type { TestedStore } from './tested-store.ts';

export function checkKeeping(tested: TestedStore): void {
  test('everything is there after a restart', async () => {
    const request = makeRequest(...call('a', { id: '1', error: 'ECONNREFUSED' }, { id: '2' }));
    await tested.store.append(request);
    const before = await Promise.all([
      tested.store.readTrace(traceId('a')),
      tested.store.readCallGroups(AROUND_NOON),
    ]);
    await tested.reopen();
    const after = await Promise.all([
      tested.store.readTrace(traceId('a')),
      tested.store.readCallGroups(AROUND_NOON),
    ]);
    expect(after).toEqual(before);
    expect((await tested.store.status()).spans).toBe(2);
    expect((await tested.store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(1);
    expect(await tested.store.append(request)).toMatchObject({ stored: 0, duplicate: 2 });
    await tested.store.append(makeRequest(...call('a', { id: '1', error: 'ECONNREFUSED' })));
    expect((await tested.store.status()).spans).toBe(2);
  });

  test('retention drops by arrival, not by what the spans say of their time', async () => {
    await tested.store.append(
      makeRequest({ trace: 'a', more: { startTimeUnixNano: '1', endTimeUnixNano: '2' } }),
    );
    expect(await tested.store.applyRetention(60_000, 1e9)).toBe(0);
    const { oldestUnixMs } = await tested.store.status();
    await expect.poll(() => Date.now() > oldestUnixMs!).toBe(true);
    expect(await tested.store.applyRetention(0, 1e9)).toBe(1);
    expect(await tested.store.readTrace(traceId('a'))).toEqual([]);
    expect(await tested.store.status()).toMatchObject({ spans: 0, oldestUnixMs: null });
  });

  test('a trace that loses some of its spans is counted again from those it keeps', async () => {
    await tested.store.append(makeRequest({ trace: 'a', id: '1', durationMs: 9000, error: 'Boom' }));
    const { oldestUnixMs } = await tested.store.status();
    await expect.poll(() => Date.now() > oldestUnixMs! + 200).toBe(true);
    await tested.store.append(makeRequest({ trace: 'a', id: '2', parent: '1', startMs: 5, durationMs: 20 }));
    // The limit falls between the two.
    expect(await tested.store.applyRetention(Date.now() - oldestUnixMs! - 100, 1e9)).toBe(1);
    expect((await tested.search('')).traces).toMatchObject([{ spans: 1, errors: 0, durationMs: 20 }]);
  });

  test('a pinned trace outlives retention and is the same after it; let go, it goes', async () => {
    await tested.store.append(
      makeRequest(
        ...call('a', { id: '1', error: 'ECONNREFUSED' }, { id: '2' }),
        ...call('b', { id: '1' }, { id: '2' }),
      ),
    );
    expect(await tested.store.pinTrace(traceId('c'))).toBe('unknown');
    expect(await tested.store.isPinned(traceId('a'))).toBe(false);
    expect(await tested.store.pinTrace(traceId('a'))).toBe('pinned');
    expect(await tested.store.isPinned(traceId('a'))).toBe(true);
    const before = await tested.store.readTraceBytes(traceId('a'));
    const { oldestUnixMs } = await tested.store.status();
    await expect.poll(() => Date.now() > oldestUnixMs!).toBe(true);
    // Again and again: a pinned trace has no time.
    for (const dropped of [2, 0]) expect(await tested.store.applyRetention(0, 1e9)).toBe(dropped);
    await tested.reopen();
    expect(await tested.store.applyRetention(0, 1e9)).toBe(0);
    expect(await tested.store.readTraceBytes(traceId('a'))).toEqual(before);
    expect(await tested.store.readTrace(traceId('b'))).toEqual([]);
    expect((await tested.store.readUndiagnosed(AT_ONCE, 10)).traceIds).toEqual([traceId('a')]);
    expect(await tested.found('service:checkout')).toEqual(['a']);
    // Its calls are of a time that the map no longer has.
    expect(await tested.store.readCallGroups(AROUND_NOON)).toEqual([]);
    await tested.store.unpinTrace(traceId('a'));
    expect(await tested.store.applyRetention(0, 1e9)).toBe(2);
    expect(await tested.store.readTrace(traceId('a'))).toEqual([]);
    expect((await tested.store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(0);
    expect(await tested.store.status()).toMatchObject({ spans: 0 });
  });

  test('sums are those of the spans that retention left', async () => {
    await tested.store.append(
      makeRequest(...call('a', { id: '1', durationMs: 100 }), { trace: 'b', id: '1' }),
    );
    const { oldestUnixMs } = await tested.store.status();
    await expect.poll(() => Date.now() > oldestUnixMs! + 200).toBe(true);
    await tested.store.append(makeRequest({ trace: 'a', id: '2', parent: '1', service: 'payments' }));
    expect(await tested.store.readCallGroups(AROUND_NOON)).toMatchObject([
      { from: null, to: 'checkout', calls: 1 },
      { from: 'checkout', to: 'payments', calls: 1, p50Ms: about(100) },
    ]);
    expect(await tested.store.applyRetention(Date.now() - oldestUnixMs! - 100, 1e9)).toBe(2);
    expect(await tested.store.readCallGroups(AROUND_NOON)).toEqual([]);
    const stats = await tested.store.readServiceStats(AROUND_NOON, { byOperation: false, service: null });
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
      await tested.store.append(makeRequest(...spans));
      // What is stored by now is dropped as a whole.
      await tested.store.status();
    }
    const dropped = await tested.store.applyRetention(60_000, 2_000_000);
    const { spans } = await tested.store.status();
    expect(dropped).toBeGreaterThan(0);
    expect(dropped + spans).toBe(sent);
    expect(spans).toBeGreaterThan(0);
    const newest = traceId((0x1000 + sent - 1).toString(16));
    expect(await tested.store.readTrace(newest)).toHaveLength(1);
    expect(await tested.store.readTrace(traceId('1000'))).toEqual([]);
  });

  test('purge deletes everything, and the store goes on', async () => {
    await tested.store.append(makeRequest(...call('a', { id: '1' }, { id: '2' })));
    await tested.store.purge();
    expect(await tested.store.status()).toMatchObject({ spans: 0, oldestUnixMs: null });
    expect((await tested.search('')).total).toBe(0);
    expect(await tested.store.append(makeRequest(...call('a', { id: '1' }, { id: '2' })))).toMatchObject({
      stored: 2,
    });
    expect(await tested.store.readTrace(traceId('a'))).toHaveLength(2);
  });

  test('closing finishes what was accepted; afterwards appends are refused as unavailable', async () => {
    const appends = Array.from({ length: 50 }, (_, i) =>
      tested.store.append(makeRequest({ id: String(i + 1) })),
    );
    const closed = tested.store.close();
    expect((await Promise.all(appends)).every((outcome) => outcome.stored === 1)).toBe(true);
    await closed;
    await expect(tested.store.append(makeRequest({ id: '99' }))).rejects.toMatchObject({
      name: 'StoreUnavailable',
    });
    await tested.reopen();
    expect((await tested.store.status()).spans).toBe(50);
  });
}
