/** Incidents as text. */
import { expect, test } from 'vitest';
import { formatIncidents, sparkline } from '../../collector/cli/format-incidents.ts';
import { plain } from '../../collector/cli/terminal.ts';
import type { Incident } from '../../collector/serve/wire.ts';

const nowMs = new Date(2026, 0, 31, 14, 0, 0).getTime();
const list = {
  terminal: { columns: 80, paint: plain },
  nowMs,
  url: 'http://127.0.0.1:4319',
  since: '1h',
  only: '',
  undiagnosed: 0,
};
const incident: Incident = {
  fingerprint: 'f',
  edge: 'checkout->payments',
  phase: 'connect',
  kind: 'timeout',
  cause: 'B1',
  title: 'SYN dropped on the way to payments:8443',
  confidence: 'possible',
  candidates: 3,
  state: 'ongoing',
  acknowledged: false,
  mutedUntil: null,
  count: 41,
  share: 0.123,
  firstSeen: new Date(nowMs - 60_000).toISOString(),
  lastSeen: new Date(nowMs - 5_000).toISOString(),
  series: [0, 0, 1, 8],
  entryPoints: [{ service: 'gateway', operation: 'POST /buy', calls: 41 }],
  shared: [],
  differs: [],
  traces: ['abc', 'def'],
};
const format = (...incidents: Incident[]) =>
  formatIncidents({ incidents, checkedCalls: 18_204, cursor: null }, list);

test('an incident', () => {
  expect(format(incident)).toBe(`1 incident in the last 1h at http://127.0.0.1:4319; 18,204 calls checked

⧗ checkout → payments · connect                                          ongoing
  possible: SYN dropped on the way to payments:8443 (B1), or 2 other causes
  41 timeouts, 12 % of its calls; hits POST /buy of gateway
  first 13:59:00, last 13:59:55 (5 s ago)  ··▁█
  sockeye trace abc
`);
});

test('own work has no share of calls; a failure says which; a cause that is unknown is not named', () => {
  expect(format({ ...incident, edge: 'search', phase: 'none' })).toContain('search, its own work  ');
  expect(format({ ...incident, edge: 'search', phase: 'none' })).not.toContain('of its calls');
  expect(format({ ...incident, kind: 'refused' })).toContain('✕ checkout → payments · connect');
  expect(format({ ...incident, kind: 'refused' })).toContain('41 failed calls (refused), 12 %');
  expect(format({ ...incident, confidence: 'unknown' })).toContain('  Cause unknown\n');
  expect(format({ ...incident, confidence: 'proven', candidates: 1 })).toContain(
    'proven: SYN dropped on the way to payments:8443 (B1)\n',
  );
});

test('no line is wider than the terminal, however long the names are', () => {
  const long = 'a-service-of-a-very-long-name-'.repeat(4);
  const text = format({
    ...incident,
    edge: `${long}->${long}`,
    title: long,
    entryPoints: [{ service: long, operation: `GET /${long}`, calls: 1 }],
    series: Array<number>(24).fill(1),
  });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBe(80);
});

test('more than are shown is said', () => {
  const text = formatIncidents({ incidents: [incident], checkedCalls: 1, cursor: 'o1' }, list);
  expect(text).toMatch(/^The worst 1 incident /);
  expect(text).toContain('… and more: --limit N');
});

test('where nothing was checked, that is the news', () => {
  const empty = (checkedCalls: number) =>
    formatIncidents({ incidents: [], checkedCalls }, { ...list, only: 'new' });
  expect(empty(12)).toContain('No new incidents in the last 1h at http://127.0.0.1:4319: 12 calls checked.');
  expect(empty(0)).toContain('No call arrived in that time.');
});

test('what is not diagnosed yet is said, with incidents and without', () => {
  const text = (undiagnosed: number, incidents: Incident[] = []) =>
    formatIncidents({ incidents, checkedCalls: 3 }, { ...list, undiagnosed });
  expect(text(2)).toMatch(/3 calls checked\.\n2 failed traces are not diagnosed yet: ask again/);
  expect(text(1, [incident])).toMatch(/checked\n1 failed trace is not diagnosed yet: .*\n\n⧗/);
  expect(text(0)).not.toContain('diagnosed');
});

test('a series: nothing is a dot, the most is full', () => {
  expect(sparkline([0, 1, 50, 100])).toBe('·▁▄█');
  expect(sparkline([])).toBe('');
});
