import { expect, test } from 'vitest';
import { DamagedPart } from '../../../collector/store/columns/damaged-part.ts';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { openPart } from '../../../collector/store/columns/part.ts';
import { decodeBlockHeader, openGranule } from '../../../collector/store/columns/read-block.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { SLOW, SLOW_ROWS_MIN, SlowRows } from '../../../collector/store/columns/slow-rows.ts';
import { createSpanTable, durationMsOf, traceIdOf } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { memoryInterner } from './memory-interner.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);

const table = createSpanTable();
const { interner } = memoryInterner();
const workload = { seed: 7, spans: 20_000, failedShare: 0.03, startUnixMs: NOW_UNIX_MS, spreadMs: 1_000 };
for (const { bytes } of makeRequests(workload, { spansPerRequest: 512 }))
  takeRequest(table, interner, bytes, NOW_UNIX_MS);
// The longest there can be, and one that ends before it starts.
table.startHigh[5] = table.startLow[5] = 0;
table.endHigh[5] = table.endLow[5] = 0xffffffff;
table.endHigh[6] = 0;
const order = orderRows(table);
const block = startBlock(table, order, 4_000);
const granules = block.ends.map((_, number) => block.granule(number));
const bytes = block.slow()!;
const header = decodeBlockHeader(block.finish());
const slow = new SlowRows(openPart(SLOW, bytes));
const idsOfGranule = granules.map(
  (parts, number) => openGranule(header, number, (name) => parts.get(name) ?? null).traces.ids,
);

test('every span that takes as long as its operation’s limit is listed, in the run of its trace', () => {
  const rowsOf = Map.groupBy(order, (row) => table.operation[row]!);
  for (const [index, operation] of slow.operations.entries()) {
    const [first, end] = [slow.firsts[index]!, slow.firsts[index + 1]!];
    const fromMs = slow.fromMs(index);
    const expected = rowsOf
      .get(operation)!
      .filter((row) => durationMsOf(table, row) >= fromMs)
      .map((row) => [traceIdOf(table, row), durationMsOf(table, row)]);
    const listed = Array.from({ length: end - first }, (_, index) => {
      const { granule, run } = slow.placeOf(first + index);
      const traceId = idsOfGranule[granule]!.toString('hex', 16 * run, 16 * run + 16);
      return [traceId, slow.durationMs(first + index)];
    });
    expect(listed).toEqual(expected);
  }
});

test('every operation is there, with one span in eight at most', () => {
  const rowsOf = Map.groupBy(order, (row) => table.operation[row]!);
  expect([...slow.operations]).toEqual([...rowsOf.keys()].toSorted((a, b) => a - b));
  let listed = 0;
  for (const [index, operation] of slow.operations.entries()) {
    const spans = slow.firsts[index + 1]! - slow.firsts[index]!;
    expect(spans).toBeLessThanOrEqual(rowsOf.get(operation)!.length / 8);
    listed += spans;
  }
  expect(listed).toBeGreaterThan(order.length / 32);
});

test('a small block lists none', () => {
  expect(startBlock(table, order.subarray(0, SLOW_ROWS_MIN - 1)).slow()).toBe(null);
  expect(startBlock(table, order.subarray(0, SLOW_ROWS_MIN)).slow()).not.toBe(null);
});

test('a part that was cut off or says what cannot be is damaged', () => {
  const cut = () => new SlowRows(openPart(SLOW, bytes.subarray(0, bytes.length - 1)));
  expect(cut).toThrow(DamagedPart);
  const { dense, loose } = openPart(SLOW, bytes);
  loose.bytes[0] = 1;
  const wrong = () => {
    const rows = new SlowRows({ dense, loose });
    for (let index = 0; index < rows.firsts.at(-1)!; index++) rows.placeOf(index);
  };
  expect(wrong).toThrow(DamagedPart);
});
