/** The connections of this process that are not closed, by where they go. */
import type { Connection } from './connections.ts';

const byHost = new Map<string, Set<Connection>>();
const none: ReadonlySet<Connection> = new Set();

/** The connections of this process to a host that are open, or opening. */
export function connectionsTo(host: string, port: number): ReadonlySet<Connection> {
  return byHost.get(`${host}:${port}`) ?? none;
}

export function* openConnections(): Iterable<Connection> {
  for (const list of byHost.values()) yield* list;
}

export function listByHost(connection: Connection, isOpen: boolean): void {
  if (connection.host === undefined) return;
  const key = `${connection.host}:${connection.port}`;
  const list = byHost.get(key);
  if (isOpen) {
    if (list) list.add(connection);
    else byHost.set(key, new Set([connection]));
  } else if (list?.delete(connection) && list.size === 0) byHost.delete(key);
}
