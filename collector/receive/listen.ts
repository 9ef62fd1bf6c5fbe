/** A bound port, its connections, and what to say when an address cannot be bound. */
import type { Server, Socket } from 'node:net';

/** What is in progress at shutdown has this long; then its connections are cut, and senders retry. */
export const SHUTDOWN_GRACE_MS = 5_000;

export interface Port {
  /** `HOST:PORT` as bound, with the port that was picked where 0 was asked for. */
  readonly address: string;
  /** Stops accepting, lets what is in progress finish, then closes. */
  close(): Promise<void>;
}

/**
 * The connections of these servers, those included that say nothing: what speaks HTTP on them knows only who has begun to, and
 * a server is not closed before the last of them is.
 */
export function socketsOf(servers: Iterable<Server>): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  for (const server of servers) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
  }
  return sockets;
}

/** An address that could not be bound: its message says what was got, what is expected, what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

const REASONS: readonly (readonly [code: string, what: string, todo: string])[] = [
  ['EADDRINUSE', 'another program listens there', 'stop it, or choose another port with'],
  ['EACCES', 'this user may not bind it', 'choose a port from 1024 up with'],
  ['EADDRNOTAVAIL', 'no interface of this machine has that address', 'choose one that has with'],
  ['ENOTFOUND', 'the host does not resolve', 'choose an address of this machine with'],
];

/** `flag` is the one that sets the address. Libraries wrap the system's error, so its code is looked for in the text. */
export function listenError(flag: string, address: string, error: Error): ListenError {
  const text = `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`;
  const [code, what, todo] = REASONS.find(([code]) => text.includes(code)) ?? ['', error.message, 'check'];
  const got = code === '' ? what : `${code}: ${what}`;
  return new ListenError(`cannot listen on ${address}: got ${got}, expected a free address; ${todo} ${flag}`);
}
