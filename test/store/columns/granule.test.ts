import { describe, expect, test } from 'vitest';
import { appendGranule } from '../../../collector/store/columns/append-granule.ts';
import { DamagedPart } from '../../../collector/store/columns/damaged-part.ts';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { encodeSegment } from '../../../collector/store/columns/encode-segment.ts';
import type { Granule } from '../../../collector/store/columns/granule.ts';
import { decodeBlockHeader, openGranule } from '../../../collector/store/columns/read-block.ts';
import { openSegment } from '../../../collector/store/columns/segment-granule.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { decodeSpan } from '../../../collector/decode/otlp-protobuf.ts';
import { openSpans } from '../../../collector/diagnose/pending.ts';
import { spanOutcome } from '../../../collector/diagnose/outcome.ts';
import { createSpanMaker } from '../../../collector/store/columns/stored-span.ts';
import { spanBytes } from '../../../collector/store/columns/span-bytes.ts';
import {
  createSpanTable,
  durationMsOf,
  startMsOf,
  type SpanRows,
  type SpanTable,
} from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import type { Span } from '../../../collector/span.ts';
import { memoryInterner } from './memory-interner.ts';
import { randomSpan, requestOf, seeded } from './random-spans.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const RESOURCE = { attributes: new Map(), droppedAttributes: 0, schemaUrl: '' };
const SCOPE = { ...RESOURCE, name: '', version: '' };

function randomTable(seed: number, percent: number, spans: number): SpanTable {
  const random = seeded(seed);
  const table = createSpanTable();
  const { interner } = memoryInterner();
  for (let left = spans; left > 0; left -= 20) {
    const sent = Array.from({ length: Math.min(left, 20) }, () => randomSpan(random, { percent }, 30));
    takeRequest(table, interner, requestOf(sent, `service ${random(3)}`), NOW_UNIX_MS);
  }
  return table;
}

/** All that `SpanRows` say of a row. */
function rowOf(rows: SpanRows, row: number) {
  return {
    traceId: Buffer.from(rows.traceId.subarray(row * 16, row * 16 + 16)).toString('hex'),
    spanId: Buffer.from(rows.spanId.subarray(row * 8, row * 8 + 8)).toString('hex'),
    parentSpanId: Buffer.from(rows.parentSpanId.subarray(row * 8, row * 8 + 8)).toString('hex'),
    start: [rows.startHigh[row], rows.startLow[row]],
    end: [rows.endHigh[row], rows.endLow[row]],
    refersTo: [rows.resource[row], rows.scope[row], rows.operation[row], rows.peer[row]],
    codes: [rows.kind[row], rows.status[row], rows.outcome[row], rows.flags[row]],
    giveUp: rows.giveUps.get(row) ?? null,
  };
}

/** What its class says of a row, whatever its resource or not; what the row says itself. */
function classOf({ classes, classesOfAnyResource }: Granule, row: number) {
  const own = ownOf(classes, classes.of[row]!);
  expect(ownOf(classesOfAnyResource, classesOfAnyResource.of[row]!)).toEqual(own);
  return [...own, classes.resource[classes.of[row]!]];
}

function ownOf(columns: Granule | Granule['classesOfAnyResource'], at: number) {
  const { operation, scope, shape, kind, status, outcome, flags } = columns;
  return [operation, scope, shape, kind, status, outcome, flags].map((column) => column[at]);
}

function expectSame(granule: Granule, table: SpanTable, order: Uint32Array, from: number): void {
  for (let row = 0; row < granule.rows; row++) {
    const sent = order[from + row]!;
    expect(rowOf(granule, row)).toEqual(rowOf(table, sent));
    expect(classOf(granule, row)).toEqual([...ownOf(granule, row), granule.resource[row]]);
    expect(granule.spanBytes(row).toString('hex')).toBe(spanBytes(table, sent).toString('hex'));
  }
}

/** By column: what `count` rows from `first` on have of it, and which of them have the first value that is there. */
function valuesOf(granule: Granule, first: number, count: number) {
  return granule.stored.columns
    .filter(({ name }) => name[1] === '/')
    .map(({ name }) => {
      const column = granule.column(name);
      const values = Array.from({ length: count }, (_, row) =>
        Array.from({ length: column?.countAt(first + row) ?? 0 }, (__, ordinal) =>
          column!.attributeAt(column!.indexAt(first + row, ordinal)),
        ),
      );
      const marks = new Uint8Array(granule.rows);
      const wanted = values.flat()[0];
      if (wanted !== undefined) column!.markEqual(String(wanted), marks);
      return { name, values, marks: [...marks.subarray(first, first + count)] };
    });
}

