/** What is known of a granule without opening it: enough to skip most granules in a search. */
import { ByteSource } from './byte-source.ts';
import { OK } from './codes.ts';
import type { PartSink } from './part.ts';
import type { RowClasses } from './row-classes.ts';
import { durationMsOf, startMsOf, type SpanRows } from './span-table.ts';

export interface GranuleZone {
  /** Index, in the block, of its first row; how many it has. */
  readonly firstRow: number;
  readonly rows: number;
  /** Of its spans' starts, epoch milliseconds. */
  readonly minStartMs: number;
  readonly maxStartMs: number;
  readonly maxDurationMs: number;
  /** Spans whose outcome is not ok. */
  readonly failed: number;
  /** Those that occur, rising. */
  readonly operations: Uint32Array;
}

/** No granule has more rows: a trace of more is in several. */
export const GRANULE_ROWS_MAX = 2 ** 24;

/** Of rows `order[from]` up to `order[to]`. */
export function zoneOf(
  table: SpanRows,
  order: Uint32Array,
  from: number,
  to: number,
  { of, count, example }: RowClasses,
): GranuleZone {
  let minStartMs = Number.POSITIVE_INFINITY;
  let maxStartMs = Number.NEGATIVE_INFINITY;
  let maxDurationMs = 0;
  const rowsOfClass = new Uint32Array(count);
  for (let index = from; index < to; index++) {
    const startMs = startMsOf(table, order[index]!);
    const durationMs = durationMsOf(table, order[index]!);
    if (startMs < minStartMs) minStartMs = startMs;
    if (startMs > maxStartMs) maxStartMs = startMs;
    if (durationMs > maxDurationMs) maxDurationMs = durationMs;
    rowsOfClass[of[index]!]!++;
  }
  let failed = 0;
  const operations = new Set<number>();
  for (let index = 0; index < count; index++) {
    if (rowsOfClass[index] === 0) continue;
    const row = example[index]!;
    if (table.outcome[row] !== OK) failed += rowsOfClass[index]!;
    operations.add(table.operation[row]!);
  }
  return {
    firstRow: from,
    rows: to - from,
    minStartMs,
    maxStartMs,
    maxDurationMs,
    failed,
    operations: Uint32Array.from(operations).toSorted(),
  };
}

export function writeZone({ loose }: PartSink, zone: GranuleZone): void {
  loose.varint(zone.rows);
  loose.double(zone.minStartMs);
  loose.double(zone.maxStartMs);
  loose.double(zone.maxDurationMs);
  loose.varint(zone.failed);
  loose.varint(zone.operations.length);
  let before = 0;
  for (const operation of zone.operations) {
    loose.varint(operation - before);
    before = operation;
  }
}

export function readZone(loose: ByteSource, firstRow: number): GranuleZone {
  const rows = loose.varint(GRANULE_ROWS_MAX);
  const minStartMs = loose.double();
  const maxStartMs = loose.double();
  const maxDurationMs = loose.double();
  const failed = loose.varint(rows);
  const operations = new Uint32Array(loose.varint(rows));
  let operation = 0;
  for (let index = 0; index < operations.length; index++) {
    operation += loose.varint(0xffffffff - operation);
    operations[index] = operation;
  }
  return { firstRow, rows, minStartMs, maxStartMs, maxDurationMs, failed, operations };
}
