/** Stores the spans of one request within the transaction its caller has open. */
import { hash } from 'node:crypto';
import { decodeResource, decodeScope, decodeSpan } from '../../decode/otlp-protobuf.ts';
import { walkRequest, type RequestSpan, type SpanContext } from '../../decode/walk-request.ts';
import type { Resource, Scope } from '../../span.ts';
import type { AppendOutcome } from '../store.ts';
import { internTable, LAST_USED_STEP_MS } from './intern.ts';
import type { Connection } from './open-database.ts';
import { columnNano, spanColumns, type SpanColumns } from './span-columns.ts';

export interface SpanWriter {
  /** Throws DecodeError before anything is written. */
  write(request: Uint8Array): AppendOutcome;
  /** To be called after a rollback or a deletion. */
  forget(): void;
}

/** What a request adds to a trace's row. */
interface TraceGrowth {
  startUnixNano: bigint;
  lastStartUnixNano: bigint;
  endUnixNano: bigint;
  spans: number;
  errors: number;
  timeouts: number;
  failed: number;
}

/** A resource or scope of the request being written: its row and, decoded, what its spans refer to. */
interface Context<T> {
  readonly key: number;
  readonly contentHash: Buffer;
  readonly decoded: T;
}

const HASH_BYTES = 16;

export function createSpanWriter(database: Connection): SpanWriter {
  const tables = {
    resource: internTable(
      database,
      'resource',
      'resource_id',
      ['content_hash', 'schema_url', 'body'],
      'content_hash',
    ),
    scope: internTable(database, 'scope', 'scope_id', ['content_hash', 'schema_url', 'body'], 'content_hash'),
    operation: internTable(
      database,
      'operation',
      'operation_id',
      ['service', 'kind', 'name'],
      'service, kind, name',
    ),
    peer: internTable(
      database,
      'peer',
      'peer_id',
      ['address', 'name', 'node_kind', 'edge_kind'],
      "name, node_kind, edge_kind, coalesce(address, '')",
    ),
  };
  const statements = prepareStatements(database);
  // Never goes back, though the clock may: retention takes what was last used before its oldest span for unused.
  let usedUnixMs = (statements.lastUsed.get() ?? 0) + LAST_USED_STEP_MS;

  function contextOf<T>(
    table: 'resource' | 'scope',
    sent: SpanContext,
    decode: (bytes: Uint8Array, schemaUrl: string) => T,
  ): Context<T> {
    const contentHash = contentHashOf(contentHashOf(sent.bytes), Buffer.from(sent.schemaUrl));
    const columns = [contentHash, sent.schemaUrl, asBuffer(sent.bytes)];
    const key = tables[table].keyOf(contentHash.toString('latin1'), columns, usedUnixMs);
    return { key, contentHash, decoded: decode(sent.bytes, sent.schemaUrl) };
  }

  function traceKeyOf(traceId: string): number {
    const id = Buffer.from(traceId, 'hex');
    return statements.findTrace.get(id) ?? Number(statements.addTrace.run(id).lastInsertRowid);
  }

  function operationKeyOf({ service, kind, operation }: SpanColumns): number {
    return tables.operation.keyOf(
      identityOf(service, kind, operation),
      [service, kind, operation],
      usedUnixMs,
    );
  }

  function peerKeyOf({ peer }: SpanColumns): number | null {
    if (peer === null) return null;
    const columns = [peer.address, peer.name, peer.nodeKind, peer.edgeKind];
    return tables.peer.keyOf(identityOf(...columns), columns, usedUnixMs);
  }

  /** Whether the span is new. */
  function writeSpan(
    traceKey: number,
    sent: RequestSpan,
    columns: SpanColumns,
    resource: Context<Resource>,
    scope: Context<Scope>,
    nowUnixMs: number,
  ): boolean {
    const { changes } = statements.addSpan.run(
      traceKey,
      Buffer.from(sent.spanId, 'hex'),
      columns.parentSpanId,
      contentHashOf(sent.bytes, resource.contentHash, scope.contentHash),
      resource.key,
      scope.key,
      operationKeyOf(columns),
      peerKeyOf(columns),
      columns.kind,
      columns.status,
      columns.outcome,
      columns.giveUpKind,
      columns.giveUpPhase,
      columns.giveUpBudgetMs,
      Number(columns.neverArrived),
      Number(columns.isStream),
      Number(columns.isRetry),
      columns.startUnixNano,
      columns.durationNano,
      nowUnixMs,
      asBuffer(sent.bytes),
    );
    return changes === 1;
  }

  return {
    write(request) {
      const nowUnixMs = Date.now();
      usedUnixMs = Math.max(usedUnixMs, nowUnixMs);
      const walk = walkRequest(request, nowUnixMs);
      const resources = memoize((sent: SpanContext) => contextOf('resource', sent, decodeResource));
      const scopes = memoize((sent: SpanContext) => contextOf('scope', sent, decodeScope));
      const traceKeys = new Map<string, number>();
      const growths = new Map<number, TraceGrowth>();
      const firstNewKey = (statements.lastSpanKey.get() ?? 0) + 1;
      let stored = 0;
      for (const sent of walk.spans) {
        const resource = resources(sent.resource);
        const scope = scopes(sent.scope);
        const columns = spanColumns(decodeSpan(sent.bytes, resource.decoded, scope.decoded));
        const traceKey = traceKeys.get(sent.traceId) ?? traceKeyOf(sent.traceId);
        traceKeys.set(sent.traceId, traceKey);
        if (!writeSpan(traceKey, sent, columns, resource, scope, nowUnixMs)) continue;
        stored++;
        growTrace(growths, traceKey, columns);
      }
      for (const [traceKey, growth] of growths) statements.growTrace.run({ traceKey, nowUnixMs, ...growth });
      if (stored > 0) {
        statements.rememberAddresses.run({ firstNewKey });
        statements.addTotal.run(stored);
      }
      return {
        stored,
        duplicate: walk.spans.length - stored,
        refused: walk.refused,
        refusedMessage: walk.refusedMessage,
        warning: walk.warning,
      };
    },
    forget() {
      for (const table of Object.values(tables)) table.forget();
    },
  };
}

