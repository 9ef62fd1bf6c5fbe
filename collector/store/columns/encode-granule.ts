/** Encodes rows of a table as a block of granules. */
import {
  encodeRanked,
  encodeWords,
  wordsByClass,
  encodeStrings,
  stringsByClass,
  type ColumnEncoder,
} from './encode-column.ts';
import { RowEncoder } from './encode-rows.ts';
import { writeGiveUps } from './give-ups.ts';
import { gatherValues, type GatheredColumn, type GatheredValues } from './gather-values.ts';
import { packIntegers } from './pack-integers.ts';
import { PartSink, sealPart } from './part.ts';
import { RowClasses } from './row-classes.ts';
import { compareTraces } from './row-order.ts';
import { UsedShapes } from './shapes-part.ts';
import { CLASS, columnOf, copySorted, PEER, placesOf, RESOURCE } from './sorted-rows.ts';
import { SLOW, SLOW_ROWS_MIN, writeSlowRows } from './slow-rows.ts';
import type { RowGiveUp, SpanTable } from './span-table.ts';
import { giveBackWords } from './spare-words.ts';
import { viewOf, type StringPool } from './string-pool.ts';
import { FILTERED_ROWS_MIN, VALUES, writeValueFilter } from './value-filter.ts';
import { writeZone, zoneOfClasses, type GranuleZone } from './zone.ts';

/** A granule ends with the trace in which it reaches so many rows. */
export const GRANULE_ROWS = 8_192;

export interface BlockEncoder {
  /** Where the granules end in the order: granule 0 has the rows from 0 to `ends[0]`, … */
  readonly ends: readonly number[];
  /** By name of part, what to store of a granule. Each is to be encoded once, in order. */
  granule(number: number): Map<string, Buffer>;
  /** The slowest spans of each operation; null of a small block. Before `finish`. */
  slow(): Buffer | null;
  /** Which values its attributes have; null of a small block, or where nobody knows. Before `finish`. */
  values(): Buffer | null;
  /** What goes with the block: read by `decodeBlockHeader`. */
  finish(): Buffer;
}

export const HEADER = 'header';
/** A column of bytes, lists or maps, and spans that are kept whole, are no text. */
const NO_TEXT = /^(?:raw|link_.*_id|.\/[amy]\/.*)$/;

/** Memory that is used again by every call, and by no one between two calls. */
const sink = new PartSink();
const rowEncoder = new RowEncoder();

/** What `prepareBlock` gives, at once. */
export function startBlock(table: SpanTable, order: Uint32Array, granuleRows = GRANULE_ROWS): BlockEncoder {
  const preparing = prepareBlock(table, order, granuleRows);
  for (let step = preparing.next(); ; step = preparing.next()) if (step.done) return step.value;
}

/**
 * A block of the rows that `order` names, ordered as row-order.ts says; `granuleRows` where its granules may end. The
 * table must stay as it is until the block is finished. Yields how far it is, 0 to 1: of 100,000 rows all of it takes 80 ms, a
 * step of it 20.
 */
export function* prepareBlock(
  table: SpanTable,
  order: Uint32Array,
  granuleRows = GRANULE_ROWS,
): Generator<number, BlockEncoder, void> {
  const ends = granuleEnds(table, order, granuleRows);
  const rows = new BlockRows(yield* prepareRows(table, order, ends));
  const zones: GranuleZone[] = [];
  return {
    ends,
    granule(number) {
      sink.clear();
      zones.push(rows.encodeGranule(sink, number));
      const parts = new Map<string, Buffer>();
      for (const { name, dense, loose } of sink.parts()) parts.set(name, sealPart(name, dense, loose));
      return parts;
    },
    slow() {
      if (order.length < SLOW_ROWS_MIN) return null;
      sink.clear();
      rows.encodeSlow(sink);
      return sealSink(SLOW, sink);
    },
    values() {
      if (order.length < FILTERED_ROWS_MIN) return null;
      sink.clear();
      return rows.encodeValues(sink) ? sealSink(VALUES, sink) : null;
    },
    finish() {
      sink.clear();
      rows.encodeHeader(sink, zones);
      return sealSink(HEADER, sink);
    },
  };
}

