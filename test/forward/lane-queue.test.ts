/** What a lane makes of a queue that is damaged, purged or full. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Outcome } from '../../collector/forward/outcome.ts';
import { busy, laneTo, queueOf, settle, TAKEN, tracesOf } from './lane-to.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  ['that cannot be read', null],
  ['of bytes that are no request', Buffer.from('nonsense')],
])('an entry %s is counted, and does not hold the others', async (_what, requests) => {
  const queue = queueOf(3);
  queue.instead.set(2, requests);
  const { lane, sent, said } = laneTo(() => TAKEN, queue);
  lane.learn();
  await settle();
  expect(sent.map(tracesOf)).toEqual([[1, 1, 3, 3]]);
  expect(lane.counters()).toMatchObject({ sent: 4, dropped: 2, queued: 0 });
  expect(said).toEqual(['dropped 2: damaged']);
  expect(lane.takenTo()).toBe(3);
});

test('of entries that cannot be read, nothing is sent', async () => {
  const queue = queueOf(1);
  queue.instead.set(1, null);
  const { lane, sent } = laneTo(() => TAKEN, queue);
  lane.learn();
  await settle();
  expect(sent).toEqual([]);
  expect(lane.takenTo()).toBe(1);
});

test('a queue that cannot be read now loses nothing', async () => {
  const queue = queueOf(9);
  const { next } = queue;
  let failures = 2;
  queue.next = (signal, afterId, toId) => {
    if (afterId === 5 && failures-- > 0) throw new Error('disk I/O error');
    return next(signal, afterId, toId);
  };
  const { lane, said } = laneTo(() => TAKEN, queue);
  lane.learn();
  await settle();
  expect(said).toEqual(['failed: the queue cannot be read: disk I/O error']);
  await vi.advanceTimersByTimeAsync(100_000);
  expect(lane.counters()).toMatchObject({ sent: 18, dropped: 0, queued: 0 });
});

test('of a store that was purged nothing is queued', async () => {
  const queue = queueOf(3);
  queue.next = () => null;
  const { lane } = laneTo(() => TAKEN, queue);
  expect(lane.counters()).toMatchObject({ queued: 6 });
  lane.learn();
  await settle();
  expect(lane.counters()).toMatchObject({ sent: 0, dropped: 0, queued: 0 });
});

test('what was read of a store before it was purged is not sent any more', async () => {
  const { lane, sent, queue } = laneTo((_request, call) => (call === 1 ? busy() : TAKEN));
  lane.learn();
  await settle();
  queue.next = () => null;
  queue.purged++;
  lane.learn();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sent).toHaveLength(1);
  expect(lane.counters()).toMatchObject({ sent: 0, dropped: 0, queued: 0 });
  expect(lane.takenTo()).toBe(3);
});

test('when the queue is full the oldest goes, what is read of it included', async () => {
  const { lane, sent } = laneTo((_request, call) => (call <= 4 ? busy() : TAKEN), queueOf(40, 400_000));
  lane.learn();
  await settle();
  const read = sent.length * 3;
  lane.dropTo(read + 8);
  expect(lane.counters()).toMatchObject({ dropped: 2 * (read + 8), queued: 2 * (40 - read - 8) });
  expect(lane.takenTo()).toBe(read + 8);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(lane.counters()).toMatchObject({ sent: 2 * (40 - read - 8), queued: 0 });
});

test('a batch that waits is dropped whole: nothing of it would leave the file otherwise', async () => {
  const { lane, queue } = laneTo(() => busy(), queueOf(20));
  lane.learn();
  await settle();
  lane.dropTo(1);
  expect(lane.takenTo()).toBe(20);
  expect(lane.counters()).toMatchObject({ dropped: 40, queued: 0 });
  queue.entries = 30;
  await vi.advanceTimersByTimeAsync(5_000);
  lane.learn();
  await settle();
  expect(lane.takenTo()).toBe(20);
});

test('of a small queue only some is read at once, so that what is newer stays', async () => {
  const { lane } = laneTo(() => busy(), queueOf(40), 4_000);
  lane.learn();
  await settle();
  lane.dropTo(1);
  expect(lane.counters().queued).toBeGreaterThan(60);
});

test('of a batch on its way that is dropped in part, nothing is tried again', async () => {
  const first = Promise.withResolvers<Outcome>();
  const { lane } = laneTo(() => first.promise, queueOf(20));
  lane.learn();
  await settle();
  lane.dropTo(1);
  expect(lane.takenTo()).toBe(0);
  first.resolve(busy());
  await settle();
  expect(lane.counters()).toMatchObject({ dropped: 40, queued: 0 });
  expect(lane.takenTo()).toBe(20);
});

test('what is on its way when the queue is full counts as what becomes of it', async () => {
  const first = Promise.withResolvers<Outcome>();
  const second = Promise.withResolvers<Outcome>();
  const { lane, queue } = laneTo((_request, call) => (call === 1 ? first : second).promise);
  lane.learn();
  await settle();
  queue.entries = 5;
  lane.learn();
  await settle();
  lane.dropTo(5);
  expect(lane.takenTo()).toBe(0);
  first.resolve(TAKEN);
  second.resolve(busy());
  await settle();
  expect(lane.counters()).toMatchObject({ sent: 6, dropped: 4, queued: 0 });
  expect(lane.takenTo()).toBe(5);
});
