import { expect, test } from 'vitest';
import { orderRows } from '../../../collector/store/columns/row-order.ts';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { seeded } from './random-spans.ts';

const START_UNIX_NANO = 1_790_000_000_000_000_000n;

/** Traces of which many share how they begin, or all but a byte; starts that differ by a nanosecond, or by nothing. */
function drawRows(rows: number, traces: number, seed: number) {
  const random = seeded(seed);
  const table = createSpanTable(rows);
  const ids = Array.from({ length: traces }, () => {
    const id = Buffer.alloc(16, 7);
    id.writeUInt32BE(random(traces), 0);
    id[4 + random(12)] = random(3);
    return id;
  });
  for (let row = 0; row < rows; row++) {
    table.traceId.set(ids[random(traces)]!, row * 16);
    Buffer.from(table.spanId.buffer).writeUInt32BE(random(50), row * 8 + 4 * random(2));
    const start = START_UNIX_NANO + BigInt(random(300));
    table.startHigh[row] = Number(start >> 32n);
    table.startLow[row] = Number(start & 0xffffffffn);
  }
  table.rows = rows;
  return table;
}

test.each([
  { rows: 500, traces: 40, runs: 'few rows' },
  { rows: 6_000, traces: 1_000, runs: 'short traces' },
  { rows: 6_000, traces: 20, runs: 'long traces' },
])('$runs are ordered by trace, start, span id and arrival, exactly', ({ rows, traces }) => {
  const table = drawRows(rows, traces, rows + traces);
  const keys = Array.from({ length: rows }, (_, row) => {
    const start = (BigInt(table.startHigh[row]!) << 32n) | BigInt(table.startLow[row]!);
    const hex = (ids: Uint8Array, length: number) =>
      Buffer.from(ids.subarray(row * length, (row + 1) * length)).toString('hex');
    const arrival = String(row).padStart(6, '0');
    return [hex(table.traceId, 16), start, hex(table.spanId, 8), arrival].join(' ');
  });
  const expected = Array.from(keys.keys()).toSorted((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
  expect(Array.from(orderRows(table))).toEqual(expected);
  const later = expected.filter((row) => row >= 100);
  expect(Array.from(orderRows(table, 100))).toEqual(later);
});
