import { describe, expect, test } from 'vitest';
import { findWalls } from '../../collector/query/find-walls.ts';
import { bucketOf, countBucket, emptySketch, type Sketch } from '../../collector/store/rollup/sketch.ts';
import { about } from '../about.ts';

function sketchOf(...durationsMs: readonly number[]): Sketch {
  const sketch = emptySketch();
  for (const ms of durationsMs) countBucket(sketch, bucketOf(ms), 1);
  return sketch;
}
const times = (count: number, ms: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => ms(index));
/** Log-normal around a median, by its quantiles: the same every time. */
const spread = (count: number, medianMs: number, sigma: number) =>
  times(count, (index) => medianMs * Math.exp(sigma * normalQuantile((index + 0.5) / count)));
/** Of the logistic distribution, whose tails are the heavier ones. */
const normalQuantile = (share: number) => 0.6 * Math.log(share / (1 - share));
const usual = spread(1000, 20, 0.7);
const walls = (durationsMs: readonly number[], budgetsMs: readonly number[] = [], timeouts: number[] = []) =>
  findWalls(sketchOf(...durationsMs), sketchOf(...timeouts), budgetsMs);

describe('a wall', () => {
  test('is where calls pile up beyond what is usual', () => {
    expect(walls([...usual, ...times(40, (index) => 5000 + index / 10)])).toEqual([
      { atMs: about(5000), count: 40, timeouts: 0 },
    ]);
  });

  test('stands where its calls were measured, when some were', () => {
    const all = sketchOf(...usual, ...times(40, (index) => 5000 + index / 10));
    expect(findWalls(all, emptySketch(), [], [20, 5001, 5002.5, 5003])[0]!.atMs).toBe(5002.5);
  });

  test('says how many of its calls timed out', () => {
    const pile = times(40, () => 5001);
    expect(walls([...usual, ...pile], [], pile.slice(0, 30))[0]).toMatchObject({ count: 40, timeouts: 30 });
  });

  test('is found wherever the borders of buckets are', () => {
    for (let ms = 900; ms < 1100; ms += 0.7) {
      const found = walls([...usual, ...times(40, (index) => ms * (1 + index / 4000))]);
      expect(found).toEqual([{ atMs: expect.any(Number), count: 40, timeouts: 0 }]);
      expect(Math.abs(found[0]!.atMs / ms - 1)).toBeLessThan(0.02);
    }
  });

  test('may be one of several, the largest first', () => {
    const found = walls([...usual, ...times(20, () => 5001), ...times(40, () => 10_001)]);
    expect(found.map(({ count }) => count)).toEqual([40, 20]);
  });

  test('needs ten calls', () => {
    expect(walls([...usual, ...times(10, () => 5001)])).toHaveLength(1);
    expect(walls([...usual, ...times(9, () => 5001)])).toEqual([]);
  });

  test('needs four times as many calls as any place near it, and most of those below', () => {
    const pile = times(40, () => 5001);
    for (const nearMs of [4500, 5600]) {
      expect(walls([...usual, ...pile, ...times(10, () => nearMs)])).toHaveLength(1);
      expect(walls([...usual, ...pile, ...times(11, () => nearMs)])).toEqual([]);
    }
    const tail = (count: number) => times(24 * count, (index) => 2700 * 1.0202 ** (index % 24));
    expect(walls([...usual, ...pile, ...tail(5)])).toHaveLength(1);
    expect(walls([...usual, ...pile, ...tail(6)])).toEqual([]);
  });

  test('stands beside a larger one', () => {
    const found = walls([...usual, ...times(20, () => 5001), ...times(200, () => 3001)]);
    expect(found.map(({ count }) => count)).toEqual([200, 20]);
  });
});

describe('no wall', () => {
  test('is what a budget explains: a little below it, as a callee sees it, or late', () => {
    const pileAt = (ms: number) => [...usual, ...times(40, () => ms)];
    for (const ms of [4800, 5001, 5150]) expect(walls(pileAt(ms), [3000, 5000])).toEqual([]);
    for (const ms of [4600, 5400]) expect(walls(pileAt(ms), [3000, 5000])).toHaveLength(1);
  });

  test('is what a budget further down explains, with what is usual before it', () => {
    const slow = spread(1000, 300, 0.3);
    expect(walls([...slow, ...times(40, () => 5450)], [5000])).toEqual([]);
    expect(walls([...slow, ...times(40, () => 5700)], [5000])).toHaveLength(1);
    expect(walls([...spread(1000, 900, 0.1), ...times(40, () => 5900)], [5000])).toHaveLength(1);
  });

  test('is what most calls take, however narrow', () => {
    expect(walls(spread(1000, 100, 0.004))).toEqual([]);
    expect(walls(times(1000, () => 100))).toEqual([]);
  });

  test('is where most calls are, unless they are timeouts', () => {
    const hanging = times(100, () => 5001);
    expect(walls(hanging)).toEqual([]);
    expect(walls(hanging, [], hanging)).toHaveLength(1);
    expect(walls(hanging, [], hanging.slice(0, 50))).toHaveLength(1);
    expect(walls(hanging, [], hanging.slice(0, 49))).toEqual([]);
  });

  test('is a second mode with shoulders', () => {
    expect(walls([...usual, ...spread(300, 2000, 0.1)])).toEqual([]);
  });

  test('is in a long tail, nor in no calls', () => {
    expect(walls(spread(100_000, 20, 1.5))).toEqual([]);
    expect(walls([])).toEqual([]);
  });

  test('is made by clocks of whole milliseconds', () => {
    expect(walls([...times(900, () => 1), ...times(60, () => 5), ...times(20, () => 12)])).toEqual([]);
  });
});
