/**
 * Copies a store as it is at one moment into one file, while its collector goes on: one read transaction, so that the
 * copy holds what was acknowledged when it began, and no half of anything. What waits to be forwarded stays here.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StoreOpenError } from '../store.ts';
import { openBeside } from './open-database.ts';

/** Bytes of the copy, which is durable. Throws StoreOpenError when there is nothing to copy, or no place for it. */
export function backupStore(folder: string, path: string): number {
  if (existsSync(path)) {
    throw new StoreOpenError(`${path}: got a file that is there already, expected a new one; choose another`);
  }
  const partial = `${path}.partial`;
  const database = openBeside(folder);
  try {
    rmSync(partial, { force: true });
    // It does not change what it reads, but does write.
    database.pragma('query_only = OFF');
    database.prepare('VACUUM INTO ?').run(partial);
    leaveQueueOut(partial);
    sync(partial);
    renameSync(partial, path);
    sync(dirname(path));
    return statSync(path).size;
  } catch (error) {
    rmSync(partial, { force: true });
    if (error instanceof Database.SqliteError || isSystemError(error)) {
      throw new StoreOpenError(
        `${path}: got ${error.message} (${error.code}), expected to write a copy there; check that its folder exists, its rights and free space`,
      );
    }
    throw error;
  } finally {
    database.close();
  }
}

/** A store that is put in place elsewhere forwards what arrives there, not what its original has on its way. */
function leaveQueueOut(path: string): void {
  const copy = new Database(path);
  try {
    const tables = copy
      .prepare<[], string>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'forward!_%' ESCAPE '!'",
      )
      .pluck()
      .all();
    copy.transaction(() => {
      for (const table of tables) copy.exec(`DELETE FROM ${table}`);
    })();
    copy.pragma('incremental_vacuum');
  } finally {
    copy.close();
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
