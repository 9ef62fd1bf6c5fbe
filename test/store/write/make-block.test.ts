/** A block is made between commits, which wait for each step of it. */
import { expect, test } from 'vitest';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { makeBlock, type MadeBlock } from '../../../collector/store/sqlite/write/make-block.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { memoryInterner } from '../columns/memory-interner.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const WORKLOAD = { seed: 4, spans: 20_000, failedShare: 0.01, startUnixMs: NOW_UNIX_MS, spreadMs: 100 };

test('what comes before the granules of a block, and after them, is done in several steps', () => {
  const table = createSpanTable();
  const { interner } = memoryInterner();
  for (const { bytes } of makeRequests(WORKLOAD, { spansPerRequest: 512 }))
    takeRequest(table, interner, bytes, NOW_UNIX_MS);
  const steps: number[] = [];
  let block: MadeBlock | null = null;
  const making = makeBlock(table, orderRows(table), 'recent');
  while (block === null) {
    const step = making.next();
    if (step.done) block = step.value;
    else steps.push(step.value);
  }
  expect(block.granules).toBe(3);
  expect(steps.length).toBeGreaterThan(block.granules + 8);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  expect(steps.at(-1)).toBeLessThan(1);
});
