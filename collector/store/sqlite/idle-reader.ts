/**
 * A reader thread for what is asked seldom and takes long: it starts with the first call, and ends when there was none for
 * a while. When it breaks, its calls fail and the next starts another: the store goes on.
 */
import { Cancelled, StoreUnavailable } from '../store.ts';
import type { Thread } from './thread.ts';

const IDLE_MS = 30_000;
/** The one that is worked on is counted; each takes long, and whoever came last waits for all of them. */
const CALLS_WAITING_MAX = 16;

export interface IdleReader {
  call<T>(method: string, argument: unknown, signal: AbortSignal | undefined): Promise<T>;
  /** Resolves when no thread of it is there, nor will be. */
  close(): Promise<void>;
}

/** `purpose` names the thread where it breaks; `start` is given whom to tell that it did. */
export function createIdleReader(
  purpose: string,
  start: (onFailure: (error: Error) => void) => Promise<Thread>,
): IdleReader {
  let running: Promise<Thread> | null = null;
  let ending: Promise<void> = Promise.resolve();
  let isClosed = false;
  let calls = 0;
  let idle: NodeJS.Timeout | undefined;

  const open = (): Promise<Thread> => {
    const opened = start((error) => {
      console.error(`sockeye: the thread of ${purpose} broke:`, error);
      if (running === opened) running = null;
    });
    opened.catch(() => {
      if (running === opened) running = null;
    });
    return opened;
  };
  /** Those that are ending already are waited for, too. */
  const end = (): Promise<void> => {
    const last = running;
    running = null;
    ending = Promise.all([ending, endThread(last)]).then(() => {});
    return ending;
  };

  return {
    async call<T>(method: string, argument: unknown, signal: AbortSignal | undefined) {
      // Also a call that waited elsewhere while the store was closed: its thread would outlive the store.
      if (isClosed) throw new StoreUnavailable('the store is closed');
      if (signal?.aborted === true) throw new Cancelled('the caller went away');
      if (calls >= CALLS_WAITING_MAX)
        throw new StoreUnavailable(`${calls} ${purpose} are being read; try again`);
      clearTimeout(idle);
      calls++;
      try {
        running ??= open();
        return await (await running).call<T>(method, argument, { signal });
      } finally {
        if (--calls === 0 && !isClosed) idle = setTimeout(() => void end(), IDLE_MS).unref();
      }
    },
    close() {
      isClosed = true;
      clearTimeout(idle);
      return end();
    },
  };
}

async function endThread(opened: Promise<Thread> | null): Promise<void> {
  const thread = await opened?.catch(() => null);
  // One that broke is gone already.
  await thread?.call('close', null).catch(() => {});
  await thread?.ended;
}
