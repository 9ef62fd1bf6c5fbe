/** A block whose rows are sought for late spans may be damaged anywhere: it is set aside, and the rest goes on. */
import { beforeEach, expect, test, vi } from 'vitest';
import type { ClassColumns } from '../../../collector/store/columns/block-classes.ts';
import { readBlockHeader } from '../../../collector/store/columns/block-header.ts';
import { ByteSource } from '../../../collector/store/columns/byte-source.ts';
import { DamagedPart } from '../../../collector/store/columns/damaged-part.ts';
import { HEADER } from '../../../collector/store/columns/encode-granule.ts';
import { openPart, sealPart, type PartSource } from '../../../collector/store/columns/part.ts';
import { partAt, partRows } from '../../../collector/store/sqlite/block-parts.ts';
import { dropBlock } from '../../../collector/store/sqlite/write/drop-block.ts';
import type { Span } from '../../../collector/span.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { makeRequest, NOON_UNIX_MS } from '../make-request.ts';
import { folder } from '../new-folder.ts';
import { openFolds } from '../open-folds.ts';

const TRACE_ID_CHARACTERS = 32;
const startMs = Date.now() - NOON_UNIX_MS - 60_000;
const sent = [
  ...makeRequests(
    { seed: 5, spans: 1_000, failedShare: 0.05, startUnixMs: NOON_UNIX_MS + startMs, spreadMs: 1_000 },
    { spansPerRequest: 500 },
  ),
].map(({ bytes }) => bytes);

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

/** A store whose first block has traces that spans will come late of. */
function openStored() {
  const { database, reader, parts, foldAll } = openFolds(folder);
  foldAll(...sent);
  const block = parts.blockRows()[0]!;
  const ids = Buffer.from(parts.opened.granule(block, 0).traces.ids).toString('hex');
  const traceIds = Array.from({ length: 20 }, (_, index) =>
    ids.slice(index * TRACE_ID_CHARACTERS, (index + 1) * TRACE_ID_CHARACTERS),
  );
  const rowOf = database.prepare<[string], Buffer>(
    'SELECT data FROM block_part WHERE block_id = 1 AND column_name = ? AND first_granule = 0',
  );
  return {
    database,
    parts,
    traceIds,
    columns: database
      .prepare<[], string>('SELECT DISTINCT column_name FROM block_part WHERE block_id = 1')
      .pluck()
      .all(),
    rowOf: (column: string) => rowOf.pluck().get(column)!,
    replace(column: string, data: Buffer) {
      database
        .prepare(
          'UPDATE block_part SET data = ? WHERE block_id = 1 AND column_name = ? AND first_granule = 0',
        )
        .run(data, column);
      parts.forget();
    },
    /** A span of each of the traces. */
    foldLate: (id: string) =>
      foldAll(makeRequest(...traceIds.map((trace) => ({ trace, id, startMs, kind: 'internal' as const })))),
    damage: () => database.prepare<[], string>("SELECT block_id || ': ' || reason FROM damage").pluck().all(),
    spanIds: (traceId: string) =>
      (reader['readTrace']!(traceId as never, () => false) as Span[]).map(({ spanId }) => spanId),
  };
}

type Stored = ReturnType<typeof openStored>;

function flip(stored: Stored, column: string): void {
  const data = stored.rowOf(column);
  data[data.length - 1]! ^= 0xff;
  stored.replace(column, data);
}

/** With a byte of the header changed, under a checksum that is right, so that the classes cannot be read of one column. */
function breakClasses(stored: Stored, name: keyof ClassColumns): void {
  const { dense, loose } = openPart(HEADER, partAt(stored.rowOf(HEADER), 0)!);
  for (let at = 0; at < loose.bytes.length; at++) {
    const changed = Buffer.from(loose.bytes);
    changed[at]! ^= 0x40;
    if (!isBroken({ dense: new ByteSource(dense.bytes), loose: new ByteSource(changed) }, name)) continue;
    const header = sealPart(HEADER, dense.bytes, changed);
    stored.replace(HEADER, partRows([new Map([[HEADER, header]])])[0]!.data);
    return;
  }
  throw new Error(`got no byte that breaks ${name}, expected one`);
}

/** It can be opened, and then not be read. */
function isBroken(header: PartSource, name: keyof ClassColumns): boolean {
  let isOpened = false;
  try {
    const { classes } = readBlockHeader(header);
    isOpened = true;
    return classes[name].length < 0;
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error;
    return isOpened;
  }
}

const FLIPPED = [
  'header',
  'trace',
  'class',
  'resource',
  'peer',
  'span_id',
  'parent',
  'start',
  'end',
  'give_up',
];
const CASES: [what: string, damage: (stored: Stored) => void, said: RegExp][] = [
  ...FLIPPED.map((column): (typeof CASES)[number] => [
    `the part ${column}`,
    (stored) => flip(stored, column),
    new RegExp(`^1: part ${column}: its checksum is wrong$`),
  ]),
  ...(['kind', 'outcome'] as const).map((name): (typeof CASES)[number] => [
    `the ${name} of its classes`,
    (stored) => breakClasses(stored, name),
    /^1: got \d+ in a class, expected less than \d+$/,
  ]),
];

test('the block has the parts that are damaged here', () => {
  expect(openStored().columns).toEqual(expect.arrayContaining(FLIPPED));
});

test.each(CASES)('spans that come late of a block are folded where %s cannot be read', (_, damage, said) => {
  const stored = openStored();
  damage(stored);
  stored.foldLate('e1');
  expect(stored.damage()).toEqual([expect.stringMatching(said)]);
  stored.foldLate('e2');
  expect(stored.damage()).toHaveLength(1);
  for (const traceId of stored.traceIds)
    expect(stored.spanIds(traceId).toSorted()).toEqual(['00000000000000e1', '00000000000000e2']);
});

test('a block that arrived long before the traces began is not read for them', () => {
  const stored = openStored();
  const parts = ['trace', 'trace_prefix'].filter((column) => stored.columns.includes(column));
  for (const column of parts) flip(stored, column);
  stored.database.exec('UPDATE block SET last_arrived_unix_ms = last_arrived_unix_ms - 3600000');
  stored.foldLate('e1');
  expect(stored.damage()).toEqual([]);
  stored.database.exec('UPDATE block SET last_arrived_unix_ms = last_arrived_unix_ms + 3600000');
  stored.foldLate('e2');
  expect(stored.damage()).toHaveLength(1);
});

test.each(CASES)(
  'a block is dropped that shares traces with one where %s cannot be read',
  (_, damage, said) => {
    const stored = openStored();
    stored.foldLate('e1');
    damage(stored);
    const { parts } = stored;
    const [, late] = parts.blockRows();
    const steps = dropBlock(parts, late!, []);
    let step = steps.next();
    while (!step.done) step = steps.next();
    expect(step.value).toBe(stored.traceIds.length);
    expect(stored.damage()).toEqual([expect.stringMatching(said)]);
    expect(parts.blockRows()).toEqual([]);
  },
);
