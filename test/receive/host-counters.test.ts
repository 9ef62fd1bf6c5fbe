import { expect, test } from 'vitest';
import type { HostReport } from '../../collector/decode/host-reports.ts';
import { createHostCounters, type HostCounters } from '../../collector/receive/host-counters.ts';

const report = (host: string, value = 1, namespace = ''): HostReport => ({
  host,
  namespace,
  counters: new Map([['tcp.retransmits', value]]),
  process: { service: 'shop', pid: '7', values: new Map([['memory.resident_bytes', value]]) },
});

/** The newest value of each host. */
const newest = (hosts: HostCounters) =>
  hosts.recent().map(({ host, reports }) => [host, reports.at(-1)?.counters.get('tcp.retransmits')]);

test('nothing is known before a host reports', () => {
  expect(createHostCounters().recent()).toEqual([]);
});

test('hosts and networks are kept apart, the one that reported last comes last', () => {
  const hosts = createHostCounters();
  for (const each of [report('a', 1), report('b', 2), report('a', 3), report('a', 4, '1')]) hosts.keep(each);
  expect(newest(hosts)).toEqual([
    ['b', 2],
    ['a', 3],
    ['a', 4],
  ]);
});

test('a host is forgotten when it has not reported for five minutes', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  hosts.keep(report('a'));
  hosts.keep(report('b'));
  nowMs = 200_000;
  hosts.keep(report('a'));
  nowMs = 300_000;
  expect(hosts.recent().map(({ host }) => host)).toEqual(['b', 'a']);
  nowMs = 300_001;
  expect(hosts.recent().map(({ host }) => host)).toEqual(['a']);
});

test('beyond 1,000 hosts a new one finds no room, and those known still do', () => {
  const hosts = createHostCounters();
  for (let index = 0; index < 1_000; index++) expect(hosts.keep(report(`host-${index}`))).toBe(true);
  expect(hosts.keep(report('one more'))).toBe(false);
  expect(hosts.keep(report('host-0', 2))).toBe(true);
  expect(hosts.recent()).toHaveLength(1_000);
});

test('a host has 100 counters at most, and no long names', () => {
  const hosts = createHostCounters();
  const counters = new Map(Array.from({ length: 101 }, (_, index) => [`counter-${index}`, index]));
  hosts.keep({ ...report('a'), counters: new Map([['x'.repeat(101), 1], ...counters]) });
  const [kept] = hosts.recent();
  expect([...kept!.reports[0]!.counters.keys()]).toEqual([...counters.keys()].slice(0, 100));
  expect(hosts.keep(report('h'.repeat(101)))).toBe(false);
});

test('a host has a history: a report every five seconds at most, 60 in all, the oldest first', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  for (let index = 0; index < 100; index++) {
    hosts.keep(report('a', 10 * index));
    nowMs += 4_999;
    hosts.keep(report('a', 10 * index + 1));
    nowMs += 1;
  }
  const [{ reports } = { reports: [] }] = hosts.recent();
  expect(reports).toHaveLength(60);
  // What came within five seconds of another took its place.
  expect(reports.map(({ counters }) => counters.get('tcp.retransmits'))).toEqual(
    Array.from({ length: 60 }, (_, index) => 10 * (40 + index) + 1),
  );
  expect(reports.at(-1)?.atMs).toBe(99 * 5_000 + 4_999);
});

test('of each process the newest is kept, of 100 of them, and as long as it reports', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  const from = (pid: number, value: number) => ({
    ...report('a'),
    process: { service: 'shop', pid: String(pid), values: new Map([['event_loop.utilization', value]]) },
  });
  for (let pid = 0; pid < 101; pid++) hosts.keep(from(pid, 0));
  hosts.keep(from(1, 0.5));
  const [host] = hosts.recent();
  expect(host?.processes.map(({ pid }) => pid)).toEqual([
    ...Array.from({ length: 99 }, (_, index) => String(index + 2)),
    '1',
  ]);
  expect(host?.processes.at(-1)?.values).toEqual(new Map([['event_loop.utilization', 0.5]]));
  nowMs = 300_000;
  hosts.keep(from(3, 1));
  nowMs = 300_001;
  expect(hosts.recent()[0]?.processes.map(({ pid }) => pid)).toEqual(['3']);
});

test('a process that says nothing of itself is none', () => {
  const hosts = createHostCounters();
  hosts.keep({ ...report('a'), process: { service: 'shop', pid: '7', values: new Map() } });
  expect(hosts.recent()[0]?.processes).toEqual([]);
});
