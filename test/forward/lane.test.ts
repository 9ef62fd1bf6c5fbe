/** One signal on its way: what is sent again, what is divided, what is counted, and how far the queue is past. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { countItems } from '../../collector/decode/otlp-pieces.ts';
import { markOf, splitPassed } from '../../collector/decode/passed-collectors.ts';
import { createLane } from '../../collector/forward/lane.ts';
import type { Outcome } from '../../collector/forward/outcome.ts';
import { busy, laneTo, MARK, queueOf, settle, TAKEN, tracesOf } from './lane-to.ts';

/** One record without anything. */
const LOG = Buffer.from('0a0412021200', 'hex');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('entries leave together, and are past when they are taken', async () => {
  const { lane, sent, queue } = laneTo(() => TAKEN);
  expect(lane.takenTo()).toBe(0);
  lane.learn();
  await settle();
  expect(sent.map(tracesOf)).toEqual([[1, 1, 2, 2, 3, 3]]);
  expect(lane.takenTo()).toBe(3);
  queue.entries = 4;
  lane.learn();
  await settle();
  expect(sent.map(tracesOf).at(-1)).toEqual([4, 4]);
  expect(lane.counters()).toMatchObject({ sent: 8, refused: 0, dropped: 0, queued: 0 });
});

test('a batch is smaller than what receivers take, four are on their way, an early one holds what is past', async () => {
  const first = Promise.withResolvers<Outcome>();
  const { lane, sent } = laneTo(
    (_request, call) => (call === 1 ? first.promise : TAKEN),
    queueOf(40, 400_000),
  );
  lane.learn();
  await settle();
  expect(Math.max(...sent.map(({ length }) => length))).toBeLessThan(2_000_000);
  expect(sent.flatMap(tracesOf)).toEqual(Array.from({ length: 80 }, (_, index) => (index >> 1) + 1));
  expect(lane.takenTo()).toBe(0);
  first.resolve(TAKEN);
  await settle();
  expect(lane.takenTo()).toBe(40);
});

test('who is busy is asked again, ever later, one batch at a time, until it is not', async () => {
  const at: number[] = [];
  const { lane, sent, said } = laneTo(
    (_request, call) => {
      at.push(Date.now());
      return call < 12 ? busy() : TAKEN;
    },
    queueOf(40, 400_000),
  );
  lane.learn();
  await settle();
  expect(sent).toHaveLength(4);
  expect(lane.takenTo()).toBe(0);
  await vi.advanceTimersByTimeAsync(300_000);
  const waits = at.slice(4).map((time, index) => time - at[index + 3]!);
  // 1 s twice as long each time, at most 30 s, of which chance takes up to half.
  for (const [index, expected] of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(expected / 2);
    expect(waits[index]).toBeLessThanOrEqual(expected + 5);
  }
  expect(lane.takenTo()).toBe(40);
  expect(lane.counters()).toMatchObject({ sent: 80, queued: 0 });
  expect(said).toContain('failed: later');
});

test('what a backend asks for is waited', async () => {
  const { lane, sent } = laneTo((_request, call) => (call === 1 ? busy(45_000) : TAKEN));
  lane.learn();
  await vi.advanceTimersByTimeAsync(44_000);
  lane.learn();
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sent).toHaveLength(2);
  expect(lane.counters()).toMatchObject({ sent: 6 });
});

test('what a backend asks for is waited even where others on their way are taken', async () => {
  const others = Promise.withResolvers<Outcome>();
  const { lane, sent } = laneTo(
    (_request, call) => (call === 1 ? busy(45_000) : call <= 4 ? others.promise : TAKEN),
    queueOf(40, 400_000),
  );
  lane.learn();
  await vi.advanceTimersByTimeAsync(1_000);
  others.resolve(TAKEN);
  await vi.advanceTimersByTimeAsync(43_000);
  expect(sent).toHaveLength(4);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lane.counters()).toMatchObject({ sent: 80 });
});

test('a clock that is set back makes nobody wait longer', async () => {
  const { lane } = laneTo((_request, call) => (call === 1 ? busy() : TAKEN));
  lane.learn();
  await settle();
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lane.counters()).toMatchObject({ sent: 6 });
});

test('who is shut out keeps what it has, and asks once a minute', async () => {
  const { lane, sent } = laneTo((_request, call) =>
    call < 4 ? { is: 'shut out', message: 'HTTP 401' } : TAKEN,
  );
  lane.learn();
  await vi.advanceTimersByTimeAsync(170_000);
  expect(sent).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(lane.counters()).toMatchObject({ sent: 6, refused: 0, queued: 0 });
});

test('of what is refused, the rest is taken', async () => {
  const isBad = (request: Buffer) => tracesOf(request).includes(2);
  const { lane, said } = laneTo(
    (request) => (isBad(request) ? { is: 'refused', message: 'no 2' } : TAKEN),
    queueOf(50),
  );
  lane.learn();
  await settle();
  expect(lane.counters()).toMatchObject({ sent: 98, refused: 2, queued: 0 });
  expect(said).toEqual(['refused 1: no 2', 'refused 1: no 2']);
  expect(lane.takenTo()).toBe(50);
});

test('what is refused whole is given up without asking for each span', async () => {
  const { lane, sent } = laneTo(() => ({ is: 'refused', message: 'never' }), queueOf(500));
  lane.learn();
  await settle();
  expect(sent.length).toBeLessThan(200);
  expect(lane.counters()).toMatchObject({ sent: 0, refused: 1_000, queued: 0 });
  expect(lane.takenTo()).toBe(500);
});

