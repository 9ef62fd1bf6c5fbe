/** Reads stored bytes back: as decoded spans that share their resource and scope, or as one OTLP document. */
import {
  decodeResource,
  decodeScope,
  decodeSpan,
  encodeTracesData,
  type ResourceGroup,
} from '../../decode/otlp-protobuf.ts';
import type { SpanContext } from '../../decode/walk-request.ts';
import type { Resource, Scope, Span } from '../../span.ts';
import type { SpanIdentity } from '../store.ts';
import type { Connection } from './open-database.ts';

export interface SpanRow {
  readonly resource_id: number;
  readonly scope_id: number;
  readonly body: Buffer;
}

interface ContextRow {
  readonly schema_url: string;
  readonly body: Buffer;
}

/** Keeps decoded resources and scopes for one query, so that its spans share them. */
export interface SpanDecoder {
  decode(row: SpanRow): Span;
}

export function createSpanReader(database: Connection) {
  const findResource = database.prepare<[number], ContextRow>(
    'SELECT schema_url, body FROM resource WHERE resource_id = ?',
  );
  const findScope = database.prepare<[number], ContextRow>(
    'SELECT schema_url, body FROM scope WHERE scope_id = ?',
  );
  const ofTrace = database.prepare<[Buffer], SpanRow>(
    `SELECT resource_id, scope_id, body FROM span WHERE trace_key = (SELECT trace_key FROM trace WHERE trace_id = ?)
     ORDER BY start_unix_ns, span_key`,
  );
  const ofIdentity = database.prepare<[Buffer, Buffer], SpanRow>(
    `SELECT resource_id, scope_id, body FROM span
     WHERE trace_key = (SELECT trace_key FROM trace WHERE trace_id = ?) AND span_id = ?`,
  );

  /** Decodes each resource once. */
  function resources(): (resourceId: number) => Resource {
    const known = new Map<number, Resource>();
    return (resourceId) => {
      let resource = known.get(resourceId);
      if (resource === undefined) {
        const { body, schema_url: schemaUrl } = found(findResource.get(resourceId), 'resource');
        known.set(resourceId, (resource = decodeResource(body, schemaUrl)));
      }
      return resource;
    };
  }

  function decoder(): SpanDecoder {
    const readResource = resources();
    const scopes = new Map<number, Scope>();
    return {
      decode(row) {
        let scope = scopes.get(row.scope_id);
        if (scope === undefined) {
          const { body, schema_url: schemaUrl } = found(findScope.get(row.scope_id), 'scope');
          scopes.set(row.scope_id, (scope = decodeScope(body, schemaUrl)));
        }
        return decodeSpan(row.body, readResource(row.resource_id), scope);
      },
    };
  }

  function readTraceBytes(traceId: string): Uint8Array<ArrayBuffer> | null {
    const rows = ofTrace.all(Buffer.from(traceId, 'hex'));
    if (rows.length === 0) return null;
    const groups: ResourceGroup[] = [];
    for (const [resourceId, ofResource] of Map.groupBy(rows, (row) => row.resource_id)) {
      const byScope = Map.groupBy(ofResource, (row) => row.scope_id);
      const scopes = [...byScope].map(([scopeId, ofScope]) => ({
        scope: asContext(found(findScope.get(scopeId), 'scope')),
        spans: ofScope.map((row) => row.body),
      }));
      groups.push({ resource: asContext(found(findResource.get(resourceId), 'resource')), scopes });
    }
    return Uint8Array.from(encodeTracesData(groups));
  }

  return {
    decoder,
    resources,
    readTrace(traceId: string): Span[] {
      const { decode } = decoder();
      return ofTrace.all(Buffer.from(traceId, 'hex')).map(decode);
    },
    readTraceBytes,
    readSpans(ids: readonly SpanIdentity[]): Span[] {
      const { decode } = decoder();
      return ids.flatMap(({ traceId, spanId }) =>
        ofIdentity.all(Buffer.from(traceId, 'hex'), Buffer.from(spanId, 'hex')).map(decode),
      );
    },
  };
}

function asContext(row: ContextRow): SpanContext {
  return { bytes: row.body, schemaUrl: row.schema_url };
}

function found<T>(row: T | undefined, table: string): T {
  if (row === undefined) throw new Error(`a span refers to a ${table} that is not stored`);
  return row;
}
