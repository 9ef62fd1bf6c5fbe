/**
 * When the kernel is asked about a connection: only for a call that failed or was slow, while the descriptor is still there.
 *
 * A descriptor is valid until the end of `Socket.prototype._destroy`, which is before the program, and the call, hear of an
 * error; so it is read there and kept, and read at the call's end where the connection outlives it.
 */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Attributes } from '@opentelemetry/api';
import { Few } from '../few.ts';
import { slowCallMs } from '../settings.ts';
import { tcpAttributes } from './attributes.ts';
import { noReading, readSocket, transferredOf, type Reading, type Transferred } from './reading.ts';

/** A call, as far as its connection has to know it. */
export interface ConnectionUser {
  startMs: number;
  /** Whether the socket is the call's; before, the connection is only opened for it, as far as that can be known. */
  hasSocket: boolean;
  /** Whether another call used the connection at the same time, or could have. */
  isShared: boolean;
  /** Whether the answer has come to its end, read or not. */
  isComplete(): boolean;
}

/** What is kept of a connection for the moment it fails. */
export interface Evidence {
  users: Few<ConnectionUser>;
  before: Transferred | undefined;
  /** The last reading since the connection was ready for its newest call. */
  reading: Reading | undefined;
}

export function newEvidence(): Evidence {
  return { users: new Few(), before: { writtenBytes: 0, readBytes: 0 }, reading: undefined };
}

const slowMs = slowCallMs(process.env);

export function isSlow(startMs: number, endMs: number): boolean {
  return endMs - startMs >= slowMs;
}

/** The connection can carry a request now: what has gone through it so far is not the call's. */
export function noteReady(evidence: Evidence, socket: Socket): void {
  evidence.before = transferredOf(socket);
  evidence.reading = undefined;
}

/** The call has the socket now, alone or beside others. */
export function noteSocket({ users }: Evidence, user: ConnectionUser): void {
  user.hasSocket = true;
  if (users.isOnly(user)) return;
  for (const other of users) {
    if (other !== user && other.hasSocket) user.isShared = other.isShared = true;
  }
}

/** The socket is about to lose its descriptor. `isOpen`: it was connected, its handshake included. */
export function readBeforeDestroy(
  evidence: Evidence,
  socket: Socket,
  isOpen: boolean,
  error: unknown,
): Reading | undefined {
  const nowMs = performance.now();
  const isNeeded = (user: ConnectionUser) => error || !user.isComplete() || isSlow(user.startMs, nowMs);
  if (isOpen && ![...evidence.users].some(isNeeded)) return undefined;
  evidence.reading = readSocket(socket) ?? evidence.reading;
  return evidence.reading;
}

/**
 * The attributes of a call that failed or was slow. `wasTried`: there was a connection attempt; without one there is nothing
 * to say of TCP. `isOpen`: it goes on, and what can be read but rarely is left for its end.
 */
export function evidenceAttributes(
  evidence: Evidence,
  socket: Socket,
  use: { isOwn: boolean; isShared: boolean; wasTried: boolean; isOpen?: boolean },
): Attributes {
  // Node may keep the descriptor of a destroyed socket for a moment: what was read at its end stands.
  const reading = (socket.destroyed ? undefined : readSocket(socket, !use.isOpen)) ?? evidence.reading;
  if (reading) return tcpAttributes(reading, { ...use, before: evidence.before });
  return use.wasTried
    ? tcpAttributes(noReading('the socket had no descriptor any more'), { ...use, before: undefined })
    : {};
}
