/** A trace is not due while spans of it have come that are in no block yet: those of the server, after its caller gave up. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { databasePath } from '../../collector/store/sqlite/open-database.ts';
import type { Patience } from '../../collector/store/store.ts';
import { AROUND_NOON, AT_ONCE, call, makeRequest, PATIENT, traceId } from './make-request.ts';
import { folder, open } from './new-folder.ts';

const [CLIENT, SERVER] = call(
  'a',
  { id: '1', durationMs: 3_000, error: 'ETIMEDOUT' },
  { id: '2', durationMs: 2_900, startMs: 1 },
);
const others = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ trace: `1${index}`, id: '1' }));

/** A store with a failed call that has been quiet for long, whose server span comes now, among so many others. */
async function openWithLateSpan(count: number) {
  const store = await open();
  await store.append(makeRequest(CLIENT!));
  expect(await store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [], backlog: 1 });
  const database = new Database(databasePath(folder));
  database.exec('UPDATE undiagnosed_trace SET last_arrived_unix_ms = 0');
  database.close();
  expect(await store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [traceId('a')], backlog: 1 });
  await store.append(makeRequest(...others(count), SERVER!));
  return store;
}

for (const count of [600, 5_000]) {
  test(`a late span among ${count} others makes its trace wait until it is quiet, and judged with it`, async () => {
    const store = await openWithLateSpan(count);
    expect(await store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [], backlog: 1 });
    // Where somebody asks for sums, it is in a block half a second later.
    await store.readVersions(AROUND_NOON);
    const diagnose = async () => store.diagnoseTraces((await store.readUndiagnosed(AT_ONCE, 10)).traceIds);
    await expect.poll(diagnose).toMatchObject([{ traceId: traceId('a'), spanCount: 2 }]);
    expect(await store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [], backlog: 1 });
  });
}

test('one that has waited long enough is due however it grows', async () => {
  const store = await openWithLateSpan(5_000);
  expect((await store.readUndiagnosed({ ...PATIENT, waitMs: 0 }, 10)).traceIds).toEqual([traceId('a')]);
});

test('such a one is judged by what is in blocks, and again with the rest of it', async () => {
  const store = await openWithLateSpan(5_000);
  let spans = 0;
  const judge = async (patience: Patience): Promise<number> => {
    const { traceIds } = await store.readUndiagnosed(patience, 10);
    const diagnosed = await store.diagnoseTraces(traceIds);
    await store.saveDiagnoses(diagnosed);
    for (const { spanCount } of diagnosed) spans = Math.max(spans, spanCount);
    return spans;
  };
  expect(await judge({ ...PATIENT, waitMs: 0 })).toBeGreaterThan(0);
  await store.readVersions(AROUND_NOON);
  await expect.poll(() => judge(AT_ONCE)).toBe(2);
  expect((await store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(0);
});
