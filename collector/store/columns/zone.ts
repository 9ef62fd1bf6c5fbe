/** What is known of a granule without opening it: enough to skip most granules in a search. */
import { ByteSource } from './byte-source.ts';
import { OK } from './codes.ts';
import type { Taken } from './decode-column.ts';
import type { PartSink } from './part.ts';
import type { RowClasses } from './row-classes.ts';
import type { SpanRows } from './span-table.ts';

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

type ZoneTimes = Pick<GranuleZone, 'minStartMs' | 'maxStartMs' | 'maxDurationMs'>;

/** Widens the times of a granule row by row. */
export class TimesOfZone implements ZoneTimes {
  minStartMs = Number.POSITIVE_INFINITY;
  maxStartMs = Number.NEGATIVE_INFINITY;
  maxDurationMs = 0;

  add(startLow: number, startHigh: number, endLow: number, endHigh: number): void {
    const startMs = (startHigh * 2 ** 32 + startLow) / 1e6;
    if (startMs < this.minStartMs) this.minStartMs = startMs;
    if (startMs > this.maxStartMs) this.maxStartMs = startMs;
    const durationMs = ((endHigh - startHigh) * 2 ** 32 + (endLow - startLow)) / 1e6;
    if (durationMs > this.maxDurationMs) this.maxDurationMs = durationMs;
  }
}

/** Of all rows. */
export function zoneOfTimes({ rows, startLow, startHigh, endLow, endHigh }: SpanRows): ZoneTimes {
  const times = new TimesOfZone();
  for (let row = 0; row < rows; row++)
    times.add(startLow[row]!, startHigh[row]!, endLow[row]!, endHigh[row]!);
  return times;
}

/** Of a granule whose rows have the classes `of[from]` up to `of[to]`. */
export function zoneOfClasses(
  rows: SpanRows,
  { count, example }: RowClasses,
  of: Uint32Array,
  from: number,
  to: number,
): Pick<GranuleZone, 'failed' | 'operations'> {
  const rowsOfClass = new Uint32Array(count);
  for (let index = from; index < to; index++) rowsOfClass[of[index]!]!++;
  let failed = 0;
  const operations = new Set<number>();
  for (let index = 0; index < count; index++) {
    if (rowsOfClass[index] === 0) continue;
    if (rows.outcome[example[index]!] !== OK) failed += rowsOfClass[index]!;
    operations.add(rows.operation[example[index]!]!);
  }
  return { failed, operations: Uint32Array.from(operations).toSorted() };
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

/** As it is stored: its operations are read when they are asked for. */
class StoredZone implements GranuleZone {
  readonly firstRow: number;
  readonly rows: number;
  readonly minStartMs: number;
  readonly maxStartMs: number;
  readonly maxDurationMs: number;
  readonly failed: number;
  readonly #count: number;
  /** Where its operations stand in the header. */
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #taken: Taken;
  #operations: Uint32Array | null = null;

  constructor(loose: ByteSource, firstRow: number, taken: Taken) {
    this.firstRow = firstRow;
    this.rows = loose.varint(GRANULE_ROWS_MAX);
    this.minStartMs = loose.double();
    this.maxStartMs = loose.double();
    this.maxDurationMs = loose.double();
    this.failed = loose.varint(this.rows);
    this.#count = loose.varint(this.rows);
    this.#bytes = loose.bytes;
    this.#at = loose.at;
    loose.skipVarints(this.#count);
    this.#taken = taken;
  }

  get operations(): Uint32Array {
    if (this.#operations !== null) return this.#operations;
    const packed = new ByteSource(this.#bytes);
    packed.at = this.#at;
    const operations = new Uint32Array(this.#count);
    let operation = 0;
    for (let index = 0; index < operations.length; index++) {
      operation += packed.varint(0xffffffff - operation);
      operations[index] = operation;
    }
    this.#taken.bytes += operations.byteLength;
    return (this.#operations = operations);
  }
}

/** What its operations take is added to `taken` when they are made. */
export function readZone(loose: ByteSource, firstRow: number, taken: Taken): GranuleZone {
  return new StoredZone(loose, firstRow, taken);
}
