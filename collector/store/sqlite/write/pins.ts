/** Which traces are kept past retention. */
import type { Connection } from '../open-database.ts';

/** A pinned trace is kept until someone lets it go, so they are few. */
export const PINS_MAX = 1_000;

export interface Pins {
  /** Ids in order. */
  all(): Buffer[];
  /** False when there is no room for another. */
  add(traceId: Buffer): boolean;
  remove(traceId: Buffer): void;
}

export function createPins(database: Connection): Pins {
  const all = database.prepare<[], Buffer>('SELECT trace_id FROM pinned_trace ORDER BY trace_id').pluck();
  const insert = database.prepare<{ traceId: Buffer; nowUnixMs: number; max: number }>(
    `INSERT OR REPLACE INTO pinned_trace SELECT @traceId, @nowUnixMs
     WHERE (SELECT count(*) FROM pinned_trace WHERE trace_id <> @traceId) < @max`,
  );
  const remove = database.prepare<[Buffer]>('DELETE FROM pinned_trace WHERE trace_id = ?');
  return {
    all: () => all.all(),
    add: (traceId) => insert.run({ traceId, nowUnixMs: Date.now(), max: PINS_MAX }).changes > 0,
    remove: (traceId) => void remove.run(traceId),
  };
}
