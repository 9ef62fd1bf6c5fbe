/** Connections that undici opens for no call, to have them in store: it replaces at once what an aborted call closed. */
import { executionAsyncId } from 'node:async_hooks';
import type { Connection } from './connections.ts';

const inStore = new WeakSet<Connection>();
let connectsIn: number | undefined;

/** undici is about to open a connection, in the same piece of code. */
export function noteConnecting(): void {
  connectsIn = executionAsyncId();
}

/** A connection starts to open that no call waits for. */
export function noteUnclaimed(connection: Connection): void {
  if (connectsIn === executionAsyncId()) inStore.add(connection);
  connectsIn = undefined;
}

export function isInStore(connection: Connection): boolean {
  return inStore.has(connection);
}