function sealSink(name: string, { dense, loose }: PartSink): Buffer {
  return sealPart(name, dense.view(0, dense.length), loose.view(0, loose.length));
}

/** A column of the rows, and how many values it has up to the end of each granule. */
interface RowsColumn {
  readonly name: string;
  readonly encoder: ColumnEncoder;
  readonly ends: readonly number[] | Uint32Array;
}

/** What the rows of all granules are written from. */
interface PreparedRows {
  readonly table: SpanTable;
  readonly order: Uint32Array;
  readonly ends: readonly number[];
  readonly classes: RowClasses;
  readonly sorted: Uint32Array<ArrayBuffer>;
  /** In order, as the sorted rows. */
  readonly classOf: Uint32Array;
  readonly gathered: GatheredValues;
  readonly columns: readonly RowsColumn[];
  /** Of each row. */
  readonly resource: ColumnEncoder;
  readonly peer: ColumnEncoder;
}

/** In steps: a commit waits for each. */
function* prepareRows(
  table: SpanTable,
  order: Uint32Array,
  ends: readonly number[],
): Generator<number, PreparedRows, void> {
  const placeOf = placesOf(order, table.rows);
  const classes = new RowClasses(table, placeOf, false);
  const sorted = copySorted(table, placeOf, classes.ofRow, order.length);
  yield 0.2;
  const classOf = columnOf(sorted, order.length, CLASS);
  const ofRows = (word: number) => ({
    values: columnOf(sorted, order.length, word),
    holes: classOf,
    holeCount: classes.count,
  });
  const resource = encodeRanked(ofRows(RESOURCE));
  const peer = encodeWords(ofRows(PEER));
  yield 0.3;
  const gathered = gatherValues(table, placeOf, classes, classOf, ends);
  giveBackWords(placeOf);
  const columns: RowsColumn[] = [];
  for (const column of gathered.columns) {
    // Those of classes are little.
    if (!column.isByClass) yield 0.6 + (0.4 * columns.length) / gathered.columns.length;
    columns.push({
      name: column.name,
      encoder: columnEncoder(table.strings, column),
      ends: column.ends,
    });
  }
  return { table, order, ends, classes, sorted, classOf, gathered, columns, resource, peer };
}

class BlockRows {
  readonly #of: PreparedRows;

  constructor(of: PreparedRows) {
    this.#of = of;
  }

