import { describe, expect, test } from 'vitest';
import { compareCalls } from '../../collector/query/compare-calls.ts';
import { buildIncidents, fingerprintOf, stateOf } from '../../collector/query/incidents.ts';
import type { VerdictRow } from '../../collector/query/results.ts';
import type { IncidentState } from '../../collector/store/store.ts';
import type { AttributeValue } from '../../collector/span.ts';
import { makeSpan } from '../diagnose/make-span.ts';
import { makeVerdict } from './make-verdict.ts';

const MINUTE_MS = 60_000;
const RANGE = { fromUnixMs: 0, toUnixMs: 24 * MINUTE_MS };
const NOW_UNIX_MS = RANGE.toUnixMs;

function row(
  atUnixMs: number,
  more: { trace?: string; edge?: string; cause?: string; entry?: string } = {},
): VerdictRow {
  const edge = more.edge ?? 'a->b';
  const verdict = makeVerdict({ edge, cause: more.cause ?? 'B1', title: `title of ${more.cause ?? 'B1'}` });
  const fingerprint = fingerprintOf(edge, verdict.phase, verdict.giveUp.kind);
  return {
    traceId: more.trace ?? String(atUnixMs),
    ordinal: 0,
    fingerprint,
    keptFingerprint: fingerprint,
    cause: verdict.cause,
    originSpanId: verdict.origin.spanId,
    atUnixMs,
    seenUnixMs: { first: MINUTE_MS, last: 20 * MINUTE_MS },
    entry: { service: 'gateway', operation: more.entry ?? 'POST /buy' },
    verdict,
  };
}
const build = (rows: VerdictRow[], calls = 100, states: IncidentState[] = []) =>
  buildIncidents(rows, () => calls, states, RANGE, NOW_UNIX_MS);

test('a fingerprint is that of edge, phase and kind', () => {
  const fingerprint = fingerprintOf('a->b', 'connect', 'timeout');
  expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprintOf('a->b', 'connect', 'timeout')).toBe(fingerprint);
  for (const other of [
    fingerprintOf('a->c', 'connect', 'timeout'),
    fingerprintOf('a->b', 'dns', 'timeout'),
    fingerprintOf('a->b', 'connect', 'refused'),
  ]) {
    expect(other).not.toBe(fingerprint);
  }
});

test('what somebody said of an incident stands on it; a muted one comes after those that are not', () => {
  const { fingerprint } = row(0);
  const states = [
    { fingerprint, acknowledged: true, mutedUntilUnixMs: NOW_UNIX_MS + 1 },
    { fingerprint: 'another', acknowledged: true, mutedUntilUnixMs: null },
  ];
  const rows = [row(0), row(1), row(2, { edge: 'a->c' })];
  expect(build(rows, 100, states)).toMatchObject([
    { edge: 'a->c', acknowledged: false, mutedUntil: null },
    { edge: 'a->b', acknowledged: true, mutedUntil: new Date(NOW_UNIX_MS + 1).toISOString() },
  ]);
  expect(build(rows)).toMatchObject([{ edge: 'a->b', acknowledged: false }, { edge: 'a->c' }]);
});

test('no verdicts, no incidents', () => {
  expect(build([])).toEqual([]);
});

test('verdicts of one fingerprint are one incident, with its share, times, series and traces', () => {
  const [incident] = build([row(0), row(MINUTE_MS), row(MINUTE_MS, { trace: 'x' }), row(24 * MINUTE_MS)], 16);
  expect(incident).toMatchObject({
    edge: 'a->b',
    phase: 'connect',
    kind: 'timeout',
    count: 4,
    share: 0.25,
    firstSeen: new Date(MINUTE_MS).toISOString(),
    lastSeen: new Date(20 * MINUTE_MS).toISOString(),
    confidence: 'possible',
    candidates: 1,
    acknowledged: false,
    mutedUntil: null,
  });
  expect(incident!.series).toHaveLength(24);
  expect(incident!.series.slice(0, 3)).toEqual([1, 2, 0]);
  // The call started in the range and gave up at its very end.
  expect(incident!.series.at(-1)).toBe(1);
  expect(incident!.traces).toEqual([String(24 * MINUTE_MS), String(MINUTE_MS), 'x', '0']);
});

