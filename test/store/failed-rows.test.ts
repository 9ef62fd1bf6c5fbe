/** What the writer keeps of traces that failed is all that their block has of them: who judges them by it says the same. */
import { expect, onTestFinished, test } from 'vitest';
import type { FailedRows } from '../../collector/store/sqlite/read/failed-rows.ts';
import { openWriter } from '../../collector/store/sqlite/write/writer.ts';
import type { DiagnosisToSave } from '../../collector/store/store.ts';
import { call, makeRequest, NOON_UNIX_MS, type SentSpan } from './make-request.ts';
import { folder } from './new-folder.ts';
import { openFolds } from './open-folds.ts';

/** Blocks tell traces by how their ids begin. */
const idOf = (name: string): string => name.padEnd(32, '0');

function buy(name: string, durationMs: number, error?: string): SentSpan[] {
  const failed = error === undefined ? {} : { error };
  const trace = idOf(name);
  return [
    { trace, id: `${name}1`, name: 'POST /buy', durationMs: durationMs + 1, ...failed },
    ...call(
      trace,
      { id: `${name}2`, parent: `${name}1`, name: 'POST', durationMs, ...failed },
      { id: `${name}3`, name: 'POST /pay', durationMs: durationMs - 1 },
    ),
  ];
}

const manyGood = (first: number, count: number): SentSpan[] =>
  Array.from({ length: count }, (_, index) => buy((first + index).toString(16), 20)).flat();

/** As they come from another thread. */
interface ToDiagnose {
  readonly traceIds: readonly string[];
  readonly failed?: readonly FailedRows[];
}

/** Each list of spans becomes a block. */
function openFolded(...blocks: readonly (readonly SentSpan[])[]) {
  const log: string[] = [];
  const { database, reader, parts, foldAll } = openFolds(folder, (line) => log.push(line));
  const progress = blocks.map((spans) => foldAll(makeRequest(...spans)));
  return {
    database,
    log,
    /** Of each fold, what its steps said. */
    progress,
    kept: (traceIds: readonly string[]) => structuredClone(parts.failures.of(traceIds)),
    diagnose: (asked: ToDiagnose) =>
      reader['diagnoseTraces']!(asked as never, () => false) as DiagnosisToSave[],
  };
}

const failing = ['a1', 'a2', 'a3', 'a4', 'a5'];
const ids = failing.map(idOf);
/** Of the five, in the second block one fails, one has a span more, and one is sent again. */
const twoBlocks = () =>
  openFolded(
    [
      ...manyGood(0x1000, 300),
      ...failing.slice(0, 4).flatMap((trace) => buy(trace, 3000, 'ETIMEDOUT')),
      ...buy('a5', 3000, 'ETIMEDOUT').slice(2),
    ],
    [
      ...manyGood(0x2000, 300),
      ...buy('a5', 3000, 'ETIMEDOUT').slice(0, 2),
      { trace: idOf('a4'), id: 'a44', parent: 'a41', name: 'log', kind: 'internal', durationMs: 2 },
      buy('a3', 3000, 'ETIMEDOUT')[1]!,
    ],
  );

test('by what is kept, traces are judged as by their blocks: in one, in two, sent again', () => {
  const { kept, diagnose } = twoBlocks();
  const failed = kept(ids);
  expect(failed.map(({ blockId, spans }) => [blockId, spans])).toEqual([
    [1, 12],
    [2, 3],
  ]);
  const judged = diagnose({ traceIds: ids, failed });
  expect(judged).toEqual(diagnose({ traceIds: ids }));
  expect(judged.map(({ spanCount }) => spanCount)).toEqual([3, 3, 3, 4, 3]);
  expect(judged.every(({ verdicts }) => verdicts.length > 0)).toBe(true);
});

