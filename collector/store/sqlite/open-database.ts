/**
 * Opens the store's file: takes the folder for this process alone, makes sure the file is ours, and sets what makes
 * an acknowledged commit survive a power cut.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { StoreOpenError, StoreUnavailable } from '../store.ts';
import { rescueLog } from './rescue-log.ts';
import { APPLICATION_ID, PAGE_BYTES, SCHEMA, SCHEMA_VERSION, UPGRADES } from './schema.ts';

export type Connection = Database.Database;

const FILE_NAME = 'spans.sqlite';
const LOCK_NAME = 'collector.lock';
/** A command holds the lock for as long as it looks at the log. */
const LOCK_WAIT_MS = 200;
/** What a WAL may keep on disk once it is folded back into the file. */
const WAL_BYTES_KEPT_MAX = 8_000_000;
/**
 * Pages that SQLite keeps, for each connection, of what the kernel keeps anyway: 16 MB by itself, which ingest and searches
 * make no use of.
 */
const READER_PAGES_KIB_MAX = 4_096;
const WRITER_PAGES_KIB_MAX = 8_192;

export function databasePath(folder: string): string {
  return join(folder, FILE_NAME);
}

/** The connection of the writer thread; `release` lets another collector have the folder. */
export function openForWriting(folder: string): { database: Connection; release: () => void } {
  makeFolder(folder);
  const lock = lockFolder(folder);
  try {
    const bytes = statSync(databasePath(folder), { throwIfNoEntry: false })?.size;
    rescueLog(databasePath(folder), 'set aside');
    const database = new Database(databasePath(folder));
    prepareFile(database, databasePath(folder));
    if (bytes === 0)
      console.error(`sockeye: ${databasePath(folder)} was an empty file: a new store was begun in it`);
    database.pragma(`journal_size_limit = ${WAL_BYTES_KEPT_MAX}`);
    database.pragma(`cache_size = -${WRITER_PAGES_KIB_MAX}`);
    return { database, release: () => lock.close() };
  } catch (error) {
    lock.close();
    throw asOpenError(error, databasePath(folder));
  }
}

/** A connection that never waits for the writer and never makes it wait. */
export function openForReading(folder: string): Connection {
  try {
    const database = new Database(databasePath(folder), { readonly: true, fileMustExist: true });
    database.pragma('query_only = ON');
    database.pragma(`cache_size = -${READER_PAGES_KIB_MAX}`);
    setSynchronous(database);
    return database;
  } catch (error) {
    throw asOpenError(error, databasePath(folder));
  }
}

/**
 * A connection for a command beside the collector, which may run or not: to a store, a copy of one included, that this
 * version can read. Nothing is changed by it.
 */
export function openBeside(folder: string): Connection {
  const path = databasePath(folder);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new StoreOpenError(
      `data folder ${folder}: got no ${path}, expected a folder that a collector has used; name it with --data`,
    );
  }
  let database: Connection | null = null;
  try {
    lookAtLog(folder);
    database = new Database(path, { readonly: true, fileMustExist: true });
    database.pragma('query_only = ON');
    const { tables } = checkFile(database, path);
    if (tables > 0) return database;
    throw new StoreOpenError(
      `${path}: got an empty file, expected a Sockeye store; name its folder with --data`,
    );
  } catch (error) {
    database?.close();
    throw asOpenError(error, path);
  }
}

/** What SQLite throws while working, as the store's own errors: a full or failing disk is worth a retry. */
export function asStoreError(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (error.code === 'SQLITE_FULL') {
    return new StoreUnavailable('the disk of the data folder is full; free some space or lower --keep-bytes');
  }
  if (error.code.startsWith('SQLITE_BUSY')) {
    return new StoreUnavailable('another program holds the database of the data folder; end its transaction');
  }
  if (error.code.startsWith('SQLITE_IOERR') || isCorrupt(error)) {
    return new StoreUnavailable(`the disk of the data folder fails: ${error.message} (${error.code})`);
  }
  return error;
}

/** Pages that are not what SQLite wrote. */
export function isCorrupt(error: unknown): boolean {
  return (
    error instanceof Database.SqliteError &&
    (error.code.startsWith('SQLITE_CORRUPT') || error.code === 'SQLITE_NOTADB')
  );
}

function makeFolder(folder: string): void {
  try {
    makeFolders(resolve(folder));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreOpenError(
      `data folder ${folder}: got ${reason}, expected a folder that can be written; choose another with --data`,
    );
  }
}

