/**
 * `getsockopt(TCP_INFO)` on a descriptor of this process, called through koffi: Node has no such call.
 *
 * koffi carries its binaries and is an optional dependency. It takes 12 ms and 8 MB, and is loaded when a call has waited for
 * long (`prepare.ts`), else at the first need: a program whose calls are all quick and work never pays. One read takes 2 µs. Nothing here throws; a problem is an answer.
 * `SO_ERROR` is never read: reading it takes the error away from the program.
 */
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
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
/** The one call in whose way the library had to be loaded is not to look longer for it. */
let loading: { startMs: number; endMs: number } | undefined;

/** What the kernel knows about the connection, or why it could not be asked. */
export function readTcpInfo(fd: number): TcpInfo | Problem {
  loadTcpInfo();
  if (!library || 'problem' in library) return library ?? noLibrary;
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

const noLibrary: Problem = { problem: 'koffi is not loaded', wasAsked: false };

/** Loads the library, if it is there, unless that was done. */
export function loadTcpInfo(): void {
  if (library) return;
  const startMs = performance.now();
  library = loadLibrary();
  loading = { startMs, endMs: performance.now() };
}

/** Whether reading costs nothing but the read. */
export function isTcpInfoLoaded(): boolean {
  return library !== undefined && !('problem' in library);
}

/** How much of the time until now, for something that began at `startMs` and has just ended, went into loading the library. */
export function loadedWithinMs(startMs: number, nowMs: number): number {
  if (!loading || loading.startMs < startMs || nowMs - loading.endMs > loadedJustNowMs) return 0;
  return loading.endMs - loading.startMs;
}

/** Between the end of a socket, in which it is read, and the event of it. */
const loadedJustNowMs = 5;

function loadLibrary(): Library | Problem {
  try {
    const koffi = createRequire(import.meta.filename)('koffi') as typeof import('koffi');
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
