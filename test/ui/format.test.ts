import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatClock,
  formatDuration,
  formatRate,
  formatShare,
  formatTick,
  shortId,
} from '../../ui/format.ts';

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [0.0034, '3.4 µs'],
    [0.34, '340 µs'],
    [0.9994, '999 µs'],
    [0.9996, '1 ms'],
    [4.9, '4.9 ms'],
    [118.44, '118 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [3000, '3.00 s'],
    [12_340, '12.3 s'],
    [59_990, '60.0 s'],
    [59_996, '1 min 00 s'],
    [125_000, '2 min 05 s'],
    [3_900_000, '1 h 05 min'],
    [-12, '-12 ms'],
    [Number.NaN, '–'],
  ])('%d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('on an axis has no more digits than it needs', () => {
    expect([0, 0.5, 20, 1500, 3000, 120_000].map(formatTick)).toEqual([
      '0',
      '500 µs',
      '20 ms',
      '1.5 s',
      '3 s',
      '2 min 00 s',
    ]);
  });
});

describe('a rate', () => {
  it.each([
    [0, 60, '0 calls'],
    [1, 3600, '1 call'],
    [9, 60, '9 calls'],
    [10, 60, '10/min'],
    [3600 * 312, 3600, '312/s'],
    [3600 * 1.25, 3600, '1.3/s'],
    [240, 3600, '4/min'],
    [12, 3600, '12/h'],
  ])('of %d calls in %d s reads %s', (calls, seconds, text) => {
    expect(formatRate(calls, seconds)).toBe(text);
  });
});

describe('a share', () => {
  it.each([
    [0, '0 %'],
    [0.0004, '< 0.1 %'],
    [0.0142, '1.4 %'],
    [0.118, '12 %'],
    [0.9996, '> 99.9 %'],
    [1, '100 %'],
  ])('of %d reads %s, never rounding a part to nothing or all', (share, text) => {
    expect(formatShare(share)).toBe(text);
  });
});

it('a clock time names the day when it is not today, and the year when it is another', () => {
  const time = new Date(2026, 10, 22, 14, 3, 22, 118);
  expect(formatClock(time.getTime(), { ms: true, nowMs: time.getTime() })).toBe('14:03:22.118');
  expect(formatClock(time.getTime(), { nowMs: time.getTime() + 86_400_000 })).toBe('22 Nov 14:03:22');
  expect(formatClock('nonsense')).toBe('–');
  const yearLater = new Date(2027, 10, 22).getTime();
  expect(formatClock(time.getTime(), { nowMs: yearLater })).toBe('22 Nov 2026 14:03:22');
});

it.each([
  [9, 'just now'],
  [10, '10 s ago'],
  [59, '59 s ago'],
  [60, '1 min ago'],
  [3600, '1 h ago'],
  [86_400, '1 day ago'],
  [-5, 'just now'],
])('what was %d seconds before now reads %s', (seconds, text) => {
  expect(formatAgo(1e12 - seconds * 1000, 1e12)).toBe(text);
  expect(formatAgo('nonsense', 1e12)).toBe('–');
});

it('a long id is shortened in the middle', () => {
  expect(shortId('7d1c4e5f60718293a4b5c6d7e8f9e09b')).toBe('7d1c…e09b');
  expect(shortId('a1b2')).toBe('a1b2');
});
