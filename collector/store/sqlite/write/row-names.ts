/** What the numbers in rows stand for, read from the tables that gave them out. */
import { decodeResource } from '../../../decode/otlp-protobuf.ts';
import type { MapEdge } from '../../../serve/wire.ts';
import { serviceOf, textAttribute } from '../../../span.ts';
import type { RowNames } from '../../rollup/tally.ts';
import type { Connection } from '../open-database.ts';

export interface StoredNames extends RowNames {
  /** To be called when numbers may have come to stand for something else. */
  forget(): void;
}

const NAMES_MAX = 50_000;

export function createRowNames(database: Connection): StoredNames {
  const findService = database
    .prepare<[number], string>('SELECT service FROM operation WHERE operation_id = ?')
    .pluck();
  const findKind = database
    .prepare<[number], MapEdge['kind']>('SELECT edge_kind FROM peer WHERE peer_id = ?')
    .pluck();
  const findResource = database
    .prepare<[number], Buffer>('SELECT body FROM resource WHERE resource_id = ?')
    .pluck();

  const service = remember((operation) => found('operation', operation, findService.get(operation)));
  const edgeKind = remember((peer) => found('peer', peer, findKind.get(peer)));
  const version = remember((id) => {
    const resource = decodeResource(found('resource', id, findResource.get(id)), '');
    const text = textAttribute(resource.attributes, 'service.version');
    return text === null ? null : { service: serviceOf({ resource }), version: text };
  });
  return {
    service: service.of,
    edgeKind: edgeKind.of,
    version: version.of,
    forget() {
      for (const names of [service, edgeKind, version]) names.forget();
    },
  };
}

function found<T>(table: string, id: number, row: T | undefined): T {
  if (row === undefined) throw new Error(`${table} ${id} is referred to and not stored`);
  return row;
}

function remember<T>(read: (id: number) => T) {
  const known = new Map<number, T>();
  return {
    of(id: number): T {
      let name = known.get(id);
      if (name === undefined) {
        if (known.size >= NAMES_MAX) known.clear();
        known.set(id, (name = read(id)));
      }
      return name;
    },
    forget: () => known.clear(),
  };
}
