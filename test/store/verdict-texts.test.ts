/** What verdicts say, many together: written, read, replaced and damaged. */
import Database from 'better-sqlite3';
import { beforeEach, expect, test, vi } from 'vitest';
import { diagnosisToSave } from '../../collector/query/diagnosis-to-save.ts';
import { createAddressReader } from '../../collector/store/sqlite/read/addresses.ts';
import { createEdgeNames } from '../../collector/store/sqlite/read/edge-names.ts';
import { createVerdictReader } from '../../collector/store/sqlite/read/verdicts.ts';
import { SCHEMA } from '../../collector/store/sqlite/schema.ts';
import { createVerdictTexts, VERDICTS_TOGETHER } from '../../collector/store/sqlite/verdict-texts.ts';
import { createDiagnosisWriter } from '../../collector/store/sqlite/write/diagnoses.ts';
import { makeVerdict } from '../query/make-verdict.ts';
import { traceId } from './make-request.ts';

const AT_MS = Date.UTC(2026, 0, 1);
const ALL = { fromUnixMs: 0, toUnixMs: 2 * AT_MS };
let database: Database.Database;

beforeEach(() => {
  database = new Database(':memory:');
  database.exec(SCHEMA);
});

/** Traces `first` and on, each with verdicts of its own. */
function save(count: number, first = 1, verdictsEach = 1): void {
  const wait = database.prepare('INSERT OR REPLACE INTO undiagnosed_trace VALUES (?, 0, ?, 1)');
  const group = Array.from({ length: count }, (_, index) => {
    const id = traceId((first + index).toString(16));
    wait.run(Buffer.from(id, 'hex'), AT_MS);
    const giveUp = { ...makeVerdict({}).giveUp, at: new Date(AT_MS + first + index).toISOString() };
    const verdict = { ...makeVerdict({}), giveUp, sentence: `number ${first + index}` };
    const verdicts = Array.from({ length: verdictsEach }, () => verdict);
    return { ...diagnosisToSave({ traceId: id, complete: true, verdicts }, []), spanCount: 1 };
  });
  createDiagnosisWriter(database).save(group);
}

const openReader = () =>
  createVerdictReader(
    database,
    createVerdictTexts(database),
    createEdgeNames(database, createAddressReader(database)),
  );

function read(): string[] {
  const reader = openReader();
  return reader
    .readVerdicts(ALL)
    .flatMap(({ traceId: id }) => reader.readKept(id) ?? [])
    .map(({ sentence }) => sentence)
    .toReversed();
}

const numbers = (count: number, first = 1) => Array.from({ length: count }, (_, i) => `number ${first + i}`);
const texts = () => database.prepare('SELECT count(*) FROM verdict_text').pluck().get();

test('more verdicts than one text has are read in full, each its own', () => {
  save(VERDICTS_TOGETHER + 3);
  expect(texts()).toBe(2);
  expect(read()).toEqual(numbers(VERDICTS_TOGETHER + 3));
});

test('a trace that is there twice has what was said of it last', () => {
  save(2);
  save(2, 2);
  expect(read()).toEqual(numbers(3));
});

test('a text goes with the last of its verdicts that is replaced', () => {
  save(2);
  save(1);
  expect(texts()).toBe(2);
  expect(read()).toEqual(numbers(2));
  for (let round = 0; round < 3; round++) save(2);
  expect(texts()).toBe(1);
  expect(read()).toEqual(numbers(2));
  save(2, 1, 0);
  expect(texts()).toBe(0);
});

test('of verdicts of one incident and cause the newest that can be read is told in full', () => {
  save(2);
  save(2, 3);
  const told = () =>
    openReader()
      .readVerdicts(ALL)
      .map(({ verdict }) => verdict?.sentence ?? null);
  expect(told()).toEqual(['number 4', null, null, null]);
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  database.prepare('UPDATE verdict_text SET data = substr(data, 1, 40) WHERE text_id = 2').run();
  expect(told()).toEqual([null, null, 'number 2', null]);
  database.prepare('UPDATE verdict_text SET data = substr(data, 1, 40)').run();
  expect(told()).toEqual([]);
  said.mockRestore();
});

test('the verdicts of a damaged text are left out, which is said, and the others read', () => {
  save(2);
  save(2, 3);
  database.prepare('UPDATE verdict_text SET data = substr(data, 1, 40) WHERE text_id = 1').run();
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(read()).toEqual(numbers(2, 3));
  expect(said).toHaveBeenCalledExactlyOnceWith(
    'sockeye: text 1 of verdicts cannot be read:',
    expect.any(String),
  );
});

test('of a trace whose verdicts lie in two texts none is kept when one of them is damaged', () => {
  save(1, 1, VERDICTS_TOGETHER + 1);
  expect(openReader().readKept(traceId('1'))).toHaveLength(VERDICTS_TOGETHER + 1);
  database.prepare('UPDATE verdict_text SET data = substr(data, 1, 40) WHERE text_id = 2').run();
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(openReader().readKept(traceId('1'))).toBeNull();
  said.mockRestore();
});

test('views of hosts as an older version kept them are left out', () => {
  save(1);
  const text = JSON.stringify({
    ...makeVerdict({}),
    hosts: [{ spanId: '4', side: 'callee', process: null }],
  });
  const { verdicts, ...rest } = diagnosisToSave(
    { traceId: traceId('1'), complete: true, verdicts: [makeVerdict({})] },
    [],
  );
  const kept = verdicts.map((verdict) => ({ ...verdict, json: text }));
  createDiagnosisWriter(database).save([{ ...rest, verdicts: kept, spanCount: 1 }]);
  expect(openReader().readKept(traceId('1'))).toMatchObject([{ hosts: [] }]);
  expect(openReader().readHostViews(traceId('1'))).toEqual([]);
});
