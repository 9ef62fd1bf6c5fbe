/**
 * Damage that has a name, each done to a store that a real collector wrote: it starts and says what is lost, or does not
 * start and says why. What it serves is what was sent.
 */
import {
  cpSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCHEMA_VERSION } from '../../collector/store/sqlite/schema.ts';
import { FREE_PORTS, startCollector } from '../main/collector.ts';
import { fillFolder, resultOfServing, startDamaged, type CaseResult } from './damaged-file.ts';
import { createSentLog, type SentLog } from './sent-log.ts';

/** They start collectors and compare every span, on whatever machine. */
const timeout = 120_000;
const startUnixMs = Date.now() - 60_000;
const logOf = (seed: number, spans: number, failedShare = 0.02): SentLog =>
  createSentLog({ seed, spans, failedShare, startUnixMs, spreadMs: 60_000 }, 512);

/** In blocks, in segments after a clean end, and with all in the log after a kill. */
const WHOLES = ['blocks', 'segments', 'killed'] as const;
type Whole = (typeof WHOLES)[number];
// Traces that failed would be folded at once, to be diagnosed.
const sent = { blocks: logOf(1, 3_500), segments: logOf(2, 3_500, 0), killed: logOf(3, 3_500) };
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-damage-'));
  for (const whole of WHOLES) {
    const ending = whole === 'killed' ? 'SIGKILL' : 'SIGTERM';
    // Who asks how the store is gets it folded first.
    await fillFolder(join(folder, whole), sent[whole], ending, async ({ web }) =>
      whole === 'blocks' ? fetch(`${web}/api/status`) : undefined,
    );
  }
}, timeout);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function damaged(whole: Whole, damage: (file: string) => void): Promise<CaseResult> {
  const copy = join(folder, 'damaged');
  cpSync(join(folder, whole), copy, { recursive: true });
  try {
    damage(join(copy, 'spans.sqlite'));
    return await startDamaged(copy, sent[whole], logOf(4, 600));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function flip(path: string, at: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 0xff;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}
const sizeOf = (path: string): number => statSync(path).size;
const cut = (path: string, bytes: number): void => truncateSync(path, bytes);
const PAGE = 8_192;

const change =
  (sql: string) =>
  (file: string): void => {
    new Database(file).exec(sql).close();
  };

/** Flips a byte of the value that the query reads; what is alike may lie in pages that are free, or in an index. */
function flipValue(file: string, sql: string): void {
  const read = (): Buffer => {
    const database = new Database(file, { readonly: true });
    const value = database.prepare<[], Buffer | string>(sql).pluck().get()!;
    database.close();
    return Buffer.from(value);
  };
  const value = read();
  // Long values go on in other pages.
  const part = value.subarray(0, 64);
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) {
    flip(file, at + (part.length >> 1));
    if (!read().equals(value)) return;
    flip(file, at + (part.length >> 1));
  }
  throw new Error(`got no place of ${sql}, expected one`);
}

/** The kind of the first page of what finds a table's rows by what they hold. */
function breakIndex(file: string, table: string): void {
  const database = new Database(file, { readonly: true });
  const page = database
    .prepare<[string], number>("SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?")
    .pluck()
    .get(table)!;
  const bytes = database.pragma('page_size', { simple: true }) as number;
  database.close();
  flip(file, (page - 1) * bytes);
}

type Case = [what: string, whole: Whole, damage: (file: string) => void, said: RegExp];

const REFUSED: Case[] = [
  [
    'its first byte is another',
    'blocks',
    (file) => flip(file, 0),
    /file that is not a database, expected a Sockeye/,
  ],
  [
    'the mark of its program is another',
    'blocks',
    (file) => flip(file, 70),
    /SQLite file of another program/,
  ],
  [
    'the list of its tables is damaged',
    'blocks',
    (file) => flip(file, 100),
    /got .*malformed.*restore a backup/,
  ],
  ['it is text', 'blocks', (file) => writeFileSync(file, 'hello '.repeat(5_000)), /not a database/],
  ['it ends in its header', 'blocks', (file) => cut(file, 60), /got .*malformed.*restore a backup/],
  ['it ends in its first page', 'blocks', (file) => cut(file, 3_000), /got .*expected/],
  ['only its first page is left', 'blocks', (file) => cut(file, PAGE), /got .*malformed.*restore a backup/],
  [
    'it is of the first version',
    'blocks',
    change('PRAGMA user_version = 1'),
    new RegExp(`version 1, expected ${SCHEMA_VERSION}; use the older`),
  ],
  [
    'it is of the second version',
    'blocks',
    change('PRAGMA user_version = 2'),
    new RegExp(`version 2, expected ${SCHEMA_VERSION}; use the older`),
  ],
  [
    'it is of a newer version',
    'blocks',
    change(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`),
    new RegExp(`version ${SCHEMA_VERSION + 1}, expected ${SCHEMA_VERSION}; use the newer`),
  ],
];

test.each(REFUSED)('a file is refused when %s', { timeout }, async (_, whole, damage, said) => {
  const result = await damaged(whole, damage);
  expect(result.faults).toEqual([]);
  expect(result).toMatchObject({ started: false, words: expect.stringMatching(said) });
});

const LOST = /-wal is damaged: got \d+ whole pages, expected the \d+ that were committed/;
const SERVED: [...Case, share: [from: number, to: number]][] = [
  [
    'a block has a damaged page',
    'blocks',
    (file) => flipValue(file, "SELECT data FROM block_part WHERE column_name = 'span_id'"),
    /damaged: block \d+: part span_id/,
    [0, 0.9],
  ],
  [
    'a segment has a damaged page',
    'segments',
    (file) => flipValue(file, 'SELECT data FROM segment'),
    /segment \d+ of the store is damaged .* set aside/,
    [0.3, 0.999],
  ],
  [
    'a resource is damaged',
    'blocks',
    (file) => flipValue(file, 'SELECT body FROM resource'),
    /resource \d+: it is not as it was written/,
    [0.5, 0.999],
  ],
  [
    'an operation has another name',
    'blocks',
    (file) => flipValue(file, 'SELECT name FROM operation NOT INDEXED ORDER BY operation_id'),
    /operation \d+: its name is not as it was written/,
    [1, 1],
  ],
  [
    'the log lost its end',
    'killed',
    (file) => cut(`${file}-wal`, Math.floor(sizeOf(`${file}-wal`) * 0.7)),
    LOST,
    [0.3, 0.99],
  ],
  [
    'the log lost a byte',
    'killed',
    (file) => cut(`${file}-wal`, sizeOf(`${file}-wal`) - 1),
    LOST,
    [0.3, 0.999],
  ],
  [
    'the log is damaged in the middle',
    'killed',
    (file) => flip(`${file}-wal`, sizeOf(`${file}-wal`) >> 1),
    LOST,
    [0.1, 0.9],
  ],
  ['a log and its index are left of another file', 'segments', (file) => leftOver(file), /finishing/, [1, 1]],
  [
    'the index of the log is noise',
    'killed',
    (file) => writeFileSync(`${file}-shm`, Buffer.alloc(32_768, 7)),
    /finishing/,
    [1, 1],
  ],
  ['the index of the log is gone', 'killed', (file) => rmSync(`${file}-shm`), /finishing/, [1, 1]],
  [
    'the file is empty',
    'segments',
    (file) => cut(file, 0),
    /was an empty file: a new store was begun in it/,
    [0, 0],
  ],
  [
    'a log is damaged that is not needed',
    'killed',
    (file) => flipNeedless(file),
    /set aside as .*damaged, and nothing is lost/,
    [1, 1],
  ],
];

/** The index alone is left, of a log that a clean end has emptied. */
function leftOver(file: string): void {
  const path = join(folder, 'emptied.sqlite');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.exec('CREATE TABLE a (b); INSERT INTO a VALUES (1)');
  database.pragma('wal_checkpoint(TRUNCATE)');
  cpSync(`${path}-shm`, `${file}-shm`);
  cpSync(`${path}-wal`, `${file}-wal`);
  database.close();
  rmSync(path);
}

/** A checkpoint has moved all of the log into the file before the kill. */
function flipNeedless(file: string): void {
  const database = new Database(file);
  database.pragma('wal_checkpoint(PASSIVE)');
  for (const end of ['-wal', '-shm']) cpSync(file + end, `${file}.kept${end}`);
  database.close();
  for (const end of ['-wal', '-shm']) cpSync(`${file}.kept${end}`, file + end);
  flip(`${file}-wal`, 2_000);
}

test.each(SERVED)('the rest is served, and said what is lost, when %s', { timeout }, async (...all) => {
  const [, whole, damage, said, [from, to]] = all;
  const result = await damaged(whole, damage);
  expect(result.faults).toEqual([]);
  expect(result.started, result.words).toBe(true);
  expect(result.words).toMatch(said);
  expect(result.servedShare).toBeGreaterThanOrEqual(from);
  expect(result.servedShare).toBeLessThanOrEqual(to);
});

test(
  'no new spans are taken where the index of resources is damaged, and that is said',
  { timeout },
  async () => {
    const result = await damaged('blocks', (file) => breakIndex(file, 'resource'));
    expect(result).toMatchObject({ started: true, takesSpans: false, faults: [] });
    expect(result.words).toMatch(/takes no new spans \(.*malformed/);
  },
);

/** While another program holds the store. */
async function serveHeld(): Promise<CaseResult> {
  const copy = join(folder, 'held');
  cpSync(join(folder, 'blocks'), copy, { recursive: true });
  const collector = await startCollector([...FREE_PORTS, '--data', copy]);
  const other = new Database(join(copy, 'spans.sqlite'));
  try {
    other.exec('BEGIN IMMEDIATE');
    return await resultOfServing(collector, sent.blocks, logOf(4, 600));
  } finally {
    other.close();
    collector.process.kill('SIGKILL');
    await collector.ended;
    rmSync(copy, { recursive: true, force: true });
  }
}

test('that no new spans are taken is a fault where the log names no damage', { timeout }, async () => {
  const result = await serveHeld();
  expect(result.takesSpans).toBe(false);
  expect(result.faults).toContainEqual(
    expect.stringMatching(
      /takes no new spans, and the log does not say what is damaged: another program holds/,
    ),
  );
});

test(
  'an index that is older than the machine has been running says nothing of the log',
  { timeout },
  async () => {
    const result = await damaged('killed', (file) => {
      cut(`${file}-wal`, Math.floor(sizeOf(`${file}-wal`) * 0.7));
      utimesSync(`${file}-shm`, 0, 0);
    });
    // What was lost is not known then: it is missing, and that is the only fault.
    expect(result.faults).toEqual([expect.stringMatching(/spans missing, and the log does not say why/)]);
    expect(result.words).not.toMatch(/-wal is damaged/);
  },
);

test('a log whose lost part is in the file by half is refused', { timeout }, async () => {
  const result = await damaged('killed', (file) => {
    const index = readFileSync(`${file}-shm`);
    // As a checkpoint leaves it that was killed: some pages of the log are in the file.
    index.writeUInt32LE(index.readUInt32LE(16) - 1, 128);
    writeFileSync(`${file}-shm`, index);
    cut(`${file}-wal`, sizeOf(`${file}-wal`) >> 1);
  });
  expect(result.faults).toEqual([]);
  expect(result.words).toMatch(/did not start: .*do not fit together any more; restore a backup/);
});
