/** Makes a store's file of version 3, as a collector of that version left it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { databasePath } from '../../collector/store/sqlite/open-database.ts';

/** The connection to it, which is to be closed. */
export function makeVersion3(folder: string): Database.Database {
  const database = new Database(databasePath(folder));
  database.exec(readFileSync(join(import.meta.dirname, 'fixtures/store-version-3.sql'), 'utf8'));
  return database;
}
