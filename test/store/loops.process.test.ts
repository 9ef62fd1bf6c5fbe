/** The loops that work on a store in the background: they go on after failures, and stop when told to. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startDiagnosisLoop } from '../../collector/query/diagnosis-loop.ts';
import { startRetentionLoop } from '../../collector/store/retention-loop.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { StoreUnavailable, type Store } from '../../collector/store/store.ts';
import { AROUND_NOON, AT_ONCE, call, makeRequest, traceId } from './make-request.ts';

const SOON = { timeout: 20_000 };
const folder = mkdtempSync(join(tmpdir(), 'sockeye-loops-'));
let store: Store;

beforeAll(async () => {
  store = await openStore({ folder });
});
beforeEach(async () => {
  await store.purge();
  vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const refused = (trace: string) =>
  makeRequest(...call(trace, { id: '1', error: 'ECONNREFUSED', durationMs: 1 }));
const diagnosed = async () => (await store.readVerdicts(AROUND_NOON)).map((row) => row.traceId).toSorted();
const backlog = async () => (await store.readUndiagnosed(AT_ONCE, 1)).backlog;

test('a trace that breaks the diagnosis is said and set aside; the others get theirs', async () => {
  await store.append(refused('a'));
  await store.append(refused('b'));
  const broken: Store = {
    ...store,
    diagnoseTraces: (ids) =>
      ids.includes(traceId('a')) ? Promise.reject(new Error('a bug')) : store.diagnoseTraces(ids),
  };
  const loop = startDiagnosisLoop(broken, { quietMs: 0, roundMs: 5 });
  await expect.poll(backlog, SOON).toBe(0);
  await loop.stop();
  expect(await diagnosed()).toEqual([traceId('b')]);
  expect(console.error).toHaveBeenCalledExactlyOnceWith(
    expect.stringContaining(traceId('a')),
    expect.objectContaining({ message: 'a bug' }),
  );
});

test('a trace that breaks the thread of diagnoses each time is set aside too', async () => {
  for (const trace of ['a', 'b', 'c']) await store.append(refused(trace));
  const broken: Store = {
    ...store,
    diagnoseTraces: (ids) =>
      ids.includes(traceId('b'))
        ? Promise.reject(new StoreUnavailable('the thread broke'))
        : store.diagnoseTraces(ids),
  };
  const loop = startDiagnosisLoop(broken, { quietMs: 0, roundMs: 5 });
  await expect.poll(backlog, SOON).toBe(0);
  await loop.stop();
  expect(await diagnosed()).toEqual([traceId('a'), traceId('c')]);
});

test('a thread that breaks for a while costs no more than the trace it was tried with', async () => {
  for (const trace of ['a', 'b']) await store.append(refused(trace));
  let calls = 0;
  const away: Store = {
    ...store,
    // Both, ten times the first alone, once the second.
    diagnoseTraces: (ids) =>
      ++calls <= 12 ? Promise.reject(new StoreUnavailable('the thread broke')) : store.diagnoseTraces(ids),
  };
  const loop = startDiagnosisLoop(away, { quietMs: 0, roundMs: 5 });
  await expect.poll(backlog, SOON).toBe(0);
  await loop.stop();
  expect(await diagnosed()).toEqual([traceId('b')]);
});

test('a trace that cannot be read waits no more', async () => {
  for (const trace of ['a', 'b']) await store.append(refused(trace));
  const damaged: Store = {
    ...store,
    diagnoseTraces: (ids) => store.diagnoseTraces(ids.filter((id) => id !== traceId('a'))),
  };
  const loop = startDiagnosisLoop(damaged, { quietMs: 0, roundMs: 5 });
  await expect.poll(backlog, SOON).toBe(0);
  await loop.stop();
  expect(await diagnosed()).toEqual([traceId('b')]);
});

test('while the store is unavailable diagnosis waits, says so once, and goes on afterwards', async () => {
  await store.append(refused('a'));
  let failures = 0;
  const full: Store = {
    ...store,
    readUndiagnosed: (...args) =>
      ++failures <= 3 ? Promise.reject(new StoreUnavailable('full')) : store.readUndiagnosed(...args),
  };
  const loop = startDiagnosisLoop(full, { quietMs: 0, roundMs: 5 });
  await expect.poll(diagnosed, SOON).toEqual([traceId('a')]);
  await expect.poll(() => loop.backlog(), SOON).toBe(0);
  await loop.stop();
  expect(console.error).toHaveBeenCalledOnce();
});

test('a trace that is still growing waits until it is quiet, and is counted meanwhile', async () => {
  await store.append(refused('a'));
  const loop = startDiagnosisLoop(store, {
    quietMs: 3_600_000,
    roundMs: 5,
  });
  await expect.poll(() => loop.backlog(), SOON).toBe(1);
  await loop.stop();
  expect(await diagnosed()).toEqual([]);
});

test('a trace that never is quiet is diagnosed all the same, once it has waited', async () => {
  await store.append(refused('a'));
  const loop = startDiagnosisLoop(store, {
    quietMs: 3_600_000,
    waitMs: 0,
    roundMs: 5,
  });
  await expect.poll(diagnosed, SOON).toEqual([traceId('a')]);
  await loop.stop();
});

test.runIf(process.platform === 'linux')('the thread of diagnoses gives way to all others', async () => {
  await store.diagnoseTraces([]);
  const priorities = readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread)));
  expect(priorities.filter((priority) => priority > getPriority())).toHaveLength(1);
});

test('retention runs by itself and stops when told to', async () => {
  await store.append(makeRequest({ trace: 'a' }));
  const loop = startRetentionLoop(store, 0, 1e9, 5);
  await expect.poll(async () => (await store.status()).spans, SOON).toBe(0);
  await loop.stop();
  await store.append(makeRequest({ trace: 'b' }));
  expect((await store.status()).spans).toBe(1);
  expect(console.error).not.toHaveBeenCalled();
});