  encodeGranule(into: PartSink, number: number): GranuleZone {
    const from = number === 0 ? 0 : this.#of.ends[number - 1]!;
    const to = this.#of.ends[number] ?? 0;
    const times = rowEncoder.encode(into, this.#of.sorted, from, to);
    this.#giveUps(into, from, to);
    into.begin('class');
    packIntegers(into, this.#of.classOf, from, to - from, 1);
    const ofRows = [
      { name: 'resource', encoder: this.#of.resource, ends: this.#of.ends },
      { name: 'peer', encoder: this.#of.peer, ends: this.#of.ends },
    ];
    for (const { name, encoder, ends } of [...ofRows, ...this.#of.columns]) {
      if (encoder.isInHeader) continue;
      const first = number === 0 ? 0 : ends[number - 1]!;
      if (ends[number] === first) continue;
      into.begin(name);
      into.loose.varint(ends[number]! - first);
      encoder.writeRows(into, first, ends[number]!);
    }
    return {
      firstRow: from,
      rows: to - from,
      ...times,
      ...zoneOfClasses(this.#of.table, this.#of.classes, this.#of.classOf, from, to),
    };
  }

  #giveUps(into: PartSink, from: number, to: number): void {
    const { giveUps } = this.#of.table;
    if (giveUps.size === 0) return;
    const found: [number, RowGiveUp][] = [];
    for (let place = from; place < to; place++) {
      const giveUp = giveUps.get(this.#of.order[place]!);
      if (giveUp !== undefined) found.push([place - from, giveUp]);
    }
    if (found.length === 0) return;
    into.begin('give_up');
    writeGiveUps(into.loose, found);
  }

  encodeSlow(into: PartSink): void {
    const { operation } = this.#of.table;
    writeSlowRows(into, {
      sorted: this.#of.sorted,
      classOf: this.#of.classOf,
      operationOfClass: this.#of.classes.example.map((row) => operation[row]!),
      ends: this.#of.ends,
    });
  }

  /** False when nothing was written. */
  encodeValues(into: PartSink): boolean {
    const { strings, book, shape, scope } = this.#of.table;
    const { example } = this.#of.classes;
    const shapes = new Set(Array.from(example, (row) => book.shapes[shape[row]!]!));
    return writeValueFilter(into, {
      strings,
      columns: this.#of.gathered.columns,
      shapes: [...shapes],
      resources: columnOf(this.#of.sorted, this.#of.order.length, RESOURCE),
      scopes: example.map((row) => scope[row]!),
    });
  }

  encodeHeader(into: PartSink, zones: readonly GranuleZone[]): void {
    const { count, example } = this.#of.classes;
    const table = this.#of.table;
    const shapes = new UsedShapes(table.book);
    const shape = Uint32Array.from({ length: count }, (_, index) =>
      shapes.numberOf(table.shape[example[index]!]!),
    );
    shapes.write(into);
    into.loose.varint(count);
    packIntegers(into, shape, 0, count, 1);
    for (const column of [
      table.operation,
      table.scope,
      table.kind,
      table.status,
      table.outcome,
      table.flags,
    ]) {
      packIntegers(
        into,
        Uint32Array.from({ length: count }, (_, index) => column[example[index]!]!),
        0,
        count,
        1,
      );
    }
    this.#of.resource.writeHeader(into);
    this.#of.peer.writeHeader(into);
    into.loose.varint(this.#of.columns.length);
    for (const { name, encoder } of this.#of.columns) {
      into.loose.text(name);
      encoder.writeHeader(into);
    }
    into.loose.varint(zones.length);
    for (const zone of zones) writeZone(into, zone);
    giveBackWords(this.#of.sorted, ...this.#of.gathered.spare);
  }
}

function columnEncoder(strings: StringPool, column: GatheredColumn): ColumnEncoder {
  const { name, format, isByClass, words, holeCount } = column;
  const [first, second] = words;
  if (format === 'string') {
    if (isByClass) return stringsByClass(strings, first!.values);
    return encodeStrings(strings, { ...first!, holeCount }, !NO_TEXT.test(name));
  }
  const encode = (word: typeof first) =>
    isByClass ? wordsByClass(word!.values) : encodeWords({ ...word!, holeCount });
  return second === undefined ? encode(first) : pairOf(encode(first), encode(second));
}

function pairOf(low: ColumnEncoder, high: ColumnEncoder): ColumnEncoder {
  return {
    isInHeader: low.isInHeader && high.isInHeader,
    writeHeader(into) {
      low.writeHeader(into);
      high.writeHeader(into);
    },
    writeRows(into, from, to) {
      for (const word of [low, high]) if (!word.isInHeader) word.writeRows(into, from, to);
    },
  };
}

/** Where the granules of ordered rows end: with a trace, unless that is very long. */
function granuleEnds(table: SpanTable, order: Uint32Array, rows: number): number[] {
  const ids = viewOf(table.traceId);
  const ends: number[] = [];
  let first = 0;
  for (let index = 1; index < order.length; index++) {
    const count = index - first;
    if (count < rows) continue;
    const isSameTrace = compareTraces(ids, order[index - 1]!, ids, order[index]!) === 0;
    if (isSameTrace && count < 2 * rows) continue;
    ends.push(index);
    first = index;
  }
  if (order.length > 0) ends.push(order.length);
  return ends;
}
