import { expect, test } from 'vitest';
import type { HostReport } from '../../collector/decode/host-reports.ts';
import { createHostCounters } from '../../collector/receive/host-counters.ts';

const report = (host: string, value = 1, namespace = ''): HostReport => ({
  host,
  namespace,
  counters: new Map([['tcp.retransmits', value]]),
});

test('nothing is known before a host reports', () => {
  expect(createHostCounters().newest()).toEqual([]);
});

test('of each host and network the newest report is kept', () => {
  const hosts = createHostCounters();
  for (const each of [report('a', 1), report('b', 2), report('a', 3), report('a', 4, '1')]) hosts.keep(each);
  expect(hosts.newest()).toEqual([report('b', 2), report('a', 3), report('a', 4, '1')]);
});

test('a host is forgotten when it has not reported for five minutes', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  hosts.keep(report('a'));
  hosts.keep(report('b'));
  nowMs = 200_000;
  hosts.keep(report('a'));
  nowMs = 300_000;
  expect(hosts.newest().map(({ host }) => host)).toEqual(['b', 'a']);
  nowMs = 300_001;
  expect(hosts.newest().map(({ host }) => host)).toEqual(['a']);
});

test('beyond 1,000 hosts a new one finds no room, and those known still do', () => {
  const hosts = createHostCounters();
  for (let index = 0; index < 1_000; index++) expect(hosts.keep(report(`host-${index}`))).toBe(true);
  expect(hosts.keep(report('one more'))).toBe(false);
  expect(hosts.keep(report('host-0', 2))).toBe(true);
  expect(hosts.newest()).toHaveLength(1_000);
});

test('a host has 100 counters at most, and no long names', () => {
  const hosts = createHostCounters();
  const counters = new Map(Array.from({ length: 101 }, (_, index) => [`counter-${index}`, index]));
  hosts.keep({ host: 'a', namespace: '', counters: new Map([['x'.repeat(101), 1], ...counters]) });
  const [kept] = hosts.newest();
  expect([...kept!.counters.keys()]).toEqual([...counters.keys()].slice(0, 100));
  expect(hosts.keep(report('h'.repeat(101)))).toBe(false);
});
