import { expect, it } from 'vitest';
import { watchTaking } from '../../collector/serve/slow-client.ts';

/** Which look, from 0, is the first that finds a client too slow: of 10 bytes in three looks. -1: none. */
function tooSlowAt(looks: readonly (readonly [takenBytes: number, isWaiting: boolean])[]): number {
  const isTooSlow = watchTaking(10, 3);
  return looks.findIndex(([takenBytes, isWaiting]) => isTooSlow(takenBytes, isWaiting));
}
const waiting = (...taken: number[]) => taken.map((bytes) => [bytes, true] as const);

it('who takes nothing of what waits is too slow after so many looks', () => {
  expect(tooSlowAt(waiting(0, 0, 0, 0))).toBe(3);
});

it('who takes less than the least is too slow, who takes the least is not', () => {
  expect(tooSlowAt(waiting(0, 3, 6, 9))).toBe(3);
  expect(tooSlowAt(waiting(0, 3, 6, 10, 13, 16, 20, 23, 26, 30))).toBe(-1);
});

it('who took enough is watched anew from then on', () => {
  expect(tooSlowAt(waiting(0, 100, 101, 102, 103))).toBe(4);
});

it('who took all that there was is not to blame for what we have not made', () => {
  const idle = [1, false] as const;
  expect(tooSlowAt([...waiting(0, 1), idle, ...waiting(1, 1), idle, ...waiting(1, 1, 1)])).toBe(-1);
});
