/** The SQL function `verdict_of(trace_id, ordinal)`: all that a verdict says, as JSON, wherever the store has it. */
import type { Connection } from '../open-database.ts';
import { createVerdictTexts, type VerdictPlace } from '../verdict-texts.ts';

/** `source` is another connection to the same store: one that runs a query can read nothing for its functions. */
export function defineVerdictOf(connection: Connection, source: Connection): void {
  // None in a store of version 3 that no newer collector has opened yet.
  const hasTexts = source
    .prepare<[], number>("SELECT count(*) FROM sqlite_schema WHERE name = 'verdict_text'")
    .pluck()
    .get();
  const place = hasTexts ? 'text_id, text_place' : 'NULL AS text_id, NULL AS text_place';
  const select = source.prepare<[unknown, unknown], VerdictPlace>(
    `SELECT verdict_json, ${place} FROM verdict WHERE trace_id = ? AND ordinal = ?`,
  );
  const textOf = hasTexts ? createVerdictTexts(source) : (row: VerdictPlace) => row.verdict_json;
  connection.function('verdict_of', (traceId, ordinal) => {
    const row = select.get(traceId, ordinal);
    return row === undefined ? null : textOf(row);
  });
}