test('of their block nothing is read', () => {
  const { database, kept, diagnose, log } = twoBlocks();
  const traceIds = ids.slice(0, 3);
  database.prepare("DELETE FROM block_part WHERE column_name <> 'trace'").run();
  const judged = diagnose({ traceIds, failed: kept(ids) });
  expect(judged.map(({ spanCount }) => spanCount)).toEqual([3, 3, 3]);
  expect(log).toEqual([]);
  expect(diagnose({ traceIds })).toEqual([]);
});

test('they are held, and sent to who judges, in as many bytes as they have', () => {
  const { kept } = twoBlocks();
  for (const { parts } of kept(ids)) {
    const [memory, ...others] = new Set(parts.map(({ data }) => data.buffer));
    expect(others).toEqual([]);
    expect(memory!.byteLength).toBe(parts.reduce((sum, { data }) => sum + data.length, 0));
  }
});

test('what cannot be opened is read from its block, which is said once', () => {
  const { kept, diagnose, log } = twoBlocks();
  const [first, second] = kept(ids);
  const header = first!.parts.find(({ columnName }) => columnName === 'header')!;
  header.data[header.data.length - 1]! ^= 0xff;
  const failed = [first!, { ...second!, parts: [] }];
  expect(diagnose({ traceIds: ids, failed })).toEqual(diagnose({ traceIds: ids }));
  diagnose({ traceIds: ids, failed });
  expect(log).toEqual([
    expect.stringContaining('rows kept beside block 1: part header: its checksum is wrong'),
    expect.stringContaining('rows kept beside block 2: its header is missing'),
  ]);
});

test('they are made in steps of a fold that is not over, and not where they are of two blocks', () => {
  const startMs = Date.now() - NOON_UNIX_MS;
  const recent = [...manyGood(0x1000, 300), ...buy('a1', 3000, 'ETIMEDOUT')].map((span) => ({
    ...span,
    startMs,
  }));
  const late = buy('a2', 3000, 'ETIMEDOUT').map((span) => ({ ...span, startMs: startMs - 3 * 86_400_000 }));
  const { progress, kept } = openFolded(
    recent,
    [...recent, ...late].map((span) => ({ ...span, id: `${span.id}f` })),
  );
  expect(kept(ids)).toHaveLength(1);
  const [one, two] = progress.map((steps) => Math.max(...steps));
  expect(one).toBeGreaterThan(0.95);
  expect(one).toBeLessThan(1);
  expect(two).toBeLessThan(0.95);
});

test('where many failed, none are kept: their granules are read once for all of them', () => {
  const { kept, diagnose } = openFolded([
    ...manyGood(0x1000, 10),
    ...failing.flatMap((trace) => buy(trace, 3000, 'ETIMEDOUT')),
  ]);
  expect(kept(ids)).toEqual([]);
  expect(diagnose({ traceIds: ids })).toHaveLength(5);
});

test('they are kept until they are diagnosed, or everything is deleted', async () => {
  const writer = openWriter(folder);
  onTestFinished(() => writer.close());
  let sent = 1;
  const append = async (...traces: string[]) => {
    const bytes = makeRequest(
      ...manyGood(sent++ * 0x1000, 300),
      ...traces.flatMap((trace) => buy(trace, 3000, 'ETIMEDOUT')),
    );
    await writer.append({ bytes, lengths: [bytes.length] });
    writer.settle();
  };
  const save = (trace: string) =>
    writer.saveDiagnoses([
      { traceId: idOf(trace), spanCount: 3, entry: { service: '', operation: '' }, verdicts: [] },
    ]);
  await append('a1', 'a2');
  expect(writer.failedRows([idOf('b1')])).toEqual([]);
  expect(writer.failedRows(ids)).toHaveLength(1);
  save('a1');
  expect(writer.failedRows(ids)).toHaveLength(1);
  expect(writer.failedRows([idOf('a1')])).toEqual([]);
  save('a2');
  expect(writer.failedRows(ids)).toEqual([]);

  await append('a3');
  expect(writer.failedRows(ids)).toHaveLength(1);
  writer.purge();
  expect(writer.failedRows(ids)).toEqual([]);
});
