/** What is kept of traces that failed is little, and nothing depends on it. */
import { expect, test, vi } from 'vitest';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { KeptFailures } from '../../../collector/store/sqlite/write/kept-failures.ts';
import { memoryInterner } from '../columns/memory-interner.ts';
import { makeRequest, NOON_UNIX_MS } from '../make-request.ts';

const BYTES_MAX = 4_000_000;
const PARTS = 20;
const PART_BYTES = 30;

/** As a fold makes it of one trace. */
function smallBlock() {
  const memory = Buffer.alloc(PARTS * PART_BYTES);
  const parts = Array.from({ length: PARTS }, (_, index) => ({
    columnName: `part ${index}`,
    firstGranule: 0,
    data: memory.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  }));
  return { granules: 1, spans: 3, parts };
}

test('of many that wait to be diagnosed the oldest leave, by all that is held of them', () => {
  const failures = new KeptFailures();
  const traceIds = Array.from({ length: 10_000 }, (_, index) => index.toString(16).padStart(32, '0'));
  for (const [index, traceId] of traceIds.entries()) failures.keep(index, smallBlock(), [traceId]);
  const kept = failures.of(traceIds.slice(-7_000));
  expect(kept.at(-1)!.blockId).toBe(9_999);
  // An object for each part takes more than its bytes do.
  const bytes = kept.length * PARTS * PART_BYTES;
  expect(bytes).toBeGreaterThan(0.1 * BYTES_MAX);
  expect(bytes).toBeLessThan(0.3 * BYTES_MAX);
});

test('what cannot be made is not kept, which is said once', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const table = createSpanTable();
  takeRequest(table, memoryInterner().interner, makeRequest({}), NOON_UNIX_MS);
  const order = new Uint32Array(100);
  const failures = new KeptFailures();
  const make = (rows: typeof table) => {
    const steps = failures.make(rows, order, [{ first: 0, end: 1 }]);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  };
  expect(make(table)?.spans).toBe(1);
  const broken = { ...table, traceId: null as never };
  expect([make(broken), make(broken)]).toEqual([null, null]);
  expect(said.mock.calls).toEqual([[expect.stringContaining('are read from their block')]]);
});
