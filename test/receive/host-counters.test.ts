import { expect, test } from 'vitest';
import type { HostReport } from '../../collector/decode/host-reports.ts';
import { createHostCounters, type HostCounters } from '../../collector/receive/host-counters.ts';

const shop = { service: 'shop', pid: '7', instance: '', thread: '' };

const report = (host: string, value = 1, namespace = ''): HostReport => ({
  host,
  namespace,
  addresses: [],
  counters: new Map([['tcp.retransmits', value]]),
  process: { ...shop, values: new Map([['memory.resident_bytes', value]]) },
  sentUnixMs: null,
});

/** The newest value of each host. */
const newest = (hosts: HostCounters) =>
  hosts.recent().map(({ host, reports }) => [host, reports.at(-1)?.counters.get('tcp.retransmits')]);

/** Each with its own length as value. */
const named = (names: string[]) => new Map(names.map((name) => [name, name.length]));

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

test('a report without counters is one of its process, not of the host', () => {
  const hosts = createHostCounters();
  hosts.keep(report('a', 1));
  hosts.keep({ ...report('a', 2), counters: new Map() });
  expect(newest(hosts)).toEqual([['a', 1]]);
  expect(hosts.recent()).toMatchObject([
    { reports: [{}], processes: [{ values: new Map([['memory.resident_bytes', 2]]) }] },
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

test('a host has names of 32 counters at most over all its reports, and no long ones', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  const names = Array.from({ length: 33 }, (_, index) => `counter-${index}`);
  hosts.keep({ ...report('a'), counters: new Map([['x'.repeat(101), 1], ...named(names.slice(0, 20))]) });
  nowMs = 5_000;
  hosts.keep({ ...report('a'), counters: named(names.slice(10)) });
  const [kept] = hosts.recent();
  expect(kept!.reports.map(({ counters }) => [...counters.keys()])).toEqual([
    names.slice(0, 20),
    names.slice(10, 32),
  ]);
  expect(hosts.keep(report('h'.repeat(101)))).toBe(false);
});

test('a host has a history: two reports in five seconds at most, 120 in all, the oldest first', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  for (let index = 0; index < 100; index++) {
    hosts.keep(report('a', 10 * index));
    for (const late of [1, 2]) {
      nowMs += 1_000;
      hosts.keep(report('a', 10 * index + late));
    }
    nowMs += 3_000;
  }
  const [{ reports } = { reports: [] }] = hosts.recent();
  expect(reports).toHaveLength(120);
  // The third within five seconds took the place of the second.
  expect(reports.map(({ counters }) => counters.get('tcp.retransmits'))).toEqual(
    Array.from({ length: 60 }, (_, index) => [10 * (40 + index), 10 * (40 + index) + 2]).flat(),
  );
  expect(reports.at(-1)?.atMs).toBe(99 * 5_000 + 2_000);
});

test('of each process the newest is kept, of 100 of them, and as long as it reports', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  const from = (pid: number, value: number) => ({
    ...report('a'),
    process: { ...shop, pid: String(pid), values: new Map([['event_loop.utilization', value]]) },
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

test('threads of one process are told apart by their instance or number, and restarts by their pid', () => {
  const hosts = createHostCounters();
  const threads = [
    { ...shop, instance: 'main' },
    { ...shop, instance: 'worker' },
    { ...shop, instance: 'main', thread: '1' },
    { ...shop, pid: '8', instance: 'main' },
  ];
  for (const thread of [...threads, ...threads])
    hosts.keep({ ...report('a'), process: { ...thread, values: new Map([['listen.queue', 1]]) } });
  expect(hosts.recent()[0]?.processes).toMatchObject(threads);
});

test('all hosts share room for 10,000 reports and 5,000 processes', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  for (let pid = 0; pid < 60; pid++) {
    nowMs += 5_000;
    for (let index = 0; index < 50; index++) {
      const { process, ...rest } = report(`host-${index}`, pid);
      hosts.keep({ ...rest, process: { ...process, pid: String(pid) } });
    }
  }
  for (const { reports, processes } of hosts.recent())
    expect([reports.length, processes.length]).toEqual([60, 60]);
  for (let index = 50; index < 1_000; index++) hosts.keep(report(`host-${index}`));
  const [first] = hosts.recent();
  expect(first?.reports.map(({ counters }) => counters.get('tcp.retransmits'))).toEqual(
    Array.from({ length: 10 }, (_, index) => 50 + index),
  );
  expect(first?.processes.map(({ pid }) => pid)).toEqual(['55', '56', '57', '58', '59']);
});

test('the newest counters are those of the last report, under names of any characters', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  hosts.keep({ ...report('a'), counters: named(['a,b']) });
  nowMs = 5_000;
  hosts.keep({ ...report('a'), counters: named(['a', 'b']) });
  expect(hosts.newest()).toEqual([{ host: 'a', namespace: '', counters: named(['a', 'b']) }]);
  expect(hosts.recent()[0]?.reports.map(({ counters }) => counters)).toEqual([
    named(['a,b']),
    named(['a', 'b']),
  ]);
});

test('those are read that are wanted, by their name, address or service', () => {
  const hosts = createHostCounters();
  hosts.keep({ ...report('a'), addresses: ['10.0.0.1', 'x'.repeat(101)] });
  hosts.keep({
    ...report('b'),
    process: { ...shop, service: 'pay', values: new Map([['listen.queue', 1]]) },
  });
  const found = (isWanted: Parameters<HostCounters['recent']>[0]) =>
    hosts.recent(isWanted).map(({ host }) => host);
  expect(found(({ host }) => host === 'a')).toEqual(['a']);
  expect(found(({ addresses }) => addresses.includes('10.0.0.1'))).toEqual(['a']);
  expect(found(({ services }) => services.has('pay'))).toEqual(['b']);
  expect(found(() => false)).toEqual([]);
  expect(hosts.recent()[0]?.addresses).toEqual(['10.0.0.1']);
});

test('of a process ten reports are kept before its newest, and how far its clock is ahead', () => {
  let nowMs = 0;
  const hosts = createHostCounters(() => nowMs);
  for (let index = 0; index < 12; index++) {
    hosts.keep({ ...report('a', index), sentUnixMs: nowMs + 700 });
    nowMs += 10_000;
  }
  const [found] = hosts.recent()[0]!.processes;
  expect(found).toMatchObject({ atMs: 110_000, clockAheadMs: 700 });
  expect(found!.earlier.map(({ atMs, values }) => [atMs, values.get('memory.resident_bytes')])).toEqual(
    Array.from({ length: 10 }, (_, index) => [10_000 * (index + 1), index + 1]),
  );
  hosts.keep(report('a'));
  expect(hosts.recent()[0]?.processes).toMatchObject([{ clockAheadMs: null }]);
});

test('a process that says nothing of itself is none', () => {
  const hosts = createHostCounters();
  hosts.keep({ ...report('a'), process: { ...shop, values: new Map() } });
  expect(hosts.recent()[0]?.processes).toEqual([]);
});