const NAMES = {
  operation: (operation: number) => `operation ${operation}`,
  decodedResource: () => RESOURCE,
  decodedScope: () => SCOPE,
};

const NONE_KNOWN: ReadonlySet<string> = new Set();

/** Every field that a decoded span has. */
function wholeOf(span: Span): Record<string, unknown> {
  const fields = Object.keys(decodeSpan(Buffer.alloc(0), RESOURCE, SCOPE)) as (keyof Span)[];
  expect(fields).toContain('droppedLinks');
  return Object.fromEntries(fields.map((field) => [field, span[field]]));
}

function expectSameSpans(granule: Granule): void {
  const { ids, starts } = granule.traces;
  const makeSpans = createSpanMaker(granule, NAMES);
  const made = Array.from({ length: starts.length - 1 }, (_, run) => {
    const at = Uint32Array.from({ length: starts[run + 1]! - starts[run]! }, (_row, i) => starts[run]! + i);
    return makeSpans(at, ids.toString('hex', 16 * run, 16 * (run + 1)));
  }).flat();
  expect(made).toHaveLength(granule.rows);
  for (const [row, read] of made.entries()) {
    const { operation: named, endedWell } = read;
    const decoded = decodeSpan(granule.spanBytes(row), RESOURCE, SCOPE);
    expect([`operation ${granule.operation[row]}`, undefined]).toContain(named);
    expect([spanOutcome(decoded).outcome === 'ok', undefined]).toContain(endedWell);
    expect(makeSpans(Uint32Array.of(row), decoded.traceId)).toMatchObject([{ spanId: decoded.spanId }]);
    expect({ ...wholeOf(read), attributes: new Map(read.attributes) }).toEqual(wholeOf(decoded));
    // As if it were a snapshot of a span that has not ended.
    expect(openSpans([read], NONE_KNOWN)[0]!.span).toEqual(openSpans([decoded], NONE_KNOWN)[0]!.span);
    expect([...read.attributes.keys()]).toEqual([...decoded.attributes.keys()]);
    expect(read.attributes.size).toBe(decoded.attributes.size);
    const missing = read.attributes.get('not there');
    expect([missing, read.attributes.has('not there')]).toEqual([undefined, false]);
    for (const [key, value] of decoded.attributes) expect(read.attributes.get(key)).toEqual(value);
  }
}

/** As the store keeps it: parts by granule and name. */
function encodeBlock(table: SpanTable, order: Uint32Array, rows: number) {
  const block = startBlock(table, order, rows);
  const granules = block.ends.map((_, number) => block.granule(number));
  return { header: block.finish(), granules };
}

function openBlock({ header, granules }: ReturnType<typeof encodeBlock>): Granule[] {
  const opened = decodeBlockHeader(header);
  return granules.map((parts, number) => openGranule(opened, number, (name) => parts.get(name) ?? null));
}

