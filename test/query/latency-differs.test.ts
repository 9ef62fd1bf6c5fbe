import { expect, test } from 'vitest';
import { describeDiffers, type LookedCall } from '../../collector/query/latency-differs.ts';

const range = { fromUnixMs: 0, toUnixMs: 60_000 };
const asked = { range, steps: 1, service: null, operation: null, peer: null, phase: null };
const brush = { range, minMs: 100, maxMs: null };
const callOf = (index: number, durationMs: number, more: Partial<LookedCall> = {}): LookedCall => ({
  traceId: `t${index}`,
  spanId: `s${index}`,
  service: 'shop',
  operation: 'GET /',
  startMs: index,
  durationMs,
  outcome: 'ok',
  phases: [],
  attributes: new Map(),
  resource: { attributes: new Map() },
  ...more,
});
const times = (count: number, make: (index: number) => LookedCall) =>
  Array.from({ length: count }, (_, index) => make(index));
const differs = (selected: readonly LookedCall[], others: readonly LookedCall[], more: object = {}) =>
  describeDiffers({ ...asked, ...more }, 'served', brush, selected, others, false);

test('service and operation are compared where they were not asked for', () => {
  const selected = times(4, (index) => callOf(index, 200, { operation: 'GET /report' }));
  const others = times(9, (index) => callOf(index, 5));
  expect(differs(selected, others).differs).toEqual([
    { key: 'operation', value: 'GET /report', share: 1, othersShare: 0 },
  ]);
  const keysOf = (more: object) => differs(selected, others, more).shared.map(({ key }) => key);
  expect(keysOf({})).toEqual(['operation', 'service']);
  expect(keysOf({ service: 'shop' })).toEqual(['operation']);
  expect(keysOf({ service: 'shop', operation: 'GET /report' })).toEqual([]);
  // Of a service that is called, its callers may differ.
  expect(keysOf({ service: 'payments' })).toEqual(['operation', 'service']);
});

test('one call has nothing in common but chance, and few others tell nothing', () => {
  const slow = (index: number) => callOf(index, 200, { attributes: new Map([['tenant', 'a']]) });
  expect(
    differs(
      [slow(1)],
      times(9, (index) => callOf(index, 5)),
    ),
  ).toMatchObject({ shared: [], differs: [] });
  expect(differs(times(4, slow), [callOf(9, 5)]).differs).toEqual([]);
});

test('the examples are the slowest and the newest, each of another trace', () => {
  const selected = times(12, (index) => callOf(index, 1_000 - 10 * index, { traceId: `t${index >> 1}` }));
  const { slowest, newest } = differs(selected, []);
  expect(slowest.map(({ traceId }) => traceId)).toEqual(['t0', 't1', 't2', 't3', 't4']);
  expect(newest.map(({ traceId, spanId }) => `${traceId} ${spanId}`)[0]).toBe('t5 s11');
});

test('outcomes, durations and phases are told of both', () => {
  const slice = (durationMs: number, open: boolean) => ({
    phase: 'wait' as const,
    startOffsetMs: 0,
    durationMs,
    open,
  });
  const selected = [
    callOf(1, 100, { phases: [slice(90, false)] }),
    callOf(2, 3000, { phases: [slice(3000, true)], outcome: 'timeout' }),
    callOf(3, 200, { outcome: 'error' }),
  ];
  expect(differs(selected, [])).toMatchObject({
    selected: {
      calls: 3,
      errors: 1,
      timeouts: 1,
      p50Ms: 200,
      p95Ms: 3000,
      phases: [{ phase: 'wait', durationMs: 1545, open: 1 }],
    },
    others: { calls: 0, p50Ms: 0, phases: [] },
  });
});
