/**
 * A reader thread for what is asked seldom and takes long: it starts with the first call, and ends when there was none for
 * a while. When it breaks, its calls fail and the next starts another: the store goes on.
 */
import type { Thread } from './thread.ts';

const IDLE_MS = 30_000;

export interface IdleReader {
  call<T>(method: string, argument: unknown, signal: AbortSignal | undefined): Promise<T>;
  close(): Promise<void>;
}

/** `purpose` names the thread where it breaks; `start` is given whom to tell that it did. */
export function createIdleReader(
  purpose: string,
  start: (onFailure: (error: Error) => void) => Promise<Thread>,
): IdleReader {
  let running: Promise<Thread> | null = null;
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
  const close = async (): Promise<void> => {
    clearTimeout(idle);
    const thread = await running?.catch(() => null);
    running = null;
    // One that broke is gone already.
    await thread?.call('close', null).catch(() => {});
    await thread?.ended;
  };

  return {
    async call<T>(method: string, argument: unknown, signal: AbortSignal | undefined) {
      clearTimeout(idle);
      calls++;
      try {
        running ??= open();
        return await (await running).call<T>(method, argument, { signal });
      } finally {
        if (--calls === 0) idle = setTimeout(() => void close(), IDLE_MS).unref();
      }
    },
    close,
  };
}
