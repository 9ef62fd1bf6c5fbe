/**
 * The tables of the store, and how the file is known as ours.
 *
 * ```
 * trace ──< span >── resource, scope        a span's bytes, and the bytes they refer to
 *   │        ├──── operation                service + kind + name, once
 *   │        └──── peer                     whom a call's own span names as the other side, once
 *   └──< verdict                            what the diagnosis said of the trace
 * address_service                           which service answered behind host:port, and when last
 * total                                     exact counters, changed in the same transaction as what they count
 * ```
 * `body` columns hold protobuf as sent and are the truth; every other column is read out of them. `…_unix_ns` beyond
 * SQLite's 64-bit integers (year 2262) are held at that limit in the column and stay exact in the body.
 */

/** "SOCK": marks a SQLite file as a Sockeye store (`PRAGMA application_id`). */
export const APPLICATION_ID = 0x53_4f_43_4b;
/** `PRAGMA user_version`: raised whenever the tables change. */
export const SCHEMA_VERSION = 2;

export const SCHEMA = `
CREATE TABLE resource (
  resource_id INTEGER PRIMARY KEY,
  content_hash BLOB NOT NULL UNIQUE,
  schema_url TEXT NOT NULL,
  body BLOB NOT NULL,
  last_used_unix_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE scope (
  scope_id INTEGER PRIMARY KEY,
  content_hash BLOB NOT NULL UNIQUE,
  schema_url TEXT NOT NULL,
  body BLOB NOT NULL,
  last_used_unix_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE operation (
  operation_id INTEGER PRIMARY KEY,
  service TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  last_used_unix_ms INTEGER NOT NULL,
  UNIQUE (service, kind, name)
) STRICT;

CREATE TABLE peer (
  peer_id INTEGER PRIMARY KEY,
  address TEXT,
  name TEXT NOT NULL,
  node_kind TEXT NOT NULL,
  edge_kind TEXT NOT NULL,
  last_used_unix_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX peer_by_content ON peer (name, node_kind, edge_kind, coalesce(address, ''));

CREATE TABLE address_service (
  address TEXT NOT NULL,
  service TEXT NOT NULL,
  last_seen_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (address, service)
) STRICT, WITHOUT ROWID;

-- A new row holds no span yet: the defaults are what any span is earlier or later than.
CREATE TABLE trace (
  trace_key INTEGER PRIMARY KEY,
  trace_id BLOB NOT NULL UNIQUE,
  start_unix_ns INTEGER NOT NULL DEFAULT 9223372036854775807,
  last_start_unix_ns INTEGER NOT NULL DEFAULT 0,
  end_unix_ns INTEGER NOT NULL DEFAULT 0,
  span_count INTEGER NOT NULL DEFAULT 0,
  error_count INTEGER NOT NULL DEFAULT 0,
  timeout_count INTEGER NOT NULL DEFAULT 0,
  failed_count INTEGER NOT NULL DEFAULT 0,
  last_arrived_unix_ms INTEGER NOT NULL DEFAULT 0,
  undiagnosed_since_unix_ms INTEGER
) STRICT;
CREATE INDEX trace_by_start ON trace (start_unix_ns);
CREATE INDEX trace_to_diagnose ON trace (undiagnosed_since_unix_ms) WHERE undiagnosed_since_unix_ms IS NOT NULL;

CREATE TABLE span (
  span_key INTEGER PRIMARY KEY,
  trace_key INTEGER NOT NULL,
  span_id BLOB NOT NULL,
  parent_span_id BLOB,
  content_hash BLOB NOT NULL,
  resource_id INTEGER NOT NULL,
  scope_id INTEGER NOT NULL,
  operation_id INTEGER NOT NULL,
  peer_id INTEGER,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  outcome TEXT NOT NULL,
  give_up_kind TEXT,
  give_up_phase TEXT,
  give_up_budget_ms REAL,
  never_arrived INTEGER NOT NULL,
  is_stream INTEGER NOT NULL,
  is_retry INTEGER NOT NULL,
  start_unix_ns INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL,
  arrived_unix_ms INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX span_by_identity ON span (trace_key, span_id, content_hash);
CREATE INDEX span_by_start ON span (start_unix_ns);
CREATE INDEX span_by_operation ON span (operation_id, start_unix_ns);
CREATE INDEX span_failed ON span (start_unix_ns) WHERE outcome <> 'ok';
CREATE INDEX span_serving ON span (trace_key, parent_span_id) WHERE kind IN ('server', 'consumer');

CREATE TABLE verdict (
  trace_key INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  edge TEXT NOT NULL,
  phase TEXT NOT NULL,
  kind TEXT NOT NULL,
  cause TEXT NOT NULL,
  category TEXT NOT NULL,
  give_up_span_id BLOB NOT NULL,
  origin_span_id BLOB NOT NULL,
  give_up_start_unix_ms REAL NOT NULL,
  give_up_unix_ms REAL NOT NULL,
  entry_service TEXT NOT NULL,
  entry_operation TEXT NOT NULL,
  verdict_json TEXT NOT NULL,
  PRIMARY KEY (trace_key, ordinal)
) STRICT;
CREATE INDEX verdict_by_start ON verdict (give_up_start_unix_ms);
CREATE INDEX verdict_by_fingerprint ON verdict (fingerprint, give_up_unix_ms);

CREATE TABLE total (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO total VALUES ('spans', 0);
`;

export const PURGE = `
DELETE FROM span;
DELETE FROM trace;
DELETE FROM verdict;
DELETE FROM resource;
DELETE FROM scope;
DELETE FROM operation;
DELETE FROM peer;
DELETE FROM address_service;
UPDATE total SET value = 0;
`;
