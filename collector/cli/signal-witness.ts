/**
 * Who else had a signal: a terminal sends it to all processes of its foreground group, `kill` to one. Node does not say
 * which it was, so a process that does nothing stands in the group beside the program: a signal for all ends it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Until the end of the witness is known, on a busy machine. */
const TOLD_MS = 250;

export interface SignalWitness {
  /** Whether the whole group had it; true where there is no witness. */
  hasSeen(signal: NodeJS.Signals): Promise<boolean>;
  end(): void;
}

export function createSignalWitness(): SignalWitness {
  let witness = begin();
  let isOver = false;
  return {
    async hasSeen(signal) {
      const by = await Promise.race([witness.ended, sleep(TOLD_MS, 'nothing', { ref: false })]);
      if (by === null) return true;
      // The program may be gone by now, and nothing is to outlive it.
      if (by !== 'nothing' && !isOver) witness = begin();
      return by === signal;
    },
    end() {
      isOver = true;
      witness.process.kill('SIGKILL');
    },
  };
}

/** It reads what we never write, and so ends with us. By which signal it ended; null where it could not begin. */
function begin(): { readonly process: ChildProcess; readonly ended: Promise<NodeJS.Signals | null> } {
  const { promise: ended, resolve } = Promise.withResolvers<NodeJS.Signals | null>();
  const process = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });
  process.on('error', () => resolve(null)).on('exit', (_, signal) => resolve(signal));
  return { process, ended };
}
