/** Blocks are merged between commits, which wait for each step of it. */
import { expect, test } from 'vitest';
import { merge } from '../../../collector/store/sqlite/write/merge.ts';
import { createWriterParts } from '../../../collector/store/sqlite/write/parts.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { makeRequest } from '../make-request.ts';
import { folder } from '../new-folder.ts';
import { writeBlocks, writing } from '../write-blocks.ts';

const WORKLOAD = { seed: 6, spans: 12_000, failedShare: 0.01, startUnixMs: Date.now(), spreadMs: 1_000 };

test('a granule is read in several steps, and all of its rows are merged', () => {
  const requests = [...makeRequests(WORKLOAD, { spansPerRequest: 500 })].map(({ bytes }) => bytes);
  const half = requests.length >> 1;
  writeBlocks(folder, [requests.slice(0, half), requests.slice(half)]);
  writing(folder, (database) => {
    const parts = createWriterParts(database);
    const blocks = parts.blockRows();
    expect(blocks.map(({ granules }) => granules)).toEqual([1, 1]);
    const steps = [...merge(parts, blocks)];
    const reading = steps.filter((step) => step === steps[0]);
    expect(reading.length).toBeGreaterThanOrEqual(6);
    const [merged, ...others] = parts.blockRows();
    expect(others).toEqual([]);
    expect(merged!.spans).toBe(blocks.reduce((sum, { spans }) => sum + spans, 0));
  });
});

test('a merge ends before a block that would make it too large, and says which are too large for each other', () => {
  const small = (trace: number) => makeRequest({ trace: String(trace) });
  const large = (trace: number) =>
    makeRequest({ trace: String(trace), attributes: { text: `${trace} `.repeat(20_000_000) } });
  writeBlocks(folder, [[small(1)], [large(2)], [large(3)], [small(4)]]);
  writing(folder, (database) => {
    const parts = createWriterParts(database);
    const ids = () =>
      parts
        .blockRows()
        .map(({ blockId }) => blockId)
        .toSorted((a, b) => a - b);
    const mergeOf = (...wanted: number[]) => {
      const steps = merge(
        parts,
        parts.blockRows().filter(({ blockId }) => wanted.includes(blockId)),
      );
      for (;;) {
        const step = steps.next();
        if (step.done) return step.value.map(({ blockId }) => blockId);
      }
    };
    expect(mergeOf(2, 3, 4)).toEqual([2, 3]);
    expect(ids()).toEqual([1, 2, 3, 4]);
    expect(mergeOf(1, 2, 3, 4)).toEqual([3]);
    expect(ids()).toEqual([3, 4, 5]);
  });
});
