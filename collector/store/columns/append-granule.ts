/** Puts rows that were stored back into a table: to merge blocks, and to join late spans with their trace. */
import { DamagedPart } from './damaged-part.ts';
import type { Granule } from './granule.ts';
import { WORDS_OF } from './operations.ts';
import { RAW_SHAPE } from './shape-book.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { ensureRoom, type SpanTable } from './span-table.ts';
import type { ValueColumn } from './value-column.ts';

/** A hole of a shape: its column, which of the row's values of that column, and the words it takes. */
interface Hole {
  readonly column: ValueColumn;
  readonly isString: boolean;
  readonly ordinal: number;
  readonly words: number;
  /** The table's ids of the listed strings, one more than the id; 0 where not yet known. */
  readonly ids: Uint32Array;
}

/** Appends rows `fromRow` up to `toRow`, exact in everything. */
export function appendGranule(table: SpanTable, granule: Granule, fromRow = 0, toRow = granule.rows): void {
  const { classes } = granule;
  const idsOfColumn = new Map<ValueColumn, Uint32Array>();
  const shapes = new Map<number, { readonly shape: number; readonly holes: readonly Hole[] }>();
  for (let row = fromRow; row < toRow; row++) {
    const number = classes.shape[classes.of[row]!]!;
    let known = shapes.get(number);
    if (known === undefined) {
      const shape = table.book.shapeOfSteps(granule.stored.shapes[number]!.steps);
      // Where the table has no room for the shape, the span is kept whole.
      known =
        shape < 0 ? { shape: RAW_SHAPE, holes: [] } : { shape, holes: holesOf(granule, number, idsOfColumn) };
      shapes.set(number, known);
    }
    const { shape, holes } = known;
    ensureRoom(table, Math.max(1, 2 * holes.length));
    copyColumns(table, granule, row);
    table.shape[table.rows] = shape;
    let at = table.valueStart[table.rows]!;
    if (shape === RAW_SHAPE) {
      const bytes = granule.spanBytes(row);
      table.values[at++] = table.strings.append(bytes, 0, bytes.length);
    } else for (const hole of holes) at = copyValue(table, at, hole, row);
    table.valueStart[++table.rows] = at;
  }
}

function holesOf(granule: Granule, shape: number, idsOfColumn: Map<ValueColumn, Uint32Array>): Hole[] {
  const { shapes, columns } = granule.stored;
  const seen = new Map<number, number>();
  return Array.from(shapes[shape]!.holes, (index): Hole => {
    const { name, format } = columns[index]!;
    const column = granule.column(name);
    if (column === null) throw new DamagedPart(`part ${name} is missing`);
    const ordinal = seen.get(index) ?? 0;
    seen.set(index, ordinal + 1);
    let ids = idsOfColumn.get(column);
    if (ids === undefined) idsOfColumn.set(column, (ids = new Uint32Array(column.listed)));
    return { column, isString: format === 'string', ordinal, words: WORDS_OF[format], ids };
  });
}

/** Returns where the next value goes. */
function copyValue({ strings, values }: SpanTable, at: number, hole: Hole, row: number): number {
  const { column, isString, ordinal, words, ids } = hole;
  const index = column.indexAt(row, ordinal);
  if (isString) {
    if (ids[index] === 0) ids[index] = strings.internBytes(column.bytesAt(index)) + 1;
    values[at] = ids[index]! - 1;
    return at + 1;
  }
  for (let word = 0; word < words; word++) values[at + word] = column.wordAt(index, word);
  return at + words;
}

function copyColumns(table: SpanTable, granule: Granule, row: number): void {
  const to = table.rows;
  copyId(granule.traceId, row, table.traceId, to, TRACE_ID_BYTES);
  copyId(granule.spanId, row, table.spanId, to, SPAN_ID_BYTES);
  copyId(granule.parentSpanId, row, table.parentSpanId, to, SPAN_ID_BYTES);
  table.startLow[to] = granule.startLow[row]!;
  table.startHigh[to] = granule.startHigh[row]!;
  table.endLow[to] = granule.endLow[row]!;
  table.endHigh[to] = granule.endHigh[row]!;
  table.resource[to] = granule.resource[row]!;
  table.scope[to] = granule.scope[row]!;
  table.operation[to] = granule.operation[row]!;
  table.peer[to] = granule.peer[row]!;
  table.kind[to] = granule.kind[row]!;
  table.status[to] = granule.status[row]!;
  table.outcome[to] = granule.outcome[row]!;
  table.flags[to] = granule.flags[row]!;
  const giveUp = granule.giveUps.get(row);
  if (giveUp !== undefined) table.giveUps.set(to, giveUp);
}

function copyId(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  for (let byte = 0; byte < length; byte++) target[to * length + byte] = source[from * length + byte]!;
}
