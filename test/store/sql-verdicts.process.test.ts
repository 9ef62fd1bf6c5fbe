/** What verdicts say in full is found by SQL, wherever the store has it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { BadSql, openSql } from '../../collector/store/sqlite/sql/open-sql.ts';
import { makeOldStore } from './make-old-store.ts';
import { AT_ONCE, call, makeRequest, traceId } from './make-request.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-sql-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function ask(query: string): unknown[][] {
  const sql = openSql({ folder, spansMax: 1_000, sinceUnixMs: -Infinity });
  try {
    return [...sql.run(query).rows];
  } finally {
    sql.close();
  }
}

const VERDICTS = 'select verdict_of(trace_id, ordinal) from verdict order by trace_id';
const verdictsOf = (rows: unknown[][]): unknown[] => rows.map(([json]) => JSON.parse(json as string));

test('beside a collector they are what it kept', async () => {
  const store = await openStore({ folder });
  try {
    for (const trace of ['a', 'b'])
      await store.append(makeRequest(...call(trace, { id: '1', error: 'ETIMEDOUT', durationMs: 3_000 })));
    const { traceIds } = await store.readUndiagnosed(AT_ONCE, 10);
    await store.saveDiagnoses(await store.diagnoseTraces(traceIds));
    const [a] = (await store.readKeptVerdicts(traceId('a')))!;
    const [b] = (await store.readKeptVerdicts(traceId('b')))!;
    expect(verdictsOf(ask(VERDICTS))).toEqual([a, b]);
    const joined = `select s.outcome, verdict_of(v.trace_id, v.ordinal) ->> 'sentence'
      from spans s join verdict v on s.trace_id = lower(hex(v.trace_id))`;
    expect(ask(joined)).toEqual([a, b].map((verdict) => ['timeout', verdict!.sentence]));
  } finally {
    await store.close();
  }
});

test('in a store that no collector of this version has opened they are there, too', () => {
  makeOldStore(folder, 3).close();
  expect(verdictsOf(ask(VERDICTS))).toMatchObject([{ cause: 'G1' }, { cause: 'G1' }]);
});

test('what names no verdict has none', () => {
  makeOldStore(folder, 3).close();
  const unknown = ["'a', 0", "x'0a', 0", 'null, null', "1.5, 'x'", '9007199254740993, 9007199254740993'];
  for (const named of unknown) expect(ask(`select verdict_of(${named})`), named).toEqual([[null]]);
  expect(() => ask('select verdict_of(1)')).toThrow(BadSql);
});