test('different edges are different incidents, the larger first', () => {
  const incidents = build([row(1, { edge: 'a->c' }), row(2), row(3)]);
  expect(incidents.map((incident) => [incident.edge, incident.count])).toEqual([
    ['a->b', 2],
    ['a->c', 1],
  ]);
});

test('the cause is the one most verdicts name; of equals, the latest', () => {
  expect(build([row(1, { cause: 'C1' }), row(2), row(3, { cause: 'C1' })])[0]).toMatchObject({
    cause: 'C1',
    title: 'title of C1',
  });
  expect(build([row(1, { cause: 'C1' }), row(2)])[0]!.cause).toBe('B1');
});

test('the share never exceeds 1, also where calls were not counted', () => {
  expect(build([row(1), row(2)], 0)[0]!.share).toBe(1);
});

test('entry points count traces, most frequent first', () => {
  const incidents = build([
    row(1, { entry: 'x' }),
    row(2, { entry: 'y' }),
    row(3, { entry: 'y' }),
    row(3, { entry: 'y' }),
  ]);
  expect(incidents[0]!.entryPoints).toEqual([
    { service: 'gateway', operation: 'y', calls: 2 },
    { service: 'gateway', operation: 'x', calls: 1 },
  ]);
});

test.each([
  ['new', 0, 0, 15 * MINUTE_MS - 1],
  ['ongoing', 0, 15 * MINUTE_MS, 15 * MINUTE_MS],
  ['ongoing', 0, MINUTE_MS, 16 * MINUTE_MS - 1],
  ['resolved', 0, MINUTE_MS, 16 * MINUTE_MS],
  ['resolved', 0, 0, 15 * MINUTE_MS],
])('%s: first at %i, last at %i, now %i', (state, first, last, now) => {
  expect(stateOf(first, last, now)).toBe(state);
});

describe('comparing the calls of an incident with those that worked', () => {
  const calls = (count: number, attributes: Record<string, AttributeValue>) =>
    Array.from({ length: count }, () => makeSpan({ attributes }));

  test('what they share, and what sets them apart, is counted', () => {
    const failed = [
      ...calls(9, { peer: '10.0.3.7', route: '/a' }),
      ...calls(1, { peer: '10.0.3.8', route: '/a' }),
    ];
    const working = [
      ...calls(1, { peer: '10.0.3.7', route: '/a' }),
      ...calls(9, { peer: '10.0.3.8', route: '/a' }),
    ];
    const { shared, differs } = compareCalls(failed, working);
    expect(shared).toContainEqual({ key: 'peer', value: '10.0.3.7', share: 0.9 });
    expect(shared).toContainEqual({ key: 'route', value: '/a', share: 1 });
    expect(differs).toEqual([{ key: 'peer', value: '10.0.3.7', share: 0.9, othersShare: 0.1 }]);
  });

  test('what only some have is not shared: the boundary is 80 %', () => {
    const withKey = (count: number) => [...calls(count, { key: 'x' }), ...calls(10 - count, {})];
    const keysOf = (count: number) => compareCalls(withKey(count), []).shared.map(({ key }) => key);
    expect(keysOf(8)).toContain('key');
    expect(keysOf(7)).not.toContain('key');
  });

  test('effects of the failure, and what all instances of a service share, stay out', () => {
    const failed = calls(3, {
      'error.type': 'ETIMEDOUT',
      'sockeye.phase.connect_ms': 3000,
      'http.response.status_code': 504,
    });
    const { shared, differs } = compareCalls(failed, calls(3, {}));
    expect([...shared, ...differs]).toEqual([]);
  });

  test('one call alone has nothing in common with others, and nothing differs from no calls', () => {
    expect(compareCalls(calls(1, { key: 'x' }), calls(5, {}))).toEqual({ shared: [], differs: [] });
    expect(compareCalls(calls(2, { key: 'x' }), []).differs).toEqual([]);
  });
});
