/** Counters of hosts in Prometheus’ text: what comes from outside cannot break it. */
import { expect, test } from 'vitest';
import { createIntake } from '../../collector/receive/intake.ts';
import { writeMetrics } from '../../collector/serve/api/status.ts';
import type { Status } from '../../collector/serve/wire.ts';
import { hostReport } from '../decode/metrics-proto.ts';

const status: Status = {
  version: '1',
  addresses: { otlpGrpc: '', otlpHttp: '', web: '' },
  appCommand: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  spans: { received: 0, stored: 0, refused: 0, dropped: 0, duplicate: 0, queued: 0 },
  queue: { bytes: 0, max: 0 },
  diagnosis: { backlog: 0 },
  store: { kind: 'sqlite', bytes: 0, spans: 0, oldest: null },
  forward: [],
};

/** What `/metrics` says of hosts after these reports. */
function samples(...reports: Buffer[]): string[] {
  const store = { append: () => Promise.reject(new Error('no spans are sent')) };
  const intake = createIntake({ store, maxQueueBytes: 1, log: () => {} });
  for (const report of reports) intake.acceptMetrics(report);
  const text = writeMetrics(status, intake, 0, { residentBytes: 0, cpuSeconds: 0 });
  return text.split('\n').filter((line) => line.startsWith('sockeye_host_counter{'));
}

const sample = (counter: string, value: number) =>
  `sockeye_host_counter{host="vm",network_namespace="",counter="${counter}"} ${value}`;

test('a counter’s name from outside stays within its label', () => {
  const named = { 'x"} 1\n# HELP y\\': 7 };
  expect(samples(hostReport('vm', named))).toEqual([sample(String.raw`x\"} 1\n# HELP y\\`, 7)]);
});

test('names that look alike when they are put together are not taken for each other', () => {
  const reports = [hostReport('vm', { 'a,b': 1 }), hostReport('vm', { a: 2, b: 3 })];
  expect(samples(...reports)).toEqual([sample('a', 2), sample('b', 3)]);
  expect(samples(...reports.toReversed())).toEqual([sample('a,b', 1)]);
});
