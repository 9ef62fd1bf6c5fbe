import { expect, test } from 'vitest';
import { DamagedPart } from '../../../collector/store/columns/damaged-part.ts';
import { HEADER, startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { encodeSegment, SEGMENT } from '../../../collector/store/columns/encode-segment.ts';
import type { Granule } from '../../../collector/store/columns/granule.ts';
import { openPart, sealPart } from '../../../collector/store/columns/part.ts';
import { decodeBlockHeader, openGranule } from '../../../collector/store/columns/read-block.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { openSegment } from '../../../collector/store/columns/segment-granule.ts';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { createSpanMaker } from '../../../collector/store/columns/stored-span.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { memoryInterner } from './memory-interner.ts';
import { randomSpan, requestOf, seeded, type Random } from './random-spans.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);

const table = createSpanTable();
const { interner } = memoryInterner();
const random = seeded(99);
const workload = { seed: 3, spans: 500, failedShare: 0.05, startUnixMs: NOW_UNIX_MS, spreadMs: 100 };
for (const { bytes } of makeRequests(workload, { spansPerRequest: 100 }))
  takeRequest(table, interner, bytes, NOW_UNIX_MS);
const spans = Array.from({ length: 100 }, () => randomSpan(random, { percent: 1 }));
takeRequest(table, interner, requestOf(spans), NOW_UNIX_MS);

const block = startBlock(table, orderRows(table));
const parts = block.granule(0);
parts.set(HEADER, block.finish());
const segment = encodeSegment(table, 0, table.rows);

const NAMES = {
  operation: () => 'operation',
  decodedResource: () => ({ attributes: new Map(), droppedAttributes: 0, schemaUrl: '' }),
  decodedScope: () => ({ name: '', version: '', attributes: new Map(), droppedAttributes: 0, schemaUrl: '' }),
};

/** Reads all there is to read. */
function readAll(granule: Granule): void {
  const { spanId, parentSpanId, startLow, endLow, peer, giveUps, classes, resource } = granule;
  expect([spanId, parentSpanId, startLow, endLow, peer, giveUps, classes, resource]).toHaveLength(8);
  for (const { name } of granule.stored.columns)
    granule.column(name)?.markEqual('GET', new Uint8Array(granule.rows));
  for (let row = 0; row < granule.rows; row += 29) granule.spanBytes(row);
  const rows = Uint32Array.from({ length: granule.rows }, (_, row) => row);
  for (const { attributes } of createSpanMaker(granule, NAMES)(rows, ''))
    expect(attributes.entries()).toBeDefined();
}

function readBlock(stored: ReadonlyMap<string, Uint8Array>): void {
  readAll(openGranule(decodeBlockHeader(stored.get(HEADER)!), 0, (name) => stored.get(name) ?? null));
}

/** What reading comes to; what is thrown beside DamagedPart goes on. */
function isDamaged(read: () => void): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (error instanceof DamagedPart) return true;
    throw error;
  }
}

/** The part with a byte of its content changed, and the checksum of that: as our own fault would write it. */
function rewritten(name: string, bytes: Uint8Array, below: Random): Buffer {
  const { dense, loose } = openPart(name, bytes);
  const [changedDense, changedLoose] = [Buffer.from(dense.bytes), Buffer.from(loose.bytes)];
  // Mostly where lengths and counts stand.
  const into = below(4) === 0 && changedDense.length > 0 ? changedDense : changedLoose;
  const at = below(below(2) === 0 ? Math.min(64, into.length) : into.length);
  if (into.length > 0) into[at] = below(256);
  return sealPart(name, changedDense, changedLoose);
}

test('any flipped bit of what is stored is damage', () => {
  for (const [name, bytes] of [...parts, [SEGMENT, segment] as const]) {
    for (let round = 0; round < 40; round++) {
      const flipped = Buffer.from(bytes);
      flipped[random(flipped.length)]! ^= 1 << random(8);
      expect(() => openPart(name, flipped)).toThrow(DamagedPart);
    }
    expect(() => openPart(name, bytes.subarray(0, bytes.length - 1))).toThrow(DamagedPart);
    expect(() => openPart(`${name}?`, bytes)).toThrow(DamagedPart);
    expect(() => openPart(name, Buffer.alloc(0))).toThrow(DamagedPart);
  }
  readBlock(parts);
  readAll(openSegment(segment));
});

test('content that cannot be, under a checksum that is right, is damage or reads as something, and nothing worse', () => {
  let damaged = 0;
  const names = [...parts.keys()];
  for (let round = 0; round < 160; round++) {
    const name = round % 3 === 0 ? HEADER : names[random(names.length)]!;
    const changed = new Map<string, Uint8Array>(parts).set(name, rewritten(name, parts.get(name)!, random));
    if (isDamaged(() => readBlock(changed))) damaged++;
  }
  for (let round = 0; round < 60; round++) {
    const changed = rewritten(SEGMENT, segment, random);
    if (isDamaged(() => readAll(openSegment(changed)))) damaged++;
  }
  expect(damaged).toBeGreaterThan(40);
});

test('a header that ends in what it says of a granule says the same of it when it is asked again', () => {
  const { dense, loose } = openPart(HEADER, parts.get(HEADER)!);
  for (let left = 1; left <= 30; left++) {
    const header = decodeBlockHeader(sealPart(HEADER, dense.bytes, loose.bytes.subarray(0, -left)));
    const said = errorOf(() => header.zone(0));
    expect(said).toBeInstanceOf(DamagedPart);
    expect(errorOf(() => header.zone(0))).toEqual(said);
  }
});

function errorOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

test('random bytes are damage', () => {
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(Array.from({ length: random(60) }, () => random(256)));
    expect(isDamaged(() => decodeBlockHeader(bytes))).toBe(true);
    expect(isDamaged(() => openSegment(bytes))).toBe(true);
    expect(isDamaged(() => decodeBlockHeader(sealPart(HEADER, Buffer.alloc(0), bytes)))).toBe(true);
    isDamaged(() => openSegment(sealPart(SEGMENT, Buffer.alloc(0), bytes)));
  }
});
