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
 * undiagnosed_trace, verdict                             traces that failed and wait; what the diagnosis said,
 * verdict_text                                           and all of it, of many traces together
 * pinned_trace                                           kept past retention
 * incident_state                                         which incidents someone acknowledged or muted
 * recent_requests                                        what a request sent again is recognised by
 * forward_queue, forward_position                        what other backends have still to take, and how far each is
 * damage                                                 blocks and segments that cannot be read and were set aside
 * ```
 * A span is in exactly one segment or one block. Both hold columns, compressed (collector/store/columns).
 */
import { ROLLUP_PURGE, ROLLUP_TABLES, ROLLUP_UPGRADE } from './rollup-tables.ts';

/** "SOCK": marks a SQLite file as a Sockeye store (`PRAGMA application_id`). */
export const APPLICATION_ID = 0x53_4f_43_4b;
/** `PRAGMA user_version`: raised whenever the tables change. */
export const SCHEMA_VERSION = 7;
/**
 * Of a block's rows, which are large, 1.6 % of the file is lost at the ends of pages; 2.8 % with twice the size, which
 * also costs half as much again to write.
 */
export const PAGE_BYTES = 8_192;

const VERDICT_TEXT = `
CREATE TABLE verdict_text (
  -- What the diagnosis said of several traces, together because they say much the same.
  text_id INTEGER PRIMARY KEY AUTOINCREMENT,
  last_arrived_unix_ms INTEGER NOT NULL, -- of their traces
  data BLOB NOT NULL -- zstd: a verdict a line, as GET /api/traces/ID/diagnosis gives it
) STRICT;
CREATE INDEX verdict_text_by_arrival ON verdict_text (last_arrived_unix_ms);
CREATE INDEX verdict_by_text ON verdict (text_id);
`;

const INCIDENT_STATE = `
CREATE TABLE incident_state (
  -- Which incidents someone acknowledged or muted.
  fingerprint TEXT PRIMARY KEY, -- as in verdict
  acknowledged_seen_unix_ms REAL, -- its last give-up since it was acknowledged: the next may be 15 minutes later; null: not, or it was over
  muted_until_unix_ms INTEGER,
  changed_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

const FORWARD_QUEUE = `
CREATE TABLE forward_queue (
  -- OTLP requests that other backends have still to take; of spans, those of one commit at most.
  entry_id INTEGER PRIMARY KEY, -- rising; a new one is beyond what any backend has taken
  signal TEXT NOT NULL, -- traces, metrics, logs
  arrived_unix_ms INTEGER NOT NULL,
  item_count INTEGER NOT NULL, -- spans, data points or log records
  byte_count INTEGER NOT NULL, -- of data
  raw_byte_count INTEGER NOT NULL, -- of the requests
  data BLOB NOT NULL -- a part: protobuf, one request behind the other, which is one request
) STRICT;
-- All that is asked of many of them at once.
CREATE INDEX forward_queue_by_signal ON forward_queue (signal, entry_id, item_count, byte_count);

CREATE TABLE forward_position (
  -- How far each backend is that spans are forwarded to.
  destination TEXT NOT NULL, -- its URL without secrets, or its name
  signal TEXT NOT NULL,
  taken_to_entry_id INTEGER NOT NULL, -- this one and those before are sent, refused or dropped
  PRIMARY KEY (destination, signal)
) STRICT, WITHOUT ROWID;
`;

/** Comments stand within the statements: SQLite keeps them there, and `.schema` shows them. */
export const SCHEMA = `
-- AUTOINCREMENT: what is remembered by a number must never find another row under it.
CREATE TABLE resource (
  -- What sent spans: OTLP Resource as it was sent, once.
  resource_id INTEGER PRIMARY KEY AUTOINCREMENT,
  content_hash BLOB NOT NULL UNIQUE, -- of body and schema_url; tells damage, too
  schema_url TEXT NOT NULL,
  body BLOB NOT NULL, -- protobuf
  last_used_unix_ms INTEGER NOT NULL -- to the minute
) STRICT;

CREATE TABLE scope (
  -- What made spans: OTLP InstrumentationScope as it was sent, once.
  scope_id INTEGER PRIMARY KEY AUTOINCREMENT,
  content_hash BLOB NOT NULL UNIQUE, -- of body and schema_url; tells damage, too
  schema_url TEXT NOT NULL,
  body BLOB NOT NULL, -- protobuf
  last_used_unix_ms INTEGER NOT NULL -- to the minute
) STRICT;

CREATE TABLE operation (
  -- What spans are listed as.
  operation_id INTEGER PRIMARY KEY AUTOINCREMENT,
  service TEXT NOT NULL,
  kind TEXT NOT NULL, -- internal, server, client, producer, consumer, unspecified
  name TEXT NOT NULL, -- the span's name, with the route where that is a bare method
  last_used_unix_ms INTEGER NOT NULL, -- to the minute
  UNIQUE (service, kind, name)
) STRICT;

CREATE TABLE peer (
  -- Whom a call's own span names as the other side.
  peer_id INTEGER PRIMARY KEY AUTOINCREMENT,
  address TEXT, -- host:port, where both are known
  name TEXT NOT NULL,
  node_kind TEXT NOT NULL, -- service, database, messaging, external
  edge_kind TEXT NOT NULL, -- http, rpc, db, messaging, tcp
  last_used_unix_ms INTEGER NOT NULL -- to the minute
) STRICT;
CREATE UNIQUE INDEX peer_by_content ON peer (name, node_kind, edge_kind, coalesce(address, ''));

CREATE TABLE address_service (
  -- Which service answered behind an address: learnt from calls whose server span is known.
  address TEXT NOT NULL, -- host:port
  service TEXT NOT NULL,
  last_seen_unix_ms INTEGER NOT NULL,
  PRIMARY KEY (address, service)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment (
  -- Spans of one commit, until they become part of a block.
  segment_id INTEGER PRIMARY KEY,
  arrived_unix_ms INTEGER NOT NULL,
  span_count INTEGER NOT NULL,
  request_fingerprints BLOB NOT NULL, -- 8 bytes a request: knows it when it is sent again
  data BLOB NOT NULL -- all columns, compressed
) STRICT;

CREATE TABLE block (
  -- Many spans, sorted by trace; never changed, dropped as a whole.
  block_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL, -- recent: arrived within an hour of their start; late: others, of one day; scattered: of many days; pinned
  granule_count INTEGER NOT NULL, -- of some thousand spans each
  span_count INTEGER NOT NULL,
  trace_count INTEGER NOT NULL,
  byte_count INTEGER NOT NULL,
  first_arrived_unix_ms INTEGER NOT NULL,
  last_arrived_unix_ms INTEGER NOT NULL,
  first_start_unix_ms INTEGER, -- null where they are scattered
  last_start_unix_ms INTEGER
) STRICT;

CREATE TABLE block_part (
  -- The columns of blocks, compressed.
  block_id INTEGER NOT NULL,
  column_name TEXT NOT NULL, -- header: what granules share; slow: the slowest spans of each operation; values: which attribute values there are; trace_prefix: how the ids of its traces begin; a/s/KEY: values of the text attribute KEY; trace, start, end, …
  first_granule INTEGER NOT NULL, -- data has it and those up to the next row of this column
  data BLOB NOT NULL, -- how many granules, the length of each, their bytes
  UNIQUE (block_id, column_name, first_granule)
) STRICT;

CREATE TABLE damage (
  -- What cannot be read and was set aside.
  found_unix_ms INTEGER NOT NULL,
  block_id INTEGER UNIQUE, -- or segment_id
  segment_id INTEGER UNIQUE,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE recent_requests (
  -- Those of 15 minutes whose segments have become blocks.
  arrived_unix_ms INTEGER NOT NULL,
  request_fingerprints BLOB NOT NULL -- 8 bytes a request
) STRICT;

CREATE TABLE pinned_trace (
  -- Kept past retention.
  trace_id BLOB PRIMARY KEY,
  pinned_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE undiagnosed_trace (
  -- Traces with failed spans that wait for their diagnosis.
  trace_id BLOB PRIMARY KEY,
  waiting_since_unix_ms INTEGER NOT NULL,
  last_arrived_unix_ms INTEGER NOT NULL,
  span_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX undiagnosed_trace_by_waiting ON undiagnosed_trace (waiting_since_unix_ms);

CREATE TABLE verdict (
  -- What the diagnosis said of a trace: one row a give-up.
  trace_id BLOB NOT NULL,
  ordinal INTEGER NOT NULL, -- 0 explains the root's failure
  trace_arrived_unix_ms INTEGER NOT NULL,
  fingerprint TEXT NOT NULL, -- of the incident: edge, phase and kind
  edge TEXT NOT NULL, -- caller->callee
  phase TEXT NOT NULL,
  kind TEXT NOT NULL, -- timeout, refused, reset, …
  cause TEXT NOT NULL, -- code, as /help/causes/CODE explains it
  category TEXT NOT NULL,
  give_up_span_id BLOB NOT NULL,
  origin_span_id BLOB NOT NULL,
  give_up_start_unix_ms REAL NOT NULL, -- when the span that gave up started
  give_up_unix_ms REAL NOT NULL, -- when it gave up
  entry_service TEXT NOT NULL, -- where the trace began
  entry_operation TEXT NOT NULL,
  verdict_json TEXT NOT NULL, -- all of it, as GET /api/traces/ID/diagnosis gives it; empty where verdict_text has it
  text_id INTEGER,
  text_place INTEGER, -- which line of the text, from 0
  UNIQUE (trace_id, ordinal)
) STRICT;
CREATE INDEX verdict_by_start ON verdict (give_up_start_unix_ms);
CREATE INDEX verdict_by_fingerprint ON verdict (fingerprint, give_up_unix_ms);

${VERDICT_TEXT}
${INCIDENT_STATE}
${FORWARD_QUEUE}
${ROLLUP_TABLES}`;

/** What makes a store of an older version one of this. */
export const UPGRADES: ReadonlyMap<number, string> = new Map([
  [
    3,
    `ALTER TABLE verdict ADD COLUMN text_id INTEGER;
     ALTER TABLE verdict ADD COLUMN text_place INTEGER;
     ${VERDICT_TEXT}
     ${ROLLUP_UPGRADE}
     ${INCIDENT_STATE}
     ${FORWARD_QUEUE}`,
  ],
  [4, ROLLUP_UPGRADE + INCIDENT_STATE + FORWARD_QUEUE],
  [5, INCIDENT_STATE + FORWARD_QUEUE],
  [6, FORWARD_QUEUE],
]);

export const PURGE = `
DELETE FROM segment;
DELETE FROM block;
DELETE FROM block_part;
DELETE FROM damage;
DELETE FROM recent_requests;
DELETE FROM forward_queue;
DELETE FROM pinned_trace;
DELETE FROM incident_state;
DELETE FROM undiagnosed_trace;
DELETE FROM verdict;
DELETE FROM verdict_text;
DELETE FROM resource;
DELETE FROM scope;
DELETE FROM operation;
DELETE FROM peer;
DELETE FROM address_service;
${ROLLUP_PURGE}`;
