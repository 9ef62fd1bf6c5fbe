/** What the numbers in rows stand for, as readers need it; each is read once and kept while there is room. */
import { decodeResource, decodeScope } from '../../../decode/otlp-protobuf.ts';
import type { SpanContext } from '../../../decode/walk-request.ts';
import type { Peer } from '../../../query/callee.ts';
import type { Resource, Scope, SpanKind } from '../../../span.ts';
import type { FilterNames } from '../../search/row-filter.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import { contentHashOf } from '../content-hash.ts';
import { isCorrupt, type Connection } from '../open-database.ts';

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
  readonly content_hash: Buffer;
  readonly schema_url: string;
  readonly body: Buffer;
}

/** Of each kind. A number that stood for something else before a purge is never used again. */
const REMEMBERED_MAX = 20_000;
/** Stands for the names of an operation or peer that cannot be read. */
const UNREADABLE = 'unreadable';

/**
 * Names are seen to be as they were written: those of operations and peers by the index, which holds them a second time,
 * contexts by their hash. `onDamage` is told of those that are not; their spans go without, or are left out.
 */
export function createNames(database: Connection, onDamage: (what: string) => void): Names {
  const operations = remember(
    checked<OperationRow>(
      database,
      'SELECT service, kind, name FROM operation WHERE operation_id = ?',
      'SELECT operation_id FROM operation WHERE service = ? AND kind = ? AND name = ?',
      ({ service, kind, name }) => [service, kind, name],
    ),
    (operation): OperationRow => {
      onDamage(`operation ${operation}: its name is not as it was written`);
      return { service: UNREADABLE, kind: 'unspecified', name: UNREADABLE };
    },
  );
  const peers = remember(
    checked<Peer>(
      database,
      'SELECT address, name, node_kind AS nodeKind, edge_kind AS edgeKind FROM peer WHERE peer_id = ?',
      "SELECT peer_id FROM peer WHERE name = ? AND node_kind = ? AND edge_kind = ? AND coalesce(address, '') = ?",
      ({ name, nodeKind, edgeKind, address }) => [name, nodeKind, edgeKind, address ?? ''],
    ),
    (peer): Peer => {
      onDamage(`peer ${peer}: its name is not as it was written`);
      return { address: null, name: UNREADABLE, nodeKind: 'external', edgeKind: 'tcp' };
    },
  );
  const resources = remember(contexts(database, 'resource', decodeResource), (resource) => {
    onDamage(`resource ${resource}: it is not as it was written`);
    return null;
  });
  const scopes = remember(contexts(database, 'scope', decodeScope), (scope) => {
    onDamage(`scope ${scope}: it is not as it was written`);
    return null;
  });
  return {
    operationRow: operations,
    service: (operation) => operations(operation).service,
    operation: (operation) => operations(operation).name,
    peer: peers,
    resource: (resource) => resources(resource)?.decoded.attributes ?? new Map(),
    scope: (scope) => scopes(scope)?.decoded.attributes ?? new Map(),
    decodedResource: (resource) => needed(resources(resource), 'resource').decoded,
    decodedScope: (scope) => needed(scopes(scope), 'scope').decoded,
    resourceContext: (resource) => needed(resources(resource), 'resource'),
    scopeContext: (scope) => needed(scopes(scope), 'scope'),
  };
}

function needed<T>(context: T | null, name: string): T {
  if (context === null) throw new DamagedPart(`its ${name} is not as it was written`);
  return context;
}

/** Gives null for what is not as it was written. */
type Read<Kept> = (id: number) => Kept | null;

/** `find` gives the id of a row's values by the index. */
function checked<Row>(
  database: Connection,
  select: string,
  find: string,
  valuesOf: (row: Row) => readonly string[],
): Read<Row> {
  const byId = database.prepare<[number], Row>(select);
  const byValues = database.prepare<string[], number>(find).pluck();
  return (id) => {
    const row = byId.get(id);
    return row !== undefined && byValues.get(...valuesOf(row)) === id ? row : null;
  };
}

function contexts<Decoded>(
  database: Connection,
  table: 'resource' | 'scope',
  decode: (bytes: Uint8Array, schemaUrl: string) => Decoded,
): Read<SpanContext & { decoded: Decoded }> {
  const select = database.prepare<[number], ContextRow>(
    `SELECT content_hash, schema_url, body FROM ${table} WHERE ${table}_id = ?`,
  );
  return (id) => {
    const row = select.get(id);
    if (row === undefined || !row.content_hash.equals(contentHashOf(row.body, row.schema_url))) return null;
    return { bytes: row.body, schemaUrl: row.schema_url, decoded: decode(row.body, row.schema_url) };
  };
}

function remember<Kept, Instead>(
  read: Read<Kept>,
  instead: (id: number) => Instead,
): (id: number) => Kept | Instead {
  const known = new Map<number, Kept>();
  return (id) => {
    let kept = known.get(id);
    if (kept === undefined) {
      kept = readOrNull(read, id) ?? undefined;
      // Not remembered: it is whole again when it is sent again.
      if (kept === undefined) return instead(id);
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(id, kept);
    }
    return kept;
  };
}

function readOrNull<Kept>(read: Read<Kept>, id: number): Kept | null {
  try {
    return read(id);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return null;
  }
}
