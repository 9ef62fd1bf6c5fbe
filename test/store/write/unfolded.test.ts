import { expect, test } from 'vitest';
import { ensureRoom } from '../../../collector/store/columns/span-table.ts';
import { tracesIn, Unfolded } from '../../../collector/store/sqlite/write/unfolded.ts';

/** As if so many spans without attributes had been taken. */
function fill({ table }: Unfolded, rows: number): void {
  for (; table.rows < rows; table.rows++) ensureRoom(table, 0);
}
const roomOf = ({ table }: Unfolded) => table.shape.length;

test('a cleared table keeps its room while about as much comes again', () => {
  const unfolded = new Unfolded();
  fill(unfolded, 100_000);
  unfolded.clear();
  const { table } = unfolded;
  fill(unfolded, 20_000);
  unfolded.clear();
  expect(unfolded.table).toBe(table);
  expect(roomOf(unfolded)).toBeGreaterThanOrEqual(100_000);
});

test('after a flood, few spans give its room back', () => {
  const unfolded = new Unfolded();
  fill(unfolded, 100_000);
  unfolded.clear();
  fill(unfolded, 300);
  unfolded.clear();
  expect(unfolded.table.rows).toBe(0);
  expect(roomOf(unfolded)).toBeLessThan(10_000);
  const { table } = unfolded;
  fill(unfolded, 10);
  unfolded.clear();
  expect(unfolded.table).toBe(table);
});

test('traces are found among rows by all of their ids, and each once', () => {
  const ids = [
    '1'.repeat(32),
    '2'.repeat(32),
    `${'0'.repeat(16)}${'3'.repeat(16)}`,
    `${'4'.repeat(8)}${'0'.repeat(24)}`,
  ];
  // Parts in another order have the same slot.
  const alike = `${'0'.repeat(24)}${'4'.repeat(8)}`;
  const unfolded = [ids.slice(0, 2), [...ids.slice(1), ...ids]].map((rows) => {
    const { table } = new Unfolded();
    for (const id of rows) {
      ensureRoom(table, 0);
      table.traceId.set(Buffer.from(id, 'hex'), table.rows++ * 16);
    }
    return table;
  });
  expect(tracesIn(unfolded, ids).toSorted()).toEqual(ids.toSorted());
  expect(tracesIn(unfolded, [alike, '5'.repeat(32)])).toEqual([]);
  expect(tracesIn(unfolded, [alike, ids[3]!])).toEqual([ids[3]]);
  expect(tracesIn([], ids)).toEqual([]);
});
