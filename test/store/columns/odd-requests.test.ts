import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../collector/decode/decode-error.ts';
import { walkRequest } from '../../../collector/decode/walk-request.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { COLUMNS_MAX, RAW_SHAPE, SHAPES_MAX } from '../../../collector/store/columns/shape-book.ts';
import { encodeSegment } from '../../../collector/store/columns/encode-segment.ts';
import { openSegment } from '../../../collector/store/columns/segment-granule.ts';
import { spanBytes } from '../../../collector/store/columns/span-bytes.ts';
import {
  createSpanTable,
  markTable,
  tableBytes,
  truncateTable,
  type SpanTable,
} from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { encode } from '../../decode/otlp-proto.ts';
import { memoryInterner } from './memory-interner.ts';
import { randomSpan, requestOf, seeded } from './random-spans.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const IDS = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) };

function take(table: SpanTable, request: Buffer): number {
  const { fromRow, toRow } = takeRequest(table, memoryInterner().interner, request, NOW_UNIX_MS);
  return toRow - fromRow;
}

function span(fields: object): Buffer {
  return encode('Span', { ...IDS, name: 'GET /', ...fields });
}

/** Whether the rows from `from` on say these spans, and so do those of a segment made of them. */
function expectSays(table: SpanTable, from: number, spans: readonly Buffer[]): void {
  const rows = spans.map((_, index) => from + index);
  expect(rows.filter((row, index) => !spanBytes(table, row).equals(spans[index]!))).toEqual([]);
  const segment = openSegment(encodeSegment(table, from, table.rows));
  const order = orderRows(table, from, table.rows);
  expect(
    [...order.keys()].filter((row) => !segment.spanBytes(row).equals(spans[order[row]! - from]!)),
  ).toEqual([]);
}

/** What taking a request comes to: how many rows, or the error's message. */
function outcomeOf(work: () => number): number | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

test('a request cut anywhere is refused as the walk refuses it, and leaves the table as it was', () => {
  const random = seeded(31);
  const spans = Array.from({ length: 4 }, () => randomSpan(random, { percent: 1 }));
  const request = requestOf(spans);
  const table = createSpanTable();
  take(table, requestOf(spans.slice(0, 2)));
  const before = { rows: table.rows, strings: table.strings.count, size: table.strings.size };
  let refused = 0;
  for (let length = 1; length < request.length; length += 3) {
    const cut = Buffer.from(request.subarray(0, length));
    const walked = outcomeOf(() => walkRequest(cut, NOW_UNIX_MS).spans.length);
    const taken = outcomeOf(() => take(table, cut));
    expect(typeof taken).toBe(typeof walked);
    if (typeof taken === 'string') refused++;
    expect({ rows: table.rows, strings: table.strings.count, size: table.strings.size }).toEqual(before);
  }
  expect(refused).toBeGreaterThan(100);
  take(table, requestOf(spans));
  expectSays(table, 2, spans);
});

test('a request with any byte changed is taken or refused as the walk says', () => {
  const random = seeded(32);
  const request = requestOf(Array.from({ length: 3 }, () => randomSpan(random, { percent: 0 })));
  const table = createSpanTable();
  let taken = 0;
  for (let at = 0; at < request.length; at += 2) {
    const changed = Buffer.from(request);
    changed[at]! ^= [0x01, 0x08, 0x80, 0xff][at % 4]!;
    const walked = outcomeOf(() => walkRequest(changed, NOW_UNIX_MS).spans.length);
    const from = table.rows;
    expect(outcomeOf(() => take(table, changed))).toEqual(walked);
    if (typeof walked === 'string') continue;
    taken++;
    const sent = walkRequest(changed, NOW_UNIX_MS).spans.map(({ bytes }) => Buffer.from(bytes));
    expect(sent.map((_, index) => spanBytes(table, from + index).toString('hex'))).toEqual(
      sent.map((bytes) => bytes.toString('hex')),
    );
  }
  expect(taken).toBeGreaterThan(50);
});

