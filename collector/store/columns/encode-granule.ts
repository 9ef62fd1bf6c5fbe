/** Encodes rows of a table as granules of a block, or as a segment: the journal's form, all in one piece. */
import { RowEncoder } from './encode-rows.ts';
import { ValueEncoder } from './encode-values.ts';
import { PartSink, sealPart } from './part.ts';
import { RowClasses } from './row-classes.ts';
import { compareTraces, orderRows } from './row-order.ts';
import { UsedShapes } from './shapes-part.ts';
import type { SpanTable } from './span-table.ts';
import { viewOf } from './string-pool.ts';
import { writeZone, zoneOf, type GranuleZone } from './zone.ts';

/** A granule ends with the trace in which it reaches so many rows. */
export const GRANULE_ROWS = 8_192;

export interface BlockEncoder {
  /** The next granule: rows `order[from]` up to `order[to]` (see `granuleEnds`). By name of part, what to store. */
  granule(order: Uint32Array, from: number, to: number): Map<string, Buffer>;
  /** What goes with the block: read by `decodeBlockHeader`. */
  finish(): Buffer;
}

/** Memory of the encoders, used again by every granule and segment of the thread. */
const sink = new PartSink();
const classes = new RowClasses();
const rowEncoder = new RowEncoder();
const valueEncoder = new ValueEncoder();

/** The table must not lose rows until the block is finished; it may gain some. */
export function startBlock(table: SpanTable): BlockEncoder {
  const shapes = new UsedShapes(table.book);
  const zones: GranuleZone[] = [];
  let rows = 0;
  return {
    granule(order, from, to) {
      sink.clear();
      encodeParts(table, order, from, to, shapes);
      zones.push(zoneOf(table, order, from, to, classes, rows));
      rows += to - from;
      const parts = new Map<string, Buffer>();
      for (const { name, dense, loose } of sink.parts()) parts.set(name, sealPart(name, dense, loose));
      return parts;
    },
    finish() {
      sink.clear();
      shapes.write(sink);
      sink.loose.varint(zones.length);
      for (const zone of zones) writeZone(sink, zone);
      return sealPart(HEADER, sink.dense.view(0, sink.dense.length), sink.loose.view(0, sink.loose.length));
    },
  };
}

export const HEADER = 'header';
export const SEGMENT = 'segment';

/** Rows `fromRow` up to `toRow`, ordered as a block is, with all that is needed to read them again. */
export function encodeSegment(table: SpanTable, fromRow: number, toRow: number): Buffer {
  const order = orderRows(table, fromRow, toRow);
  const shapes = new UsedShapes(table.book);
  sink.clear();
  encodeParts(table, order, 0, order.length, shapes);
  const zone = zoneOf(table, order, 0, order.length, classes, 0);
  sink.begin(HEADER);
  shapes.write(sink);
  writeZone(sink, zone);
  // A directory in front, in a sink of its own because the lengths are known last.
  const parts = [...sink.parts()];
  directory.clear();
  directory.loose.varint(parts.length);
  for (const { name, dense, loose } of parts) {
    const bytes = Buffer.from(name);
    directory.loose.varint(bytes.length);
    directory.loose.copy(bytes, 0, bytes.length);
    directory.loose.varint(dense.length);
    directory.loose.varint(loose.length);
  }
  directory.loose.copy(sink.loose.bytes, 0, sink.loose.length);
  return sealPart(
    SEGMENT,
    sink.dense.view(0, sink.dense.length),
    directory.loose.view(0, directory.loose.length),
  );
}

const directory = new PartSink();

function encodeParts(
  table: SpanTable,
  order: Uint32Array,
  from: number,
  to: number,
  shapes: UsedShapes,
): void {
  classes.sort(table, order, from, to);
  rowEncoder.encode(sink, table, order, from, to, classes, shapes.numberOf);
  valueEncoder.encode(sink, table, order, from, to, classes);
}

/** Where the granules of ordered rows end: with a trace, unless that is very long. */
export function granuleEnds(table: SpanTable, order: Uint32Array, rows = GRANULE_ROWS): number[] {
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
