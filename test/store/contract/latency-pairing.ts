/** Latency of calls by whom they went to, wherever the span lies that says so. */
import { expect, test } from 'vitest';
import type { LatencyAsked } from '../../../collector/store/store.ts';
import { AROUND_NOON, call, makeRequest, NOON_UNIX_MS, type SentSpan } from '../make-request.ts';
import { MINUTES, NOBODY, phases } from './latency.ts';
import type { TestedStore } from './tested-store.ts';

export function checkLatencyPairing(tested: TestedStore): void {
  const read = (asked: Partial<LatencyAsked>) =>
    tested.store.readLatency({ ...NOBODY, ...MINUTES, ...asked });

  /** front ─▶ cart and stock, both behind one address; of calls that time out the server's spans come when it is done. */
  const TIMED_OUT = 20;
  const isTimeout = (index: number) => index < TIMED_OUT;
  const traces = Array.from({ length: 200 }, (_, index): [SentSpan, SentSpan] => {
    const service = index % 2 === 0 ? 'cart' : 'stock';
    const waitMs = isTimeout(index) ? 3000 : 20;
    const gaveUp = { 'sockeye.timeout.phase': 'wait', 'sockeye.timeout.budget_ms': 3000 };
    const [client, server] = call(
      `e${index}`,
      {
        id: '1',
        service: 'front',
        name: 'GET',
        startMs: index * 1000,
        durationMs: waitMs + 1,
        ...(isTimeout(index) && { error: 'TimeoutError' }),
        attributes: {
          'server.address': 'lb',
          'server.port': 80,
          ...phases(1, waitMs),
          ...(isTimeout(index) && gaveUp),
        },
      },
      {
        id: '2',
        service,
        name: `GET /${service}`,
        startMs: index * 1000 + 2,
        durationMs: isTimeout(index) ? 9000 : 18,
      },
    );
    return [client!, server!];
  });

  test('is that of calls, too, whose server’s span came in another block', async () => {
    const early = traces.flatMap(([client, server], index) =>
      isTimeout(index) ? [client] : [client, server],
    );
    await tested.store.append(makeRequest(...early));
    expect(await read({ service: 'front' })).toBeDefined();
    await tested.store.append(makeRequest(...traces.slice(0, TIMED_OUT).map(([, server]) => server)));
    const cart = { service: 'front', peer: 'cart' };
    await expect.poll(async () => (await read(cart)).calls).toBe(100);
    const answer = await read(cart);
    expect(answer).toMatchObject({ timeouts: 10, read: { timeouts: 10 }, truncated: false, walls: [] });
    expect(answer.cells.reduce((sum, { timeouts }) => sum + timeouts, 0)).toBe(10);
    const counted = { calls: 100, timeouts: 10, truncated: false };
    expect(await read({ ...cart, phase: 'wait' })).toMatchObject(counted);
    expect(await read({ ...cart, operation: 'GET' })).toMatchObject(counted);
    const served = { service: 'cart', operation: 'GET /cart', phase: 'wait' } as const;
    expect(await read(served)).toMatchObject(counted);
    expect(await read({ peer: 'lb', operation: 'GET' })).toMatchObject({ calls: 0, walls: [] });
    const range = { fromUnixMs: NOON_UNIX_MS, toUnixMs: NOON_UNIX_MS + 60_000 };
    const slow = { range, minMs: 2900, maxMs: null };
    const differs = await tested.store.readLatencyDiffers({ ...NOBODY, ...MINUTES, ...cart }, slow);
    expect(differs.selected).toMatchObject({ calls: 10, timeouts: 10 });
    const edge = { caller: 'front', callee: 'cart' };
    expect(await tested.store.readEdgeCalls(AROUND_NOON, edge, 'any', 1_000)).toHaveLength(100);
  });

  test('is that of calls whose server’s span is far from them in a large trace', async () => {
    const CALLS = 9_000;
    const large = Array.from({ length: CALLS }, (_, index) =>
      call(
        'f',
        {
          id: (index + 1).toString(16),
          service: 'front',
          name: 'GET',
          startMs: index,
          durationMs: 60_000,
          // That is who is called where no server is found.
          attributes: { 'server.address': '', 'peer.service': 'nobody' },
        },
        { id: `a${index.toString(16).padStart(5, '0')}`, service: 'cart', startMs: index + 30_000 },
      ),
    ).flat();
    await tested.store.append(makeRequest(...large));
    await expect.poll(async () => (await read({ peer: 'cart' })).calls).toBe(CALLS);
    expect(await read({ peer: 'cart', operation: 'GET' })).toMatchObject({ calls: CALLS, truncated: false });
    expect(await read({ peer: 'nobody', operation: 'GET' })).toMatchObject({ calls: 0 });
  });
}
