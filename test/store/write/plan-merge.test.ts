/** Which blocks are merged: written as spans a block, in order of arrival, a second apart. */
import { expect, test } from 'vitest';
import { planMerge, SMALL_SPANS } from '../../../collector/store/sqlite/write/plan-merge.ts';
import type { BlockRow } from '../../../collector/store/sqlite/block-rows.ts';

const HOUR_MS = 3_600_000;
const NOON_UNIX_MS = Date.UTC(2026, 10, 20, 12);

function block(blockId: number, spans: number, more: Partial<BlockRow> = {}): BlockRow {
  const arrivedUnixMs = NOON_UNIX_MS + blockId * 1_000;
  return {
    blockId,
    kind: 'recent',
    granules: 1,
    spans,
    traces: 1,
    bytes: spans * 30,
    firstArrivedUnixMs: arrivedUnixMs,
    lastArrivedUnixMs: arrivedUnixMs,
    firstStartUnixMs: arrivedUnixMs,
    lastStartUnixMs: arrivedUnixMs,
    ...more,
  };
}
const blocks = (...spans: number[]) => spans.map((count, index) => block(index + 1, count));
const plan = (rows: readonly BlockRow[], afterMs = 60_000) =>
  planMerge(rows, HOUR_MS, NOON_UNIX_MS + afterMs);
const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('eight blocks of a tier become one, seven wait', () => {
  expect(plan(blocks(10, 10, 10, 10, 10, 10, 10))).toBeNull();
  expect(plan(blocks(10, 10, 10, 10, 10, 10, 10, 60))).toEqual(ids(8));
  expect(plan(blocks(1, 10, 100, 1_000, 10_000, 1, 10, 100, 1_000, 10_000))).toBeNull();
});

test('blocks of full load are never merged', () => {
  expect(plan(blocks(...Array.from({ length: 20 }, () => SMALL_SPANS)))).toBeNull();
});

test('blocks that fill a whole one are merged however few they are', () => {
  expect(plan(blocks(30_000, 30_000, 30_000, 30_000))).toBeNull();
  expect(plan(blocks(30_000, 30_000, 30_000, 30_000, 30_000))).toEqual([1, 2, 3, 4]);
});

test('when a period is over what is left of it becomes one block, once', () => {
  const rows = blocks(1, 10, 100);
  expect(plan(rows)).toBeNull();
  expect(plan(rows, HOUR_MS)).toEqual([1, 2, 3]);
  expect(plan([block(9, 111)], 2 * HOUR_MS)).toBeNull();
});

test('blocks of two periods, kinds or late days never meet', () => {
  const eight = (more: (index: number) => Partial<BlockRow>) =>
    Array.from({ length: 8 }, (_, index) => block(index + 1, 10, more(index)));
  const halves = (index: number) => (index < 4 ? 0 : 1);
  const apart = [
    eight((index) => ({ firstArrivedUnixMs: NOON_UNIX_MS + halves(index) * HOUR_MS })),
    eight((index) => ({ kind: index < 4 ? 'recent' : 'late' })),
    eight((index) => ({ kind: 'late', firstStartUnixMs: halves(index) * 24 * HOUR_MS })),
  ];
  for (const rows of apart) expect(plan(rows)).toBeNull();
  expect(plan(eight(() => ({ kind: 'late', firstStartUnixMs: 5 })))).toEqual(ids(8));
});

test('pinned blocks meet whenever they arrived', () => {
  const rows = ids(8).map((id) => block(id, 10, { kind: 'pinned', firstArrivedUnixMs: id * 24 * HOUR_MS }));
  expect(plan(rows)).toEqual(ids(8));
});

test('an hour of a block every second ends as few blocks, and each span is written few times', () => {
  let rows: BlockRow[] = [];
  let written = 0;
  let nextId = 1;
  const merge = (nowMs: number) => {
    for (let due = plan(rows, nowMs); due !== null; due = plan(rows, nowMs)) {
      const merged = rows.filter((row) => due.includes(row.blockId));
      const spans = merged.reduce((sum, row) => sum + row.spans, 0);
      written += spans;
      rows = rows.filter((row) => !merged.includes(row));
      rows.push({ ...merged[0]!, blockId: nextId++, spans, bytes: spans * 30 });
    }
  };
  for (let second = 0; second < 3_600; second++) {
    const arrivedUnixMs = NOON_UNIX_MS + second * 1_000;
    const arrived = { firstArrivedUnixMs: arrivedUnixMs, lastArrivedUnixMs: arrivedUnixMs };
    rows.push(block(nextId++, 5, arrived));
    merge(second * 1_000);
    expect(rows.length).toBeLessThan(40);
  }
  merge(HOUR_MS);
  expect(rows.length).toBe(1);
  expect(written / (3_600 * 5)).toBeLessThan(7);
});
