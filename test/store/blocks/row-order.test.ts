/** Rows are ordered by trace, start, span id and arrival, whatever the ids. */
import { expect, test } from 'vitest';
import {
  createSpanTable,
  ensureRoom,
  spanIdOf,
  traceIdOf,
  type SpanTable,
} from '../../../collector/store/columns/span-table.ts';
import { orderRows, traceRuns } from '../../../collector/store/sqlite/blocks/row-order.ts';

interface Row {
  readonly trace: string;
  readonly span: string;
  readonly startUnixNano: bigint;
}

function tableOf(rows: readonly Row[]): SpanTable {
  const table = createSpanTable();
  for (const { trace, span, startUnixNano } of rows) {
    ensureRoom(table, 0);
    const row = table.rows++;
    table.traceId.set(Buffer.from(trace, 'hex'), row * 16);
    table.spanId.set(Buffer.from(span, 'hex'), row * 8);
    table.startLow[row] = Number(BigInt.asUintN(32, startUnixNano));
    table.startHigh[row] = Number(startUnixNano >> 32n);
    table.valueStart[row + 1] = 0;
  }
  return table;
}

/** Seeded, so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48271) % 0x7fffffff) % below;
}

function randomRows(count: number, traces: number): Row[] {
  const random = randomNumbers(count);
  const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
  return Array.from({ length: count }, () => ({
    // Many begin with the same 32 bits, some with the same 96.
    trace: hex(random(5), 8) + 'f'.repeat(8) + hex(random(3), 8) + hex(random(traces), 8),
    span: hex(random(3), 8) + hex(random(3), 8),
    startUnixNano: BigInt(random(4)) * 2n ** 62n + BigInt(random(3)),
  }));
}

test('by trace, start, span id, and then as they came', () => {
  for (const [count, traces] of [
    [0, 1],
    [1, 1],
    [200, 1],
    [5_000, 40],
  ] as const) {
    const rows = randomRows(count, traces);
    const key = ({ trace, span, startUnixNano }: Row) =>
      trace + startUnixNano.toString(16).padStart(16, '0') + span;
    const expected = rows
      .map((row, index) => ({ key: key(row), index }))
      .toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)) || a.index - b.index);
    expect([...orderRows(tableOf(rows))]).toEqual(expected.map(({ index }) => index));
  }
});

test('runs are the traces, none cut and none joined', () => {
  const table = tableOf(randomRows(3_000, 60));
  const order = orderRows(table);
  const runs = traceRuns(table, order);
  const ids = runs.map(({ first, end }) => {
    const ofRun = [...order.subarray(first, end)].map((row) => traceIdOf(table, row));
    expect(new Set(ofRun).size).toBe(1);
    return ofRun[0]!;
  });
  expect(ids).toEqual([...new Set(ids)].toSorted());
  expect(runs.reduce((sum, { first, end }) => sum + end - first, 0)).toBe(table.rows);
  expect(traceRuns(createSpanTable(), new Uint32Array(0))).toEqual([]);
});

test('copies of a span stand side by side', () => {
  const span = { trace: 'a'.repeat(32), span: 'b'.repeat(16), startUnixNano: 5n };
  const other = { ...span, span: '0'.repeat(16) };
  const table = tableOf([span, other, span, other, span]);
  const spans = [...orderRows(table)].map((row) => spanIdOf(table, row)[0]);
  expect(spans.join('')).toBe('00bbb');
});