describe.each([0, 2])('of random spans, %i in a hundred bytes strange', (percent) => {
  const table = randomTable(77 + percent, percent, 900);
  const order = orderRows(table);

  test('a segment says what the rows say', () => {
    expectSame(openSegment(encodeSegment(table, 0, table.rows)), table, order, 0);
    const part = openSegment(encodeSegment(table, 300, 500));
    expectSame(part, table, orderRows(table, 300, 500), 0);
  });

  test('the granules of a block say what the rows say', () => {
    const granules = openBlock(encodeBlock(table, order, 200));
    expect(granules.length).toBeGreaterThan(2);
    for (const granule of granules) expectSame(granule, table, order, granule.zone.firstRow);
  });

  test('the rows of one trace read alone are those of the granule', () => {
    const block = encodeBlock(table, order, 200);
    let alone = 0;
    const others = openBlock(block);
    for (const [number, granule] of openBlock(block).entries()) {
      const { ids, starts } = granule.traces;
      for (let run = 0; run + 1 < starts.length; run++) {
        const { rows, first, end } = others[number]!.ofRun(run);
        const from = starts[run]!;
        expect(end - first).toBe(starts[run + 1]! - from);
        for (let row = first; row < end; row++) {
          expect(rowOf(rows, row)).toEqual(rowOf(granule, from + row - first));
          expect(classOf(rows, row)).toEqual(classOf(granule, from + row - first));
          expect(rows.spanBytes(row).equals(granule.spanBytes(from + row - first))).toBe(true);
        }
        if (first > 0 || end < rows.rows) continue;
        alone++;
        expect([...rows.traces.starts]).toEqual([0, end]);
        expect(rows.traces.ids.equals(ids.subarray(run * 16, run * 16 + 16))).toBe(true);
        expect(valuesOf(rows, 0, end)).toEqual(valuesOf(granule, from, end));
        expectSameSpans(rows);
      }
    }
    expect(alone).toBeGreaterThan(10);
  });

  test('a row is the same span whether its bytes are decoded or its columns read', () => {
    const granules = [
      openSegment(encodeSegment(table, 0, table.rows)),
      ...openBlock(encodeBlock(table, order, 200)),
    ];
    for (const granule of granules) expectSameSpans(granule);
  });

  test('rows put back into a table are the same rows', () => {
    const again = createSpanTable();
    for (const granule of openBlock(encodeBlock(table, order, 200))) appendGranule(again, granule);
    expect(again.rows).toBe(table.rows);
    for (let row = 0; row < again.rows; row++) {
      expect(rowOf(again, row)).toEqual(rowOf(table, order[row]!));
      expect(spanBytes(again, row).equals(spanBytes(table, order[row]!))).toBe(true);
    }
    expectSame(openSegment(encodeSegment(again, 0, again.rows)), table, order, 0);
  });

  test('a value is found in the rows that have it, and in no other', () => {
    const segment = openSegment(encodeSegment(table, 0, table.rows));
    const wanted = [
      'GET',
      '/items/42',
      '/items/00042?x=1',
      '/items/00043?x=1',
      '',
      '200',
      '0.1',
      'true',
      '-1',
      'NaN',
    ];
    let found = 0;
    for (const granule of [...openBlock(encodeBlock(table, order, 200)), segment]) {
      for (const { name } of granule.stored.columns.filter((column) => column.name[1] === '/')) {
        const column = granule.column(name);
        if (column === null) continue;
        const values = Array.from({ length: granule.rows }, (_, row) =>
          Array.from({ length: column.countAt(row) }, (_, at) => column.attributeAt(column.indexAt(row, at))),
        );
        for (const text of wanted) {
          const rows = new Uint8Array(granule.rows);
          const isDecided = column.markEqual(text, rows);
          expect(isDecided).toBe(name[2] !== 'a');
          const holds = (value: unknown) => typeof value !== 'object' && String(value) === text;
          expect([...rows]).toEqual(values.map((ofRow) => Number(isDecided && ofRow.some(holds))));
          found += rows.filter((mark) => mark === 1).length;
        }
      }
    }
    expect(found).toBeGreaterThan(100);
  });

  test('zones hold what their rows hold', () => {
    for (const granule of openBlock(encodeBlock(table, order, 200))) {
      const rows = Array.from({ length: granule.rows }, (_, row) => row);
      const { zone } = granule;
      expect(zone.minStartMs).toBe(Math.min(...rows.map((row) => startMsOf(granule, row))));
      expect(zone.maxStartMs).toBe(Math.max(...rows.map((row) => startMsOf(granule, row))));
      expect(zone.maxDurationMs).toBe(Math.max(...rows.map((row) => durationMsOf(granule, row))));
      expect(zone.failed).toBe(rows.filter((row) => granule.outcome[row] !== 0).length);
      expect([...zone.operations]).toEqual([...new Set(granule.operation)].toSorted((a, b) => a - b));
    }
  });
});

test('an empty segment is a segment', () => {
  expect(openSegment(encodeSegment(createSpanTable(), 0, 0)).rows).toBe(0);
});

test('any flipped byte of a part is damage', () => {
  const table = randomTable(5, 1, 60);
  const block = encodeBlock(table, orderRows(table), 1_000);
  const blobs: [string, Buffer, (bytes: Buffer) => unknown][] = [
    ['segment', encodeSegment(table, 0, 60), openSegment],
    ['header', block.header, decodeBlockHeader],
  ];
  for (const [name, bytes] of block.granules[0]!) {
    const header = decodeBlockHeader(block.header);
    blobs.push([
      name,
      bytes,
      (damaged) => {
        const read = (wanted: string) =>
          wanted === name ? damaged : (block.granules[0]!.get(wanted) ?? null);
        const granule = openGranule(header, 0, read);
        for (let row = 0; row < granule.rows; row++) {
          granule.spanBytes(row);
          rowOf(granule, row);
        }
      },
    ]);
  }
  for (const [, bytes, open] of blobs) {
    expect(() => open(bytes)).not.toThrow();
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 25)) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(() => open(damaged)).toThrow(DamagedPart);
    }
    expect(() => open(bytes.subarray(0, bytes.length - 1))).toThrow(DamagedPart);
    expect(() => open(Buffer.alloc(0))).toThrow(DamagedPart);
  }
});
