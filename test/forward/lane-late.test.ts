/** What never gets an answer in time: others are not held up by it, nor given up with it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Outcome } from '../../collector/forward/outcome.ts';
import { encode } from '../decode/otlp-proto.ts';
import { makeRequest } from '../store/make-request.ts';
import { laneTo, queueOf, settle, TAKEN, tracesOf } from './lane-to.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const late: Outcome = { is: 'late', message: 'no answer' };

test('a span that never arrives in time is given up after some tries, also where nothing comes after it', async () => {
  const { lane, said } = laneTo((request) => (tracesOf(request).includes(7) ? late : TAKEN), queueOf(50));
  lane.learn();
  await vi.advanceTimersByTimeAsync(200_000);
  expect(lane.counters()).toMatchObject({ sent: 98, refused: 2, queued: 0 });
  expect(lane.takenTo()).toBe(50);
  expect(said.filter((line) => line.startsWith('refused'))).toEqual(
    Array.from({ length: 2 }, () => 'refused 1: no answer, 5 times, and others were taken meanwhile'),
  );
});

test('of many spans that never arrive in time, those between them are taken', async () => {
  const { lane, said } = laneTo(
    (request) => (tracesOf(request).some((trace) => trace % 10 === 5) ? late : TAKEN),
    queueOf(200),
  );
  lane.learn();
  await vi.advanceTimersByTimeAsync(2 * 3_600_000);
  expect(lane.counters()).toMatchObject({ sent: 360, refused: 40, queued: 0 });
  expect(
    said.filter((line) => line.startsWith('refused')).every((line) => line.startsWith('refused 1:')),
  ).toBe(true);
});

test('spans of a resource that is larger than the smallest batch are divided, too', async () => {
  const text = { key: 'process.command_line', value: { stringValue: 'x'.repeat(70_000) } };
  const spans = ['20', '21'].map((trace) => ({
    traceId: Buffer.from(trace.padStart(32, '0'), 'hex'),
    spanId: Buffer.from('1'.padStart(16, '0'), 'hex'),
    name: 'x',
  }));
  const queue = queueOf(3);
  const resourceSpans = [{ resource: { attributes: [text] }, scopeSpans: [{ spans }] }];
  queue.instead.set(2, encode('TracesData', { resourceSpans }));
  const { lane } = laneTo((request) => (tracesOf(request).includes(20) ? late : TAKEN), queue);
  lane.learn();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(lane.counters()).toMatchObject({ sent: 5, refused: 1, queued: 0 });
  expect(lane.takenTo()).toBe(3);
});

test('what is on its way when a backend goes away is not given up for what was taken beside it', async () => {
  let isAway = false;
  const first = Promise.withResolvers<Outcome>();
  const queue = queueOf(1);
  for (let id = 1; id <= 3; id++) queue.instead.set(id, makeRequest({ trace: String(id) }));
  const { lane, sent } = laneTo(
    (_request, call) => (call === 1 ? first.promise : isAway ? late : TAKEN),
    queue,
  );
  for (; queue.entries <= 3; queue.entries++) {
    lane.learn();
    await settle();
  }
  expect(sent.map(tracesOf)).toEqual([[1], [2], [3]]);
  isAway = true;
  first.resolve(late);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(lane.counters()).toMatchObject({ refused: 0 });
  isAway = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent.map(tracesOf)).toContainEqual([1]);
  expect(lane.counters()).toMatchObject({ refused: 0, queued: 0 });
});

test('a span that is large and never arrives in time holds up no others', async () => {
  const { lane } = laneTo((request) => (tracesOf(request).includes(1) ? late : TAKEN), queueOf(40, 400_000));
  lane.learn();
  await vi.advanceTimersByTimeAsync(300_000);
  expect(lane.counters()).toMatchObject({ sent: 78, refused: 2, queued: 0 });
});

test('what nothing is taken beside is not given up, however often it is late', async () => {
  let isAway = true;
  const { lane, sent, queue } = laneTo(() => (isAway ? late : TAKEN), queueOf(500));
  lane.learn();
  await vi.advanceTimersByTimeAsync(4 * 3_600_000);
  queue.entries = 600;
  lane.learn();
  await vi.advanceTimersByTimeAsync(4 * 3_600_000);
  expect(sent.length).toBeGreaterThan(500);
  expect(lane.counters()).toMatchObject({ sent: 0, refused: 0, queued: 1_200 });
  isAway = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lane.counters()).toMatchObject({ sent: 1_200, refused: 0, queued: 0 });
});
