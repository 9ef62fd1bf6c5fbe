/** Care for the file: moves the write-ahead log into it, and gives back to the disk what was freed in it. */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { databasePath, type Connection } from '../open-database.ts';

/** The log is moved into the file each time it has grown by so much. */
const CHECKPOINT_BYTES = 32_000_000;
/**
 * Readers that follow each other without a gap keep the log from beginning anew. When it is longer than this, they are
 * waited for; those that come meanwhile read the file alone.
 */
const LOG_BYTES_MAX = 96_000_000;
/** As long as a commit may have to wait for them. */
const READERS_WAIT_MS = 50;
/** Giving 64 pages back takes 2 to 10 ms; 100 MB at once would block for half a second. */
const SLICE_PAGES = 64;

export interface Upkeep {
  /** Moves the log into the file when it has grown; readers are waited for, shortly, when it is very long. */
  checkpointIfLong(growthBytes?: number): void;
  /** Pages in use, in bytes. */
  usedBytes(): number;
  freeBytes(): number;
  /** Gives a slice of what is free back to the disk. */
  giveBackSlice(): void;
  /** Empties the log, unless a reader still needs it. Whether it is empty. */
  truncateLog(): boolean;
}

export function createUpkeep(database: Connection, folder: string): Upkeep {
  // Done between commits instead of within one.
  database.pragma('wal_autocheckpoint = 0');
  const pageBytes = Number(database.pragma('page_size', { simple: true }));
  const pages = (name: string) => Number(database.pragma(name, { simple: true }));
  /** It begins anew within its file, so this is how long it ever was since the file was cut. */
  const logBytes = () => statSync(`${databasePath(folder)}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  let checkedBytes = 0;

  /** On a full disk the log stays as it is; the next one tries again. */
  const checkpoint = (mode: 'PASSIVE' | 'RESTART' | 'TRUNCATE', waitMs: number): void => {
    const timeoutMs = String(database.pragma('busy_timeout', { simple: true }));
    database.pragma(`busy_timeout = ${waitMs}`);
    try {
      database.pragma(`wal_checkpoint(${mode})`);
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
    } finally {
      database.pragma(`busy_timeout = ${timeoutMs}`);
    }
  };

  return {
    checkpointIfLong(growthBytes = CHECKPOINT_BYTES) {
      const bytes = logBytes();
      checkedBytes = Math.min(checkedBytes, bytes);
      if (bytes - checkedBytes < growthBytes) return;
      checkedBytes = bytes;
      if (bytes < LOG_BYTES_MAX) checkpoint('PASSIVE', 0);
      else checkpoint('RESTART', READERS_WAIT_MS);
    },
    usedBytes: () => (pages('page_count') - pages('freelist_count')) * pageBytes,
    freeBytes: () => pages('freelist_count') * pageBytes,
    giveBackSlice() {
      database.pragma(`incremental_vacuum(${SLICE_PAGES})`);
    },
    truncateLog() {
      if (logBytes() === 0) return true;
      checkpoint('TRUNCATE', 0);
      return logBytes() === 0;
    },
  };
}
