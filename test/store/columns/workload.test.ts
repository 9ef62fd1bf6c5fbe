import { expect, test } from 'vitest';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { encodeSegment } from '../../../collector/store/columns/encode-segment.ts';
import { decodeBlockHeader, openGranule } from '../../../collector/store/columns/read-block.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { openSegment } from '../../../collector/store/columns/segment-granule.ts';
import { spanBytes } from '../../../collector/store/columns/span-bytes.ts';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { memoryInterner } from './memory-interner.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);

const table = createSpanTable();
const { interner } = memoryInterner();
const workload = { seed: 7, spans: 20_000, failedShare: 0.03, startUnixMs: NOW_UNIX_MS, spreadMs: 1_000 };
let requestBytes = 0;
for (const { bytes } of makeRequests(workload, { spansPerRequest: 512 })) {
  requestBytes += bytes.length;
  takeRequest(table, interner, bytes, NOW_UNIX_MS);
}
const order = orderRows(table);
const block = startBlock(table, order, 4_000);
const granules = block.ends.map((_, number) => block.granule(number));
const header = block.finish();
const opened = decodeBlockHeader(header);

test('the benchmark’s workload comes back byte for byte, from blocks and from segments', () => {
  for (const [number, parts] of granules.entries()) {
    const granule = openGranule(opened, number, (name) => parts.get(name) ?? null);
    const sent = (row: number) => spanBytes(table, order[granule.zone.firstRow + row]!);
    const rows = Array.from({ length: granule.rows }, (_, row) => row);
    expect(rows.filter((row) => !granule.spanBytes(row).equals(sent(row)))).toEqual([]);
  }
  // The smaller one is not compressed.
  for (const count of [100, 5_000]) {
    const segment = openSegment(encodeSegment(table, 0, count));
    const segmentOrder = orderRows(table, 0, count);
    const isSame = (row: number) => segment.spanBytes(row).equals(spanBytes(table, segmentOrder[row]!));
    expect(Array.from({ length: count }, (_, row) => row).filter((row) => !isSame(row))).toEqual([]);
  }
});

test('every way to store a column is taken', () => {
  const waysOf = (name: string) => {
    const { strings, words } = opened.columns.find((column) => column.name === name)!;
    if (strings === null) return words.map(({ ranks }) => (ranks === null ? 'plain' : 'ranked'));
    if (strings.template !== null) return ['template'];
    return [strings.ranks !== null ? 'ranked' : strings.listed !== null ? 'dictionary' : 'plain'];
  };
  expect(waysOf('a/s/http.request.method')).toEqual(['ranked']);
  expect(waysOf('a/s/url.full')).toEqual(['template']);
  expect(waysOf('a/s/network.peer.address')).toEqual(['dictionary']);
  expect(waysOf('a/i/network.peer.port')).toEqual(['plain']);
});

test('a span takes few bytes', () => {
  const parts = granules.flatMap((granule) => [...granule.values()]);
  const bytes = parts.reduce((sum, { length }) => sum + length, header.length);
  expect(requestBytes / table.rows).toBeGreaterThan(450);
  // 23.3 in the blocks of the benchmark, which are six times as large.
  expect(bytes / table.rows).toBeLessThan(28);
  expect(encodeSegment(table, 0, 4_096).length / 4_096).toBeLessThan(70);
});
