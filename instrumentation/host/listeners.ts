/**
 * What waits at the sockets that this process listens on: connections that it has not accepted, bytes that it has not read,
 * handshakes that do not come to their end. From the kernel's table of the sockets of this network, which begins with those
 * that listen.
 *
 *     sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt …
 *      0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000    listens, 3 wait to be accepted
 */
import type { Server } from 'node:net';
import { onChannel } from '../channels.ts';

const states = { established: '01', halfOpen: '03', listening: '0A' };
/** Some 1,700 sockets of each kind of address. What lies beyond is not looked at. */
const TABLE_BYTES_MAX = 256 * 1024;

/** Of several that listen, the one at which most wait. */
export interface Waiting {
  port: number;
  queue: number;
  /** Accepted connections with bytes that the program has not read, and how many bytes. */
  unreadConnections: number;
  unreadBytes: number;
  /** Handshakes on their way; of them, those whose answer had to be sent again. */
  halfOpen: number;
  halfOpenRetransmitted: number;
  /** Whether the table was cut off, so that only the listeners are known. */
  isCut: boolean;
}

/** Undefined when no socket of the table listens on one of the ports. Pure. */
export function readWaiting(table: string, ports: ReadonlySet<number>, isCut = false): Waiting | undefined {
  let fullest: { port: number; queue: number } | undefined;
  const rest = { unreadConnections: 0, unreadBytes: 0, halfOpen: 0, halfOpenRetransmitted: 0 };
  for (const row of table.split('\n')) {
    const [, local = '', , state, queues = '', , retransmits = ''] = row.trim().split(/\s+/);
    const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16);
    if (!ports.has(port)) continue;
    const waiting = Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16);
    if (state === states.listening) {
      if (!fullest || waiting > fullest.queue) fullest = { port, queue: waiting };
    } else if (state === states.established && waiting > 0) {
      rest.unreadConnections += 1;
      rest.unreadBytes += waiting;
    } else if (state === states.halfOpen) {
      rest.halfOpen += 1;
      if (Number.parseInt(retransmits, 16) > 0) rest.halfOpenRetransmitted += 1;
    }
  }
  return fullest && { ...fullest, ...rest, isCut };
}

/** Servers that were told to listen, and have not been found closed since. */
const servers = new Set<Server>();

export function watchListeners(): void {
  onChannel<{ server: Server }>('tracing:net.server.listen:asyncEnd', ({ server }) => {
    forgetClosed();
    servers.add(server);
  });
}

function forgetClosed(): void {
  for (const server of servers) if (!server.listening) servers.delete(server);
}

/** The TCP servers of this process that listen, by port. */
export function listeners(): Map<number, Server> {
  forgetClosed();
  const byPort = new Map<number, Server>();
  for (const server of servers) {
    const address = server.address();
    if (typeof address === 'object' && address !== null) byPort.set(address.port, server);
  }
  return byPort;
}

/** Read by a thread of Node's: the kernel walks a large table for some milliseconds. */
export async function readSocketTable(): Promise<{ table: string; isCut: boolean }> {
  const parts = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readStart));
  return { table: parts.join('\n'), isCut: parts.some((part) => part.length === TABLE_BYTES_MAX) };
}

async function readStart(path: string): Promise<string> {
  const { promises } = process.getBuiltinModule('node:fs');
  try {
    const file = await promises.open(path);
    try {
      const buffer = Buffer.allocUnsafe(TABLE_BYTES_MAX);
      let length = 0;
      // The kernel gives a page at a time.
      for (let count = -1; count !== 0 && length < buffer.length; length += count)
        count = (await file.read(buffer, length, buffer.length - length)).bytesRead;
      return buffer.toString('latin1', 0, length);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
