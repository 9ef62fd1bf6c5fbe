/** One reading of the kernel's view of a socket, from the best source there is, with what the program itself had done by then. */
import type { Server, Socket } from 'node:net';
import { readProcRow } from './proc-net-tcp.ts';
import { isTcpInfoLoaded, readTcpInfo } from './read-tcp-info.ts';
import { hasPeersFin, type TcpInfo } from './tcp-info.ts';

/** Bytes through a socket since it was opened, as TCP carries them: below TLS. */
export interface Transferred {
  /** Handed to the kernel. */
  writtenBytes: number;
  readBytes: number;
}

export interface Reading {
  source: 'tcp_info' | 'proc' | 'none';
  /** Why there is nothing better. */
  problem: string | undefined;
  info: TcpInfo;
  /** Received by the kernel and not read by the program. */
  unreadBytes: number | undefined;
}

/** What Node's own handles of TCP and TLS have; nothing here is promised, so nothing is taken for granted. */
interface Handle {
  fd?: unknown;
  bytesRead?: unknown;
  bytesWritten?: unknown;
  writeQueueSize?: unknown;
  /** Of a TLS handle: the one it speaks through. */
  _parent?: Handle | null;
}

function handleOf(socket: Socket): Handle | undefined {
  let handle = (socket as unknown as { _handle?: Handle | null })._handle;
  while (handle?._parent) handle = handle._parent;
  return handle ?? undefined;
}

/** How much has gone through the socket; undefined when it does not say. Two property reads, no system call. */
export function transferredOf(socket: Socket): Transferred | undefined {
  const { bytesRead, bytesWritten, writeQueueSize } = handleOf(socket) ?? {};
  if (typeof bytesRead !== 'number' || typeof bytesWritten !== 'number') return undefined;
  const queuedBytes = typeof writeQueueSize === 'number' ? writeQueueSize : 0;
  return { writtenBytes: bytesWritten - queuedBytes, readBytes: bytesRead };
}

/** The socket's descriptor; undefined before the first connection attempt, after its end, and for what is no real socket. */
function descriptorOf(socket: Socket): number | undefined {
  const fd = handleOf(socket)?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/** How many connections wait at a server to be accepted, and how many may: as the kernel has it, not as the program asked. */
export interface AcceptQueue {
  waiting: number;
  max: number;
}

/** Undefined where reading would take more than the read: the library is loaded for calls that failed, not for this. */
export function acceptQueueOf(server: Server): AcceptQueue | undefined {
  if (!isTcpInfoLoaded()) return undefined;
  const { state, unackedSegments, selectivelyAckedSegments } = readTcpInfoOf(server as unknown as Socket);
  if (state !== 'LISTEN' || unackedSegments === undefined || selectivelyAckedSegments === undefined)
    return undefined;
  return { waiting: unackedSegments, max: selectivelyAckedSegments };
}

/** `TCP_INFO` alone, for a moment that is no failure yet. */
export function readTcpInfoOf(socket: Socket): TcpInfo {
  const fd = descriptorOf(socket);
  if (fd === undefined || process.platform !== 'linux') return {};
  const info = readTcpInfo(fd);
  return 'problem' in info ? {} : info;
}

/**
 * Reads what the kernel knows now; undefined when the socket has no descriptor. Never throws. `mayReadTable`: the fallback stops
 * the program for a while, and there is one a second.
 */
export function readSocket(socket: Socket, mayReadTable = true): Reading | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  if (process.platform !== 'linux') return noReading(`the kernel of ${process.platform} has no TCP_INFO`);
  const transferred = transferredOf(socket);
  const info = readTcpInfo(fd);
  if (!('problem' in info)) {
    return { source: 'tcp_info', problem: undefined, info, unreadBytes: unreadOf(info, transferred) };
  }
  if (info.wasAsked || !mayReadTable) return noReading(info.problem);
  const row = readProcRow(fd);
  if ('problem' in row) return noReading(`${info.problem}; ${row.problem}`);
  const { state, retransmits, sendQueueBytes, receiveQueueBytes } = row;
  const known: TcpInfo = { retransmits };
  if (state) known.state = state;
  if (transferred) {
    known.ackedBytes = Math.max(0, transferred.writtenBytes - sendQueueBytes);
    known.receivedBytes = transferred.readBytes + receiveQueueBytes;
  }
  return { source: 'proc', problem: info.problem, info: known, unreadBytes: receiveQueueBytes };
}

/** A reading that could not be made. */
export function noReading(problem: string): Reading {
  return { source: 'none', problem, info: {}, unreadBytes: undefined };
}

/** Unknown once the connection is closed: then nobody knows whether a FIN is among the bytes. */
function unreadOf(
  { state, receivedBytes }: TcpInfo,
  transferred: Transferred | undefined,
): number | undefined {
  if (receivedBytes === undefined || !transferred) return undefined;
  const isOpen = state === 'ESTABLISHED' || state === 'FIN_WAIT1' || state === 'FIN_WAIT2';
  return isOpen || hasPeersFin(state) ? Math.max(0, receivedBytes - transferred.readBytes) : undefined;
}
