/** A table in memory as a search and a reader of traces look at rows. */
import { spanBytes } from '../columns/span-bytes.ts';
import type { SpanTable } from '../columns/span-table.ts';
import type { SearchedRows } from './row-filter.ts';
import type { ReadRows } from './trace-pieces.ts';

export function tableRows(table: SpanTable): SearchedRows & ReadRows {
  const { book, strings } = table;
  return {
    ...table,
    shapes: book.shapes,
    columns: book.columns,
    wordsOf: (column) => wordsOfColumn(table, column),
    stringOf: (id) => strings.bytesOf(id),
    spanBytes: (row) => spanBytes(table, row),
  };
}

/** Gathers a column, which in a table stands scattered among the values of each row. */
function wordsOfColumn({ rows, shape, valueStart, values, book }: SpanTable, column: number): Uint32Array {
  const offsets = book.shapes.map(({ holes }) => {
    let offset = 0;
    return [...holes].flatMap((hole) => {
      const at = offset;
      offset += book.columns[hole]!.format === 'pair' ? 2 : 1;
      return hole !== column ? [] : book.columns[hole]!.format === 'pair' ? [at, at + 1] : [at];
    });
  });
  const words: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const offset of offsets[shape[row]!]!) words.push(values[valueStart[row]! + offset]!);
  }
  return Uint32Array.from(words);
}
