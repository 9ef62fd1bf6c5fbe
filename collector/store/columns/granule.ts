/**
 * Rows as they were stored: a granule of a block, or a segment, which is read as one. What is not needed is not decoded.
 *
 * Its columns are those of `SpanRows`, so what works on a table works on a granule; rows are ordered as row-order.ts
 * says. Anything that is not as it was written ends in DamagedPart, at the latest when it is needed.
 */
import type { ClassColumns } from './block-classes.ts';
import type { TraceRuns } from './decode-rows.ts';
import type { StoredShapes } from './shapes-part.ts';
import type { SpanRows } from './span-table.ts';
import type { ValueColumn } from './value-column.ts';
import type { GranuleZone } from './zone.ts';

/** What the rows of a class agree in, and the class of each row. */
export interface RowClassColumns extends ClassColumns {
  readonly count: number;
  readonly of: Uint32Array;
}

export interface GranuleClasses extends RowClassColumns {
  readonly resource: Uint32Array;
}

/** Rows of one trace: `first` up to `end` of `rows`. */
export interface RunRows {
  readonly rows: Granule;
  readonly first: number;
  readonly end: number;
}

export interface Granule extends SpanRows {
  readonly zone: GranuleZone;
  /** The shapes that `shape` counts in, and the columns of their holes. */
  readonly stored: StoredShapes;
  /** The runs of rows of one trace. */
  readonly traces: TraceRuns;
  /** What many rows share, to be tested once. All but `of` are the same objects for the granules of a block. */
  readonly classes: GranuleClasses;
  /** Rows of a class may differ in their resource: in a block, fewer classes, and less to decode. */
  readonly classesOfAnyResource: RowClassColumns;
  /** Where the rows of a run are to be read, by its number: in a block no others are decoded. */
  ofRun(run: number): RunRows;
  /** A column by its name; null when no row has a value of it. (In a block it may be there though no row has.) */
  column(name: string): ValueColumn | null;
  /** The row's span as it was sent. */
  spanBytes(row: number): Buffer;
}
