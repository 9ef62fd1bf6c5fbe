/** What a process costs, read from outside by way of /proc: CPU of all its threads, memory, and the folder it writes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** `USER_HZ`: 100 on every Linux that Node runs on. */
const TICK_MS = 10;
const CHECK_MS = 500;
/** A process that uses less than this share of one core for so long is done. */
const QUIET_SHARE = 0.02;
const QUIET_MS = 3_000;
const PATIENCE_MS = 600_000;

/** User and system time of all threads, those that have ended included. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export interface Memory {
  readonly residentBytes: number;
  readonly peakBytes: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { residentBytes: read('VmRSS'), peakBytes: read('VmHWM') };
}

/** Bytes on disk, holes in files not counted. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // A file may be gone since it was listed.
    const stat = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    bytes += (stat?.blocks ?? 0) * 512;
  }
  return bytes;
}

/**
 * Resolves with the CPU time used when the process has become quiet and `isDone` says that nothing waits, the time it
 * took to find out not counted.
 */
export async function untilQuiet(
  pid: number,
  isDone: () => Promise<boolean> = async () => true,
): Promise<number> {
  const givenUpMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const before = cpuMsOf(pid);
    let quietMs = 0;
    let used = before;
    while (quietMs < QUIET_MS) {
      await sleep(CHECK_MS);
      const now = cpuMsOf(pid);
      if (now - used > QUIET_SHARE * CHECK_MS) break;
      used = now;
      quietMs += CHECK_MS;
    }
    if (quietMs >= QUIET_MS && (await isDone())) return before;
    if (performance.now() > givenUpMs)
      throw new Error(`process ${pid} was not quiet within ${PATIENCE_MS} ms`);
  }
}
