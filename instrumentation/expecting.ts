/**
 * Requests that ask by `Expect: 100-continue` whether to send their body. Until they send it they wait for the server, or would
 * without end: what has left of them is their headers.
 */
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Call } from './call.ts';
import { isOpen } from './connections.ts';

/** What Node keeps of a request that it sends. */
interface Sending {
  _header: string | null;
  _headerSent: boolean;
}

/** To be called when the request has got its socket, and before it has used that. */
export function watchExpecting(call: Call, request: ClientRequest, socket: Socket): void {
  const { _header: header, _headerSent: isSent } = request as unknown as Sending;
  // Node sends these headers at once, and most others with the body.
  if (!isSent || request.writableEnded || !header || !/^expect: *100-continue/im.test(header)) return;
  const headerEnd = socket.bytesWritten + header.length;
  let sentMs: number | undefined;
  Object.defineProperty(call, 'sentMs', {
    get: () => sentMs ?? (socket.bytesWritten > headerEnd ? undefined : openedMs(call)),
    set(ms: number) {
      sentMs = ms;
    },
  });
}

function openedMs({ connection, socketMs }: Call): number | undefined {
  if (socketMs !== undefined || !connection || !isOpen(connection)) return socketMs;
  return connection.securedMs ?? connection.connectedMs;
}
