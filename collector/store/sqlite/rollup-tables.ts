/** The tables of the rollups; part of the store's schema. */

/**
 * With an index of its own: in the tree of a table WITHOUT ROWID, SQLite reads all of a row to compare its key, and a look for
 * one of a hundred hours of 100 KB each read 1 MB.
 */
export const ROLLUP = `CREATE TABLE rollup (
  -- Sums over spans that start in a minute, an hour or a day: calls, errors, timeouts by phase, latencies. What
  -- rollup_delta has is not in them yet.
  level TEXT NOT NULL, -- minute, hour, day
  step_unix_ms INTEGER NOT NULL, -- its beginning
  data BLOB NOT NULL, -- a cell for each series, compressed
  UNIQUE (level, step_unix_ms)
) STRICT;
`;

export const ROLLUP_TABLES = `
CREATE TABLE series (
  -- What a cell of the sums counts.
  series_id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL, -- operation: its spans; edge: calls; entry: calls from outside; version: spans of a service's version
  service TEXT,
  operation_id INTEGER,
  service_version TEXT,
  callee_service TEXT, -- of a call whose server span is known; any other has peer_id
  peer_id INTEGER,
  edge_kind TEXT,
  identity TEXT NOT NULL UNIQUE, -- all of the above
  last_used_unix_ms INTEGER NOT NULL -- to the minute
) STRICT;

${ROLLUP}
CREATE TABLE rollup_delta (
  -- What is to be added to a minute, and with it to its hour and its day.
  delta_id INTEGER PRIMARY KEY,
  step_unix_ms INTEGER NOT NULL,
  data BLOB NOT NULL -- as in rollup
) STRICT;
`;

/** From a store of version 4. */
export const ROLLUP_UPGRADE = `
ALTER TABLE rollup RENAME TO rollup_before;
${ROLLUP}
INSERT INTO rollup SELECT level, step_unix_ms, data FROM rollup_before;
DROP TABLE rollup_before;
`;

export const ROLLUP_PURGE = `
DELETE FROM series;
DELETE FROM rollup;
DELETE FROM rollup_delta;
`;
