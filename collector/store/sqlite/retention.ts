/**
 * Drops the oldest spans by arrival, a slice at a time, so that appends wait for one slice and not for all of it.
 *
 * Spans are stored in order of arrival, so the oldest are those with the lowest keys. A trace that loses some of its
 * spans is counted again from those it keeps; one that loses all goes, with its verdicts.
 */
import { statSync } from 'node:fs';
import { LAST_USED_STEP_MS } from './intern.ts';
import { databasePath, type Connection } from './open-database.ts';

export interface RetentionSlice {
  readonly arrivedBeforeUnixMs: number;
  readonly keepBytes: number;
}
export interface SliceOutcome {
  readonly dropped: number;
  /** There is more to drop. */
  readonly more: boolean;
}

const SLICE_SPANS = 1_000;
/** Giving 64 pages back to the file system takes 2 to 10 ms; 100 MB at once would block for half a second. */
const VACUUM_PAGES = 64;

export function createRetention(
  database: Connection,
  folder: string,
): (slice: RetentionSlice) => SliceOutcome {
  const dropSlice = createDropSlice(database);
  const vacuum = () => database.pragma(`incremental_vacuum(${VACUUM_PAGES})`);

  return ({ arrivedBeforeUnixMs, keepBytes }) => {
    const isTooBig = usedBytes(database) > keepBytes;
    const dropped = dropSlice(isTooBig ? Number.MAX_SAFE_INTEGER : arrivedBeforeUnixMs);
    vacuum();
    const hasFreePages = Number(database.pragma('freelist_count', { simple: true })) > 0;
    if (dropped === 0 && !hasFreePages) {
      if (walBytes(folder) > 0) truncateWal(database);
      return { dropped: 0, more: false };
    }
    return { dropped, more: true };
  };
}

function createDropSlice(database: Connection): (arrivedBeforeUnixMs: number) => number {
  const lowest = database.prepare<[number], { span_key: number; arrived_unix_ms: number }>(
    'SELECT span_key, arrived_unix_ms FROM span ORDER BY span_key LIMIT ?',
  );
  const findOldest = database
    .prepare<[], number>('SELECT arrived_unix_ms FROM span ORDER BY span_key LIMIT 1')
    .pluck();
  const statements = {
    touched: database
      .prepare<[number], number>('SELECT DISTINCT trace_key FROM span WHERE span_key <= ?')
      .pluck(),
    deleteSpans: database.prepare('DELETE FROM span WHERE span_key <= ?'),
    recount: database.prepare(RECOUNT),
    deleteVerdicts: database.prepare(
      'DELETE FROM verdict WHERE trace_key = @traceKey AND NOT EXISTS (SELECT 1 FROM span WHERE trace_key = @traceKey)',
    ),
    deleteTrace: database.prepare(
      'DELETE FROM trace WHERE trace_key = @traceKey AND NOT EXISTS (SELECT 1 FROM span WHERE trace_key = @traceKey)',
    ),
    subtract: database.prepare("UPDATE total SET value = value - ? WHERE name = 'spans'"),
  };
  const unused = ['resource', 'scope', 'operation', 'peer'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE last_used_unix_ms < ?`),
  );
  const forgetAddresses = database.prepare('DELETE FROM address_service WHERE last_seen_unix_ms < ?');

  return database.transaction((arrivedBeforeUnixMs: number) => {
    const slice = lowest.all(SLICE_SPANS);
    // A clock that was set back puts a younger span before older ones: they wait for it.
    const younger = slice.findIndex((span) => span.arrived_unix_ms >= arrivedBeforeUnixMs);
    const last = younger === -1 ? slice.at(-1) : slice[younger - 1];
    if (last === undefined) return 0;
    const traceKeys = statements.touched.all(last.span_key);
    const { changes } = statements.deleteSpans.run(last.span_key);
    for (const traceKey of traceKeys) {
      statements.deleteVerdicts.run({ traceKey });
      statements.deleteTrace.run({ traceKey });
      statements.recount.run({ traceKey });
    }
    statements.subtract.run(changes);
    const oldestLeft = findOldest.get() ?? last.arrived_unix_ms;
    for (const statement of unused) statement.run(oldestLeft - LAST_USED_STEP_MS);
    forgetAddresses.run(oldestLeft);
    return changes;
  });
}

const RECOUNT = `
UPDATE trace SET start_unix_ns = kept.start, last_start_unix_ns = kept.last_start, end_unix_ns = kept.end,
  span_count = kept.spans, error_count = kept.errors, timeout_count = kept.timeouts, failed_count = kept.failed
FROM (
  SELECT min(start_unix_ns) AS start, max(start_unix_ns) AS last_start, max(start_unix_ns + duration_ns) AS end,
    count(*) AS spans, sum(outcome = 'error') AS errors, sum(outcome = 'timeout') AS timeouts, sum(outcome <> 'ok') AS failed
  FROM span WHERE trace_key = @traceKey
) AS kept
WHERE trace_key = @traceKey AND kept.spans > 0`;

/** Pages in use; those already free are about to be given back. */
function usedBytes(database: Connection): number {
  const pages = Number(database.pragma('page_count', { simple: true }));
  const free = Number(database.pragma('freelist_count', { simple: true }));
  return (pages - free) * Number(database.pragma('page_size', { simple: true }));
}

/** Without waiting for a query that still reads the WAL: appends would wait along. The next round tries again. */
function truncateWal(database: Connection): void {
  const timeoutMs = database.pragma('busy_timeout', { simple: true });
  database.pragma('busy_timeout = 0');
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.pragma(`busy_timeout = ${String(timeoutMs)}`);
}

function walBytes(folder: string): number {
  return statSync(`${databasePath(folder)}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}
