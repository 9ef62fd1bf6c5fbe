import { executionAsyncId } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isDeadlineOf, runningTimer, type RunningTimer } from '../../instrumentation/running-timer.ts';

/** What is known in the callback of a timer after it has been busy, and the moments between which the timer was started. */
const inTimer = (delayMs: number, busyMs = 0, first: (started: NodeJS.Timeout) => void = () => {}) =>
  new Promise<{ timer: RunningTimer | undefined; earliestMs: number; latestMs: number }>((resolve) => {
    // The event loop's clock, which timers are on, is a whole number of ms.
    const earliestMs = performance.now() - 1;
    const started = setTimeout(() => {
      const untilMs = performance.now() + busyMs;
      while (performance.now() < untilMs);
      first(started);
      const timer = runningTimer();
      // However late it runs and however slow the machine is: no sooner than its delay, and then it was busy.
      resolve({ timer, earliestMs, latestMs: performance.now() - delayMs - busyMs + 1 });
    }, delayMs);
  });

function expectWithin(startedMs: number | undefined, earliestMs: number, latestMs: number): void {
  expect(startedMs).toBeGreaterThanOrEqual(earliestMs);
  expect(startedMs).toBeLessThanOrEqual(latestMs);
}

it('a timer that runs tells its delay and when it was started', async () => {
  const { timer, earliestMs, latestMs } = await inTimer(30);
  expect(timer?.delayMs).toBe(30);
  expectWithin(timer?.startedMs, earliestMs, latestMs);
});

it('one that ran late because the program was busy was still started when it was', async () => {
  const { timer, earliestMs, latestMs } = await inTimer(10, 50);
  expectWithin(timer?.startedMs, earliestMs, latestMs);
});

it('one that its own callback has cleared is still known, without its delay', async () => {
  const { timer, earliestMs, latestMs } = await inTimer(30, 0, clearTimeout);
  expect(timer).toMatchObject({ delayMs: undefined });
  expectWithin(timer?.startedMs, earliestMs, latestMs);
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
  const timer = { delayMs: 1000, startedMs: 1000, ranMs: 2000, asyncId: 7 };
  const isDeadline = (startMs: number, nowMs: number) => isDeadlineOf(timer, { startMs, startId: 1 }, nowMs);
  expect([1500, 1000, 980, 979].map((startMs) => isDeadline(startMs, 1100))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  // A tenth of what has gone by.
  expect([900, 899].map((startMs) => isDeadline(startMs, 1900))).toEqual([true, false]);
});

it('one in whose callback a call began is not what that was to end by, nor is one that ran before', () => {
  const timer = { delayMs: 100, startedMs: 1000, ranMs: 1105, asyncId: 7 };
  const isDeadline = (startMs: number, startId: number) => isDeadlineOf(timer, { startMs, startId }, 1106);
  // Due since 1100, and late.
  expect([1099, 1104, 1105, 1106].map((startMs) => isDeadline(startMs, 1))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect([1099, 1104, 1105, 1106].map((startMs) => isDeadline(startMs, 7))).toEqual(Array(4).fill(false));
});

it.each([
  ['that is cleared first', (timer: NodeJS.Timeout) => clearTimeout(timer)],
  ['that is started again first', (timer: NodeJS.Timeout) => timer.refresh()],
  ['as it is', () => {}],
])(
  'a call that the callback of a timer begins and ends is not what that was set for (%s)',
  async (_, first) => {
    const isDeadline = await new Promise((resolve) => {
      const started = setTimeout(() => {
        first(started);
        const call = { startMs: performance.now(), startId: executionAsyncId() };
        const timer = runningTimer();
        clearTimeout(started);
        resolve(timer && isDeadlineOf(timer, call));
      }, 5);
    });
    expect(isDeadline).toBe(false);
  },
);
