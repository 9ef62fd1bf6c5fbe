/**
 * Leaves nothing behind: this process outlives a killed demo just long enough to end what the demo started.
 *
 * Standard input carries one line per child, `+pid` when it starts and `-pid` when it has ended. When the demo goes
 * away, in whatever way, the input closes. A child cannot do this itself: a fault may have stopped it (SIGSTOP).
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const graceMs = 5000;
const pids = new Set<number>();

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
  else pids.delete(pid);
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
