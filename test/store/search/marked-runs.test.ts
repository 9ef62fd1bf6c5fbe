import { expect, test } from 'vitest';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { decodeBlockHeader, openGranule } from '../../../collector/store/columns/read-block.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { createSpanTable, durationMsOf, traceIdOf } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { markedRuns } from '../../../collector/store/search/marked-runs.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { memoryInterner } from '../columns/memory-interner.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const workload = { seed: 3, spans: 2_000, failedShare: 0, startUnixMs: NOW_UNIX_MS, spreadMs: 1_000 };
const table = createSpanTable();
const { interner } = memoryInterner();
for (const { bytes } of makeRequests(workload, { spansPerRequest: 500 }))
  takeRequest(table, interner, bytes, NOW_UNIX_MS);
const block = startBlock(table, orderRows(table), table.rows);
const parts = block.granule(0);
const header = decodeBlockHeader(block.finish());
const open = () => openGranule(header, 0, (name) => parts.get(name) ?? null);

test.each([
  ['few, which are decoded alone', 400],
  ['many, of which the granule is decoded', 2],
])('every trace with a marked row is given once, in order: %s', (_, every) => {
  const granule = open();
  const marks = new Uint8Array(granule.rows);
  for (let row = granule.rows - 1; row >= 0; row -= every) marks[row] = 1;
  const found = markedRuns(granule, marks);
  const whole = open();
  const { starts } = whole.traces;
  const expected = [...starts.keys()].filter((run) =>
    marks.subarray(starts[run], starts[run + 1]).includes(1),
  );
  expect(found.map(({ run }) => run)).toEqual(expected);
  for (const { run, first, end, decoded } of found) {
    expect([first, end]).toEqual([starts[run], starts[run + 1]]);
    expect(decoded.end - decoded.first).toBe(end - first);
    for (let row = first; row < end; row++) {
      const at = decoded.first + row - first;
      expect(traceIdOf(decoded.rows, at)).toBe(traceIdOf(whole, row));
      expect(durationMsOf(decoded.rows, at)).toBe(durationMsOf(whole, row));
    }
  }
  expect(found.some(({ decoded }) => decoded.rows !== granule)).toBe(every > 2);
});

test('where no row is marked there is no trace', () => {
  const granule = open();
  expect(markedRuns(granule, new Uint8Array(granule.rows))).toEqual([]);
});
