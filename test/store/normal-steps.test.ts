/** What is normal is read from the hours of the newest day and the days before it, each call once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emptyCell } from '../../collector/store/rollup/cell.ts';
import { bucketOf, countBucket, totalOf } from '../../collector/store/rollup/sketch.ts';
import { encodeDelta, encodeStep, type Level } from '../../collector/store/rollup/steps.ts';
import { openForWriting, type Connection } from '../../collector/store/sqlite/open-database.ts';
import { createRollupReader } from '../../collector/store/sqlite/read/rollups.ts';
import { createRollupAbsorber } from '../../collector/store/sqlite/write/absorb-rollups.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TODAY = Date.UTC(2026, 10, 20);
const KEY = { service: 'checkout', kind: 'server', operation: 'GET /pay' };

let folder: string;
let store: ReturnType<typeof openForWriting>;
let series: number;

beforeEach(() => {
  said.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'sockeye-normals-'));
  store = openForWriting(folder);
  const { database } = store;
  const operation = database
    .prepare(
      "INSERT INTO operation (service, kind, name, last_used_unix_ms) VALUES ('checkout', 'server', 'GET /pay', 0)",
    )
    .run().lastInsertRowid;
  series = addSeries(operation);
});

afterEach(() => {
  store.database.close();
  store.release();
  rmSync(folder, { recursive: true, force: true });
});

function addSeries(operation: number | bigint): number {
  return Number(
    store.database
      .prepare(
        "INSERT INTO series (type, operation_id, identity, last_used_unix_ms) VALUES ('operation', ?, ?, 0)",
      )
      .run(operation, `operation ${operation}`).lastInsertRowid,
  );
}

/** Puts so many calls into a step, beside a series that nobody asks for. */
function put(level: Level, stepUnixMs: number, calls: number): void {
  const cell = { ...emptyCell(), calls };
  countBucket(cell.latency, bucketOf(calls), calls);
  const other = { ...emptyCell(), calls: 7, errors: 1 };
  countBucket(other.latency, bucketOf(3), 7);
  const data = encodeStep(
    new Map([
      [series, cell],
      [series + 1, other],
    ]),
  )!;
  store.database.prepare('INSERT INTO rollup VALUES (?, ?, ?)').run(level, stepUnixMs, data);
}

const said: string[] = [];
const readerOf = (database: Connection) =>
  createRollupReader(database, { all: () => new Map() }, (what) => said.push(what));

function callsRead(durationsWanted: number): number {
  const reader = readerOf(store.database);
  const cell = reader.operationCells(durationsWanted)(KEY);
  expect(totalOf(cell.latency)).toBe(cell.calls);
  return cell.calls;
}

/** As they are stored: a day holds what its hours do. */
function putDays(): void {
  for (const [index, calls] of [1, 2, 4, 8].entries()) put('hour', TODAY + index * HOUR, calls);
  put('day', TODAY, 15);
  for (let before = 1; before <= 8; before++) {
    put('hour', TODAY - before * DAY + 5 * HOUR, 100);
    put('day', TODAY - before * DAY, 100);
  }
}

test('the newest day counts by its hours, the seven before it as days, and none of them twice', () => {
  putDays();
  expect(callsRead(Infinity)).toBe(15 + 700);
});

test('the newest steps come first, two at least, until there are as many durations as wanted', () => {
  putDays();
  expect(callsRead(1)).toBe(12);
  expect(callsRead(12)).toBe(12);
  expect(callsRead(13)).toBe(14);
  expect(callsRead(16)).toBe(115);
});

test('a span dated far ahead hides no day before it', () => {
  putDays();
  put('hour', TODAY + 27_000 * DAY, 1);
  put('day', TODAY + 27_000 * DAY, 1);
  expect(callsRead(Infinity)).toBe(1 + 15 + 600);
});

/** As a fold does: blocks, and what is to be added to a minute. */
function foldCalls(calls: number): void {
  const { database } = store;
  const cell = { ...emptyCell(), calls };
  countBucket(cell.latency, bucketOf(calls), calls);
  const data = encodeDelta(new Map([[series, cell]]));
  database.prepare("INSERT INTO block VALUES (NULL, 'recent', 1, 1, 1, 1, 0, 0, 0, 0)").run();
  database.prepare('INSERT INTO rollup_delta VALUES (NULL, ?, ?)').run(TODAY + 3 * HOUR, data);
}

test('a reader that keeps steps sees what is absorbed into them', () => {
  putDays();
  const reader = readerOf(store.database);
  const calls = () => reader.operationCells(Infinity)(KEY).calls;
  const absorb = () => {
    for (const _ of createRollupAbsorber(store.database).absorb());
  };
  expect(calls()).toBe(715);
  foldCalls(1);
  expect(calls()).toBe(716);
  foldCalls(2);
  expect(calls()).toBe(718);
  absorb();
  expect(calls()).toBe(718);
  // Come and absorbed between two readings: with others waiting then, and with none.
  foldCalls(4);
  absorb();
  foldCalls(8);
  expect(calls()).toBe(730);
  absorb();
  foldCalls(16);
  absorb();
  expect(calls()).toBe(746);
  expect(calls()).toBe(746);
});

