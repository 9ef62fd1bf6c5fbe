/** Where SQLite cannot read a page of the sums, all others are told, counted on, and cleared up with their spans. */
import { beforeEach, expect, test, vi } from 'vitest';
import type { CallGroup } from '../../collector/query/results.ts';
import { databasePath, type Connection } from '../../collector/store/sqlite/open-database.ts';
import { createRollupAbsorber } from '../../collector/store/sqlite/write/absorb-rollups.ts';
import { createPins } from '../../collector/store/sqlite/write/pins.ts';
import { createRetention } from '../../collector/store/sqlite/write/retention.ts';
import { createUpkeep } from '../../collector/store/sqlite/write/upkeep.ts';
import { breakPage } from './break-page.ts';
import { call, makeRequest, NOON_UNIX_MS } from './make-request.ts';
import { folder } from './new-folder.ts';
import { openFolds } from './open-folds.ts';
import { createFolds, writing } from './write-blocks.ts';

const HOUR_MS = 3_600_000;
const BROKEN = NOON_UNIX_MS + HOUR_MS;

const callOf = (hour: number, trace = `${hour + 1}`) =>
  makeRequest(
    ...call(
      trace,
      { id: '1', service: 'shop', startMs: hour * HOUR_MS },
      { id: '2', startMs: hour * HOUR_MS },
    ),
  );

function absorb(database: Connection): void {
  for (const _ of createRollupAbsorber(database).absorb());
}

/** Three hours, and of the second the sums cannot be read. */
beforeEach(() => {
  writing(folder, (database) => {
    const { foldAll } = createFolds(database);
    for (const hour of [0, 1, 2]) foldAll(callOf(hour));
    absorb(database);
  });
  const where = `level = 'hour' AND step_unix_ms = ${BROKEN}`;
  // As large as the sums of many services are: it goes on in other pages.
  writing(folder, (database) => database.exec(`UPDATE rollup SET data = randomblob(20000) WHERE ${where}`));
  breakPage(databasePath(folder), `SELECT data FROM rollup WHERE ${where}`);
});

function openBroken() {
  const said: string[] = [];
  const store = openFolds(folder, (line) => said.push(line));
  const range = { fromUnixMs: NOON_UNIX_MS, toUnixMs: NOON_UNIX_MS + 3 * HOUR_MS };
  return {
    ...store,
    said,
    calls: () =>
      (store.reader['readCallGroups']!(range as never, () => false) as CallGroup[])
        .filter(({ from, to }) => from === 'shop' && to === 'payments')
        .reduce((sum, each) => sum + each.calls, 0),
    steps: () => store.database.prepare<[], number>('SELECT count(*) FROM rollup').pluck().get(),
  };
}

test('the others are told, and it begins anew with what comes for it', () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  const { said, calls, foldAll, database } = openBroken();
  expect(calls()).toBe(2);
  expect(said).toEqual([
    expect.stringMatching(`the sums of hour ${BROKEN}: .*malformed; .*the rest is served`),
  ]);
  foldAll(callOf(1, '9'));
  absorb(database);
  expect(calls()).toBe(3);
  expect(logged.mock.calls).toEqual([
    [expect.stringMatching(/1 of its sums cannot be read and count as none, all others are kept/)],
  ]);
  absorb(database);
});

test('all are cleared up when their spans are dropped', () => {
  const { database, parts, calls, steps } = openBroken();
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const retention = createRetention(parts, createPins(database), createUpkeep(database, folder));
  let isMore = true;
  while (isMore) {
    const slice = retention.dropSlice({ arrivedBeforeUnixMs: Infinity, keepBytes: Infinity });
    let step = slice.next();
    while (step.done !== true) step = slice.next();
    isMore = step.value.more;
  }
  expect(parts.blockRows()).toEqual([]);
  expect(steps()).toBe(0);
  absorb(database);
  expect(calls()).toBe(0);
});
