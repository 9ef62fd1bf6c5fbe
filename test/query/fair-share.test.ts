import { expect, test } from 'vitest';
import { fairShare } from '../../collector/query/fair-share.ts';

const givenOf = (counts: readonly number[], total: number) => {
  const most = fairShare(counts, total);
  return counts.map((count) => Math.min(count, most));
};

test('who has little gives all of it, and the others share what is left', () => {
  expect(givenOf([2, 100, 50], 40)).toEqual([2, 19, 19]);
  expect(givenOf([10, 100, 50], 120)).toEqual([10, 60, 50]);
});

test('where there is no more than may be given, all is', () => {
  expect(givenOf([2, 100, 50], 152)).toEqual([2, 100, 50]);
  expect(givenOf([2, 100, 50], 151)).toEqual([2, 99, 50]);
  expect(fairShare([], 10)).toBe(10);
});

test('who has something gives one at least', () => {
  expect(givenOf([1, 1, 5, 0], 2)).toEqual([1, 1, 1, 0]);
});
