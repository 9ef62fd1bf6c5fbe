/** Blocks and segments that cannot be read are set aside, said once, and left where they are; the rest is served. */
import Database from 'better-sqlite3';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Connection } from '../open-database.ts';

export type DamagedUnit = { readonly blockId: number } | { readonly segmentId: number };

export interface Damage {
  setAside(unit: DamagedUnit, reason: string): void;
}

export function createDamage(database: Connection): Damage {
  const insert = database.prepare<[number, number | null, number | null, string]>(
    'INSERT OR IGNORE INTO damage VALUES (?, ?, ?, ?)',
  );
  return {
    setAside(unit, reason) {
      const [blockId, segmentId] = 'blockId' in unit ? [unit.blockId, null] : [null, unit.segmentId];
      if (insert.run(Date.now(), blockId, segmentId, reason).changes === 0) return;
      const name = blockId === null ? `segment ${segmentId}` : `block ${blockId}`;
      console.error(
        `sockeye: ${name} of the store is damaged (${reason}) and set aside with its spans; all others are served`,
      );
    },
  };
}

/** Runs what reads a unit; bytes that are not what was written, and pages that SQLite cannot read, are damage. */
export function reasonOfDamage(error: unknown): string | null {
  if (error instanceof DamagedPart) return error.message;
  const isCorrupt = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CORRUPT');
  return isCorrupt ? `${error.message} (${error.code})` : null;
}
