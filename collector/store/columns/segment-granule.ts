/** Reads what encode-segment.ts made, ordered as a granule of a block is. */
import { KINDS, OUTCOMES, SPAN_ID_BYTES, STATUSES, TRACE_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import type { TraceRuns } from './decode-rows.ts';
import { SEGMENT } from './encode-segment.ts';
import { readGiveUps } from './give-ups.ts';
import type { Granule, GranuleClasses, RunRows } from './granule.ts';
import { PackedIntegers } from './pack-integers.ts';
import { PackedStrings } from './pack-strings.ts';
import { openDense, openPart, type PartSource } from './part.ts';
import { RowClasses } from './row-classes.ts';
import { compareTraces, orderRows } from './row-order.ts';
import { SegmentColumn } from './segment-column.ts';
import { readShapes, type StoredShapes } from './shapes-part.ts';
import { storedSpanBytes } from './span-bytes.ts';
import type { RowGiveUp, SpanRows } from './span-table.ts';
import { viewOf } from './string-pool.ts';
import type { ValueColumn } from './value-column.ts';
import { GRANULE_ROWS_MAX, zoneOfClasses, zoneOfTimes, type GranuleZone } from './zone.ts';

/** Throws DamagedPart. */
export function openSegment(bytes: Uint8Array): Granule {
  const part = openPart(SEGMENT, bytes);
  const rows = readRows(part);
  return new SegmentGranule(rows, readValues(part, rows.rows));
}

/** The ids of its rows' traces, in the order of arrival: enough to know whether a trace is in it. Throws DamagedPart. */
export function traceIdsOfSegment(bytes: Uint8Array, rows: number): Uint8Array {
  return openDense(SEGMENT, bytes).take(rows * TRACE_ID_BYTES);
}

/** In the order of arrival. */
type ArrivedRows = Omit<SpanRows, 'shape'>;

function readRows(part: PartSource): ArrivedRows {
  const { dense, loose } = part;
  const rows = loose.varint(GRANULE_ROWS_MAX);
  const traceId = dense.take(rows * TRACE_ID_BYTES);
  const spanId = dense.take(rows * SPAN_ID_BYTES);
  const parentSpanId = dense.take(rows * SPAN_ID_BYTES);
  const words = () => new PackedIntegers(part, rows).toArray();
  const startLow = words();
  const startHigh = words();
  const endLow = words();
  const endHigh = words();
  for (let row = 0; row < rows; row++) {
    const low = startLow[row]! + endLow[row]!;
    endHigh[row] = startHigh[row]! + endHigh[row]! + (low > 0xffffffff ? 1 : 0);
    endLow[row] = low;
  }
  const operation = words();
  const resource = words();
  const scope = words();
  const peer = words();
  const codes = words();
  return {
    rows,
    traceId,
    spanId,
    parentSpanId,
    startLow,
    startHigh,
    endLow,
    endHigh,
    operation,
    resource,
    scope,
    peer,
    kind: codesBelow(codes, 0, KINDS.length),
    status: codesBelow(codes, 8, STATUSES.length),
    outcome: codesBelow(codes, 16, OUTCOMES.length),
    flags: codesBelow(codes, 24, 256),
    giveUps: readGiveUps(loose, rows),
  };
}

function codesBelow(codes: Uint32Array, shift: number, below: number): Uint8Array {
  const column = new Uint8Array(codes.length);
  for (let row = 0; row < codes.length; row++) {
    const code = (codes[row]! >>> shift) & 255;
    if (code >= below)
      throw new DamagedPart(`part ${SEGMENT}: got code ${code}, expected less than ${below}`);
    column[row] = code;
  }
  return column;
}

/** Shapes, and what fills their holes, in the order of arrival. */
interface ArrivedValues {
  readonly stored: StoredShapes;
  readonly shape: Uint32Array;
  readonly strings: PackedStrings;
  /** By name: the column's words, of a pair the low and the high ones. */
  readonly columns: ReadonlyMap<string, readonly PackedIntegers[]>;
}

const STRINGS_MAX = 2 ** 26;
const COLUMN_NAME_BYTES = 256;

function readValues(part: PartSource, rows: number): ArrivedValues {
  const { loose } = part;
  const stored = readShapes(part);
  const shape = new PackedIntegers(part, rows).toArray();
  const counts = stored.columns.map(() => 0);
  for (let row = 0; row < rows; row++) {
    const holes = stored.shapes[shape[row]!]?.holes;
    if (holes === undefined) throw new DamagedPart(`part ${SEGMENT}: got shape ${shape[row]}`);
    for (let hole = 0; hole < holes.length; hole++) counts[holes[hole]!]!++;
  }
  const strings = new PackedStrings(part, loose.varint(STRINGS_MAX));
  const columns = new Map<string, PackedIntegers[]>();
  while (loose.at < loose.bytes.length) {
    const name = loose.text(COLUMN_NAME_BYTES);
    const index = stored.columns.findIndex((column) => column.name === name);
    if (index < 0) throw new DamagedPart(`part ${SEGMENT}: got a column ${name} that no shape has`);
    const words = stored.columns[index]!.format === 'pair' ? 2 : 1;
    columns.set(
      name,
      Array.from({ length: words }, () => new PackedIntegers(part, counts[index]!)),
    );
  }
  return { stored, shape, strings, columns };
}

class SegmentGranule implements Granule {
  readonly rows: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly startLow: Uint32Array;
  readonly startHigh: Uint32Array;
  readonly endLow: Uint32Array;
  readonly endHigh: Uint32Array;
  readonly resource: Uint32Array;
  readonly scope: Uint32Array;
  readonly operation: Uint32Array;
  readonly peer: Uint32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  readonly outcome: Uint8Array;
  readonly flags: Uint8Array;
  readonly shape: Uint32Array;
  readonly giveUps: ReadonlyMap<number, RowGiveUp>;
  readonly stored: StoredShapes;
  readonly zone: GranuleZone;
  readonly traces: TraceRuns;
  readonly classes: GranuleClasses;
  readonly #values: ArrivedValues;
  /** The arrived row of each row. */
  readonly #order: Uint32Array;
  readonly #columns = new Map<string, ValueColumn | null>();

  constructor(arrived: ArrivedRows, values: ArrivedValues) {
    this.#values = values;
    this.stored = values.stored;
    this.rows = arrived.rows;
    const order = (this.#order = orderRows({ ...arrived, shape: values.shape }));
    const wide = (column: Uint32Array) => permute(column, new Uint32Array(order.length), order);
    const narrow = (column: Uint8Array) => permute(column, new Uint8Array(order.length), order);
    this.traceId = permuteIds(arrived.traceId, order, TRACE_ID_BYTES);
    this.spanId = permuteIds(arrived.spanId, order, SPAN_ID_BYTES);
    this.parentSpanId = permuteIds(arrived.parentSpanId, order, SPAN_ID_BYTES);
    this.startLow = wide(arrived.startLow);
    this.startHigh = wide(arrived.startHigh);
    this.endLow = wide(arrived.endLow);
    this.endHigh = wide(arrived.endHigh);
    this.resource = wide(arrived.resource);
    this.scope = wide(arrived.scope);
    this.operation = wide(arrived.operation);
    this.peer = wide(arrived.peer);
    this.kind = narrow(arrived.kind);
    this.status = narrow(arrived.status);
    this.outcome = narrow(arrived.outcome);
    this.flags = narrow(arrived.flags);
    this.shape = wide(values.shape);
    const places = new Map(Array.from(order, (row, place) => [row, place]));
    this.giveUps = new Map([...arrived.giveUps].map(([row, giveUp]) => [places.get(row)!, giveUp]));
    this.traces = runsOf(this);
    const classes = new RowClasses(this, new Uint32Array(this.rows).fill(1), true);
    this.zone = {
      firstRow: 0,
      rows: this.rows,
      ...zoneOfTimes(this),
      ...zoneOfClasses(this, classes, classes.ofRow, 0, this.rows),
    };
    this.classes = classesOf(this, classes);
  }

  get classesOfAnyResource(): GranuleClasses {
    return this.classes;
  }

  ofRun(run: number): RunRows {
    const { starts } = this.traces;
    return { rows: this, first: starts[run]!, end: starts[run + 1]! };
  }

  column(name: string): ValueColumn | null {
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = this.#openColumn(name)));
    return column;
  }

  spanBytes(row: number): Buffer {
    return storedSpanBytes(this, this.stored.shapes[this.shape[row]!]!, row);
  }

  #openColumn(name: string): ValueColumn | null {
    const { columns, stored, strings } = this.#values;
    const words = columns.get(name);
    if (words === undefined) return null;
    const index = stored.columns.findIndex((column) => column.name === name);
    return new SegmentColumn(stored, index, words, strings, this.#values.shape, this.#order);
  }
}

function permute<T extends Uint32Array | Uint8Array>(from: T, to: T, order: Uint32Array): T {
  for (let row = 0; row < order.length; row++) to[row] = from[order[row]!]!;
  return to;
}

function permuteIds(ids: Uint8Array, order: Uint32Array, length: number): Uint8Array {
  const permuted = new Uint8Array(order.length * length);
  for (let row = 0; row < order.length; row++) {
    const from = order[row]! * length;
    const to = row * length;
    for (let byte = 0; byte < length; byte++) permuted[to + byte] = ids[from + byte]!;
  }
  return permuted;
}

function runsOf({ traceId, rows }: SpanRows): TraceRuns {
  const ids = viewOf(traceId);
  const starts: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (row === 0 || compareTraces(ids, row - 1, ids, row) !== 0) starts.push(row);
  }
  const idAt = (row: number) => traceId.subarray(row * TRACE_ID_BYTES, (row + 1) * TRACE_ID_BYTES);
  return { ids: Buffer.concat(starts.map(idAt)), starts: Uint32Array.from([...starts, rows]) };
}

function classesOf(rows: SpanRows, { count, example, ofRow }: RowClasses): GranuleClasses {
  const wide = (column: Uint32Array) => permute(column, new Uint32Array(count), example);
  const narrow = (column: Uint8Array) => permute(column, new Uint8Array(count), example);
  return {
    count,
    shape: wide(rows.shape),
    operation: wide(rows.operation),
    resource: wide(rows.resource),
    scope: wide(rows.scope),
    kind: narrow(rows.kind),
    status: narrow(rows.status),
    outcome: narrow(rows.outcome),
    flags: narrow(rows.flags),
    of: ofRow,
  };
}
