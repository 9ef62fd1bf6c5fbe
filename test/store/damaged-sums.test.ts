/** Sums of a step that is damaged anywhere are left out and named; map, statistics and what is normal are told by all others. */
import { expect, test } from 'vitest';
import type { CallCounts, CallGroup, OperationTotals } from '../../collector/query/results.ts';
import type { Level } from '../../collector/store/rollup/steps.ts';
import { createRollupAbsorber } from '../../collector/store/sqlite/write/absorb-rollups.ts';
import { call, makeRequest, NOON_UNIX_MS } from './make-request.ts';
import { folder } from './new-folder.ts';
import { openFolds } from './open-folds.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const TOLD = {
  minute: { fromUnixMs: NOON_UNIX_MS, toUnixMs: NOON_UNIX_MS + 3 * MINUTE_MS },
  hour: { fromUnixMs: NOON_UNIX_MS, toUnixMs: NOON_UNIX_MS + 3 * HOUR_MS },
  day: { fromUnixMs: NOON_UNIX_MS - 12 * HOUR_MS, toUnixMs: NOON_UNIX_MS + 60 * HOUR_MS },
};
const FLIPS = [0x01, 0x10, 0xff];
const STEP_MS = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** A call in the first step, and two in the next. */
function openCalls(level: Level) {
  const said: string[] = [];
  const { database, reader, foldAll } = openFolds(folder, (line) => said.push(line));
  const calls = [0, 1, 1].flatMap((step, index) =>
    call(
      `${index + 1}`,
      { id: '1', service: 'shop', startMs: step * STEP_MS[level] + 1 },
      { id: '2', startMs: step * STEP_MS[level] + 2, resource: { 'service.version': '7' } },
    ),
  );
  const fold = () => foldAll(makeRequest(...calls));
  const range = TOLD[level];
  const ask = <T>(method: string, argument: object) => reader[method]!(argument as never, () => false) as T;
  return {
    said,
    database,
    fold,
    absorb: () => void [...createRollupAbsorber(database).absorb()],
    /** Calls by the map, by statistics, over time, and of versions. */
    answers() {
      const group = { service: 'payments', byOperation: false };
      return {
        map: ask<CallGroup[]>('readCallGroups', range)
          .filter(({ to }) => to === 'payments')
          .reduce((sum, each) => sum + each.calls, 0),
        statistics: ask<OperationTotals[]>('readServiceStats', { range, group })[0]?.calls ?? 0,
        steps: ask<CallCounts[]>('readCallCounts', { range, steps: 3 }).map((step) => step.calls),
        versions: ask<unknown[]>('readVersions', range).length,
      };
    },
  };
}

test.each(['minute', 'hour', 'day'] as const)('a step with any byte changed: %s', (level) => {
  const { said, database, fold, absorb, answers } = openCalls(level);
  fold();
  absorb();
  const whole = { map: 3, statistics: 3, steps: [1, 2, 0], versions: 1 };
  const rest = { map: 2, statistics: 2, steps: [0, 2, 0], versions: 1 };
  expect(answers()).toEqual(whole);
  const [stepUnixMs, data] = database
    .prepare<[Level], [number, Buffer]>(
      'SELECT step_unix_ms, data FROM rollup WHERE level = ? ORDER BY step_unix_ms LIMIT 1',
    )
    .raw()
    .get(level)!;
  const replace = database.prepare<[Buffer, Level, number]>(
    'UPDATE rollup SET data = ? WHERE level = ? AND step_unix_ms = ?',
  );
  let leftOut = 0;
  for (let at = 0; at < data.length; at++) {
    const damaged = Buffer.from(data);
    damaged[at]! ^= FLIPS[at % FLIPS.length]!;
    replace.run(damaged, level, stepUnixMs);
    // Sums are kept until blocks come or go.
    database.exec('UPDATE block SET block_id = block_id + 1000');
    const told = answers();
    // A flip in the frame's header may be harmless.
    const isWhole = told.map === whole.map;
    if (!isWhole) leftOut++;
    expect(told, `byte ${at}`).toEqual(isWhole ? whole : rest);
  }
  expect(leftOut).toBeGreaterThan(data.length - 8);
  const named = `the store is damaged: the sums of ${level} ${stepUnixMs}: `;
  expect(said.length).toBeGreaterThan(0);
  expect(said.filter((line) => !line.startsWith(named))).toEqual([]);
});

test('what waits to be added to a minute', () => {
  const { said, database, fold, answers } = openCalls('minute');
  fold();
  database.exec('UPDATE rollup_delta SET data = substr(data, 1, 9) WHERE delta_id = 1');
  expect(answers()).toEqual({ map: 2, statistics: 2, steps: [0, 2, 0], versions: 1 });
  expect(said).toEqual([
    expect.stringMatching(`the sums of a delta of minute ${NOON_UNIX_MS}: .*the rest is served`),
  ]);
});

test('of much that is damaged, some is named, and that there is more', () => {
  const { said, database, absorb, answers, fold } = openCalls('minute');
  fold();
  absorb();
  const insert = database.prepare("INSERT INTO rollup VALUES ('minute', ?, x'00')");
  for (let step = 1; step <= 120; step++) insert.run(NOON_UNIX_MS + step * 1_000 + 1);
  expect(answers()).toMatchObject({ map: 3, statistics: 3 });
  expect(said.slice(0, 50).filter((line) => !line.startsWith('the store is damaged: '))).toEqual([]);
  expect(said.slice(50)).toEqual(['more of the store is damaged; it is left out and not named']);
});
