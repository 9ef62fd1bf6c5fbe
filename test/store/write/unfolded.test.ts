import { expect, test } from 'vitest';
import { ensureRoom } from '../../../collector/store/columns/span-table.ts';
import { Unfolded } from '../../../collector/store/sqlite/write/unfolded.ts';

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
