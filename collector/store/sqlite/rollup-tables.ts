/** The tables of the rollups; part of the store's schema. */
export const ROLLUP_TABLES = `
-- What a cell counts. A call whose server span is known has callee_service, any other has peer_id.
CREATE TABLE series (
  series_id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  service TEXT,
  operation_id INTEGER,
  service_version TEXT,
  callee_service TEXT,
  peer_id INTEGER,
  edge_kind TEXT,
  identity TEXT NOT NULL UNIQUE,
  last_used_unix_ms INTEGER NOT NULL
) STRICT;

-- All series' cells of one step of time (level: minute, hour, day). What rollup_delta has is not in them yet.
CREATE TABLE rollup (
  level TEXT NOT NULL,
  step_unix_ms INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (level, step_unix_ms)
) STRICT, WITHOUT ROWID;

-- What is to be added to a minute, and with it to its hour and its day.
CREATE TABLE rollup_delta (
  delta_id INTEGER PRIMARY KEY,
  step_unix_ms INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
`;

export const ROLLUP_PURGE = `
DELETE FROM series;
DELETE FROM rollup;
DELETE FROM rollup_delta;
`;
