/** A table of things stored once: gives the key of a row, adding it when it is new, and keeps when it was last used. */
import type { Connection } from '../open-database.ts';

export interface Interned {
  /** `identity` names the row within the table; `columns` are bound when it is new. */
  keyOf(identity: string, columns: readonly (string | number | Buffer | null)[], usedUnixMs: number): number;
  /** Keys may be wrong after a rollback or a deletion. */
  forget(): void;
}

/** How stale `last_used_unix_ms` may be: rows are dropped only when they are older than what is kept by this much. */
export const LAST_USED_STEP_MS = 60_000;
const CACHE_ENTRIES_MAX = 20_000;
const CACHED_IDENTITY_LENGTH_MAX = 2_000;

/** `unique` is the expression list of the table's unique index. */
export function internTable(
  database: Connection,
  table: string,
  key: string,
  columns: readonly string[],
  unique: string,
): Interned {
  // What a reader found damaged is whole again when it is sent again.
  const renewed = ['last_used_unix_ms', ...columns.filter((column) => !unique.includes(column))];
  const insert = database
    .prepare<unknown[], number>(
      `INSERT INTO ${table} (${columns.join(', ')}, last_used_unix_ms) VALUES (${columns.map(() => '?').join(', ')}, ?)
       ON CONFLICT (${unique}) DO UPDATE SET ${renewed.map((column) => `${column} = excluded.${column}`).join(', ')}
       RETURNING ${key}`,
    )
    .pluck();
  const cache = new Map<string, { key: number; usedUnixMs: number }>();
  return {
    keyOf(identity, values, usedUnixMs) {
      const known = cache.get(identity);
      if (known !== undefined && usedUnixMs - known.usedUnixMs < LAST_USED_STEP_MS) return known.key;
      const rowKey = insert.get(...values, usedUnixMs);
      if (rowKey === undefined) throw new Error(`${table}: an upsert returned no key`);
      if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
      if (identity.length <= CACHED_IDENTITY_LENGTH_MAX) cache.set(identity, { key: rowKey, usedUnixMs });
      return rowKey;
    },
    forget: () => cache.clear(),
  };
}
