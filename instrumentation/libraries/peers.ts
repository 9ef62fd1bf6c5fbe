/**
 * What stands behind the connections that libraries open: their spans tell it of the calls, but a connection is opened
 * before the first call, and one that fails is often all there is.
 *
 * An address that a call went to is remembered. For any other, the code that opens the connection tells: the first of the
 * calling functions that is not Node's is the library's.
 */
import { sep } from 'node:path';
import type { Attributes } from '@opentelemetry/api';
import type { Connection } from '../connections.ts';
import { spanOf } from '../context.ts';
import { noteOpening } from './connecting.ts';

/** Addresses beyond these are not remembered. */
export const PEERS_MAX = 1_000;

const callerFramesMax = 16;
/** The folder of the hook's own code. */
const ownFolder = import.meta.dirname;
const remembered = ['db.system.name', 'db.namespace'];

const byAddress = new Map<string, Attributes>();
const byFolder = new Map<string, Attributes>();
const byConnection = new WeakMap<Connection, Attributes>();

/** From now on, connections opened by code below this folder go to such a peer. */
export function addLibraryFolder(folder: string, peer: Attributes): void {
  byFolder.set(folder + sep, peer);
}

/** Remembers where a call of a library goes to, by its attributes. */
export function learnPeer(attributes: Attributes): void {
  if (attributes['db.namespace'] === undefined) return;
  const address = `${String(attributes['server.address'])}:${String(attributes['server.port'])}`;
  if (byAddress.has(address) || byAddress.size >= PEERS_MAX) return;
  byAddress.set(address, Object.fromEntries(remembered.map((key) => [key, attributes[key]])));
}

/** To be called where the connection is opened: looks at the functions that lead there. */
export function noteOpener(connection: Connection): void {
  if (byFolder.size === 0) return;
  const file = callingFile();
  if (file === undefined) return;
  for (const [folder, peer] of byFolder) {
    if (!file.startsWith(folder)) continue;
    byConnection.set(connection, peer);
    noteOpening(spanOf(connection.context), connection);
  }
}

/** What is known of the peer; empty when no library opened the connection. */
export function peerAttributesOf(connection: Connection): Attributes {
  const { host, port } = connection;
  const peer = byConnection.get(connection);
  return peer ? { ...peer, ...byAddress.get(`${host}:${port}`) } : {};
}

/** The file of the first function on the stack that is neither Node's nor the hook's. */
function callingFile(): string | undefined {
  // With --frozen-intrinsics stacks are what they are.
  if (Object.isFrozen(Error)) return undefined;
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = callerFramesMax;
    Error.prepareStackTrace = (_error, frames) => frames.map((frame) => frame.getFileName());
    Error.captureStackTrace(holder, noteOpener);
    const files = holder.stack as (string | null)[];
    const isTheirs = (file: string | null) =>
      file !== null && !file.startsWith('node:') && !file.startsWith('file:') && !file.startsWith(ownFolder);
    return files.find(isTheirs) ?? undefined;
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}
