import { expect, test } from 'vitest';
import { PackedIntegers, packIntegers } from '../../../collector/store/columns/pack-integers.ts';
import { openPart, PartSink, sealPart } from '../../../collector/store/columns/part.ts';
import { Starts } from '../../../collector/store/columns/starts.ts';
import { seeded } from './random-spans.ts';

const random = seeded(11);

function packed(values: Uint32Array): PackedIntegers {
  const sink = new PartSink();
  const { dense, loose } = sink;
  packIntegers(sink, values, 0, values.length, 1);
  const part = sealPart('numbers', dense.view(0, dense.length), loose.view(0, loose.length));
  return new PackedIntegers(openPart('numbers', part), values.length);
}

const numbers = (count: number, below: number, times = 1) =>
  Uint32Array.from({ length: count }, () => random(below) * times);

test.each([
  ['none', new Uint32Array(0)],
  ['one', Uint32Array.of(7)],
  ['the same', new Uint32Array(300).fill(5)],
  ['small', numbers(1_000, 40)],
  ['random low bytes', numbers(1_000, 2 ** 32)],
  ['a low byte that is always 0', numbers(1_000, 2 ** 22, 2 ** 10)],
  ['few of four bytes', numbers(100, 2 ** 32)],
])('numbers are read one by one, some or all, and added up: %s', (_name, values) => {
  const read = packed(values);
  expect(Array.from(values, (_, index) => read.at(index))).toEqual([...values]);
  expect(read.toArray()).toEqual(values);
  for (const [first, end] of [
    [0, values.length],
    [0, 0],
    [Math.floor(values.length / 3), Math.floor(values.length / 2)],
  ] as const) {
    const some = values.subarray(first, end);
    expect([...read.toArray(first, end)]).toEqual([...some]);
    expect(read.sum(first, end)).toBe(some.reduce((sum, value) => sum + value, 0));
  }
});

test.each([0, 1, 31, 32, 33, 64, 1_000])(
  'where each of %i begins is the same, asked for some or for all',
  (count) => {
    const taken = { bytes: 0 };
    const counts = packed(numbers(count, 5));
    const all = new Starts(counts).all;
    expect(all).toHaveLength(count + 1);
    const starts = new Starts(counts, taken);
    const some = Array.from(all, (_, index) => starts.at(index));
    expect(some).toEqual([...all]);
    expect(taken.bytes).toBe(4 * (Math.floor(count / 32) + 1));
  },
);
