/** Answers of `/api/latency` drawn as text, for tests of the page. */
import type { Latency } from '../../collector/serve/wire.ts';

export const MINUTE_MS = 60_000;
export const LATENCY_FROM = Date.UTC(2026, 10, 20, 12);

const DECADE = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8, 10];
function bucketOf(ms: number): { minMs: number; maxMs: number } {
  const power = 10 ** Math.floor(Math.log10(ms));
  const at = DECADE.findLastIndex((start) => start * power <= ms * 1.0001);
  return { minMs: DECADE[at]! * power, maxMs: DECADE[at + 1]! * power };
}

/** Of calls in the order of their durations. */
function levelsOf(calls: readonly { ms: number }[]) {
  const at = (share: number) => calls[Math.min(calls.length - 1, Math.floor(calls.length * share))]?.ms ?? 0;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), count: calls.length };
}

/** Durations, in milliseconds, of the calls of each minute; a `!` behind one says that it timed out. */
export function latencyOf(minutes: readonly string[], changes: Partial<Latency> = {}): Latency {
  const steps = minutes.map((text, minute) => {
    const calls = text
      .split(' ')
      .filter(Boolean)
      .map((word) => ({ ms: Number.parseFloat(word), timedOut: word.endsWith('!') }))
      .toSorted((a, b) => a.ms - b.ms);
    return { t: LATENCY_FROM + minute * MINUTE_MS, calls };
  });
  const full = steps.filter(({ calls }) => calls.length > 0);
  const cells = full.flatMap(({ t, calls }) =>
    [...Map.groupBy(calls, ({ ms }) => bucketOf(ms).minMs).values()].map((group) => ({
      t,
      ...bucketOf(group[0]!.ms),
      count: group.length,
      timeouts: group.filter(({ timedOut }) => timedOut).length,
    })),
  );
  const percentiles = full.map(({ t, calls }) => {
    const timeouts = calls.filter(({ timedOut }) => timedOut).length;
    return { t, ...levelsOf(calls), calls: calls.length, errors: 0, timeouts };
  });
  const all = full.flatMap(({ calls }) => calls).toSorted((a, b) => a.ms - b.ms);
  const sum = (of: (step: (typeof percentiles)[number]) => number) =>
    percentiles.reduce((total, step) => total + of(step), 0);
  return {
    from: new Date(LATENCY_FROM).toISOString(),
    to: new Date(LATENCY_FROM + minutes.length * MINUTE_MS).toISOString(),
    stepMs: MINUTE_MS,
    of: 'entries',
    countedFrom: 'sums',
    calls: sum(({ calls }) => calls),
    errors: 0,
    timeouts: sum(({ timeouts }) => timeouts),
    read: { calls: 0, timeouts: 0, phases: 0 },
    truncated: false,
    cells,
    overall: levelsOf(all),
    percentiles,
    phases: [],
    budgetsMs: [],
    budgets: [],
    walls: [],
    ...changes,
  };
}

export const repeat = (text: string, count: number): string =>
  Array.from({ length: count }, () => text).join(' ');
