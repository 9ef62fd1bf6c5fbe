/** Keeps the store within its age and size, from time to time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable, type Store } from './store.ts';

export interface RetentionLoop {
  /** Resolves when the slice in hand is done. */
  stop(): Promise<void>;
}

const ROUND_MS = 60_000;

export function startRetentionLoop(
  store: Store,
  keepMs: number,
  keepBytes: number,
  roundMs: number = ROUND_MS,
): RetentionLoop {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await store.applyRetention(keepMs, keepBytes, stopping.signal);
      } catch (error) {
        if (!stopping.signal.aborted) {
          const known = error instanceof StoreUnavailable;
          console.error('sockeye: retention waits:', known ? error.message : error);
        }
      }
      await sleep(roundMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const finished = run();
  return {
    stop() {
      stopping.abort();
      return finished;
    },
  };
}
