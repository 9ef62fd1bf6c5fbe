/** Many traces are found at once, and each is read as it would be alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openForReading, openForWriting } from '../../collector/store/sqlite/open-database.ts';
import { findTraces } from '../../collector/store/sqlite/read/many-traces.ts';
import { createNames } from '../../collector/store/sqlite/read/names.ts';
import { createTraceReader } from '../../collector/store/sqlite/read/traces.ts';
import { createUnits } from '../../collector/store/sqlite/read/units.ts';
import { createAppend } from '../../collector/store/sqlite/write/append.ts';
import { fold } from '../../collector/store/sqlite/write/fold.ts';
import { createInterner } from '../../collector/store/sqlite/write/interner.ts';
import { createWriterParts } from '../../collector/store/sqlite/write/parts.ts';
import { RecentRequests } from '../../collector/store/sqlite/write/recent-requests.ts';
import { Unfolded } from '../../collector/store/sqlite/write/unfolded.ts';
import { makeRequest, traceId, type SentSpan } from './make-request.ts';

const TRACES = 300;

function spansOf(number: number): SentSpan[] {
  const trace = number.toString(16);
  return [
    { trace, id: `1${trace}`, name: 'POST /buy', durationMs: number },
    { trace, id: `2${trace}`, parent: `1${trace}`, kind: 'client', attributes: { 'item.number': number } },
    { trace, id: `3${trace}`, parent: `2${trace}`, service: 'stock', error: 'read ETIMEDOUT' },
  ];
}

/** Two blocks, of which the second has a late span of each trace, and a segment that repeats some of what is in them. */
function openStored() {
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-many-'));
  const { database, release } = openForWriting(folder);
  const reading = openForReading(folder);
  onTestFinished(() => {
    reading.close();
    database.close();
    release();
    rmSync(folder, { recursive: true });
  });
  const append = createAppend({
    database,
    interner: createInterner(database),
    recent: new RecentRequests(),
  });
  const unfolded = new Unfolded();
  const numbers = Array.from({ length: TRACES }, (_, index) => index + 1);
  const late = (number: number): SentSpan => ({
    trace: number.toString(16),
    id: `4${number.toString(16)}`,
    startMs: 60_000,
  });
  for (const spans of [numbers.flatMap(spansOf), numbers.map(late)]) {
    append(unfolded, [makeRequest(...spans)]);
    for (const step of fold(createWriterParts(database), unfolded)) void step;
    unfolded.clear();
  }
  append(unfolded, [makeRequest(...spansOf(7), ...spansOf(8))]);
  const damage: string[] = [];
  const onDamage = (what: string): void => void damage.push(what);
  return {
    database,
    damage,
    onDamage,
    units: createUnits(reading, onDamage),
    reader: createTraceReader(createNames(reading, onDamage), onDamage),
  };
}

const idsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => traceId((index + 1).toString(16)));

test.each([
  ['a few, of which alone the rows are decoded', 8],
  ['all, whose granules are decoded whole', TRACES],
])('%s: each has the spans that it has by itself', (_, count) => {
  const { units, reader, onDamage, damage } = openStored();
  const found = findTraces(units.byTrace(), idsOf(count), onDamage);
  expect([...found.keys()]).toEqual(idsOf(count));
  for (const [id, trace] of found) {
    const pieces = trace.pieces();
    expect(reader.spans(pieces)).toHaveLength(4);
    expect(reader.spans(pieces)).toEqual(reader.spans(reader.pieces(units.byTrace(), id)));
  }
  // What was sent again is counted, and left out where it is read.
  expect(found.get(traceId('6'))!.rows).toBe(4);
  expect(found.get(traceId('7'))!.rows).toBe(7);
  expect(damage).toEqual([]);
});

test('of few traces in a large granule no other rows are decoded', () => {
  const { units, onDamage } = openStored();
  const [few] = findTraces(units.counted(), idsOf(1), onDamage).get(traceId('1'))!.pieces();
  expect(few!.rows.rows).toBe(3);
  const [many] = findTraces(units.counted(), idsOf(TRACES), onDamage).get(traceId('1'))!.pieces();
  expect(many!.rows.rows).toBe(3 * TRACES);
});

test('a trace that is not there has no rows', () => {
  const { units, onDamage } = openStored();
  const id = traceId('ffff');
  const trace = findTraces(units.byTrace(), [id], onDamage).get(id)!;
  expect(trace.rows).toBe(0);
  expect(trace.pieces()).toEqual([]);
});

test('what is damaged is left out and said, the rest of a trace is read', () => {
  const { database, units, onDamage, damage } = openStored();
  database.prepare("DELETE FROM block_part WHERE block_id = 1 AND column_name = 'span_id'").run();
  const trace = findTraces(units.counted(), idsOf(1), onDamage).get(traceId('1'))!;
  expect(trace.rows).toBe(4);
  expect(trace.pieces().map(({ at }) => at.length)).toEqual([1]);
  expect(damage).toEqual(['block 1: part span_id is missing']);
});