function prepareStatements(database: Connection) {
  return {
    findTrace: database.prepare<[Buffer], number>('SELECT trace_key FROM trace WHERE trace_id = ?').pluck(),
    addTrace: database.prepare('INSERT INTO trace (trace_id) VALUES (?)'),
    addSpan: database.prepare(
      `INSERT INTO span VALUES (NULL${', ?'.repeat(21)}) ON CONFLICT (trace_key, span_id, content_hash) DO NOTHING`,
    ),
    lastUsed: database.prepare<[], number>('SELECT max(last_used_unix_ms) FROM operation').pluck(),
    lastSpanKey: database.prepare<[], number>('SELECT max(span_key) FROM span').pluck(),
    growTrace: database.prepare(
      `UPDATE trace SET start_unix_ns = min(start_unix_ns, @startUnixNano),
         last_start_unix_ns = max(last_start_unix_ns, @lastStartUnixNano),
         end_unix_ns = max(end_unix_ns, @endUnixNano), span_count = span_count + @spans,
         error_count = error_count + @errors, timeout_count = timeout_count + @timeouts,
         failed_count = failed_count + @failed, last_arrived_unix_ms = @nowUnixMs,
         undiagnosed_since_unix_ms = iif(failed_count + @failed > 0, coalesce(undiagnosed_since_unix_ms, @nowUnixMs), NULL)
       WHERE trace_key = @traceKey`,
    ),
    rememberAddresses: database.prepare(REMEMBER_ADDRESSES),
    addTotal: database.prepare("UPDATE total SET value = value + ? WHERE name = 'spans'"),
  };
}

/** A call and its server span, whichever came last: the service answers behind the address the caller used. */
const REMEMBER_ADDRESSES = `
WITH pair (peer_id, server_operation_id, seen_unix_ms) AS (
  SELECT client.peer_id, server.operation_id, server.arrived_unix_ms
  FROM span AS server JOIN span AS client
    ON client.trace_key = server.trace_key AND client.span_id = server.parent_span_id AND client.kind = 'client'
  WHERE server.span_key >= @firstNewKey AND server.kind = 'server'
  UNION ALL
  SELECT client.peer_id, server.operation_id, client.arrived_unix_ms
  FROM span AS client JOIN span AS server
    ON server.trace_key = client.trace_key AND server.parent_span_id = client.span_id
      -- Both conditions: the first is the index's.
      AND server.kind IN ('server', 'consumer') AND server.kind = 'server'
  WHERE client.span_key >= @firstNewKey AND client.kind = 'client'
)
INSERT INTO address_service
SELECT peer.address, operation.service, max(pair.seen_unix_ms)
FROM pair JOIN peer USING (peer_id)
  JOIN operation ON operation.operation_id = pair.server_operation_id
WHERE peer.address IS NOT NULL
GROUP BY peer.address, operation.service
ON CONFLICT (address, service) DO UPDATE SET last_seen_unix_ms = excluded.last_seen_unix_ms`;

function growTrace(growths: Map<number, TraceGrowth>, traceKey: number, columns: SpanColumns): void {
  const start = columns.startUnixNano;
  const end = columnNano(start + columns.durationNano);
  let growth = growths.get(traceKey);
  if (growth === undefined) {
    growth = {
      startUnixNano: start,
      lastStartUnixNano: start,
      endUnixNano: end,
      spans: 0,
      errors: 0,
      timeouts: 0,
      failed: 0,
    };
    growths.set(traceKey, growth);
  }
  if (start < growth.startUnixNano) growth.startUnixNano = start;
  if (start > growth.lastStartUnixNano) growth.lastStartUnixNano = start;
  if (end > growth.endUnixNano) growth.endUnixNano = end;
  growth.spans++;
  if (columns.outcome === 'error') growth.errors++;
  if (columns.outcome === 'timeout') growth.timeouts++;
  if (columns.outcome !== 'ok') growth.failed++;
}

function contentHashOf(...parts: Uint8Array[]): Buffer {
  const content = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return hash('sha256', content, 'buffer').subarray(0, HASH_BYTES);
}

/** With their lengths: names come from strangers, and hold whatever might stand between them. */
function identityOf(...parts: (string | null)[]): string {
  return parts.map((part) => (part === null ? '-' : `${part.length}:${part}`)).join('');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function memoize<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = compute(key)));
    return value;
  };
}
