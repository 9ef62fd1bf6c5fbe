/**
 * The address of a socket's peer, read without a trace: `remoteAddress` keeps what was read once, and a program would find it
 * there after the connection has ended, where it finds nothing otherwise.
 */
import type { Socket } from 'node:net';

export interface PeerName {
  address?: string | undefined;
  port?: number | undefined;
}

interface Handle {
  getpeername?: (found: PeerName) => number;
}

export function peerName(socket: Socket): PeerName {
  const { _handle: handle } = socket as unknown as { _handle?: Handle | null };
  if (handle && typeof handle.getpeername === 'function') {
    const found: PeerName = {};
    return !socket.connecting && handle.getpeername(found) === 0 ? found : {};
  }
  // Streams that stand in for sockets have what they say.
  return { address: socket.remoteAddress, port: socket.remotePort };
}
