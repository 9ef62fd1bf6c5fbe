/** Traces are found by what blocks say of theirs, where that is damaged, and in blocks as an earlier version left them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PREFIXED_ROWS_MIN, TRACE_PREFIXES } from '../../collector/store/columns/trace-prefixes.ts';
import { readBlockRows } from '../../collector/store/sqlite/block-rows.ts';
import { databasePath, openForReading } from '../../collector/store/sqlite/open-database.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { createOpenBlocks } from '../../collector/store/sqlite/write/open-blocks.ts';
import { makeRequests } from '../benchmark/workload/make-requests.ts';
import { traceCount, TracePlan } from '../benchmark/workload/trace-plan.ts';
import { breakPage } from './break-page.ts';
import { writeBlocks, writing } from './write-blocks.ts';

const WORKLOAD = {
  seed: 8,
  spans: 24_000,
  failedShare: 0.01,
  startUnixMs: Date.now() - 60_000,
  spreadMs: 60_000,
};
/** Of 512 spans or fewer. The others become a block of several granules, these one that is too small to say anything. */
const LAST_REQUESTS = 6;
const folder = mkdtempSync(join(tmpdir(), 'sockeye-prefixes-'));

beforeAll(() => {
  const requests = [...makeRequests(WORKLOAD, { spansPerRequest: 512 })].map(({ bytes }) => bytes);
  writeBlocks(folder, [requests.slice(0, -LAST_REQUESTS), requests.slice(-LAST_REQUESTS)]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How many spans of each trace are found, and what the writer knows of each block. */
async function findAll() {
  const store = await openStore({ folder });
  const spans: number[] = [];
  try {
    const plan = new TracePlan();
    for (let trace = 0; trace < traceCount(WORKLOAD); trace += 29) {
      plan.plan(WORKLOAD, trace);
      spans.push((await store.readTrace(plan.traceIdHex())).length);
    }
    expect(await store.readTrace('0123456789abcdef0123456789abcdef')).toEqual([]);
  } finally {
    await store.close();
  }
  const database = openForReading(folder);
  const opened = createOpenBlocks(database);
  const blocks = readBlockRows(database)();
  const prefixes = blocks.map((block) => opened.tracePrefixes(block));
  database.close();
  return { spans, prefixes, granules: blocks.map(({ granules }) => granules) };
}

test('a trace is found whether its block says where its traces are, that is damaged, or it says nothing', async () => {
  writing(folder, (database) => {
    const listed = database
      .prepare<[string], number>(
        'SELECT span_count FROM block JOIN block_part USING (block_id) WHERE column_name = ?',
      )
      .pluck()
      .all(TRACE_PREFIXES);
    expect(listed).toHaveLength(1);
    expect(listed[0]).toBeGreaterThanOrEqual(PREFIXED_ROWS_MIN);
    expect(readBlockRows(database)()).toHaveLength(2);
  });
  const whole = await findAll();
  expect(whole.spans.every((count) => count > 0)).toBe(true);
  expect(whole.granules[0]).toBeGreaterThan(1);
  writing(folder, (database) => {
    const data = database
      .prepare<[string], Buffer>('SELECT data FROM block_part WHERE column_name = ?')
      .pluck()
      .get(TRACE_PREFIXES)!;
    data[data.length - 100]! ^= 0xff;
    database.prepare('UPDATE block_part SET data = ? WHERE column_name = ?').run(data, TRACE_PREFIXES);
  });
  expect(await findAll()).toEqual(whole);
  writing(folder, (database) =>
    database.prepare('DELETE FROM block_part WHERE column_name = ?').run(TRACE_PREFIXES),
  );
  expect(await findAll()).toEqual(whole);
  // As long as that of a large block.
  writing(folder, (database) =>
    database
      .prepare(
        'INSERT INTO block_part SELECT block_id, ?, 0, randomblob(20000) FROM block ORDER BY span_count DESC LIMIT 1',
      )
      .run(TRACE_PREFIXES),
  );
  breakPage(databasePath(folder), `SELECT data FROM block_part WHERE column_name = '${TRACE_PREFIXES}'`);
  expect(await findAll()).toEqual(whole);
});
