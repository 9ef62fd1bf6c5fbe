import { expect, test } from 'vitest';
import { chooseSteps } from '../../collector/query/timeline-steps.ts';

const minute = 60_000;
const day = 1440 * minute;
const NOON_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const last = (ms: number, most: number) =>
  chooseSteps({ fromUnixMs: NOON_UNIX_MS - ms, toUnixMs: NOON_UNIX_MS }, most);
const stepMsOf = ({ range, steps }: ReturnType<typeof chooseSteps>) =>
  (range.toUnixMs - range.fromUnixMs) / steps;

test.each([
  [5 * minute, 120, 1, 5],
  [60 * minute, 120, 1, 60],
  [60 * minute, 60, 1, 60],
  [60 * minute, 59, 2, 30],
  [360 * minute, 120, 5, 72],
  [day, 120, 15, 96],
  [7 * day, 120, 120, 84],
  [365 * day, 120, 4 * 1440, 92],
])('%d ms in at most %d steps are steps of %d min, %d of them', (ms, most, stepMinutes, steps) => {
  const chosen = last(ms, most);
  expect([stepMsOf(chosen) / minute, chosen.steps]).toEqual([stepMinutes, steps]);
});

test('steps begin where clocks do, so that they stay while time goes on', () => {
  const odd = { fromUnixMs: NOON_UNIX_MS + 7 * minute + 1, toUnixMs: NOON_UNIX_MS + 367 * minute };
  const { range } = chooseSteps(odd, 120);
  expect(range).toEqual({
    fromUnixMs: NOON_UNIX_MS + 5 * minute,
    toUnixMs: NOON_UNIX_MS + 370 * minute,
  });
});

test('every range that a parameter can name has steps', () => {
  const { range, steps } = chooseSteps({ fromUnixMs: -8.64e15, toUnixMs: 8.64e15 }, 60);
  expect(steps).toBeLessThanOrEqual(62);
  expect(range).toEqual({ fromUnixMs: -8.64e15, toUnixMs: 8.64e15 });
});
