/** Makes a store's file of an earlier version, as the last collector of that version left it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { databasePath } from '../../collector/store/sqlite/open-database.ts';

/** The connection to it, which is to be closed. */
export function makeOldStore(folder: string, version: 3 | 4 | 5 | 6): Database.Database {
  const database = new Database(databasePath(folder));
  database.exec(readFileSync(join(import.meta.dirname, `fixtures/store-version-${version}.sql`), 'utf8'));
  return database;
}
