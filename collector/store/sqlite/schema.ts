/**
 * The tables of the block store, and how the file is known as ours.
 *
 * ```
 * request ─▶ segment ──fold──▶ block ──< block_part      spans: as one commit wrote them, then sorted by trace
 *               │                │
 *               └── refer to ────┴──▶ resource, scope    the bytes they were sent with, once
 *                                     operation          service + kind + name, once
 *                                     peer               whom a call's own span names as the other side, once
 * rollup, series                                         sums per minute, hour and day: see rollup-tables.ts
 * address_service                                        which service answered behind host:port, and when last
 * undiagnosed_trace, verdict                             traces that failed and wait; what the diagnosis said
 * pinned_trace                                           kept past retention
 * recent_requests                                        what a request sent again is recognised by
 * damage                                                 blocks and segments that cannot be read and were set aside
 * ```
 * A span is in exactly one segment or one block. Both hold columns, compressed (collector/store/columns).
 */
import { ROLLUP_PURGE, ROLLUP_TABLES } from './rollup-tables.ts';

/** "SOCK": marks a SQLite file as a Sockeye store (`PRAGMA application_id`). */
export const APPLICATION_ID = 0x53_4f_43_4b;
/** `PRAGMA user_version`: raised whenever the tables change. */
export const SCHEMA_VERSION = 3;
/**
 * Of a block's rows, which are large, 1.6 % of the file is lost at the ends of pages; 2.8 % with twice the size, which
 * also costs half as much again to write.
 */
export const PAGE_BYTES = 8_192;

export const SCHEMA = `
-- AUTOINCREMENT: what is remembered by a number must never find another row under it.
CREATE TABLE resource (
  resource_id INTEGER PRIMARY KEY AUTOINCREMENT,
  content_hash BLOB NOT NULL UNIQUE,
  schema_url TEXT NOT NULL,
  body BLOB NOT NULL,
  last_used_unix_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE scope (
  scope_id INTEGER PRIMARY KEY AUTOINCREMENT,
  content_hash BLOB NOT NULL UNIQUE,
  schema_url TEXT NOT NULL,
  body BLOB NOT NULL,
  last_used_unix_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE operation (
  operation_id INTEGER PRIMARY KEY AUTOINCREMENT,
  service TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  last_used_unix_ms INTEGER NOT NULL,
  UNIQUE (service, kind, name)
) STRICT;

CREATE TABLE peer (
  peer_id INTEGER PRIMARY KEY AUTOINCREMENT,
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

CREATE TABLE segment (
  segment_id INTEGER PRIMARY KEY,
  arrived_unix_ms INTEGER NOT NULL,
  span_count INTEGER NOT NULL,
  request_fingerprints BLOB NOT NULL,
  data BLOB NOT NULL
) STRICT;

-- kind: recent (spans that arrived within an hour of their start), late (others, of one day), scattered (of many days,
-- without a range of starts), pinned (kept past retention).
CREATE TABLE block (
  block_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  granule_count INTEGER NOT NULL,
  span_count INTEGER NOT NULL,
  trace_count INTEGER NOT NULL,
  byte_count INTEGER NOT NULL,
  first_arrived_unix_ms INTEGER NOT NULL,
  last_arrived_unix_ms INTEGER NOT NULL,
  first_start_unix_ms INTEGER,
  last_start_unix_ms INTEGER
) STRICT;

-- Column by column, the granules from first_granule on, up to the next row of the same name.
CREATE TABLE block_part (
  block_id INTEGER NOT NULL,
  column_name TEXT NOT NULL,
  first_granule INTEGER NOT NULL,
  data BLOB NOT NULL,
  UNIQUE (block_id, column_name, first_granule)
) STRICT;

CREATE TABLE damage (
  found_unix_ms INTEGER NOT NULL,
  block_id INTEGER UNIQUE,
  segment_id INTEGER UNIQUE,
  reason TEXT NOT NULL
) STRICT;

-- Those whose segments have become blocks: 8 bytes a request.
CREATE TABLE recent_requests (
  arrived_unix_ms INTEGER NOT NULL,
  request_fingerprints BLOB NOT NULL
) STRICT;

CREATE TABLE pinned_trace (
  trace_id BLOB PRIMARY KEY,
  pinned_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE undiagnosed_trace (
  trace_id BLOB PRIMARY KEY,
  waiting_since_unix_ms INTEGER NOT NULL,
  last_arrived_unix_ms INTEGER NOT NULL,
  span_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX undiagnosed_trace_by_waiting ON undiagnosed_trace (waiting_since_unix_ms);

CREATE TABLE verdict (
  trace_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL,
  trace_arrived_unix_ms INTEGER NOT NULL,
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
  UNIQUE (trace_id, ordinal)
) STRICT;
CREATE INDEX verdict_by_start ON verdict (give_up_start_unix_ms);
CREATE INDEX verdict_by_fingerprint ON verdict (fingerprint, give_up_unix_ms);

${ROLLUP_TABLES}`;

export const PURGE = `
DELETE FROM segment;
DELETE FROM block;
DELETE FROM block_part;
DELETE FROM damage;
DELETE FROM recent_requests;
DELETE FROM pinned_trace;
DELETE FROM undiagnosed_trace;
DELETE FROM verdict;
DELETE FROM resource;
DELETE FROM scope;
DELETE FROM operation;
DELETE FROM peer;
DELETE FROM address_service;
${ROLLUP_PURGE}`;
