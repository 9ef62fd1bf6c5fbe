/** Searches for values of attributes over blocks that list theirs, and over the same as an earlier version left them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import { VALUES } from '../../collector/store/columns/value-filter.ts';
import { compileValueConditions } from '../../collector/store/search/value-conditions.ts';
import {
  databasePath,
  openForReading,
  openForWriting,
  type Connection,
} from '../../collector/store/sqlite/open-database.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { createNames } from '../../collector/store/sqlite/read/names.ts';
import { createPartRows } from '../../collector/store/sqlite/read/part-rows.ts';
import { createUnits } from '../../collector/store/sqlite/read/units.ts';
import { makeRequests } from '../benchmark/workload/make-requests.ts';
import { TracePlan } from '../benchmark/workload/trace-plan.ts';
import { writeBlocks } from './write-blocks.ts';

const NOW_UNIX_MS = Date.now();
const WORKLOAD = {
  seed: 5,
  spans: 40_000,
  failedShare: 0.01,
  startUnixMs: NOW_UNIX_MS - 60_000,
  spreadMs: 60_000,
};
const RANGE = { fromUnixMs: NOW_UNIX_MS - 3_600_000, toUnixMs: NOW_UNIX_MS + 3_600_000 };
const folder = mkdtempSync(join(tmpdir(), 'sockeye-values-'));
const plan = new TracePlan();
plan.plan(WORKLOAD, 3);
const path = `/objects/${String(plan.span(0).path).padStart(5, '0')}`;

/** Of some 512 spans each; the last ones are smaller. */
const HALF_REQUESTS = 40;

/** The first half becomes a block, and so does the rest. */
beforeAll(() => {
  const requests = [...makeRequests(WORKLOAD, { spansPerRequest: 512 })].map(({ bytes }) => bytes);
  writeBlocks(folder, [requests.slice(0, HALF_REQUESTS), requests.slice(HALF_REQUESTS)]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function reading<T>(read: (database: Connection) => T): T {
  const database = openForReading(folder);
  try {
    return read(database);
  } finally {
    database.close();
  }
}

const QUERIES = [
  `url.path:${path}`,
  `url.path:${path} kind:server`,
  'url.path:/nowhere',
  `-url.path:${path}`,
  `url.path:/nowhere OR url.path:${path}`,
  'network.peer.port:8003',
  'service.name:cart',
  'service.name:nobody',
  'http.response.status_code:500',
];

async function searchAll(): Promise<Record<string, unknown>> {
  const store = await openStore({ folder });
  try {
    const answers: Record<string, unknown> = {};
    for (const query of QUERIES) {
      const term = parseQuery(query);
      answers[query] = await store.searchTraces({
        range: RANGE,
        term,
        sort: 'newest',
        limit: 100,
        cursor: null,
      });
    }
    return answers;
  } finally {
    await store.close();
  }
}

test('what the blocks list tells which of them a search opens', () => {
  reading((database) => {
    const units = createUnits(database, () => {}).counted();
    const names = createNames(database, () => {});
    const opened = (query: string) => {
      const canHave = compileValueConditions(parseQuery(query), names);
      return units.filter((unit) => canHave === null || canHave(unit.values()!)).length;
    };
    expect(units.length).toBe(2);
    expect(units.map((unit) => unit.values())).not.toContain(null);
    expect(opened(`url.path:${path}`)).toBeGreaterThan(0);
    expect(opened('url.path:/nowhere')).toBe(0);
    expect(opened('url.path:/nowhere kind:server')).toBe(0);
    expect(opened(`url.path:/nowhere url.path:${path}`)).toBe(0);
    expect(opened('service.name:nobody')).toBe(0);
    const anywhere = [
      '-url.path:/nowhere',
      'url.path!=/nowhere',
      'url.path:/nowhere OR kind:server',
      'url.path~x',
      '',
    ];
    for (const query of [...anywhere, 'telemetry.sdk.language:nodejs OR url.path:/nowhere OR duration>1ms'])
      expect(opened(query), query).toBe(2);
  });
});

test('a part is the same whether it is read alone or with those of the granules beside it', () => {
  reading((database) => {
    const parts = createPartRows(database);
    const rows = database
      .prepare<[], { block_id: number; column_name: string; granule_count: number }>(
        'SELECT DISTINCT block_id, column_name, granule_count FROM block_part JOIN block USING (block_id)',
      )
      .all();
    expect(rows.length).toBeGreaterThan(20);
    for (const { block_id, column_name, granule_count } of rows) {
      for (let granule = 0; granule <= granule_count; granule++) {
        const inTurn = parts.inTurn(block_id, column_name, granule);
        const alone = parts.alone(block_id, column_name, granule);
        expect(alone === null ? null : Buffer.compare(alone, inTurn!)).toBe(inTurn === null ? null : 0);
      }
    }
    expect([parts.alone(99, 'trace', 0), parts.inTurn(99, 'trace', 0)]).toEqual([null, null]);
  });
});

test('blocks without a list, of an earlier version, are searched through, with the same answers', async () => {
  const listed = await searchAll();
  const totals = QUERIES.map((query) => (listed[query] as { total: number }).total);
  expect(totals[0]).toBeGreaterThan(0);
  expect(totals[2]).toBe(0);
  const { database, release } = openForWriting(folder);
  const deleted = database.prepare('DELETE FROM block_part WHERE column_name = ?').run(VALUES);
  database.close();
  release();
  expect(deleted.changes, databasePath(folder)).toBe(2);
  expect(await searchAll()).toEqual(listed);
});
