/** The tables of the rollups; part of the store's schema. */
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

CREATE TABLE rollup (
  -- Sums over spans that start in a minute, an hour or a day: calls, errors, timeouts by phase, latencies. What
  -- rollup_delta has is not in them yet.
  level TEXT NOT NULL, -- minute, hour, day
  step_unix_ms INTEGER NOT NULL, -- its beginning
  data BLOB NOT NULL, -- a cell for each series, compressed
  PRIMARY KEY (level, step_unix_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_delta (
  -- What is to be added to a minute, and with it to its hour and its day.
  delta_id INTEGER PRIMARY KEY,
  step_unix_ms INTEGER NOT NULL,
  data BLOB NOT NULL -- as in rollup
) STRICT;
`;

export const ROLLUP_PURGE = `
DELETE FROM series;
DELETE FROM rollup;
DELETE FROM rollup_delta;
`;
