/** How ids of traces begin: what they are looked up by. */
import { expect, test } from 'vitest';
import { compareTraces, orderRows } from '../../../collector/store/columns/row-order.ts';
import { createSpanTable, type SpanTable } from '../../../collector/store/columns/span-table.ts';
import { viewOf } from '../../../collector/store/columns/string-pool.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { prefixAt } from '../../../collector/store/columns/trace-prefixes.ts';
import { directoryOf } from '../../../collector/store/sqlite/read/trace-directory.ts';
import { makeBlock, type MadeBlock } from '../../../collector/store/sqlite/write/make-block.ts';
import { encode } from '../../decode/otlp-proto.ts';
import { memoryInterner } from './memory-interner.ts';
import { seeded } from './random-spans.ts';

const TRACES = 20_000;

/** A span each. `zeros`: bytes before the random ones. */
function tableOfTraces(zeros: (trace: number) => number): SpanTable {
  const random = seeded(9);
  const spans = Array.from({ length: TRACES }, (_, trace) => {
    const traceId = Buffer.alloc(16);
    for (let at = zeros(trace); at < 16; at++) traceId[at] = random(256);
    return { traceId, spanId: Buffer.alloc(8, 1), name: 'GET' };
  });
  const table = createSpanTable();
  const request = encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans }] }] });
  takeRequest(table, memoryInterner().interner, request, Date.now());
  return table;
}

function blockOf(table: SpanTable, order: Uint32Array): MadeBlock {
  const steps = makeBlock(table, order, 'scattered');
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

test('ids of 64 and of 128 bits, and such as have zeros within, are in the order of their prefixes', () => {
  const table = tableOfTraces((trace) => trace % 12);
  const ids = viewOf(table.traceId);
  const order = orderRows(table);
  for (let place = 1; place < order.length; place++) {
    const [before, row] = [order[place - 1]!, order[place]!];
    expect(compareTraces(ids, before, ids, row)).toBeLessThan(0);
    expect(prefixAt(table.traceId, 16 * before)).toBeLessThanOrEqual(prefixAt(table.traceId, 16 * row));
  }
});

test.each([64, 128])('a trace of an id of %d bits is looked for in one granule of its block', (bits) => {
  const table = tableOfTraces(() => (128 - bits) / 8);
  const block = blockOf(table, orderRows(table));
  expect(block.granules).toBeGreaterThan(1);
  const { granulesOf } = directoryOf(block.prefixes);
  const looked = Array.from({ length: TRACES }, (_, row) =>
    granulesOf(table.traceId.subarray(16 * row, 16 * row + 16)),
  );
  expect(looked.every(({ length }) => length === 1)).toBe(true);
  expect(new Set(looked.flat()).size).toBe(block.granules);
});
