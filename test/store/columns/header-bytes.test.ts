/** What a block's header says that it takes, by which those that are kept are bounded. */
import { expect, test } from 'vitest';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { openPart, sealPart } from '../../../collector/store/columns/part.ts';
import { decodeBlockHeader } from '../../../collector/store/columns/read-block.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { AROUND_NOON, makeRequest } from '../make-request.ts';
import { memoryInterner } from './memory-interner.ts';

const OPTIONAL_ATTRIBUTES = 10;
/** Of one count, in a `Uint16Array`. */
const COUNT_BYTES = 2;

test('what is read of a compressed part keeps nothing else of it in memory', () => {
  const part = sealPart('part', Buffer.alloc(1_000, 1), Buffer.alloc(10_000, 2));
  const { dense, loose } = openPart('part', part);
  expect(dense.bytes).toEqual(Buffer.alloc(1_000, 1));
  expect(loose.bytes).toEqual(Buffer.alloc(10_000, 2));
  expect(dense.bytes.buffer).not.toBe(part.buffer);
  expect(dense.bytes.buffer).toBe(loose.bytes.buffer);
});

test('shapes and what each has of every column count, where spans have attributes in any combination', () => {
  const table = createSpanTable();
  const { interner } = memoryInterner();
  const combinations = Array.from({ length: 2 ** OPTIONAL_ATTRIBUTES }, (_, bits) => {
    const names = Array.from({ length: OPTIONAL_ATTRIBUTES }, (_, bit) => bit).filter(
      (bit) => bits & (1 << bit),
    );
    const attributes = Object.fromEntries(names.map((name) => [`optional.${name}`, 'x']));
    return { trace: (bits + 1).toString(16), attributes };
  });
  takeRequest(table, interner, makeRequest(...combinations), AROUND_NOON.toUnixMs);
  const block = startBlock(table, orderRows(table));
  block.granule(0);
  const header = decodeBlockHeader(block.finish());
  expect(header.shapes).toHaveLength(combinations.length);
  const counts = header.shapes.length * header.columns.length * COUNT_BYTES;
  const shapes = header.shapes.length * 512;
  expect(header.bytes).toBeGreaterThan(counts + shapes);
  expect(header.zone(0).rows).toBe(combinations.length);
  expect(() => header.zone(1)).toThrow('got granule 1, expected one of 1');
});
