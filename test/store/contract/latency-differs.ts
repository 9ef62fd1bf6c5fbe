/** What sets the calls of a part of the latency heatmap apart from the others. */
import { expect, test } from 'vitest';
import { AROUND_NOON, call, makeRequest, NOON_UNIX_MS } from '../make-request.ts';
import { MINUTES, NOBODY, phases } from './latency.ts';
import type { TestedStore } from './tested-store.ts';

export function checkLatencyDiffers(tested: TestedStore): void {
  const slow = (index: number) => index % 4 === 0;
  const pods = Array.from({ length: 40 }, (_, index) =>
    call(
      `c${index}`,
      {
        id: '1',
        name: 'POST',
        startMs: index * 60_000,
        durationMs: slow(index) ? 450 + index : 7,
        attributes: { 'server.address': 'payments.local', ...phases(1, slow(index) ? 449 : 6) },
        resource: { 'host.name': slow(index) ? 'pod-7' : `pod-${index % 3}` },
      },
      { id: '2', durationMs: 5 },
    ),
  ).flat();
  const asked = { ...NOBODY, ...MINUTES, service: 'checkout', peer: 'payments' };

  test('between calls of a part and the others is told by what they say', async () => {
    await tested.store.append(makeRequest(...pods));
    const answer = await tested.store.readLatencyDiffers(asked, {
      range: AROUND_NOON,
      minMs: 400,
      maxMs: null,
    });
    expect(answer).toMatchObject({
      of: 'calls',
      brush: { minMs: 400, maxMs: null },
      selected: {
        calls: 10,
        errors: 0,
        p95Ms: 486,
        phases: [
          { phase: 'connect', durationMs: 1 },
          { phase: 'wait', durationMs: 449 },
        ],
      },
      others: { calls: 30, p50Ms: 7 },
      truncated: false,
      differs: [{ key: 'host.name', value: 'pod-7', share: 1, othersShare: 0 }],
    });
    expect(answer.slowest.map(({ durationMs }) => durationMs)).toEqual([486, 482, 478, 474, 470]);
    expect(answer.newest[0]).toMatchObject({ service: 'checkout', operation: 'POST', outcome: 'ok' });
  });

  test('is of the part’s time and durations, or of a phase', async () => {
    await tested.store.append(makeRequest(...pods));
    const range = { fromUnixMs: NOON_UNIX_MS, toUnixMs: NOON_UNIX_MS + 20 * 60_000 };
    const brush = { range, minMs: 450, maxMs: 460 };
    const part = await tested.store.readLatencyDiffers(asked, brush);
    expect([part.selected.calls, part.others.calls]).toEqual([3, 37]);
    const wait = await tested.store.readLatencyDiffers({ ...asked, phase: 'wait' }, { ...brush, minMs: 400 });
    expect([wait.selected.calls, wait.others.calls]).toEqual([5, 35]);
    const nobody = await tested.store.readLatencyDiffers({ ...asked, peer: 'nobody' }, brush);
    expect(nobody).toMatchObject({
      selected: { calls: 0 },
      others: { calls: 0 },
      differs: [],
      slowest: [],
    });
  });
}
