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
  findDeploys(versions, FROM_UNIX_MS).map(({ service, previous, version }) => [service, previous, version]);

test('a version that comes after another is a deploy at its first span', () => {
  expect(
    findDeploys([ran('1.1', 5 * minute, 9 * minute), ran('1.0', -minute, 6 * minute)], FROM_UNIX_MS),
  ).toEqual([{ service: 'checkout', version: '1.1', previous: '1.0', at: '2026-11-20T12:05:00.000Z' }]);
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
