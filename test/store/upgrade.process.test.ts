/** A store that a collector of version 3 has written becomes one of this version, once, or stays as it is. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { databasePath } from '../../collector/store/sqlite/open-database.ts';
import { SCHEMA, SCHEMA_VERSION } from '../../collector/store/sqlite/schema.ts';
import { makeVersion3 } from './make-version-3.ts';
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

test('it has the tables of a new store, and what was in it, and is left alone when it is opened again', async () => {
  makeVersion3(folder).close();
  expect(look()).toMatchObject({ version: 3 });
  const first = await open();
  const kept = await first.readKeptVerdicts(traceId('a'));
  expect(kept).toMatchObject([{ cause: 'G1', giveUp: { elapsedMs: 3_000 }, hosts: [] }]);
  expect(await first.status()).toMatchObject({ spans: 7 });
  await first.close();
  const upgraded = look();
  expect(upgraded.version).toBe(SCHEMA_VERSION);
  expect(upgraded.tables).toEqual(tablesOf(new Database(':memory:').exec(SCHEMA)));

  const second = await open();
  expect(await second.readKeptVerdicts(traceId('a'))).toEqual(kept);
  await second.close();
  expect(look()).toEqual(upgraded);
});

test('its verdicts are read beside new ones, and replaced like them', async () => {
  makeVersion3(folder).close();
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
  for (const trace of ['a', 'b', 'd']) expect(await store.readKeptVerdicts(traceId(trace))).toHaveLength(1);
});

test('an upgrade that fails midway leaves it of version 3, and the next one succeeds', async () => {
  makeVersion3(folder).close();
  // In the way of the last of its steps.
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
