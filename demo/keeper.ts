/**
 * Leaves nothing behind: this process outlives a demo that was killed just long enough to end what it started.
 *
 * Standard input carries one line per child, `+pid` when it starts and `-pid` when it has ended, and one per folder
 * to remove, its absolute path. When the demo goes away, in whatever way, the input closes. The children cannot do
 * this themselves: a fault may have stopped one (SIGSTOP).
 */
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const graceMs = 5000;
const pids = new Set<number>();
const folders: string[] = [];

/** False when the process no longer exists. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) pids.add(pid);
  else if (line.startsWith('-')) pids.delete(pid);
  else folders.push(line);
}

for (const pid of pids) {
  signal(pid, 'SIGTERM');
  signal(pid, 'SIGCONT');
}
const deadline = Date.now() + graceMs;
while ([...pids].some((pid) => signal(pid, 0))) {
  if (Date.now() > deadline) {
    for (const pid of pids) signal(pid, 'SIGKILL');
    break;
  }
  await sleep(50);
}
for (const folder of folders) await rm(folder, { recursive: true, force: true });
