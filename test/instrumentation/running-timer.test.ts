import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isDeadlineOf, runningTimer, type RunningTimer } from '../../instrumentation/running-timer.ts';

const inTimer = (delayMs: number, more: () => void = () => {}) =>
  new Promise<RunningTimer | undefined>((resolve) => {
    setTimeout(() => {
      more();
      resolve(runningTimer());
    }, delayMs);
  });

it('a timer that runs tells its delay and when it was started', async () => {
  const beforeMs = performance.now();
  const timer = await inTimer(30);
  expect(timer?.delayMs).toBe(30);
  // The event loop's clock is a whole number of ms, and may lag behind by what ran since the loop turned.
  expect(Math.abs((timer?.startedMs ?? 0) - beforeMs)).toBeLessThan(20);
});

it('one that ran late because the program was busy was still started when it was', async () => {
  const beforeMs = performance.now();
  const timer = await inTimer(10, () => {
    while (performance.now() < beforeMs + 60);
  });
  expect(timer?.startedMs).toBeLessThan(beforeMs + 55);
});

it('one that its own callback has cleared is still known, without its delay', async () => {
  const beforeMs = performance.now();
  const timer = await new Promise<RunningTimer | undefined>((resolve) => {
    const started = setTimeout(() => {
      clearTimeout(started);
      resolve(runningTimer());
    }, 30);
  });
  expect(timer?.delayMs).toBeUndefined();
  expect(Math.abs((timer?.startedMs ?? 0) - beforeMs)).toBeLessThan(20);
});

it('outside of a timer nothing is known', async () => {
  expect(runningTimer()).toBeUndefined();
  await sleep(1);
  expect(runningTimer()).toBeUndefined();
});

it('an interval is not the deadline of one call', async () => {
  const timer = await new Promise((resolve) => {
    const interval = setInterval(() => {
      clearInterval(interval);
      resolve(runningTimer());
    }, 5);
  });
  expect(timer).toBeUndefined();
});

it('a timer is the deadline of a call that began with it or after it, or a little before, not of one long under way', () => {
  const timer = { delayMs: 100, startedMs: 1000 };
  const isDeadline = (callStartMs: number, nowMs: number) => isDeadlineOf(timer, callStartMs, nowMs);
  expect([1500, 1000, 980, 979].map((startMs) => isDeadline(startMs, 1100))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  // A tenth of what has gone by.
  expect([900, 899].map((startMs) => isDeadline(startMs, 1900))).toEqual([true, false]);
});
