/**
 * Encodes rows of a table as a segment: what one commit adds to the journal, in the order of arrival.
 *
 * It is written once, read seldom, and soon part of a block: so it is made to be quick more than to be small. Columns
 * are as they lie in the table; strings get numbers of their own, in order of first use.
 */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { writeGiveUps } from './give-ups.ts';
import { packIntegers } from './pack-integers.ts';
import { packStrings } from './pack-strings.ts';
import { PartSink, sealPart } from './part.ts';
import { UsedShapes } from './shapes-part.ts';
import type { RowGiveUp, SpanTable } from './span-table.ts';

export const SEGMENT = 'segment';
/** It is gone within seconds: to write a smaller one as it is costs less than to compress it. */
const COMPRESSED_BYTES_MIN = 64 << 10;

/** Memory that is used again by every call, and by no one between two calls. */
const sink = new PartSink();
let rowWords = new Uint32Array(0);
let values = new Uint32Array(0);
let distinct = new Uint32Array(0);
/** Of each string of the table: its number, counted through all segments; what is below those of this one means none. */
let numberOf = new Uint32Array(0);
let nextNumber = 1;

/** Rows `fromRow` up to `toRow`, with all that is needed to read them again; `allocate` gives the room for it. */
export function encodeSegment(
  table: SpanTable,
  fromRow: number,
  toRow: number,
  allocate?: (bytes: number) => Buffer,
): Buffer {
  const rows = toRow - fromRow;
  if (rowWords.length < rows) rowWords = new Uint32Array(2 * rows);
  sink.clear();
  const { dense, loose } = sink;
  loose.varint(rows);
  dense.copy(table.traceId, fromRow * TRACE_ID_BYTES, toRow * TRACE_ID_BYTES);
  dense.copy(table.spanId, fromRow * SPAN_ID_BYTES, toRow * SPAN_ID_BYTES);
  dense.copy(table.parentSpanId, fromRow * SPAN_ID_BYTES, toRow * SPAN_ID_BYTES);
  packTimes(table, fromRow, rows);
  for (const column of [table.operation, table.resource, table.scope, table.peer]) {
    packIntegers(sink, column, fromRow, rows, 1);
  }
  const { kind, status, outcome, flags } = table;
  for (let index = 0, row = fromRow; index < rows; index++, row++) {
    rowWords[index] = kind[row]! | (status[row]! << 8) | (outcome[row]! << 16) | (flags[row]! << 24);
  }
  packIntegers(sink, rowWords, 0, rows, 1);
  packGiveUps(table, fromRow, toRow);
  packValues(table, fromRow, toRow);
  const [denseBytes, looseBytes] = [dense.view(0, dense.length), loose.view(0, loose.length)];
  return sealPart(SEGMENT, denseBytes, looseBytes, COMPRESSED_BYTES_MIN, allocate);
}

function packTimes({ startLow, startHigh, endLow, endHigh }: SpanTable, fromRow: number, rows: number): void {
  packIntegers(sink, startLow, fromRow, rows, 1);
  packIntegers(sink, startHigh, fromRow, rows, 1);
  for (let index = 0, row = fromRow; index < rows; index++, row++) {
    rowWords[index] = endLow[row]! - startLow[row]!;
  }
  packIntegers(sink, rowWords, 0, rows, 1);
  for (let index = 0, row = fromRow; index < rows; index++, row++) {
    rowWords[index] = endHigh[row]! - startHigh[row]! - (endLow[row]! < startLow[row]! ? 1 : 0);
  }
  packIntegers(sink, rowWords, 0, rows, 1);
}

function packGiveUps({ giveUps }: SpanTable, fromRow: number, toRow: number): void {
  const found: [number, RowGiveUp][] = [];
  // A segment is a small part of the table: its rows are asked for, not all that gave up gone through.
  for (let row = fromRow; row < toRow; row++) {
    const giveUp = giveUps.get(row);
    if (giveUp !== undefined) found.push([row - fromRow, giveUp]);
  }
  writeGiveUps(sink.loose, found);
}

/** Shapes, each row's shape, the strings, and for every column its values in order of the rows. */
function packValues(table: SpanTable, fromRow: number, toRow: number): void {
  const { shape, book, valueStart } = table;
  const shapes = new UsedShapes(book);
  const counts = new Uint32Array(2 * book.columns.length);
  const rowsOfShape = new Uint32Array(book.shapes.length);
  for (let index = 0, row = fromRow; row < toRow; index++, row++) {
    rowsOfShape[shape[row]!]!++;
    rowWords[index] = shapes.numberOf(shape[row]!);
  }
  for (const [number, rows] of rowsOfShape.entries()) {
    if (rows > 0) for (const stream of book.shapes[number]!.streams) counts[stream]! += rows;
  }
  const nexts = new Uint32Array(counts.length);
  for (let stream = 0, at = 0; stream < counts.length; stream++) {
    nexts[stream] = at;
    at += counts[stream]!;
  }
  const size = valueStart[toRow]! - valueStart[fromRow]!;
  if (values.length < size) values = new Uint32Array(2 * size);
  const strings = spreadValues(table, fromRow, toRow, nexts);

  shapes.write(sink);
  packIntegers(sink, rowWords, 0, toRow - fromRow, 1);
  sink.loose.varint(strings);
  packStrings(sink, table.strings, distinct, 0, strings);
  for (let stream = 0; stream < counts.length; stream++) {
    const count = counts[stream]!;
    if (count === 0) continue;
    // The second words of pairs follow the first.
    if (stream % 2 === 0) sink.loose.text(book.columns[stream >>> 1]!.name);
    packIntegers(sink, values, nexts[stream]! - count, count, 1);
  }
}

/** Puts each value behind the others of its column, which go on at `nexts`. Returns how many strings differ. */
function spreadValues(
  { shape, book, values: rowValues, valueStart, strings }: SpanTable,
  fromRow: number,
  toRow: number,
  nexts: Uint32Array,
): number {
  if (numberOf.length < strings.count || nextNumber + strings.count > 0xffffffff) {
    numberOf = new Uint32Array(2 * strings.count);
    distinct = new Uint32Array(2 * strings.count);
    nextNumber = 1;
  }
  const first = nextNumber;
  const { shapes } = book;
  let found = 0;
  let at = valueStart[fromRow]!;
  for (let row = fromRow; row < toRow; row++) {
    const { streams, isString } = shapes[shape[row]!]!;
    for (let word = 0; word < streams.length; word++, at++) {
      let value = rowValues[at]!;
      if (isString[word] === 1) {
        let number = numberOf[value]!;
        if (number < first) {
          number = numberOf[value] = first + found;
          distinct[found++] = value;
        }
        value = number - first;
      }
      values[nexts[streams[word]!]!++] = value;
    }
  }
  nextNumber = first + found;
  return found;
}
