import { expect, test } from 'vitest';
import { findDeploys } from '../../collector/query/deploys.ts';

const FROM_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const minute = 60_000;
const ran = (version: string, firstMs: number, lastMs: number, service = 'checkout') => ({
  service,
  version,
  firstUnixMs: FROM_UNIX_MS + firstMs,
  lastUnixMs: FROM_UNIX_MS + lastMs,
});
const deploysOf = (...versions: ReturnType<typeof ran>[]) =>
  findDeploys(versions, FROM_UNIX_MS).map(({ service, previous, version, back }) => [
    service,
    previous,
    back ? `${version} again` : version,
  ]);

test('a version that comes after another is a deploy at its first span', () => {
  expect(
    findDeploys([ran('1.1', 5 * minute, 9 * minute), ran('1.0', -minute, 6 * minute)], FROM_UNIX_MS),
  ).toEqual([
    { service: 'checkout', version: '1.1', previous: '1.0', back: false, at: '2026-11-20T12:05:00.000Z' },
  ]);
});

test('the first version known of a service is no deploy', () => {
  expect(deploysOf(ran('1.0', 5 * minute, 9 * minute))).toEqual([]);
});

test('a version that ran before the range is no deploy in it', () => {
  expect(deploysOf(ran('1.0', -20 * minute, 0), ran('1.1', -10 * minute, minute))).toEqual([]);
});

test('versions that appear together run side by side', () => {
  expect(deploysOf(ran('1.0', 0, minute), ran('canary', 90_000, 2 * minute))).toEqual([]);
  expect(deploysOf(ran('1.0', 0, minute), ran('1.1', 90_001, 2 * minute))).toHaveLength(1);
});

test('a version that goes while the one before it runs on is a deploy back, at its last span', () => {
  const versions = [ran('1.0', -minute, 30 * minute), ran('1.1', 5 * minute, 9 * minute)];
  expect(findDeploys(versions, FROM_UNIX_MS)[1]).toEqual({
    service: 'checkout',
    version: '1.0',
    previous: '1.1',
    back: true,
    at: '2026-11-20T12:09:00.000Z',
  });
});

test('the last span of a version is of no weight until others were seen for a while after it', () => {
  const back = (lastMs: number) => deploysOf(ran('1.0', -minute, lastMs), ran('1.1', 5 * minute, 9 * minute));
  expect(back(9 * minute + 90_000)).toEqual([['checkout', '1.0', '1.1']]);
  expect(back(9 * minute + 90_001)).toHaveLength(2);
});

test('a version that goes when a newer one is there was replaced, however long an old one stays', () => {
  expect(
    deploysOf(
      ran('1.0', -minute, 60 * minute),
      ran('1.1', 5 * minute, 20 * minute),
      ran('1.2', 19 * minute, 60 * minute),
    ),
  ).toEqual([
    ['checkout', '1.0', '1.1'],
    ['checkout', '1.1', '1.2'],
  ]);
});

test('of versions that ran side by side from the start, none is gone back to', () => {
  expect(deploysOf(ran('1.0', 0, minute), ran('1.1', 0, 30 * minute))).toEqual([]);
});

test('services are told apart, and deploys come oldest first', () => {
  expect(
    deploysOf(
      ran('1', 0, minute),
      ran('2', 5 * minute, 6 * minute),
      ran('3', 7 * minute, 8 * minute),
      ran('1', 0, minute, 'payments'),
      ran('2', 6 * minute, 7 * minute, 'payments'),
    ),
  ).toEqual([
    ['checkout', '1', '2'],
    ['payments', '1', '2'],
    ['checkout', '2', '3'],
  ]);
});
