/** Where SQLite itself cannot read a page, answers are given without what is on it, and other blocks are dropped in time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TracePage } from '../../collector/query/results.ts';
import { databasePath, openForReading } from '../../collector/store/sqlite/open-database.ts';
import { createReader } from '../../collector/store/sqlite/read/create-reader.ts';
import { openWriter } from '../../collector/store/sqlite/write/writer.ts';
import type { TraceSearch } from '../../collector/store/store.ts';
import { makeRequests } from '../benchmark/workload/make-requests.ts';
import { breakPage } from './break-page.ts';
import { writeBlocks } from './write-blocks.ts';

const NOW_UNIX_MS = Date.now();
const WORKLOAD = {
  seed: 9,
  spans: 16_000,
  failedShare: 0.01,
  startUnixMs: NOW_UNIX_MS - 60_000,
  spreadMs: 60_000,
};
const SEARCH: TraceSearch = {
  range: { fromUnixMs: NOW_UNIX_MS - 3_600_000, toUnixMs: NOW_UNIX_MS + 3_600_000 },
  term: null,
  sort: 'newest',
  limit: 20,
  cursor: null,
};
const folder = mkdtempSync(join(tmpdir(), 'sockeye-unreadable-'));

/** Two blocks, each of half of it; the starts of the first cannot be read. */
beforeAll(() => {
  const requests = [...makeRequests(WORKLOAD, { spansPerRequest: 512 })].map(({ bytes }) => bytes);
  const half = requests.length >> 1;
  writeBlocks(folder, [requests.slice(0, half), requests.slice(half)]);
  breakPage(databasePath(folder), "SELECT data FROM block_part WHERE column_name = 'start' AND block_id = 1");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a search over a block with such a page is answered from the other blocks, each time', () => {
  const said: string[] = [];
  const database = openForReading(folder);
  try {
    const methods = createReader(database, folder, (line) => said.push(line));
    const searchTraces = methods['searchTraces'] as (
      search: TraceSearch,
      cancelled: () => boolean,
    ) => unknown;
    for (let times = 0; times < 2; times++) {
      const { traces } = searchTraces(SEARCH, () => false) as TracePage;
      expect(traces).toHaveLength(SEARCH.limit);
      expect(database.inTransaction).toBe(false);
    }
  } finally {
    database.close();
  }
  expect(said).toEqual([expect.stringMatching(/block 1: .*malformed.*the rest is served/)]);
});

test('retention drops the other block, though SQLite cannot delete the one with such a page', async () => {
  const writer = openWriter(folder);
  try {
    const limits = { arrivedBeforeUnixMs: Date.now() + 60_000, keepBytes: 1e12 };
    const slices = [];
    do slices.push(await writer.dropSlice(limits));
    while (slices.at(-1)!.more);
    expect(slices.filter(({ dropped }) => dropped > 0)).toHaveLength(1);
  } finally {
    writer.close();
  }
  const database = openForReading(folder);
  const left = database.prepare('SELECT block_id FROM block').pluck().all();
  database.close();
  expect(left).toEqual([1]);
});