describe('what is large or deep comes back as it was sent', () => {
  const array = (levels: number): object =>
    levels === 0 ? { stringValue: 'x' } : { arrayValue: { values: [array(levels - 1)] } };
  test.each([
    ['a name of 1 MB', { name: 'n'.repeat(1_000_000) }],
    [
      'an attribute of 10 MB',
      { attributes: [{ key: 'big', value: { stringValue: 'v'.repeat(10_000_000) } }] },
    ],
    ['bytes of 3 MB', { attributes: [{ key: 'big', value: { bytesValue: Buffer.alloc(3_000_000, 0xfe) } }] }],
    ['a key of 1 MB', { attributes: [{ key: 'k'.repeat(1_000_000), value: { boolValue: true } }] }],
    ['an array 40 deep', { attributes: [{ key: 'deep', value: array(40) }] }],
    [
      '2,000 attributes',
      { attributes: Array.from({ length: 2_000 }, (_, at) => ({ key: `key ${at}`, value: {} })) },
    ],
    [
      '400 events',
      {
        startTimeUnixNano: '5',
        events: Array.from({ length: 400 }, () => ({ timeUnixNano: '9', name: 'e' })),
      },
    ],
  ])('%s', (_what, fields) => {
    const table = createSpanTable();
    const sent = [span({}), span(fields), span({})];
    expect(take(table, requestOf(sent))).toBe(3);
    expectSays(table, 0, sent);
  });
});

test('lengths written wider than needed, as some encoders do, are no reason to keep a span whole', () => {
  const attribute = Buffer.from([
    0x4a, 0x88, 0x80, 0x80, 0x00, 0x0a, 0x01, 0x61, 0x12, 0x03, 0x0a, 0x01, 0x62,
  ]);
  const status = Buffer.from([0x7a, 0x82, 0x80, 0x80, 0x00, 0x18, 0x01]);
  const sent = [Buffer.concat([span({}), attribute, status]), span({})];
  const table = createSpanTable();
  take(table, requestOf(sent));
  expectSays(table, 0, sent);
  expect([...table.shape.subarray(0, 2)]).not.toContain(RAW_SHAPE);
});

test('100,000 distinct keys fill no memory: beyond the limits spans are kept whole', () => {
  const table = createSpanTable();
  const { interner } = memoryInterner();
  const sent: Buffer[] = [];
  for (let from = 0; from < 100_000; from += 1_000) {
    const spans = Array.from({ length: 200 }, (_, at) =>
      span({
        attributes: Array.from({ length: 5 }, (_, key) => ({
          key: `key.${from + 5 * at + key}`,
          value: { intValue: '7' },
        })),
      }),
    );
    sent.push(...spans);
    takeRequest(table, interner, requestOf(spans), NOW_UNIX_MS);
  }
  expect(table.book.shapes.length).toBeLessThanOrEqual(SHAPES_MAX);
  expect(table.book.columns.length).toBeLessThanOrEqual(COLUMNS_MAX);
  const kept = table.shape.subarray(0, table.rows).filter((shape) => shape === RAW_SHAPE).length;
  expect(kept).toBeGreaterThan(19_000);
  expect(tableBytes(table)).toBeLessThan(10_000_000);
  expectSays(table, 0, sent);
  take(table, requestOf([span({ attributes: [{ key: 'key.3', value: { intValue: '8' } }] })]));
});

test('spans with ids that no one could find are no rows, their neighbours are', () => {
  const table = createSpanTable();
  const odd = [
    { traceId: Buffer.alloc(16) },
    { spanId: Buffer.alloc(7, 1) },
    { parentSpanId: Buffer.alloc(3, 1) },
  ];
  const request = requestOf([span({}), ...odd.map(span), span({})]);
  const { interner } = memoryInterner();
  expect(takeRequest(table, interner, request, NOW_UNIX_MS)).toEqual({
    fromRow: 0,
    toRow: 2,
    refused: 3,
    refusedMessage:
      '3 of 5 spans refused: span 2: trace id is all zero; span 3: span id has 7 bytes, expected 8; span 4: parent span id has 3 bytes, expected 8',
    warning: '',
  });
});

test('what is known of strings goes with them: others that get their numbers are not taken for them', () => {
  const table = createSpanTable();
  const known = memoryInterner();
  const call = (name: string, host: string) =>
    span({ name, kind: 3, attributes: [{ key: 'server.address', value: { stringValue: host } }] });
  const takeFor = (service: string, name: string, host: string) => {
    const { fromRow } = takeRequest(
      table,
      known.interner,
      requestOf([call(name, host)], service),
      NOW_UNIX_MS,
    );
    return {
      operation: known.operation(table.operation[fromRow]!),
      peer: known.peer(table.peer[fromRow]!)?.name,
      text: table.strings.count,
    };
  };
  takeFor('first', 'kept', 'kept.test');
  const mark = markTable(table);
  const undone = takeFor('aaaa', 'undone', 'aaaa.test');
  truncateTable(table, mark);
  const next = takeFor('bbbb', 'stored', 'bbbb.test');
  // The same numbers, or the test would show nothing.
  expect(next.text).toBe(undone.text);
  expect(next).toMatchObject({ operation: ['bbbb', 'client', 'stored'], peer: 'bbbb.test' });
});
