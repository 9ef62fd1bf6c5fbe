import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import {
  countBudget,
  countTimeoutPhase,
  emptyCell,
  type Cell,
} from '../../../collector/store/rollup/cell.ts';
import {
  addSketch,
  bucketOf,
  countBucket,
  durationMsOfBucket,
  emptySketch,
  latencyOfSketch,
  latencyWithout,
  quantileOfSketch,
  totalOf,
  type Sketch,
} from '../../../collector/store/rollup/sketch.ts';
import {
  addCells,
  coverRange,
  decodeStep,
  encodeDelta,
  encodeStep,
  openStep,
  type StepCells,
} from '../../../collector/store/rollup/steps.ts';
import { encodeSum, sumSteps } from '../../../collector/store/rollup/sum-steps.ts';
import { Random } from '../../benchmark/workload/random.ts';
import { finish } from './finish.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const cover = (fromUnixMs: number, toUnixMs: number) =>
  coverRange({ fromUnixMs, toUnixMs }).map(
    (run) => `${run.level} ${run.fromUnixMs / MINUTE}-${run.toUnixMs / MINUTE}`,
  );

test('a range is covered by days, then hours, then minutes at its ends, without a gap', () => {
  expect(cover(DAY - 90 * MINUTE, 3 * DAY + 61 * MINUTE)).toEqual([
    'minute 1350-1380',
    'hour 1380-1440',
    'day 1440-4320',
    'hour 4320-4380',
    'minute 4380-4381',
  ]);
});

test('a range within an hour is covered by minutes, rounded outward', () => {
  expect(cover(5 * MINUTE + 1, 7 * MINUTE + 1)).toEqual(['minute 5-8']);
  expect(cover(5 * MINUTE, 7 * MINUTE)).toEqual(['minute 5-7']);
});

test('an empty range needs no step; one before 1970 is covered as well', () => {
  expect(cover(HOUR, HOUR)).toEqual([]);
  expect(cover(-MINUTE, MINUTE)).toEqual(['minute -1-1']);
});

test('a bucket stands for its durations within 1 %', () => {
  for (let durationMs = 0.001; durationMs < 1e9; durationMs *= 1.37) {
    const read = durationMsOfBucket(bucketOf(durationMs));
    expect(Math.abs(read - durationMs) / durationMs).toBeLessThanOrEqual(0.0101);
  }
});

test('durations of nothing, below nothing and beyond measure have a bucket', () => {
  expect(bucketOf(0)).toBe(0);
  expect(bucketOf(-5)).toBe(0);
  expect(bucketOf(NaN)).toBe(0);
  expect(bucketOf(Infinity)).toBeLessThan(65_536);
});

test('percentiles are those of the counted durations', () => {
  const sketch = emptySketch();
  for (let durationMs = 1; durationMs <= 1_000; durationMs++) countBucket(sketch, bucketOf(durationMs), 1);
  const { p50Ms, p95Ms, p99Ms } = latencyOfSketch(sketch);
  for (const [read, true_] of [
    [p50Ms, 500],
    [p95Ms, 950],
    [p99Ms, 990],
  ] as const) {
    expect(Math.abs(read - true_) / true_).toBeLessThanOrEqual(0.0101);
  }
  expect(latencyOfSketch(emptySketch())).toEqual({ p50Ms: 0, p95Ms: 0, p99Ms: 0 });
});

