/**
 * The fallback where `getsockopt` cannot be called: the row of a connection in `/proc/self/net/tcp` and `tcp6`.
 *
 * The kernel writes the whole table for every read, which takes 3 to 15 ms and stops the program meanwhile: at most one
 * read a second, and no more than `TABLE_BYTES_MAX` of it. Closed connections are not in it.
 */
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { stateName, type TcpState } from './tcp-info.ts';

/** Some 14,000 connections. */
const TABLE_BYTES_MAX = 2_097_152;
const intervalMs = 1000;

export interface ProcRow {
  state: TcpState | undefined;
  /** Written by the program and not acknowledged, sent or not; a SYN or FIN on its way counts as one. */
  sendQueueBytes: number;
  /** Received and not read by the program. */
  receiveQueueBytes: number;
  retransmits: number;
}

/** The row of the socket with this inode. Rows and columns that are not as expected are passed over. */
export function findRow(table: string, inode: string): ProcRow | undefined {
  for (const line of table.split('\n')) {
    //  sl local:port remote:port state tx:rx timer:when retransmits uid timeout inode …
    const [, , , state, queues, , retransmits, , , found] = line.trim().split(/\s+/);
    if (found !== inode || queues === undefined || retransmits === undefined) continue;
    const [sendQueueBytes, receiveQueueBytes] = queues.split(':').map((hex) => Number.parseInt(hex, 16));
    if (!Number.isInteger(sendQueueBytes) || !Number.isInteger(receiveQueueBytes)) return undefined;
    return {
      state: stateName(Number.parseInt(state!, 16)),
      sendQueueBytes: sendQueueBytes!,
      receiveQueueBytes: receiveQueueBytes!,
      retransmits: Number.parseInt(retransmits, 16),
    };
  }
  return undefined;
}

let lastReadMs = -Infinity;

/** The row of the connection behind this descriptor, or why there is none. */
export function readProcRow(fd: number): ProcRow | { problem: string } {
  const nowMs = performance.now();
  if (nowMs - lastReadMs < intervalMs) return { problem: '/proc/self/net/tcp is read once a second at most' };
  lastReadMs = nowMs;
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
    if (inode === undefined) return { problem: 'the descriptor is no socket' };
    for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
      const row = findRow(readStart(table), inode);
      if (row) return row;
    }
    return { problem: '/proc/self/net/tcp does not list the connection' };
  } catch (error) {
    return { problem: `/proc/self/net/tcp could not be read: ${(error as { code?: unknown }).code}` };
  }
}

/** The file up to the limit, in pieces: the kernel hands it out a page at a time. */
function readStart(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const chunk = Buffer.allocUnsafe(65_536);
    let text = '';
    while (text.length < TABLE_BYTES_MAX) {
      const bytes = readSync(fd, chunk);
      if (bytes === 0) break;
      text += chunk.toString('latin1', 0, bytes);
    }
    return text;
  } finally {
    closeSync(fd);
  }
}
