/** When the thread of an idle reader starts and ends, and which calls it refuses; the threads are stood in for. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createIdleReader } from '../../collector/store/sqlite/idle-reader.ts';
import type { Thread } from '../../collector/store/sqlite/thread.ts';

const IDLE_MS = 30_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Threads that answer `read` when told to, and have ended when told to after their `close`. */
function createThreads() {
  const started: { answer: () => void; exit: () => void; isClosing: boolean }[] = [];
  const start = async (): Promise<Thread> => {
    const answered = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const state = { answer: answered.resolve, exit: ended.resolve, isClosing: false };
    started.push(state);
    return {
      ended: ended.promise,
      async call<T>(method: string) {
        if (method === 'close') state.isClosing = true;
        else await answered.promise;
        return method as T;
      },
    };
  };
  return { started, start };
}

/** Whether it is settled once everything that can go on has gone on. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => void (settled = true);
  promise.then(note, note);
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

test('once closed it starts no thread, and says that the store is closed', async () => {
  const { started, start } = createThreads();
  const reader = createIdleReader('large traces', start);
  await reader.close();
  await expect(reader.call('read', null, undefined)).rejects.toMatchObject({
    name: 'StoreUnavailable',
    message: 'the store is closed',
  });
  expect(started).toEqual([]);
});

test('for a caller that went away no thread is started', async () => {
  const { started, start } = createThreads();
  const reader = createIdleReader('large traces', start);
  await expect(reader.call('read', null, AbortSignal.abort())).rejects.toMatchObject({ name: 'Cancelled' });
  expect(started).toEqual([]);
});

test('an idle thread ends, the next call starts another, and closing waits for both to be gone', async () => {
  const { started, start } = createThreads();
  const reader = createIdleReader('large traces', start);
  const first = reader.call('read', null, undefined);
  started[0]!.answer();
  expect(await first).toBe('read');
  await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
  expect(started[0]!.isClosing).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(started[0]!.isClosing).toBe(true);
  const second = reader.call('read', null, undefined);
  expect(started).toHaveLength(2);
  started[1]!.answer();
  expect(await second).toBe('read');
  const closed = reader.close();
  expect(await isSettled(closed)).toBe(false);
  started[1]!.exit();
  expect(await isSettled(closed)).toBe(false);
  started[0]!.exit();
  expect(await isSettled(closed)).toBe(true);
});

test('a call that is answered after the close leaves no timer behind', async () => {
  const { started, start } = createThreads();
  const reader = createIdleReader('large traces', start);
  const asked = reader.call('read', null, undefined);
  const closed = reader.close();
  started[0]!.answer();
  expect(await asked).toBe('read');
  started[0]!.exit();
  await closed;
  expect(vi.getTimerCount()).toBe(0);
});

test('the seventeenth call at once is refused; when one is answered there is room again', async () => {
  const { started, start } = createThreads();
  const reader = createIdleReader('large traces', start);
  const taken = Array.from({ length: 16 }, () => reader.call('read', null, undefined));
  await expect(reader.call('read', null, undefined)).rejects.toMatchObject({
    name: 'StoreUnavailable',
    message: '16 large traces are being read; try again',
  });
  started[0]!.answer();
  await Promise.all(taken);
  expect(await reader.call('read', null, undefined)).toBe('read');
  started[0]!.exit();
  await reader.close();
});
