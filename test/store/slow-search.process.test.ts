/** Searches for long spans of an operation, over a block large enough to list its slowest: the same as asking every span. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import { openForReading } from '../../collector/store/sqlite/open-database.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { createUnits } from '../../collector/store/sqlite/read/units.ts';
import type { Store, TimeRange } from '../../collector/store/store.ts';
import { makeRequests } from '../benchmark/workload/make-requests.ts';
import { operationName } from '../benchmark/workload/span-templates.ts';
import { SERVICES, traceCount, TracePlan } from '../benchmark/workload/trace-plan.ts';
import { writeBlocks } from './write-blocks.ts';

interface ServerSpan {
  readonly traceId: string;
  readonly traceStartMs: number;
  readonly startMs: number;
  readonly service: string;
  readonly operation: string;
  readonly durationMs: number;
}

const NOW_UNIX_MS = Date.now();
const WORKLOAD = {
  seed: 5,
  spans: 24_000,
  failedShare: 0,
  startUnixMs: NOW_UNIX_MS - 60_000,
  spreadMs: 60_000,
};
const ALL: TimeRange = { fromUnixMs: NOW_UNIX_MS - 3_600_000, toUnixMs: NOW_UNIX_MS + 3_600_000 };
/** Begins after a part of every block. */
const LATER: TimeRange = { fromUnixMs: WORKLOAD.startUnixMs + 20_000, toUnixMs: ALL.toUnixMs };

const folder = mkdtempSync(join(tmpdir(), 'sockeye-slow-'));
const spans: ServerSpan[] = [];
let store: Store;

beforeAll(async () => {
  const plan = new TracePlan();
  for (let index = 0; index < traceCount(WORKLOAD); index++) {
    plan.plan(WORKLOAD, index);
    const traceStartMs = WORKLOAD.startUnixMs + plan.startNs / 1e6;
    for (let each = 0; each < plan.count; each++) {
      const { role, service, operation, startNs, endNs } = plan.span(each);
      if (role !== 'server') continue;
      spans.push({
        traceId: plan.traceIdHex(),
        traceStartMs,
        startMs: traceStartMs + startNs / 1e6,
        service: SERVICES[service]!,
        operation: operationName(service, operation),
        durationMs: (endNs - startNs) / 1e6,
      });
    }
  }
  const requests = [...makeRequests(WORKLOAD, { spansPerRequest: 512 })].map(({ bytes }) => bytes);
  // The last requests come when the others are a block: of some traces spans are in both.
  writeBlocks(folder, [requests.slice(0, -5), requests.slice(-5)]);
  store = await openStore({ folder });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** All pages of the search. */
async function search(query: string, range: TimeRange, limit: number) {
  const found: string[] = [];
  let total = -1;
  for (let cursor: string | null = null; ;) {
    const page = await store.searchTraces({ term: parseQuery(query), range, sort: 'newest', limit, cursor });
    found.push(...page.traces.map(({ traceId }) => traceId));
    if (total < 0) total = page.total;
    cursor = page.cursor;
    if (cursor === null) return { found, total };
  }
}

function expected(isWanted: (span: ServerSpan) => boolean, range: TimeRange) {
  const matching = spans.filter(
    (span) => span.startMs >= range.fromUnixMs && span.startMs < range.toUnixMs && isWanted(span),
  );
  const starts = new Map(matching.map(({ traceId, traceStartMs }) => [traceId, traceStartMs]));
  const found = [...starts.keys()].toSorted((a, b) => starts.get(b)! - starts.get(a)!);
  return { found, total: Math.min(found.length, 1_000) };
}

test('there is a block that lists its slowest spans', () => {
  const database = openForReading(folder);
  try {
    const listed = createUnits(database, () => {})
      .counted()
      .flatMap((unit) => unit.slow() ?? []);
    expect(listed.length).toBeGreaterThan(0);
  } finally {
    database.close();
  }
});

test.each([
  ['all of the time', ALL],
  ['a part of the time', LATER],
])('long spans of an operation are found as by asking each, in %s', async (_, range) => {
  const [service, name] = [SERVICES[3]!, operationName(3, 7)];
  const durations = spans
    .filter((span) => span.service === service && span.operation === name)
    .map(({ durationMs }) => durationMs)
    .toSorted((a, b) => a - b);
  // From so short that all match up to so long that none does, and exactly as long as one.
  for (const share of [0, 0.3, 0.7, 0.85, 0.9, 0.95, 0.99, 1]) {
    const limitMs = durations[Math.min(durations.length - 1, Math.floor(share * durations.length))]!;
    const query = `service:${service} operation:"${name}" duration>=${limitMs}ms`;
    const isWanted = (span: ServerSpan) =>
      span.service === service && span.operation === name && span.durationMs >= limitMs;
    // From the list as long as it names few pages, else by looking through the block.
    for (const limit of [1, 7])
      expect(await search(query, range, limit), query).toEqual(expected(isWanted, range));
    const longer = `operation:"${name}" service:${service} duration>${limitMs}ms`;
    expect(await search(longer, range, 50), longer).toEqual(
      expected((span) => isWanted(span) && span.durationMs > limitMs, range),
    );
  }
});
