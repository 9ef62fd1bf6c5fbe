/** A store that a collector of an earlier version has written becomes one of this version, once, or stays as it is. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { databasePath } from '../../collector/store/sqlite/open-database.ts';
import { SCHEMA, SCHEMA_VERSION } from '../../collector/store/sqlite/schema.ts';
import { makeOldStore } from './make-old-store.ts';
import { AROUND_NOON, AT_ONCE, call, makeRequest, traceId } from './make-request.ts';
import { folder, open } from './new-folder.ts';

/** Of the file while no collector has it; `change` is done to it first. */
function look(change = '') {
  const database = new Database(databasePath(folder));
  try {
    database.exec(change);
    return {
      version: database.pragma('user_version', { simple: true }),
      tables: tablesOf(database),
      /** Counts what was ever changed of the tables. */
      changes: database.pragma('schema_version', { simple: true }),
    };
  } finally {
    database.close();
  }
}

/** Every table and index with its columns. */
function tablesOf(database: Database.Database): unknown[] {
  return database
    .prepare(
      `SELECT name, (SELECT group_concat(name || type) FROM pragma_table_info(sqlite_schema.name)) AS columns,
         (SELECT group_concat(name) FROM pragma_index_info(sqlite_schema.name)) AS indexed
       FROM sqlite_schema ORDER BY name`,
    )
    .all();
}

test.for([3, 4, 5, 6] as const)(
  'of version %i: it has the tables of a new store, and what was in it, and is left alone when it is opened again',
  async (version) => {
    makeOldStore(folder, version).close();
    expect(look()).toMatchObject({ version });
    const first = await open();
    const kept = await first.readKeptVerdicts(traceId('a'));
    expect(kept).toMatchObject([{ cause: 'G1', giveUp: { elapsedMs: 3_000 }, hosts: [] }]);
    expect(await first.status()).toMatchObject({ spans: 7 });
    expect(await first.readTrace(traceId('a'))).toHaveLength(3);
    const calls = await first.readCallGroups(AROUND_NOON);
    expect(calls).toMatchObject([
      { from: null, calls: 3 },
      { from: 'checkout', to: 'payments', calls: 2, timeouts: 2 },
    ]);
    await first.close();
    const upgraded = look();
    expect(upgraded.version).toBe(SCHEMA_VERSION);
    expect(upgraded.tables).toEqual(tablesOf(new Database(':memory:').exec(SCHEMA)));

    const second = await open();
    expect(await second.readKeptVerdicts(traceId('a'))).toEqual(kept);
    expect(await second.readCallGroups(AROUND_NOON)).toEqual(calls);
    await second.close();
    expect(look()).toEqual(upgraded);
  },
);

test('its verdicts are read beside new ones, and replaced like them; its sums are added to', async () => {
  makeOldStore(folder, 3).close();
  const store = await open();
  const told = async () => (await store.readVerdicts(AROUND_NOON)).map((verdict) => verdict.traceId);
  expect(await told()).toEqual([traceId('b'), traceId('a')]);
  await store.append(
    makeRequest(
      ...call('d', { id: '1', error: 'ETIMEDOUT', startMs: 120_000 }),
      // One of its traces goes on.
      { trace: 'a', id: '4', parent: '3', service: 'payments', startMs: 20 },
    ),
  );
  const { traceIds } = await store.readUndiagnosed(AT_ONCE, 10);
  expect(traceIds).toEqual(expect.arrayContaining([traceId('a'), traceId('d')]));
  await store.saveDiagnoses(await store.diagnoseTraces(traceIds));
  expect(await told()).toEqual([traceId('d'), traceId('b'), traceId('a')]);
  const calls = await store.readCallGroups(AROUND_NOON);
  expect(calls.find(({ from }) => from === 'checkout')).toMatchObject({ calls: 3, timeouts: 3 });
  for (const trace of ['a', 'b', 'd']) expect(await store.readKeptVerdicts(traceId(trace))).toHaveLength(1);
});

test('an upgrade that fails midway leaves it of version 3, and the next one succeeds', async () => {
  makeOldStore(folder, 3).close();
  // In the way of one of its steps.
  const before = look('CREATE INDEX verdict_by_text ON verdict (cause)');
  await expect(open()).rejects.toThrow(/got index verdict_by_text already exists .*, expected /);
  expect(look()).toEqual(before);
  expect(before.version).toBe(3);

  look('DROP INDEX verdict_by_text');
  const store = await open();
  expect(await store.readKeptVerdicts(traceId('a'))).toHaveLength(1);
  await store.close();
  expect(look()).toMatchObject({ version: SCHEMA_VERSION });
});
