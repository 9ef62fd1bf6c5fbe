/** The rows that a block's columns are put into give back what was put in. */
import { expect, test } from 'vitest';
import { partAt, partRows } from '../../../collector/store/sqlite/block-parts.ts';

/** As a reader looks it up: the row that begins at the granule or before. */
function find(granules: Map<string, Uint8Array>[], column: string, granule: number): Buffer | null {
  const row = partRows(granules).findLast(
    ({ columnName, firstGranule }) => columnName === column && firstGranule <= granule,
  );
  return row === undefined ? null : partAt(row.data, granule - row.firstGranule);
}

test('what was put in comes out by granule and column, and nothing where a granule lacks the column', () => {
  const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);
  const granules = [
    new Map([['often', bytes(70_000, 1)]]),
    new Map([
      ['often', bytes(70_000, 2)],
      ['seldom', bytes(3, 3)],
    ]),
    new Map<string, Uint8Array>(),
    new Map([['often', bytes(1, 4)]]),
    new Map([['seldom', bytes(200_000, 5)]]),
    new Map<string, Uint8Array>(),
  ];
  for (const [granule, columns] of granules.entries()) {
    for (const column of ['often', 'seldom', 'never']) {
      const expected = columns.get(column);
      const found = find(granules, column, granule);
      expect(found === null ? undefined : new Uint8Array(found), `${column} of ${granule}`).toEqual(expected);
    }
  }
  expect(find(granules, 'often', 99)).toBeNull();
});

test('small parts share a row, large ones have their own', () => {
  const part = (length: number) => new Map([['a', new Uint8Array(length)]]);
  expect(partRows([part(10), part(10), part(10)])).toHaveLength(1);
  expect(partRows([part(10_000), part(10_000), part(10_000), part(10_000)])).toHaveLength(1);
  expect(partRows([part(40_000), part(40_000)])).toHaveLength(2);
  expect(partRows([])).toEqual([]);
});
