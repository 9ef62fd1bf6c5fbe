/** An interner that keeps what it was given, to look at. */
import type { Peer } from '../../../collector/query/callee.ts';
import type { Interner } from '../../../collector/store/columns/interner.ts';

export function memoryInterner() {
  const lists = { resource: list(), scope: list(), operation: list(), peer: list() };
  return {
    interner: {
      resource: (bytes, schemaUrl) => lists.resource.idOf([Buffer.from(bytes).toString('hex'), schemaUrl]),
      scope: (bytes, schemaUrl) => lists.scope.idOf([Buffer.from(bytes).toString('hex'), schemaUrl]),
      operation: (service, kind, name) => lists.operation.idOf([service, kind, name]),
      peer: ({ address, name, nodeKind, edgeKind }) => lists.peer.idOf([address, name, nodeKind, edgeKind]),
    } satisfies Interner,
    /** What an id of a list stands for; null for 0. */
    resource: (id: number) => lists.resource.items[id - 1]!,
    scope: (id: number) => lists.scope.items[id - 1]!,
    operation: (id: number) => lists.operation.items[id - 1]!,
    peer: (id: number): Peer | null => {
      if (id === 0) return null;
      const [address, name, nodeKind, edgeKind] = lists.peer.items[id - 1]!;
      return { address, name, nodeKind, edgeKind } as Peer;
    },
  };
}

function list() {
  const ids = new Map<string, number>();
  const items: (string | null)[][] = [];
  return {
    items,
    idOf(item: (string | null)[]): number {
      const identity = JSON.stringify(item);
      let id = ids.get(identity);
      if (id === undefined) ids.set(identity, (id = items.push(item)));
      return id;
    },
  };
}
