/** Care for the file: moves the write-ahead log into it, and gives back to the disk what was freed in it. */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { databasePath, type Connection } from '../open-database.ts';

/** The log is moved into the file each time about so much was written to it. */
const CHECKPOINT_BYTES = 32_000_000;
/** Giving 64 pages back takes 2 to 10 ms; 100 MB at once would block for half a second. */
const SLICE_PAGES = 64;

export interface Upkeep {
  /** To be told of what is written, roughly. */
  wrote(bytes: number): void;
  /** Moves the log into the file when it is long, without waiting for readers. */
  checkpointIfLong(atLeastBytes?: number): void;
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
  let writtenBytes = 0;

  /** On a full disk the log stays as it is; the next one tries again. */
  const checkpoint = (mode: 'PASSIVE' | 'TRUNCATE'): void => {
    try {
      database.pragma(`wal_checkpoint(${mode})`);
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
    }
  };

  return {
    wrote(bytes) {
      writtenBytes += bytes;
    },
    checkpointIfLong(atLeastBytes = CHECKPOINT_BYTES) {
      if (writtenBytes < atLeastBytes) return;
      writtenBytes = 0;
      checkpoint('PASSIVE');
    },
    usedBytes: () => (pages('page_count') - pages('freelist_count')) * pageBytes,
    freeBytes: () => pages('freelist_count') * pageBytes,
    giveBackSlice() {
      database.pragma(`incremental_vacuum(${SLICE_PAGES})`);
    },
    truncateLog() {
      const logBytes = () => statSync(`${databasePath(folder)}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      if (logBytes() === 0) return true;
      writtenBytes = 0;
      const timeoutMs = database.pragma('busy_timeout', { simple: true });
      database.pragma('busy_timeout = 0');
      checkpoint('TRUNCATE');
      database.pragma(`busy_timeout = ${String(timeoutMs)}`);
      return logBytes() === 0;
    },
  };
}
