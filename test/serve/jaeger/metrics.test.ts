import { describe, expect, it } from 'vitest';
import { familyOf, readMetricsQuestion, type Metric } from '../../../collector/serve/jaeger/metrics.ts';

const MINUTE_MS = 60_000;
const NOW = Date.parse('2026-01-31T12:00:30Z');
const NOON = NOW - 30_000;
const read = (query: string, metric: Metric = 'calls') =>
  readMetricsQuestion(metric, new URLSearchParams(query), NOW);

describe('what is asked', () => {
  it('is the last hour, minute by minute, each of the ten minutes before it', () => {
    const { windows, ...asked } = read('service=a&service=b');
    expect(asked).toEqual({ metric: 'calls', services: ['a', 'b'], byOperation: false, quantile: null });
    expect(windows).toHaveLength(61);
    expect(windows.at(-1)).toEqual({ fromUnixMs: NOON - 10 * MINUTE_MS, toUnixMs: NOON });
    expect(windows[0]!.toUnixMs).toBe(NOON - 60 * MINUTE_MS);
  });

  it('has its own end, length, step and rate, in whole minutes', () => {
    const { windows } = read(
      `service=a&endTs=${NOW}&lookback=600000&step=5000&ratePer=90000&spanKind=server`,
    );
    expect(windows).toHaveLength(11);
    expect(windows.map(({ toUnixMs }) => (NOON - toUnixMs) / MINUTE_MS)).toEqual([
      10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
    ]);
    expect(windows[0]!.toUnixMs - windows[0]!.fromUnixMs).toBe(2 * MINUTE_MS);
  });

  it('is of sixty-one points at most, however long it is, and of none before time began', () => {
    const { windows } = read('service=a&lookback=604800000&step=1');
    expect(windows.length).toBeGreaterThan(50);
    expect(windows.length).toBeLessThanOrEqual(61);
    expect(NOON - windows[0]!.toUnixMs).toBeGreaterThan(6.9 * 86_400_000);
    expect(read('service=a&lookback=9999999999999999999').windows.length).toBeLessThanOrEqual(61);
    expect(read('service=a&endTs=1').windows).toEqual([]);
  });

  it.each([
    ['', 'calls', 400, 'please provide at least one service name'],
    ['service=a&step=x', 'calls', 400, "unable to parse param 'step'"],
    ['service=a&lookback=0', 'calls', 400, "unable to parse param 'lookback'"],
    ['service=a&groupByOperation=2', 'calls', 400, "unable to parse param 'groupByOperation'"],
    ['service=a', 'latencies', 400, "unable to parse param 'quantile'"],
    ['service=a&quantile=2', 'latencies', 400, "unable to parse param 'quantile'"],
  ] as const)('%j of %s is %i', (query, metric, status, message) => {
    expect(() => read(query, metric)).toThrow(expect.objectContaining({ status }));
    expect(() => read(query, metric)).toThrow(message);
  });
});

it('spans that serve nobody have an empty curve', () => {
  const question = read('service=a&spanKind=client', 'errors');
  expect(question.windows).toEqual([]);
  expect(familyOf(question, [])).toMatchObject({ name: expect.any(String), metrics: [] });
});

describe('what is answered', () => {
  const stats = { service: 'a', calls: 30, errors: 2, timeouts: 1, p50Ms: 5, p95Ms: 9, p99Ms: 11 };
  const idle = { ...stats, calls: 0, errors: 0, timeouts: 0 };
  const answer = (metric: Metric, more = '') =>
    familyOf(read(`service=a&lookback=60000&ratePer=60000${more}`, metric), [[idle], [stats]]);
  const point = (doubleValue: number, at = '2026-01-31T12:00:00.000Z') => ({
    gaugeValue: { doubleValue },
    timestamp: at,
  });

  it('is calls a second, 0 where there were none', () => {
    expect(answer('calls')).toEqual({
      name: 'service_call_rate',
      type: 'GAUGE',
      help: 'calls/sec, grouped by service',
      metrics: [
        {
          labels: [{ name: 'service_name', value: 'a' }],
          metricPoints: [point(0, '2026-01-31T11:59:00.000Z'), point(0.5)],
        },
      ],
    });
  });

  it('is the part of calls that failed, and a quantile of how long they took, where there were any', () => {
    expect(answer('errors')).toMatchObject({ metrics: [{ metricPoints: [point(0.1)] }] });
    const asked = read('service=a&lookback=60000&ratePer=60000&quantile=.75', 'latencies');
    expect(asked.quantile).toBe(0.75);
    expect(familyOf(asked, [[{ ...idle, quantileMs: 0 }], [{ ...stats, quantileMs: 7 }]])).toMatchObject({
      name: 'service_latencies',
      metrics: [{ metricPoints: [point(7)] }],
    });
  });

  it('is by operation where that is asked', () => {
    const question = read('service=a&lookback=1&groupByOperation=true');
    expect(familyOf(question, [[{ ...stats, operation: 'GET /' }]])).toMatchObject({
      name: 'service_operation_call_rate',
      metrics: [
        {
          labels: [
            { name: 'operation', value: 'GET /' },
            { name: 'service_name', value: 'a' },
          ],
        },
      ],
    });
  });
});
