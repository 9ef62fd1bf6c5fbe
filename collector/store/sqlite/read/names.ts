/** What the numbers in rows stand for, as readers need it; each is read once and kept while there is room. */
import { decodeResource, decodeScope } from '../../../decode/otlp-protobuf.ts';
import type { SpanContext } from '../../../decode/walk-request.ts';
import type { Peer } from '../../../query/callee.ts';
import type { Resource, Scope, SpanKind } from '../../../span.ts';
import type { FilterNames } from '../../search/row-filter.ts';
import type { Connection } from '../open-database.ts';

export interface OperationRow {
  readonly service: string;
  readonly kind: SpanKind;
  readonly name: string;
}

export interface Names extends FilterNames {
  operationRow(operation: number): OperationRow;
  peer(peer: number): Peer;
  decodedResource(resource: number): Resource;
  decodedScope(scope: number): Scope;
  /** As sent. */
  resourceContext(resource: number): SpanContext;
  scopeContext(scope: number): SpanContext;
}

interface ContextRow {
  readonly schema_url: string;
  readonly body: Buffer;
}

/** Of each kind. A number that stood for something else before a purge is never used again. */
const REMEMBERED_MAX = 20_000;

export function createNames(database: Connection): Names {
  const operations = remember<OperationRow>(
    database,
    'SELECT service, kind, name FROM operation WHERE operation_id = ?',
  );
  const peers = remember<Peer>(
    database,
    'SELECT address, name, node_kind AS nodeKind, edge_kind AS edgeKind FROM peer WHERE peer_id = ?',
  );
  const resources = remember<ContextRow, SpanContext & { decoded: Resource }>(
    database,
    'SELECT schema_url, body FROM resource WHERE resource_id = ?',
    ({ schema_url: schemaUrl, body }) => ({
      bytes: body,
      schemaUrl,
      decoded: decodeResource(body, schemaUrl),
    }),
  );
  const scopes = remember<ContextRow, SpanContext & { decoded: Scope }>(
    database,
    'SELECT schema_url, body FROM scope WHERE scope_id = ?',
    ({ schema_url: schemaUrl, body }) => ({ bytes: body, schemaUrl, decoded: decodeScope(body, schemaUrl) }),
  );
  return {
    operationRow: operations,
    service: (operation) => operations(operation).service,
    operation: (operation) => operations(operation).name,
    peer: peers,
    resource: (resource) => resources(resource).decoded.attributes,
    scope: (scope) => scopes(scope).decoded.attributes,
    decodedResource: (resource) => resources(resource).decoded,
    decodedScope: (scope) => scopes(scope).decoded,
    resourceContext: resources,
    scopeContext: scopes,
  };
}

function remember<Row, Kept = Row>(
  database: Connection,
  sql: string,
  keep: (row: Row) => Kept = (row) => row as unknown as Kept,
): (id: number) => Kept {
  const select = database.prepare<[number], Row>(sql);
  const known = new Map<number, Kept>();
  return (id) => {
    let kept = known.get(id);
    if (kept === undefined) {
      const row = select.get(id);
      if (row === undefined) throw new Error(`a span refers to number ${id}, which is not stored: ${sql}`);
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(id, (kept = keep(row)));
    }
    return kept;
  };
}
