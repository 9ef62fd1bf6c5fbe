import { expect, test } from 'vitest';
import { DamagedPart } from '../../../collector/store/columns/damaged-part.ts';
import { startBlock } from '../../../collector/store/columns/encode-granule.ts';
import { openPart } from '../../../collector/store/columns/part.ts';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { spanBytes } from '../../../collector/store/columns/span-bytes.ts';
import { createSpanTable, type SpanTable } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import {
  FILTERED_ROWS_MIN,
  hashesOf,
  ValueFilter,
  VALUES,
} from '../../../collector/store/columns/value-filter.ts';
import { decodeSpan } from '../../../collector/decode/otlp-protobuf.ts';
import { makeRequests } from '../../benchmark/workload/make-requests.ts';
import { memoryInterner } from './memory-interner.ts';
import { randomSpan, requestOf, seeded } from './random-spans.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const RESOURCE = { attributes: new Map(), droppedAttributes: 0, schemaUrl: '' };
const SCOPE = { ...RESOURCE, name: '', version: '' };

/** Spans of the benchmark and, after each of its requests, so many random ones with attributes of every type. */
function mixedTable(randomSpans: number): SpanTable {
  const table = createSpanTable();
  const { interner } = memoryInterner();
  const random = seeded(3);
  const workload = { seed: 7, spans: 18_000, failedShare: 0.03, startUnixMs: NOW_UNIX_MS, spreadMs: 1_000 };
  for (const { bytes } of makeRequests(workload, { spansPerRequest: 512 })) {
    takeRequest(table, interner, bytes, NOW_UNIX_MS);
    const spans = Array.from({ length: randomSpans }, () => randomSpan(random, { percent: 0 }, 30));
    takeRequest(table, interner, requestOf(spans, `service ${random(3)}`), NOW_UNIX_MS);
  }
  return table;
}

const table = mixedTable(10);
const all = orderRows(table);
/** Without those that are kept whole: the first shape of every table. */
const order = all.filter((row) => table.shape[row] !== 0);
const bytes = startBlock(table, order).values()!;
const filter = new ValueFilter(openPart(VALUES, bytes));
const mayHave = (key: string, text: string) => filter.isUnknown(key) || filter.mayHave(hashesOf(key, text));

test('every value that an attribute of a span, an event or a link has may be there', () => {
  let asked = 0;
  const missing: string[] = [];
  for (const row of order) {
    const { attributes, events, links } = decodeSpan(spanBytes(table, row), RESOURCE, SCOPE);
    const lists = [attributes, ...[...events, ...links].map((each) => each.attributes)];
    for (const [key, value] of lists.flatMap((list) => [...list])) {
      const values = (Array.isArray(value) ? value : [value]).filter((each) => typeof each !== 'object');
      asked += values.length;
      missing.push(...values.map(String).filter((text) => !mayHave(key, text)));
    }
  }
  expect(missing).toEqual([]);
  expect(asked).toBeGreaterThan(50_000);
});

test('of values that no span has, few may be there', () => {
  const plain = mixedTable(0);
  const bytes = startBlock(plain, orderRows(plain)).values()!;
  const filter = new ValueFilter(openPart(VALUES, bytes));
  const mayHave = (key: string, text: string) => filter.mayHave(hashesOf(key, text));
  expect(filter.isUnknown('url.path')).toBe(false);
  const absent = Array.from({ length: 5_000 }, (_, number) => `/nowhere/${number}`);
  expect(absent.filter((text) => mayHave('url.path', text)).length).toBeLessThan(0.06 * absent.length);
  const integers = Array.from({ length: 5_000 }, (_, number) => String(1_000_000 + number));
  expect(integers.filter((text) => mayHave('network.peer.port', text)).length).toBeLessThan(
    0.1 * integers.length,
  );
  expect(mayHave('http.request.method', 'GET')).toBe(true);
  expect(mayHave('url.path', 'GET') && mayHave('http.request.method', '/objects/1')).toBe(false);
  expect(bytes.length / plain.rows).toBeLessThan(2);
});

test('a small block has none, nor one with spans that are kept whole', () => {
  expect(startBlock(table, order.subarray(0, FILTERED_ROWS_MIN - 1)).values()).toBe(null);
  expect(startBlock(table, order.subarray(0, FILTERED_ROWS_MIN)).values()).not.toBe(null);
  expect(all.length).toBeGreaterThan(order.length);
  expect(startBlock(table, all).values()).toBe(null);
});

test('a part that was cut off is damaged', () => {
  expect(() => openPart(VALUES, bytes.subarray(0, bytes.length - 1))).toThrow(DamagedPart);
  const { dense, loose } = openPart(VALUES, bytes);
  dense.at = 1;
  expect(() => new ValueFilter({ dense, loose })).toThrow(DamagedPart);
});