test('what is usual without some durations is that of the others', () => {
  const random = new Random();
  random.restart(11, 0);
  for (let round = 0; round < 300; round++) {
    const [others, taken, all] = [emptySketch(), emptySketch(), emptySketch()];
    for (let left = random.below(40); left > 0; left--) {
      const bucket = random.below(25);
      countBucket(random.below(3) === 0 ? taken : others, bucket, 1);
    }
    addSketch(all, others);
    addSketch(all, taken);
    expect(latencyWithout(all, taken)).toEqual({
      count: totalOf(others),
      p10Ms: quantileOfSketch(others, 0.1),
      p50Ms: quantileOfSketch(others, 0.5),
      p90Ms: quantileOfSketch(others, 0.9),
    });
  }
  // What is of other days is not there to be taken out: it takes none of the others.
  const [few, more] = [emptySketch(), emptySketch()];
  countBucket(few, 5, 3);
  countBucket(more, 4, 1);
  countBucket(more, 5, 1);
  countBucket(more, 9, 5);
  expect(latencyWithout(few, more)).toEqual({
    count: 2,
    p10Ms: durationMsOfBucket(5),
    p50Ms: durationMsOfBucket(5),
    p90Ms: durationMsOfBucket(5),
  });
  countBucket(more, 5, 7);
  expect(latencyWithout(few, more)).toEqual({ count: 0, p10Ms: 0, p50Ms: 0, p90Ms: 0 });
});

test('an empty step has no bytes, and a damaged one is said to be', () => {
  expect(encodeStep(new Map([[1, emptyCell()]]))).toBeNull();
  const cell = emptyCell();
  cell.calls = 3;
  const data = encodeStep(new Map([[5, cell]]))!;
  expect([...decodeStep(data).keys()]).toEqual([5]);
  for (let at = 0; at < data.length; at++) {
    const damaged = Buffer.from(data);
    damaged[at]! ^= 0x10;
    // A flip in the frame's header may be harmless; what is read is never something else.
    const read = readOrError(damaged);
    expect(read instanceof Error || isDeepStrictEqual(read, decodeStep(data))).toBe(true);
  }
});

test('a delta keeps its signs, a sum is never less than nothing', () => {
  const cell = emptyCell();
  cell.calls = -3;
  cell.errors = -1;
  cell.retries = 2;
  countTimeoutPhase(cell, 2, -1);
  countBudget(cell, 500, -4);
  countBucket(cell.latency, 77, -3);
  countBucket(cell.latency, 78, 5);
  countBucket((cell.serverLatency = emptySketch()), 5, -1);
  const delta = decodeStep(encodeDelta(new Map([[7, cell]]))!);
  const sum = new Map([[7, emptyCell()]]);
  addCells(sum, delta);
  expect(sum.get(7)).toMatchObject({ calls: -3, errors: -1, timeouts: 0, retries: 2 });
  expect([...sum.get(7)!.budgets!]).toEqual([[500, -4]]);
  expect([...sum.get(7)!.timeoutPhases!]).toEqual([0, 0, -1, 0, 0, 0, 0, 0]);
  expect([totalOf(sum.get(7)!.latency), totalOf(sum.get(7)!.serverLatency!)]).toEqual([2, -1]);
  expect(encodeStep(sum)).toBeNull();
  sum.get(7)!.calls = 1;
  const stored = decodeStep(encodeStep(sum)!).get(7)!;
  expect(stored).toMatchObject({ calls: 1, errors: 0, retries: 2, timeoutPhases: null, serverLatency: null });
  expect(totalOf(stored.latency)).toBe(5);
});

function readOrError(data: Uint8Array): unknown {
  try {
    return decodeStep(data);
  } catch (error) {
    return error;
  }
}

/** Some have everything that a cell can hold; `round` makes them others. */
function manyCells(round: number): StepCells {
  return new Map(
    Array.from({ length: 40 }, (_, index) => {
      const series = index + (round % 3);
      const cell = { ...emptyCell(), calls: 1 + series * 1_000, errors: series % 2, retries: series % 3 };
      if (series % 5 === 1) cell.timeouts = 1;
      if (series % 5 > 0) countTimeoutPhase(cell, series % 5, series);
      if (series % 7 > 0) countBudget(cell, 0.5 + series, 300 * series);
      for (let each = 0; each < (series + round) % 11; each++)
        countBucket(cell.latency, bucketOf(each * each), 200);
      if (series % 3 === 0) cell.serverLatency = structuredClone(cell.latency);
      return [series * 3, cell] as const;
    }),
  );
}

