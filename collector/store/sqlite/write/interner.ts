/** The interner of the span tables, on the tables that keep what many spans share. */
import type { Peer } from '../../../query/callee.ts';
import type { SpanKind } from '../../../span.ts';
import type { Interner } from '../../columns/interner.ts';
import { internTable, LAST_USED_STEP_MS } from './intern.ts';
import { contentHashOf } from '../content-hash.ts';
import type { Connection } from '../open-database.ts';

export interface StoredInterner extends Interner {
  /** Numbers may be wrong after a rollback or a deletion. */
  forget(): void;
}

/** To be used within a transaction: what is new is written at once. */
export function createInterner(database: Connection): StoredInterner {
  const context = ['content_hash', 'schema_url', 'body'];
  const resources = internTable(database, 'resource', 'resource_id', context, 'content_hash');
  const scopes = internTable(database, 'scope', 'scope_id', context, 'content_hash');
  const operations = internTable(
    database,
    'operation',
    'operation_id',
    ['service', 'kind', 'name'],
    'service, kind, name',
  );
  const peers = internTable(
    database,
    'peer',
    'peer_id',
    ['address', 'name', 'node_kind', 'edge_kind'],
    "name, node_kind, edge_kind, coalesce(address, '')",
  );
  const lastUsed =
    database.prepare<[], number>('SELECT max(last_used_unix_ms) FROM operation').pluck().get() ?? 0;
  // Never goes back, though the clock may: retention takes what was last used before its oldest span for unused.
  let usedUnixMs = lastUsed + LAST_USED_STEP_MS;
  const now = () => (usedUnixMs = Math.max(usedUnixMs, Date.now()));

  const contextOf = (table: typeof resources, bytes: Uint8Array, schemaUrl: string): number => {
    const body = Buffer.from(bytes);
    const contentHash = contentHashOf(body, schemaUrl);
    return table.keyOf(contentHash.toString('latin1'), [contentHash, schemaUrl, body], now());
  };

  return {
    resource: (bytes, schemaUrl) => contextOf(resources, bytes, schemaUrl),
    scope: (bytes, schemaUrl) => contextOf(scopes, bytes, schemaUrl),
    operation: (service: string, kind: SpanKind, name: string) =>
      operations.keyOf(identityOf(service, kind, name), [service, kind, name], now()),
    peer: ({ address, name, nodeKind, edgeKind }: Peer) => {
      const columns = [address, name, nodeKind, edgeKind];
      return peers.keyOf(identityOf(...columns), columns, now());
    },
    forget() {
      for (const table of [resources, scopes, operations, peers]) table.forget();
    },
  };
}

/** With their lengths: names come from strangers, and hold whatever might stand between them. */
function identityOf(...parts: (string | null)[]): string {
  return parts.map((part) => (part === null ? '-' : `${part.length}:${part}`)).join('');
}