test('what is too large is divided, and what comes after it is smaller', async () => {
  const { lane, sent } = laneTo(
    ({ length }) => (length > 300_000 ? { is: 'too large', message: 'at most 300 kB' } : TAKEN),
    queueOf(100, 100_000),
  );
  lane.learn();
  await settle();
  expect(lane.counters()).toMatchObject({ sent: 200, refused: 0, queued: 0 });
  expect(sent.slice(-10).every(({ length }) => length <= 300_000)).toBe(true);
});

test('what does not arrive in time is sent in smaller parts, and in larger ones again when the line is better', async () => {
  let most = 300_000;
  const { lane, sent, queue } = laneTo(
    ({ length }) => (length > most ? { is: 'late', message: 'no answer' } : TAKEN),
    queueOf(40, 100_000),
  );
  lane.learn();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lane.counters()).toMatchObject({ sent: 80, refused: 0, queued: 0 });
  expect(lane.takenTo()).toBe(40);
  most = Infinity;
  queue.entries = 2_000;
  lane.learn();
  await settle();
  expect(Math.max(...sent.slice(-9).map(({ length }) => length))).toBeGreaterThan(900_000);
});

test('a failure that nobody understands is tried some times, then given up', async () => {
  const { lane, sent } = laneTo(() => ({ is: 'failed', message: 'HTTP 500' }));
  lane.learn();
  await vi.advanceTimersByTimeAsync(200_000);
  expect(sent).toHaveLength(5);
  expect(lane.counters()).toMatchObject({ refused: 6, queued: 0 });
  expect(lane.takenTo()).toBe(3);
});

test('what a backend rejects of what it takes is counted', async () => {
  const { lane, said } = laneTo(() => ({ is: 'taken', rejected: 2, message: 'too old' }));
  lane.learn();
  await settle();
  expect(lane.counters()).toMatchObject({ sent: 4, refused: 2, queued: 0 });
  expect(said).toEqual(['refused 2: too old']);
});

test('a stop waits for what is on its way, and begins nothing more', async () => {
  const first = Promise.withResolvers<Outcome>();
  const { lane, sent, queue } = laneTo(() => first.promise);
  lane.learn();
  await settle();
  let isStopped = false;
  const stopped = lane.stop().then(() => (isStopped = true));
  await settle();
  expect(isStopped).toBe(false);
  queue.entries = 9;
  lane.learn();
  first.resolve(TAKEN);
  await stopped;
  expect(sent).toHaveLength(1);
  expect(lane.takenTo()).toBe(3);
});

test('other signals that a backend has no place for are given up, spans are kept', async () => {
  const answer = (): Outcome => ({ is: 'unknown there', message: 'HTTP 404' });
  const { lane } = laneTo(answer);
  lane.learn();
  await settle();
  expect(lane.counters()).toMatchObject({ refused: 0, queued: 6 });
  const logs = createLane({
    signal: 'logs',
    takenTo: 0,
    queueBytesMax: 1_000_000_000,
    mark: MARK,
    queue: {
      ...queueOf(1),
      next: (_signal, afterId) => (afterId > 0 ? null : { id: 1, items: 1, requests: LOG }),
    },
    events: { failed: () => {}, works: () => {}, refused: () => {}, dropped: () => {} },
    send: async () => answer(),
  });
  logs.learn();
  await settle();
  expect(countItems('logs', LOG)).toBe(1);
  expect(logs.counters()).toMatchObject({ refused: 1 });
  expect(logs.takenTo()).toBe(1);
});

test('what came another way leaves in a request of its own, and each piece says which collectors it passed', async () => {
  const other = markOf(8n);
  const queue = queueOf(6);
  for (const id of [3, 4])
    queue.instead.set(id, Buffer.concat([other, queueOf(9).next('', id - 1, 9)!.requests!]));
  const { lane, sent } = laneTo(
    (request) => (tracesOf(request).includes(4) ? { is: 'refused', message: 'no 4' } : TAKEN),
    queue,
  );
  lane.learn();
  await settle();
  const ways = sent.map((request) => [tracesOf(request).join(), splitPassed(request).passed.toString('hex')]);
  const [own, both] = [MARK.toString('hex'), Buffer.concat([MARK, other]).toString('hex')];
  expect(new Map(ways as [string, string][])).toEqual(
    new Map([
      ['1,1,2,2,5,5,6,6', own],
      ['3,3,4,4', both],
      ['3,3', both],
      ['4,4', both],
      ['4', both],
    ]),
  );
  expect(lane.counters()).toMatchObject({ sent: 10, refused: 2, queued: 0 });
});

test.each([
  ['two', 2, 2],
  ['more than a batch has', 2_500, 2_500],
])('what comes by many ways in turns, %s, leaves in one request for each', async (_what, ways, requests) => {
  const queue = queueOf(2_500);
  for (let id = 1; id <= 2_500; id++) {
    const way = markOf(BigInt(100 + (id % ways)));
    queue.instead.set(id, Buffer.concat([way, queueOf(id).next('', id - 1, id)!.requests!]));
  }
  const { lane, sent } = laneTo(() => TAKEN, queue);
  lane.learn();
  await settle();
  expect(sent).toHaveLength(requests);
  expect(lane.counters()).toMatchObject({ sent: 5_000, queued: 0 });
  expect(lane.takenTo()).toBe(2_500);
});
