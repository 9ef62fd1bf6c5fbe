/** Reads back what encode-rows.ts packed. */
import {
  GIVE_UP_KINDS,
  GIVE_UP_PHASES,
  KINDS,
  OUTCOMES,
  SPAN_ID_BYTES,
  STATUSES,
  TRACE_ID_BYTES,
} from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { NO_PARENT, PARENT_ELSEWHERE, PARENT_NEAR } from './encode-rows.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';
import type { RowGiveUp } from './span-table.ts';

/** Runs of rows of one trace: 16 bytes of id each; the first row of each, and the number of rows. */
export interface TraceRuns {
  readonly ids: Buffer;
  readonly starts: Uint32Array;
}

export function readTraces(part: PartSource, rows: number): TraceRuns {
  const count = part.loose.varint(rows);
  const starts = new Uint32Array(count + 1);
  const lengths = new PackedIntegers(part, count);
  let row = 0;
  for (let run = 0; run < count; run++) {
    starts[run] = row;
    row += lengths.at(run);
    if (row > rows) break;
  }
  if (row !== rows) throw new DamagedPart(`part trace: got runs of ${row} rows, expected ${rows}`);
  starts[count] = rows;
  return { ids: part.dense.take(count * TRACE_ID_BYTES), starts };
}

export function readParents(
  part: PartSource,
  { starts }: TraceRuns,
  spanId: Uint8Array,
  rows: number,
): Uint8Array {
  const codes = new PackedIntegers(part, rows).toArray();
  const parents = new Uint8Array(rows * SPAN_ID_BYTES);
  for (let run = 0; run + 1 < starts.length; run++) {
    const first = starts[run]!;
    const end = starts[run + 1]!;
    for (let row = first; row < end; row++) {
      const code = codes[row]!;
      if (code === NO_PARENT) continue;
      const to = row * SPAN_ID_BYTES;
      if (code === PARENT_ELSEWHERE) {
        parents.set(part.dense.take(SPAN_ID_BYTES), to);
        continue;
      }
      const steps = code - PARENT_NEAR;
      const parent = steps % 2 === 0 ? row - steps / 2 - 1 : row + (steps + 1) / 2;
      if (parent < first || parent >= end)
        throw new DamagedPart('part parent: got a row outside of the trace');
      const from = parent * SPAN_ID_BYTES;
      for (let byte = 0; byte < SPAN_ID_BYTES; byte++) parents[to + byte] = spanId[from + byte]!;
    }
  }
  return parents;
}

/** Halves of unsigned 64-bit nanoseconds. */
export interface Times {
  readonly startLow: Uint32Array;
  readonly startHigh: Uint32Array;
  readonly endLow: Uint32Array;
  readonly endHigh: Uint32Array;
}

export function readTimes(
  start: PartSource,
  duration: PartSource,
  { starts }: TraceRuns,
  rows: number,
): Times {
  const runs = starts.length - 1;
  const firstLow = new PackedIntegers(start, runs);
  const firstHigh = new PackedIntegers(start, runs);
  const startLow = new PackedIntegers(start, rows).toArray();
  const startHigh = new PackedIntegers(start, rows).toArray();
  for (let run = 0; run < runs; run++) {
    const first = starts[run]!;
    let low = firstLow.at(run);
    let high = firstHigh.at(run);
    for (let row = first; row < starts[run + 1]!; row++) {
      const sum = low + startLow[row]!;
      high = (high + startHigh[row]! + (sum > 0xffffffff ? 1 : 0)) >>> 0;
      low = sum >>> 0;
      startLow[row] = low;
      startHigh[row] = high;
    }
  }
  const endLow = new PackedIntegers(duration, rows).toArray();
  const endHigh = new PackedIntegers(duration, rows).toArray();
  for (let row = 0; row < rows; row++) {
    const sum = startLow[row]! + endLow[row]!;
    endHigh[row] = startHigh[row]! + endHigh[row]! + (sum > 0xffffffff ? 1 : 0);
    endLow[row] = sum;
  }
  return { startLow, startHigh, endLow, endHigh };
}

/** Index of the columns: class. */
export interface GranuleClasses {
  readonly count: number;
  readonly operation: Uint32Array;
  /** Among the shapes of the block or segment. */
  readonly shape: Uint32Array;
  readonly resource: Uint32Array;
  readonly scope: Uint32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  readonly outcome: Uint8Array;
  readonly flags: Uint8Array;
  /** The class of each row. */
  readonly of: Uint32Array;
}

export function readClasses(part: PartSource, rows: number, shapes: number): GranuleClasses {
  const count = part.loose.varint(rows);
  const wide = () => new PackedIntegers(part, count).toArray();
  const narrow = (below: number) => Uint8Array.from(wide().map((value) => checked(value, below)));
  const operation = wide();
  const shape = wide();
  const resource = wide();
  const scope = wide();
  const kind = narrow(KINDS.length);
  const status = narrow(STATUSES.length);
  const outcome = narrow(OUTCOMES.length);
  const flags = narrow(256);
  const of = new PackedIntegers(part, rows).toArray();
  for (const number of shape) checked(number, shapes);
  for (let row = 0; row < rows; row++) if (of[row]! >= count) checked(of[row]!, count);
  return { count, operation, shape, resource, scope, kind, status, outcome, flags, of };
}

function checked(value: number, below: number): number {
  if (value >= below) throw new DamagedPart(`part class: got ${value}, expected less than ${below}`);
  return value;
}

export function readPeers(part: PartSource, { count, of }: GranuleClasses, rows: number): Uint32Array {
  const isByClass = part.loose.byte() === 1;
  const peers = new PackedIntegers(part, isByClass ? count : rows).toArray();
  return isByClass ? of.map((rowClass) => peers[rowClass]!) : peers;
}

export function readGiveUps(part: PartSource | null, rows: number): Map<number, RowGiveUp> {
  const giveUps = new Map<number, RowGiveUp>();
  if (part === null) return giveUps;
  const { loose } = part;
  for (let left = loose.varint(rows); left > 0; left--) {
    const row = loose.varint(rows - 1);
    const kind = GIVE_UP_KINDS[loose.byte()];
    const phase = GIVE_UP_PHASES[loose.byte()];
    if (kind === undefined || phase === undefined)
      throw new DamagedPart('part give_up: got an unknown kind or phase');
    giveUps.set(row, { kind, phase, budgetMs: loose.byte() === 0 ? null : loose.double() });
  }
  return giveUps;
}
