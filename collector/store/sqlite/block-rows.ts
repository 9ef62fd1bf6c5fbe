/** What is known of each block without opening it. */
import type { Connection } from './open-database.ts';

/**
 * recent: arrived within an hour of their start. late: others, of one day of start. scattered: others, of many days,
 * so that no range of starts is worth saying. pinned: kept past retention.
 */
export type BlockKind = 'recent' | 'late' | 'scattered' | 'pinned';

export interface BlockRow {
  readonly blockId: number;
  readonly kind: BlockKind;
  readonly granules: number;
  readonly spans: number;
  readonly traces: number;
  readonly bytes: number;
  readonly firstArrivedUnixMs: number;
  readonly lastArrivedUnixMs: number;
  /** Of the spans' starts; null when they are scattered. */
  readonly firstStartUnixMs: number | null;
  readonly lastStartUnixMs: number | null;
}

/** Those that can be read, or all, in order of arrival. */
export function readBlockRows(
  database: Connection,
  which: 'readable' | 'all' = 'readable',
): () => BlockRow[] {
  const damaged = which === 'all' ? '' : 'SELECT block_id FROM damage WHERE block_id IS NOT NULL';
  const select = database.prepare<[], BlockRow>(
    `SELECT block_id AS blockId, kind, granule_count AS granules, span_count AS spans, trace_count AS traces,
       byte_count AS bytes, first_arrived_unix_ms AS firstArrivedUnixMs, last_arrived_unix_ms AS lastArrivedUnixMs,
       first_start_unix_ms AS firstStartUnixMs, last_start_unix_ms AS lastStartUnixMs
     FROM block WHERE block_id NOT IN (${damaged})
     ORDER BY first_arrived_unix_ms, block_id`,
  );
  return () => select.all();
}
