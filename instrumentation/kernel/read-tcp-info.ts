/**
 * `getsockopt(TCP_INFO)` on a descriptor of this process, called through koffi: Node has no such call.
 *
 * koffi carries its binaries and is an optional dependency. It is loaded at the first need (10 to 40 ms, 8 MB), never
 * before: a program whose calls all work never pays. One read takes 2 µs. Nothing here throws; a problem is an answer.
 * `SO_ERROR` is never read: reading it takes the error away from the program.
 */
import { createRequire } from 'node:module';
import { decodeTcpInfo, type TcpInfo } from './tcp-info.ts';

type GetSockOpt = (fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array) => number;

/** Why there is no information; `wasAsked`: the kernel itself refused, for what is no TCP socket. */
export interface Problem {
  problem: string;
  wasAsked: boolean;
}

interface Library {
  getsockopt: GetSockOpt;
  lastErrno: () => number;
}

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** Twice what the newest kernel fills. */
const value = new Uint8Array(512);
const valueLength = new Uint32Array(1);

let library: Library | Problem | undefined;

/** What the kernel knows about the connection, or why it could not be asked. */
export function readTcpInfo(fd: number): TcpInfo | Problem {
  library ??= loadLibrary();
  if ('problem' in library) return library;
  try {
    valueLength[0] = value.length;
    if (library.getsockopt(fd, IPPROTO_TCP, TCP_INFO, value, valueLength) !== 0) {
      return { problem: `getsockopt(TCP_INFO) failed with errno ${library.lastErrno()}`, wasAsked: true };
    }
    return decodeTcpInfo(value.subarray(0, valueLength[0]));
  } catch (error) {
    return { problem: `getsockopt(TCP_INFO) could not be called: ${firstLine(error)}`, wasAsked: false };
  }
}

function loadLibrary(): Library | Problem {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const getsockopt = koffi
      .load(null)
      .func('int getsockopt(int fd, int level, int name, void *value, void *length)') as GetSockOpt;
    return { getsockopt, lastErrno: () => koffi.errno() };
  } catch (error) {
    return { problem: `koffi could not be loaded: ${firstLine(error)}`, wasAsked: false };
  }
}

function firstLine(error: unknown): string {
  return String((error as { message?: unknown } | null)?.message ?? error).split('\n', 1)[0]!;
}