test('what waits beside a damaged delta is told without it and added once, however often it was asked for', () => {
  putDays();
  const reader = readerOf(store.database);
  const calls = () => reader.operationCells(Infinity)(KEY).calls;
  foldCalls(1);
  foldCalls(2);
  store.database.exec(
    'UPDATE rollup_delta SET data = zeroblob(40) WHERE delta_id = (SELECT max(delta_id) FROM rollup_delta)',
  );
  expect(calls()).toBe(715 + 1);
  expect(calls()).toBe(715 + 1);
  expect(said).toEqual([expect.stringContaining(`the sums of a delta of minute ${TODAY + 3 * HOUR}: `)]);
  for (const _ of createRollupAbsorber(store.database).absorb());
  expect(calls()).toBe(715 + 1);
  foldCalls(4);
  expect(calls()).toBe(715 + 1 + 4);
});

test('a reader that remembers series sees one that comes where it found none, or in the place of another', () => {
  put('hour', TODAY, 4);
  const { database } = store;
  const reader = readerOf(database);
  const calls = () => reader.operationCells(Infinity)(KEY).calls;
  const insert = database.prepare(
    `INSERT INTO series (type, operation_id, identity, last_used_unix_ms)
     SELECT 'operation', operation_id, 'operation ' || operation_id, 0 FROM operation`,
  );
  const replaceSeries = () => {
    // Twice, because steps have cells of the next number, too.
    for (let times = 0; times < 2; times++) {
      // The next number is that of the series beside it, in what was put.
      database.exec("DELETE FROM series; UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'series'");
      series = Number(insert.run().lastInsertRowid);
    }
  };
  // The next number is that of the series beside it, in what was put.
  database.exec("DELETE FROM series; UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'series'");
  expect(calls()).toBe(0);
  replaceSeries();
  put('day', TODAY - DAY, 8);
  expect(calls()).toBe(8);
  replaceSeries();
  put('day', TODAY - 2 * DAY, 16);
  expect(calls()).toBe(16);
});

test('the sums of a range that is asked for again follow what is folded and absorbed meanwhile', () => {
  putDays();
  const reader = readerOf(store.database);
  const stats = (range = { fromUnixMs: TODAY, toUnixMs: TODAY + DAY }) =>
    reader
      .readServiceStats(range, { byOperation: true, service: null }, () => false)
      .map(({ calls }) => calls);
  const absorb = () => {
    for (const _ of createRollupAbsorber(store.database).absorb());
  };
  expect(stats()).toEqual([15]);
  expect(stats()).toEqual([15]);
  foldCalls(1);
  expect(stats()).toEqual([16]);
  foldCalls(2);
  expect(stats()).toEqual([18]);
  absorb();
  expect(stats()).toEqual([18]);
  foldCalls(4);
  absorb();
  expect(stats()).toEqual([22]);
  expect(stats({ fromUnixMs: TODAY, toUnixMs: TODAY + 2 * HOUR })).toEqual([3]);
  expect(stats({ fromUnixMs: TODAY - DAY, toUnixMs: TODAY + DAY })).toEqual([122]);
});

test('steps of a day that is no longer the newest are read as days', () => {
  putDays();
  const reader = readerOf(store.database);
  expect(reader.operationCells(Infinity)(KEY).calls).toBe(715);
  put('hour', TODAY + DAY, 1_000);
  put('day', TODAY + DAY, 1_000);
  expect(reader.operationCells(Infinity)(KEY).calls).toBe(1_000 + 15 + 600);
});

test('an operation that retention forgot and that is called again is found by what it counts as now', () => {
  const { database } = store;
  const reader = readerOf(database);
  const calls = () => reader.operationCells(Infinity)(KEY).calls;
  put('hour', TODAY, 3);
  expect(calls()).toBe(3);
  const operation = database.prepare('SELECT operation_id FROM series').pluck().get() as number;
  // The next number is that of the series beside it, in what was put.
  database.exec("DELETE FROM series; UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'series'");
  expect(calls()).toBe(3);
  series = addSeries(operation);
  put('hour', TODAY + HOUR, 5);
  expect(calls()).toBe(5);
});

test('an operation that was asked about before it was called is found once it is', () => {
  const reader = readerOf(store.database);
  const key = { ...KEY, operation: 'GET /new' };
  const calls = () => reader.operationCells(Infinity)(key).calls;
  expect(calls()).toBe(0);
  const operation = store.database
    .prepare(
      "INSERT INTO operation (service, kind, name, last_used_unix_ms) VALUES ('checkout', 'server', 'GET /new', 0)",
    )
    .run().lastInsertRowid;
  series = addSeries(operation);
  put('hour', TODAY, 4);
  expect(calls()).toBe(4);
});

test.each(['hour', 'day'] as const)(
  'what is normal is told without a damaged %s, asked again and again',
  (level) => {
    putDays();
    const reader = readerOf(store.database);
    const calls = () => reader.operationCells(Infinity)(KEY).calls;
    const stepUnixMs = level === 'hour' ? TODAY + 2 * HOUR : TODAY - 3 * DAY;
    store.database
      .prepare(
        'UPDATE rollup SET data = substr(data, 1, length(data) - 7) WHERE level = ? AND step_unix_ms = ?',
      )
      .run(level, stepUnixMs);
    expect(calls()).toBe(715 - (level === 'hour' ? 4 : 100));
    foldCalls(1);
    expect(calls()).toBe(716 - (level === 'hour' ? 4 : 100));
    expect(new Set(said)).toEqual(new Set([expect.stringContaining(`the sums of ${level} ${stepUnixMs}: `)]));
  },
);
