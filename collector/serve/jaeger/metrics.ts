/**
 * Rates, errors and latency of services over time, as Jaeger's monitor page asks for them, from the sums per minute.
 *
 *     ──────┬─────── ratePer ───────┬──────▶     one point: what the sums say of the time before it
 *                                   t
 */
import type { Query } from '../../query/query.ts';
import type { OperationTotals, ServiceStats } from '../../query/results.ts';
import { Cancelled, type TimeRange } from '../../store/store.ts';
import { badRequest, unreadable } from './errors.ts';
import { readInteger } from './search.ts';

export const METRICS = ['latencies', 'calls', 'errors'] as const;
export type Metric = (typeof METRICS)[number];

const MINUTE_MS = 60_000;
const LOOKBACK_DEFAULT_MS = 3_600_000;
const RATE_DEFAULT_MS = 600_000;
/** Points of one answer, each read from sums of its own; wider apart where more are asked for. */
const POINTS_MAX = 61;
const UNIX_MS_MAX = 8.64e15;
/** Spans that serve, which the sums count together. */
const KINDS = new Set(['server', 'consumer']);

export interface MetricsQuestion {
  readonly metric: Metric;
  readonly services: readonly string[];
  readonly byOperation: boolean;
  /** Of latencies. */
  readonly quantile: number | null;
  /** Each ends at its point, and begins and ends with a minute. None where the sums do not say what is asked. */
  readonly windows: readonly TimeRange[];
}

type Stats = ServiceStats & Partial<Pick<OperationTotals, 'operation' | 'quantileMs'>>;

export function readMetricsQuestion(
  metric: Metric,
  query: URLSearchParams,
  nowUnixMs: number,
): MetricsQuestion {
  const services = query.getAll('service');
  if (services.length === 0)
    throw badRequest("unable to parse param 'service': please provide at least one service name");
  const kinds = query.getAll('spanKind');
  const isServing = kinds.length === 0 || kinds.some((kind) => KINDS.has(kind.toLowerCase()));
  const group = query.get('groupByOperation') || 'false';
  if (group !== 'true' && group !== 'false') throw unreadable('groupByOperation', group, 'true or false');
  const quantile = metric === 'latencies' ? readQuantile(query) : null;
  const windows = readWindows(query, nowUnixMs);
  // Empty, and no error: Jaeger's page takes an error of one curve for metrics that are not set up.
  return { metric, services, byOperation: group === 'true', quantile, windows: isServing ? windows : [] };
}

function readQuantile(query: URLSearchParams): number {
  const text = query.get('quantile') ?? '';
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= 0 && value <= 1)) throw unreadable('quantile', text, 'a number from 0 to 1');
  return value;
}

function readWindows(query: URLSearchParams, nowUnixMs: number): TimeRange[] {
  const [lookback, step, rate] = (['lookback', 'step', 'ratePer'] as const).map((name) => {
    const ms = readInteger(query, name);
    if (ms !== null && ms <= 0) throw unreadable(name, String(ms), 'milliseconds');
    return ms;
  });
  const lookbackMs = Math.min(lookback ?? LOOKBACK_DEFAULT_MS, UNIX_MS_MAX);
  const end = Math.min(Math.max(readInteger(query, 'endTs') ?? nowUnixMs, 0), UNIX_MS_MAX - MINUTE_MS);
  // Sums are of whole minutes: a window of parts of them would count what lies beside it.
  const windowMs = toMinutes(Math.min(rate ?? RATE_DEFAULT_MS, UNIX_MS_MAX));
  const stepMs = toMinutes(Math.max(step ?? MINUTE_MS, lookbackMs / (POINTS_MAX - 1)));
  const last = Math.floor(end / MINUTE_MS) * MINUTE_MS;
  const count = Math.min(POINTS_MAX, Math.floor(lookbackMs / stepMs) + 1);
  return Array.from({ length: count }, (_, index) => last - (count - 1 - index) * stepMs)
    .filter((toUnixMs) => toUnixMs > 0)
    .map((toUnixMs) => ({ fromUnixMs: Math.max(0, toUnixMs - windowMs), toUnixMs }));
}

function toMinutes(ms: number): number {
  return Math.ceil(ms / MINUTE_MS) * MINUTE_MS;
}

/** Point by point, until the client leaves. */
export async function readMetrics(
  query: Query,
  question: MetricsQuestion,
  signal: AbortSignal,
): Promise<object> {
  const points: Stats[][] = [];
  for (const window of question.windows) {
    if (signal.aborted) throw new Cancelled('the caller went away');
    const stats = await statsOf(query, question, window);
    points.push(stats.filter(({ service }) => question.services.includes(service)));
  }
  return familyOf(question, points);
}

async function statsOf(
  query: Query,
  { byOperation, quantile }: MetricsQuestion,
  window: TimeRange,
): Promise<readonly Stats[]> {
  if (quantile !== null) return query.quantiles(window, byOperation, quantile);
  return byOperation
    ? (await query.operations(window, null)).operations
    : (await query.services(window)).services;
}

/** `points` are the statistics of each window. */
export function familyOf(question: MetricsQuestion, points: readonly (readonly Stats[])[]): object {
  const { metric, byOperation, windows } = question;
  const series = new Map<string, { labels: object[]; metricPoints: object[] }>();
  for (const [index, stats] of points.entries()) {
    const window = windows[index]!;
    for (const each of stats) {
      const value = valueOf(question, each, window);
      if (value === null) continue;
      const key = JSON.stringify([each.service, each.operation]);
      const known = series.get(key) ?? { labels: labelsOf(each, byOperation), metricPoints: [] };
      known.metricPoints.push({
        gaugeValue: { doubleValue: value },
        timestamp: new Date(window.toUnixMs).toISOString(),
      });
      series.set(key, known);
    }
  }
  const { name, help } = NAMES[metric];
  return {
    name: byOperation ? name.replace('service', 'service_operation') : name,
    type: 'GAUGE',
    help: byOperation ? `${help} & operation` : help,
    metrics: [...series.values()],
  };
}

const NAMES: Readonly<Record<Metric, { name: string; help: string }>> = {
  latencies: { name: 'service_latencies', help: 'quantile latency in milliseconds, grouped by service' },
  calls: { name: 'service_call_rate', help: 'calls/sec, grouped by service' },
  errors: { name: 'service_error_rate', help: 'error rate, as a fraction of calls, grouped by service' },
};

/** null where nothing was called, which says nothing of errors and latency. */
function valueOf({ metric }: MetricsQuestion, stats: Stats, window: TimeRange): number | null {
  const { calls, errors, timeouts } = stats;
  if (metric === 'calls') return (calls * 1000) / (window.toUnixMs - window.fromUnixMs);
  if (calls === 0) return null;
  if (metric === 'errors') return (errors + timeouts) / calls;
  return stats.quantileMs ?? null;
}

function labelsOf({ service, operation }: Stats, byOperation: boolean): object[] {
  const labels = [{ name: 'service_name', value: service }];
  return byOperation ? [{ name: 'operation', value: operation ?? '' }, ...labels] : labels;
}
