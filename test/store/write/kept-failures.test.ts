/** What is kept of traces that failed is little, whatever Node keeps beside it. */
import { expect, test } from 'vitest';
import { partRows } from '../../../collector/store/sqlite/block-parts.ts';
import { KeptFailures } from '../../../collector/store/sqlite/write/kept-failures.ts';

const BYTES_MAX = 4_000_000;
const PARTS = 20;
const PART_BYTES = 30;

/** As a fold makes it of one trace. */
function smallBlock() {
  const part = () => new Uint8Array(PART_BYTES);
  const parts = partRows([new Map(Array.from({ length: PARTS }, (_, index) => [`part ${index}`, part()]))]);
  return {
    kind: 'recent' as const,
    granules: 1,
    spans: 3,
    bytes: parts.reduce((sum, { data }) => sum + data.length, 0),
    firstStartUnixMs: 0,
    lastStartUnixMs: 0,
    parts,
    prefixes: { prefixes: Uint32Array.of(0), granules: Uint16Array.of(0) },
  };
}

test('of many that wait to be diagnosed the oldest leave, and what is left is as little as is said', () => {
  const failures = new KeptFailures();
  const traceIds = Array.from({ length: 10_000 }, (_, index) => index.toString(16).padStart(32, '0'));
  for (const [index, traceId] of traceIds.entries()) failures.keep(index, smallBlock(), [traceId]);
  const kept = failures.of(traceIds.slice(-5_000));
  expect(kept.at(-1)!.blockId).toBe(9_999);
  const memory = new Set(kept.flatMap(({ parts }) => parts.map(({ data }) => data.buffer)));
  expect(memory.size).toBe(kept.length);
  const bytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  // An object for each part takes more than its bytes do.
  expect(bytes).toBeGreaterThan(0.1 * BYTES_MAX);
  expect(bytes).toBeLessThan(0.3 * BYTES_MAX);
});
