import { describe, expect, test } from 'vitest';
import { describeCalls } from '../../collector/query/edge-calls.ts';
import type { AttributeValue, Span } from '../../collector/span.ts';
import { makeSpan, START_UNIX_NANO } from '../diagnose/make-span.ts';

function callOf(durationMs: number, attributes: Record<string, AttributeValue> = {}): Span {
  const failed = 'error.type' in attributes;
  return makeSpan({
    endUnixNano: START_UNIX_NANO + BigInt(Math.round(durationMs * 1e6)),
    status: { code: failed ? 'error' : 'unset', message: '' },
    attributes,
  });
}
const timedOut = (durationMs: number, phase: string, budgetMs: number): Span =>
  callOf(durationMs, {
    'error.type': 'TimeoutError',
    [`sockeye.phase.${phase}_ms`]: durationMs,
    'sockeye.timeout.phase': phase,
    'sockeye.timeout.timer': 'http_timeout',
    'sockeye.timeout.budget_ms': budgetMs,
  });

describe('durations', () => {
  const shown = (...durationsMs: number[]) =>
    describeCalls(durationsMs.map((ms) => callOf(ms))).durations.map(({ minMs, maxMs, calls }) => [
      minMs,
      maxMs,
      calls,
    ]);

  test('of no calls are no buckets', () => {
    expect(describeCalls([])).toEqual({ calls: 0, durations: [], profiles: [], budgets: [] });
  });

  test('stand in buckets whose lower bound belongs to them and whose upper one does not', () => {
    expect(shown(1, 1.249, 1.25)).toEqual([
      [1, 1.25, 2],
      [1.25, 1.6, 1],
    ]);
    expect(shown(999, 1000)).toEqual([
      [800, 1000, 1],
      [1000, 1250, 1],
    ]);
  });

  test('have no gap between the shortest and the longest', () => {
    const buckets = shown(0.02, 31_000);
    expect(buckets).toHaveLength(62);
    expect(buckets.every(([, maxMs], index) => maxMs === (buckets[index + 1]?.[0] ?? maxMs))).toBe(true);
  });

  test('below a microsecond stand in the first bucket', () => {
    expect(shown(0, 0.000_5)).toEqual([[0.001, 0.001_25, 2]]);
  });

  test('say how many of a bucket timed out or failed', () => {
    const { durations } = describeCalls([
      callOf(3000),
      timedOut(3001, 'connect', 3000),
      callOf(3002, { 'error.type': 'ECONNREFUSED' }),
    ]);
    expect(durations).toEqual([{ minMs: 2500, maxMs: 3200, calls: 3, errors: 1, timeouts: 1 }]);
  });

  test('leave out streams and calls that have not ended', () => {
    const pending = { ...callOf(5), endUnixNano: 0n };
    expect(describeCalls([callOf(60_000, { 'sockeye.stream': true }), pending]).calls).toBe(0);
  });
});

describe('profiles', () => {
  const working = (waitMs: number) =>
    callOf(waitMs + 1, { 'sockeye.phase.connect_ms': 1, 'sockeye.phase.wait_ms': waitMs });

  test('say where the time of the typical and of the slow call goes', () => {
    const calls = [...Array.from({ length: 19 }, (_, index) => working(index + 1)), working(500)];
    const [typical, slow] = describeCalls(calls).profiles;
    expect(typical).toMatchObject({ outcome: 'ok', percent: 50, calls: 20, durationMs: 11 });
    expect(typical?.phases).toEqual([
      { phase: 'connect', durationMs: 1, openShare: 0 },
      { phase: 'wait', durationMs: 10, openShare: 0 },
    ]);
    expect(slow).toMatchObject({ percent: 95, durationMs: 20 });
  });

  test('are the mean of the calls nearest to the percentile, so that one oddity does not decide', () => {
    const calls = Array.from({ length: 200 }, (_, index) => working(index));
    // The 95th percentile is the call of rank 189; five on either side are like it.
    expect(describeCalls(calls).profiles[1]?.phases[1]?.durationMs).toBeCloseTo(189);
  });

  test('of timed-out calls say in which phase they ended', () => {
    const { profiles } = describeCalls([
      timedOut(3000, 'connect', 3000),
      timedOut(3000, 'connect', 3000),
      working(3),
    ]);
    expect(profiles.find(({ outcome }) => outcome === 'timeout')).toEqual({
      outcome: 'timeout',
      percent: 50,
      calls: 2,
      durationMs: 3000,
      phases: [{ phase: 'connect', durationMs: 3000, openShare: 1 }],
    });
  });

  test('are none where no phases were measured', () => {
    expect(describeCalls([callOf(10)]).profiles).toEqual([]);
  });
});

test('budgets are counted with the timer that enforced them, shortest first', () => {
  const { budgets } = describeCalls([
    timedOut(5000, 'wait', 5000),
    timedOut(3000, 'wait', 3000),
    timedOut(3001, 'connect', 3000),
  ]);
  expect(budgets).toEqual([
    { budgetMs: 3000, timer: 'http_timeout', calls: 2 },
    { budgetMs: 5000, timer: 'http_timeout', calls: 1 },
  ]);
});
