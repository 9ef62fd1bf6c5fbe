/** What a block's header says that it takes, by which those that are kept are bounded. */
import { expect, test } from 'vitest';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { openPart, PART_BYTES_MAX, sealPart } from '../../../collector/store/columns/part.ts';
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

test('large strings that few spans share are in the granules, those that many do stand once in the header', () => {
  const header = (spans: number, valueOf: (span: number) => string) => {
    const table = createSpanTable();
    const { interner } = memoryInterner();
    const sent = Array.from({ length: spans }, (_, span) => ({
      trace: (span + 1).toString(16),
      attributes: { 'db.query.text': valueOf(span) },
    }));
    takeRequest(table, interner, makeRequest(...sent), AROUND_NOON.toUnixMs);
    const block = startBlock(table, orderRows(table));
    const parts = block.granule(0);
    const { loose } = openPart('a/s/db.query.text', parts.get('a/s/db.query.text')!);
    return { header: decodeBlockHeader(block.finish()).bytes, granule: loose.bytes.length };
  };
  const statement = 'x'.repeat(40_000);
  // Numbers would be split off.
  const letters = (span: number) => String.fromCodePoint(0x61 + (span >> 3), 0x61 + (span & 7));
  const own = header(64, (span) => letters(span) + statement);
  expect(own.header).toBeLessThan(10_000);
  expect(own.granule).toBeGreaterThan(64 * statement.length);
  const shared = header(64, (span) => letters(span % 8) + statement);
  expect(shared.header).toBeGreaterThan(8 * statement.length);
  expect(shared.granule).toBeLessThan(1_000);
  const alone = header(1, () => 'x'.repeat(1_000_000));
  expect(alone.header).toBeLessThan(10_000);
  expect(alone.granule).toBeGreaterThan(1_000_000);
});

test('a part that could not be opened again is not made', () => {
  const tooLong = { length: PART_BYTES_MAX + 1 } as Uint8Array;
  const nothing = new Uint8Array(0);
  expect(() => sealPart('part', nothing, tooLong)).toThrow('part part: got 1073741825 bytes');
  expect(() => sealPart('part', tooLong, nothing)).toThrow('expected at most 1073741824');
});
