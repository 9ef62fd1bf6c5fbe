import { expect, test } from 'vitest';
import { rankValues } from '../../../collector/store/columns/ranks.ts';

const ROWS = 1 << 15;
const MOST = ROWS / 4;

function rank(valueOf: (row: number) => number) {
  return rankValues(
    Uint32Array.from({ length: ROWS }, (_, row) => valueOf(row)),
    new Uint32Array(ROWS),
    1,
    MOST,
  );
}

test('values that differ only in the first rows are ranked', () => {
  expect(rank((row) => Math.min(row, ROWS / 16))!.lists).toHaveLength(ROWS / 16 + 1);
});

test('values that are alike in the rows of a trace are ranked', () => {
  expect(rank((row) => row >>> 3)!.lists).toHaveLength(ROWS / 8);
});

test('as many as may be are ranked, one more is not', () => {
  expect(rank((row) => (row * 5) % MOST)!.lists).toHaveLength(MOST);
  expect(rank((row) => (row * 5) % (MOST + 1))).toBeNull();
});

test('values of which most differ are not', () => {
  expect(rank((row) => row)).toBeNull();
});