test('cells that are not asked for are passed over, whatever they hold', () => {
  const data = encodeStep(manyCells(0))!;
  const all = decodeStep(data);
  expect(all.size).toBe(40);
  for (const rest of [0, 1, 2]) {
    const wanted = (series: number) => (series / 3) % 3 === rest;
    expect(decodeStep(data, wanted)).toEqual(new Map([...all].filter(([series]) => wanted(series))));
  }
});

test.each([1, 7, 200])('%i steps added up side by side are the sum of their cells', (count) => {
  const steps = Array.from({ length: count }, (_, round) => {
    const cells = manyCells(round);
    // What a delta takes out.
    if (round % 4 === 3) for (const { latency } of cells.values()) latency.counts.fill(-1);
    return encodeDelta(cells)!;
  });
  for (const isWanted of [() => true, (series: number) => series % 2 === 0, () => false]) {
    const expected: StepCells = new Map();
    for (const data of steps) addCells(expected, decodeStep(data, isWanted));
    const summed = sumSteps(steps.map(openStep), isWanted);
    expect([...summed.keys()]).toEqual([...summed.keys()].toSorted((a, b) => a - b));
    expect(new Map([...summed].map(withoutZeros))).toEqual(new Map([...expected].map(withoutZeros)));
  }
});

test.each([0, 1, 4])('a stored step and %i deltas are written as the one sum of them', (count) => {
  const stored = encodeStep(manyCells(0))!;
  const deltas = Array.from({ length: count }, (_, round) => {
    const cells = manyCells(round);
    // What a delta takes out.
    if (round === 3)
      for (const cell of cells.values()) {
        cell.calls *= -4;
        cell.latency.counts.fill(-1);
      }
    return encodeDelta(cells)!;
  });
  for (const whole of [stored, null]) {
    const sum: StepCells = whole === null ? new Map() : decodeStep(whole);
    for (const data of deltas) addCells(sum, decodeStep(data));
    expect(finish(encodeSum(whole, deltas))).toEqual(encodeStep(sum));
  }
});

test('a sum of many cells is made in steps, so that commits come between', () => {
  const cells: StepCells = new Map();
  for (let series = 1; series <= 2_000; series++) cells.set(series, { ...emptyCell(), calls: 1 });
  const data = encodeDelta(cells)!;
  expect([...encodeSum(data, [data])].length).toBeGreaterThan(5);
  expect([...encodeSum(null, [encodeStep(manyCells(0))!])].length).toBeLessThan(5);
});

test('a sum is not made of damaged bytes', () => {
  const data = encodeStep(manyCells(0))!;
  const damaged = data.subarray(0, -9);
  expect(() => finish(encodeSum(damaged, [data]))).toThrow(/Src size|frame|unexpected|corrupt/i);
  expect(() => finish(encodeSum(data, [damaged]))).toThrow(/Src size|frame|unexpected|corrupt/i);
});

test('of steps one of which is damaged there is no sum', () => {
  const good = encodeStep(manyCells(0))!;
  const damaged = Buffer.from(good);
  damaged[damaged.length >> 1]! ^= 0x10;
  expect(() => sumSteps([good, damaged].map(openStep), () => true)).toThrow(/checksum|corrupt|data/i);
});

/** A bucket counted and taken out again may be there or not. */
function withoutZeros([series, cell]: readonly [number, Cell]): [number, unknown] {
  const filled = ({ buckets, counts }: Sketch) =>
    buckets.flatMap((bucket, index) => (counts[index] === 0 ? [] : [[bucket, counts[index]]]));
  const { latency, serverLatency } = cell;
  return [
    series,
    { ...cell, latency: filled(latency), serverLatency: filled(serverLatency ?? emptySketch()) },
  ];
}
