/** An HTTP port, or an HTTPS one: how it opens, and how it closes without waiting for connections that are only kept. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsFiles } from '../config.ts';
import { formatAddress, type Address } from '../settings.ts';
import { SHUTDOWN_GRACE_MS, socketsOf, type Port } from './listen.ts';

/** Senders export every few seconds: one whose connection is closed just as it writes sees a reset. */
const KEEP_ALIVE_MS = 120_000;

/** With a client CA, only clients with a certificate of it may connect. */
export function createHttpServer(
  tls: TlsFiles | null,
  options: ServerOptions,
  handle: RequestListener,
): Server {
  const kept = { keepAliveTimeout: KEEP_ALIVE_MS, ...options };
  if (tls === null) return createServer(kept, handle);
  const { cert, key, clientCa } = tls;
  const client = clientCa === null ? {} : { ca: clientCa, requestCert: true };
  return createTlsServer({ ...kept, cert, key, ...client }, handle);
}

/** Port 0 picks a free one. Rejects with the system's error when the address cannot be bound. */
export async function openHttpPort(
  server: Server,
  { host, port }: Address,
  graceMs: number = SHUTDOWN_GRACE_MS,
): Promise<Port> {
  let isClosing = false;
  const sockets = socketsOf([server]);
  // Node does not count a connection as idle before its first request: browsers open such ahead.
  const unused = new Set<Socket>();
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    unused.add(socket);
    socket.on('close', () => unused.delete(socket));
  });
  // A connection whose answer ends during the close would be kept for the next request, and the close wait for it.
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    unused.delete(socket);
    response.on('close', () => {
      if (isClosing) socket.destroySoon();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    address: formatAddress({ host, port: (server.address() as AddressInfo).port }),
    async close() {
      isClosing = true;
      const force = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of unused) socket.destroy();
      await closed;
      clearTimeout(force);
    },
  };
}
