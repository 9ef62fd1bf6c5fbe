import { expect, test } from 'vitest';
import { PairMap } from '../../../collector/store/columns/pair-map.ts';

const MIX = 0x9e3779b1;
const PAIRS = 1 << 17;

/** What an odd number is to be multiplied with to give 1 in 32 bits. */
function inverse(odd: number): number {
  let found = odd;
  for (let round = 0; round < 5; round++) found = Math.imul(found, 2 - Math.imul(odd, found));
  return found;
}

test('a pair has the value it was given last, and none before', () => {
  const map = new PairMap();
  expect(map.get(1, 2)).toBe(-1);
  map.set(1, 2, 7);
  map.set(2, 1, 0);
  map.set(1, 2, 0xfffffffe);
  expect([map.get(1, 2), map.get(2, 1), map.get(1, 1)]).toEqual([0xfffffffe, 0, -1]);
  map.clear();
  expect(map.get(1, 2)).toBe(-1);
});

test('numbers chosen so that they would collide if the hash were the same in each process do not', () => {
  const map = new PairMap();
  const numbers = new Uint32Array(PAIRS);
  for (let index = 0; index < PAIRS; index++) {
    // All in eight places of 2^18, by a multiplier that is often taken for this: then each is compared with all before.
    const hash = ((index >>> 3) << 18) | (index & 7);
    const mixed = Math.imul(hash ^ (hash >>> 15) ^ (hash >>> 30), inverse(MIX));
    numbers[index] = Math.imul(mixed, inverse(0x85ebca6b));
  }
  for (const [index, number] of numbers.entries()) map.set(0, number, index);
  expect(numbers.every((number, index) => map.get(0, number) === index)).toBe(true);
});
