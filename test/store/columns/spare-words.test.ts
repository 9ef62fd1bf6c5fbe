import { expect, test } from 'vitest';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { giveBackWords, takeWords } from '../../../collector/store/columns/spare-words.ts';

import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { LatencyCounts } from '../../../collector/store/rollup/latency-counts.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { memoryInterner } from './memory-interner.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);
/** More than are kept. */
const WORDS = 6 << 20;

/** What is taken next holds numbers of somebody else. */
function fillSpare(): void {
  const taken = [20_000, 30_000, 60_000, 120_000, 500_000].flatMap((count) => [
    takeWords(count),
    takeWords(count),
  ]);
  for (const words of taken) words.fill(0xdeadbeef);
  giveBackWords(...taken);
}

test('what was given back is taken again, as long as it was asked for', () => {
  const first = takeWords(40_000).fill(7);
  giveBackWords(first);
  const second = takeWords(30_000);
  expect(second.buffer).toBe(first.buffer);
  expect(second).toHaveLength(30_000);
  expect(takeWords(30_000).buffer).not.toBe(first.buffer);
});

test('words in use are nobody else’s', () => {
  const taken = Array.from({ length: 8 }, () => takeWords(50_000));
  giveBackWords(...taken);
  const again = Array.from({ length: 9 }, () => takeWords(50_000));
  expect(new Set(again.map(({ buffer }) => buffer)).size).toBe(9);
});

test('neither few words nor more than a fold needs are kept, and few are not taken of many', () => {
  const few = takeWords(1_000);
  const many = takeWords(WORDS);
  const some = takeWords(900_000);
  giveBackWords(few, many, some);
  expect(takeWords(1_000).buffer).not.toBe(few.buffer);
  expect(takeWords(WORDS).buffer).not.toBe(many.buffer);
  expect(takeWords(20_000).buffer).not.toBe(some.buffer);
  expect(takeWords(900_000).buffer).toBe(some.buffer);
});

test('a block is the same whatever stands in the words that it was made with', () => {
  const table = createSpanTable();
  const { interner } = memoryInterner();
  const workload = { seed: 3, spans: 20_000, failedShare: 0.03, startUnixMs: NOW_UNIX_MS, spreadMs: 1_000 };
  for (const { bytes } of makeRequests(workload, { spansPerRequest: 512 }))
    takeRequest(table, interner, bytes, NOW_UNIX_MS);
  const made = () => {
    const order = orderRows(table);
    const block = startBlock(table, order, 4_000);
    const granules = block.ends.map((_, number) => [...block.granule(number)]);
    const parts = [...granules.flat(), ['slow', block.slow()!], ['values', block.values()!]] as const;
    return [...parts, ['header', block.finish()] as const].map(
      ([name, part]) => `${name} ${part.toString('hex')}`,
    );
  };
  const before = made();
  fillSpare();
  expect(made()).toEqual(before);
});

test('latencies are counted the same whatever stands in the words that they are counted with', () => {
  const counted = () => {
    const counts = new LatencyCounts();
    for (let index = 0; index < 100_000; index++) counts.add(index % 3_001, (index * 7) % 1_999, 1);
    return [...counts.sketches()];
  };
  const before = counted();
  fillSpare();
  expect(counted()).toEqual(before);
});