/** Node's own recursive way never returns where the system says that an existing parent does not exist (/proc). */
function makeFolders(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(folder) !== folder) makeFolders(dirname(folder));
  mkdirSync(folder);
}

/**
 * A database held in an open exclusive transaction: the kernel lets go of it when the process ends, however it ends,
 * so there is no stale lock to clean up, and it holds between containers that share the folder.
 */
function lockFolder(folder: string): Connection {
  const path = join(folder, LOCK_NAME);
  let lock: Connection | null = null;
  try {
    lock = new Database(path, { timeout: LOCK_WAIT_MS });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new StoreOpenError(
        `data folder ${folder}: got a folder that another collector is using, expected one of its own; stop the other or choose another with --data`,
      );
    }
    throw asOpenError(error, path);
  }
}

/** Throws StoreOpenError when the file is not ours, or of a version that cannot be upgraded. */
function checkFile(
  database: Connection,
  path: string,
): { readonly tables: number; readonly version: number } {
  const applicationId = database.pragma('application_id', { simple: true });
  const version = Number(database.pragma('user_version', { simple: true }));
  const tables = database.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get() ?? 0;
  if (tables > 0 && applicationId !== APPLICATION_ID) {
    throw new StoreOpenError(
      `${path}: got a SQLite file of another program, expected a Sockeye store; move it away or choose another folder with --data`,
    );
  }
  if (tables > 0 && version !== SCHEMA_VERSION && !UPGRADES.has(version)) {
    throw new StoreOpenError(
      `${path}: got a store of version ${version}, expected ${SCHEMA_VERSION}; ${
        version > SCHEMA_VERSION
          ? 'use the newer collector that wrote it'
          : 'use the older collector that wrote it'
      }, or choose another folder with --data`,
    );
  }
  return { tables, version };
}

function prepareFile(database: Connection, path: string): void {
  const { tables, version } = checkFile(database, path);
  // Page size and vacuum mode are fixed once the file is in WAL mode.
  if (tables === 0) {
    database.pragma(`page_size = ${PAGE_BYTES}`);
    database.pragma('auto_vacuum = INCREMENTAL');
  }
  database.pragma('journal_mode = WAL');
  setSynchronous(database);
  const change = tables === 0 ? SCHEMA : UPGRADES.get(version);
  if (change === undefined) return;
  database.transaction(() => {
    database.exec(change);
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

/** Before a reader opens what no collector has open: SQLite would forget how long the log was. */
function lookAtLog(folder: string): void {
  const path = databasePath(folder);
  if (statSync(`${path}-shm`, { throwIfNoEntry: false }) === undefined) return;
  let lock: Connection;
  try {
    lock = lockFolder(folder);
  } catch (error) {
    // A collector has it, and has looked.
    if (error instanceof StoreOpenError) return;
    throw error;
  }
  try {
    rescueLog(path, 'leave');
  } finally {
    lock.close();
  }
}

/** This SQLite opens an existing WAL file at NORMAL, where a commit is not fsynced: say FULL, and see that it is. */
function setSynchronous(database: Connection): void {
  database.pragma('synchronous = FULL');
  const journal = database.pragma('journal_mode', { simple: true });
  const synchronous = database.pragma('synchronous', { simple: true });
  if (journal !== 'wal' || synchronous !== 2) {
    throw new StoreOpenError(
      `${database.name}: got journal_mode ${String(journal)} and synchronous ${String(synchronous)}, expected wal and 2 (FULL); the file system may not support it, choose another folder with --data`,
    );
  }
}

/** What SQLite throws while the store is opened. */
export function asOpenError(error: unknown, path: string): unknown {
  const isKnown = error instanceof Database.SqliteError || error instanceof TypeError;
  if (!isKnown && !(error instanceof Error && 'syscall' in error)) return error;
  const code = 'code' in error ? String(error.code) : error.name;
  if (code === 'SQLITE_NOTADB') {
    return new StoreOpenError(
      `${path}: got a file that is not a database, expected a Sockeye store; move it away or choose another folder with --data`,
    );
  }
  if (isCorrupt(error)) {
    return new StoreOpenError(
      `${path}: got ${error.message} (${code}), expected the store as it was written; the file is damaged where all else depends on it: restore a backup, or choose another folder with --data`,
    );
  }
  return new StoreOpenError(
    `${path}: got ${error.message} (${code}), expected a file that can be read and written; check the folder's owner, rights and free space, or choose another with --data`,
  );
}
