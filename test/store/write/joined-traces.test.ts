/** Spans of one trace that come in folds far apart, by whatever clock: they join, and leave nothing behind when dropped. */
import { beforeEach, expect, test, vi } from 'vitest';
import type { CallGroup } from '../../../collector/query/results.ts';
import { dropBlock } from '../../../collector/store/sqlite/write/drop-block.ts';
import { makeRequest, NOON_UNIX_MS } from '../make-request.ts';
import { folder } from '../new-folder.ts';
import { openFolds } from '../open-folds.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON_UNIX_MS });
  return () => void vi.useRealTimers();
});

function openStore() {
  const { reader, parts, foldAll } = openFolds(folder);
  return {
    foldAll,
    dropAll() {
      for (const block of parts.blockRows()) for (const _ of dropBlock(parts, block, []));
    },
    /** The time is that of the spans; the edges are those of the three days from there, with their calls. */
    edges(startMs: number) {
      const fromUnixMs = NOON_UNIX_MS + startMs;
      const range = { fromUnixMs, toUnixMs: fromUnixMs + 72 * HOUR_MS };
      const groups = reader['readCallGroups']!(range as never, () => false) as readonly CallGroup[];
      return Object.fromEntries(groups.map(({ from, to, calls }) => [`${from}->${to}`, calls]));
    },
  };
}

test.each([
  ['right', 0],
  ['9 minutes ahead', 9 * MINUTE_MS],
  ['11 minutes ahead', 11 * MINUTE_MS],
  ['an hour ahead', HOUR_MS],
  ['years ahead', 74 * YEAR_MS],
  ['a day behind', -24 * HOUR_MS],
  ['a year behind', -YEAR_MS],
])('a call and its answer come apart, from senders whose clock is %s', (_, startMs) => {
  const call = { kind: 'client', durationMs: 100, attributes: { 'server.address': 'pay.local' } } as const;
  const caller = { ...call, id: '1', service: 'shop', startMs };
  const callee = { id: '2', parent: '1', service: 'pay', startMs: startMs + 1 };
  const store = openStore();
  store.foldAll(makeRequest(caller));
  store.foldAll(makeRequest(callee));
  // The same span, with another.
  store.foldAll(makeRequest(callee, { trace: '2', id: '3', service: 'other', startMs }));
  expect(store.edges(startMs)).toMatchObject({ 'shop->pay': 1, 'null->other': 1 });
  expect(Object.keys(store.edges(startMs))).not.toContain('shop->pay.local');
  store.dropAll();
  expect(store.edges(startMs)).toEqual({});
});

test.each([1, 23, 25, 48])('a message is received %s hours after it was sent', (hours) => {
  const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders' };
  const store = openStore();
  store.foldAll(makeRequest({ id: '1', kind: 'producer', service: 'shop', attributes }));
  const startMs = hours * HOUR_MS;
  vi.setSystemTime(NOON_UNIX_MS + startMs);
  store.foldAll(
    makeRequest({ id: '2', parent: '1', kind: 'consumer', service: 'mail', startMs, attributes }),
  );
  expect(store.edges(0)).not.toEqual({});
  store.dropAll();
  expect(store.edges(0)).toEqual({});
});

test.each([
  ['client', 'server', 9],
  ['client', 'server', 11],
  ['client', 'server', 25 * 60],
  ['producer', 'consumer', 25 * 60],
] as const)('what a %s asked for is done by a %s %d minutes later, bit by bit', (asking, doing, minutes) => {
  const call = { kind: asking, durationMs: 100, attributes: { 'server.address': 'tasks.local' } };
  const store = openStore();
  store.foldAll(makeRequest({ ...call, id: '1', service: 'shop' }));
  const startMs = minutes * MINUTE_MS;
  vi.setSystemTime(NOON_UNIX_MS + startMs + MINUTE_MS);
  const done = { kind: doing, id: '2', parent: '1', service: 'worker', startMs };
  // Others of the trace come with it, and have their calls beside them.
  const next = { ...call, id: '3', parent: '2', service: 'worker', startMs: startMs + 1 };
  const answer = { kind: doing, id: '4', parent: '3', service: 'stock', startMs: startMs + 2 };
  store.foldAll(makeRequest(answer, next, done));
  expect(store.edges(0)).toMatchObject({ 'shop->worker': 1, 'worker->stock': 1 });
  expect(Object.keys(store.edges(0)).filter((edge) => edge.endsWith('tasks.local'))).toEqual([]);
  // A job may be done twice.
  store.foldAll(makeRequest({ ...done, id: '5', startMs: startMs + 3 }));
  expect(store.edges(0)).toMatchObject({ 'shop->worker': 1, 'worker->stock': 1 });
  store.dropAll();
  expect(store.edges(0)).toEqual({});
});

test('in a trace of many spans, a call stands far from what it asked for', () => {
  const store = openStore();
  store.foldAll(
    makeRequest({ id: '1', kind: 'client', service: 'shop', attributes: { 'server.address': 'a' } }),
  );
  const startMs = 30 * MINUTE_MS;
  vi.setSystemTime(NOON_UNIX_MS + startMs + MINUTE_MS);
  const others = Array.from({ length: 200 }, (_, index) => ({
    id: `f${index}`,
    parent: index === 0 ? '2' : `f${index - 1}`,
    kind: index === 0 ? ('client' as const) : ('internal' as const),
    service: 'worker',
    startMs: startMs + 1 + index,
  }));
  const last = { id: '3', parent: 'f0', service: 'stock', startMs: startMs + 1_000 };
  store.foldAll(makeRequest(...others, last, { id: '2', parent: '1', service: 'worker', startMs }));
  expect(store.edges(0)).toMatchObject({ 'shop->worker': 1 });
  store.dropAll();
  expect(store.edges(0)).toEqual({});
});

test.each([
  ['client', 'server'],
  ['producer', 'consumer'],
] as const)(
  'a %s has two %s spans that began in one moment: one of them is the first, whichever came first',
  (asking, doing) => {
    const asked = { id: '1', kind: asking, service: 'shop', attributes: { 'server.address': 'tasks.local' } };
    const doers = [
      { id: '2', parent: '1', kind: doing, service: 'mail', startMs: 5 },
      { id: '3', parent: '1', kind: doing, service: 'audit', startMs: 5 },
    ] as const;
    const store = openStore();
    store.foldAll(makeRequest(asked, doers[1]));
    store.foldAll(makeRequest(doers[0]));
    expect(store.edges(0)).toMatchObject({ 'shop->mail': 1 });
    store.dropAll();
    expect(store.edges(0)).toEqual({});
  },
);
