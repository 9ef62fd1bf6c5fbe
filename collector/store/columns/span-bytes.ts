/** Puts a span's bytes together again, as they were sent: its shape with the row's values in the holes. */
import { ProtobufWriter } from '../../decode/protobuf-writer.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import {
  ATTRIBUTE_TYPES,
  BOOL,
  DOUBLE,
  innerWidthOfCode,
  INTEGER,
  INTEGER_64,
  literalOfCode,
  MISSING,
  NULL,
  numberOfCode,
  OPERATIONS,
  outerWidthOfCode,
  typeOfCode,
} from './operations.ts';
import type { Granule } from './granule.ts';
import type { Column, Shape } from './shape-book.ts';
import type { SpanTable } from './span-table.ts';
import type { ValueColumn } from './value-column.ts';

/** Where a row's values come from. Offsets count words from the row's first value. */
export interface RowValues {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly startLow: number;
  readonly startHigh: number;
  readonly endLow: number;
  readonly endHigh: number;
  /** A word of a hole; of 64 bits, the low one comes first. */
  word(offset: number): number;
  string(offset: number): Uint8Array;
}

/** The row's span as it was sent. A view, valid for good. */
export function spanBytes(table: SpanTable, row: number): Buffer {
  const first = table.valueStart[row]!;
  const idAt = row * SPAN_ID_BYTES;
  return composeSpan(table.book.shapes[table.shape[row]!]!, table.book.columns, {
    traceId: table.traceId.subarray(row * TRACE_ID_BYTES, (row + 1) * TRACE_ID_BYTES),
    spanId: table.spanId.subarray(idAt, idAt + SPAN_ID_BYTES),
    parentSpanId: table.parentSpanId.subarray(idAt, idAt + SPAN_ID_BYTES),
    startLow: table.startLow[row]!,
    startHigh: table.startHigh[row]!,
    endLow: table.endLow[row]!,
    endHigh: table.endHigh[row]!,
    word: (offset) => table.values[first + offset]!,
    string: (offset) => table.strings.bytesOf(table.values[first + offset]!),
  });
}

/** The same of a granule's row of this shape. Throws DamagedPart. */
export function storedSpanBytes(granule: Granule, shape: Shape, row: number): Buffer {
  const { columns } = granule.stored;
  const idAt = row * SPAN_ID_BYTES;
  const columnAt = (offset: number): ValueColumn => {
    const { name } = columns[shape.streams[offset]! >>> 1]!;
    const column = granule.column(name);
    if (column === null) throw new DamagedPart(`part ${name} is missing`);
    return column;
  };
  return composeSpan(shape, columns, {
    traceId: granule.traceId.subarray(row * TRACE_ID_BYTES, (row + 1) * TRACE_ID_BYTES),
    spanId: granule.spanId.subarray(idAt, idAt + SPAN_ID_BYTES),
    parentSpanId: granule.parentSpanId.subarray(idAt, idAt + SPAN_ID_BYTES),
    startLow: granule.startLow[row]!,
    startHigh: granule.startHigh[row]!,
    endLow: granule.endLow[row]!,
    endHigh: granule.endHigh[row]!,
    word: (offset) => {
      const column = columnAt(offset);
      return column.wordAt(column.indexAt(row, shape.ordinals[offset]!), shape.streams[offset]! & 1);
    },
    string: (offset) => {
      const column = columnAt(offset);
      return column.bytesAt(column.indexAt(row, shape.ordinals[offset]!));
    },
  });
}

/** Written from the last operation to the first, so that the length of a message is known when it is due. */
export function composeSpan(shape: Shape, columns: readonly Column[], row: RowValues): Buffer {
  const writer = new ProtobufWriter();
  let messageMark = 0;
  let offset = shape.words;
  for (let index = shape.steps.length - 1; index >= 0; index--) {
    const { code, keyBytes, column } = shape.steps[index]!;
    if (column >= 0) offset -= columns[column]!.format === 'pair' ? 2 : 1;
    const { tag, content } = OPERATIONS[numberOfCode(code)]!;
    const mark = writer.length;
    switch (content) {
      case 'raw':
        writer.bytes(row.string(offset));
        continue;
      case 'close':
        messageMark = mark;
        continue;
      case 'open':
        writeLength(writer, messageMark, outerWidthOfCode(code));
        break;
      case 'attribute':
        writeAttributeValue(writer, code, row, offset);
        writer.delimited(1, keyBytes);
        writeLength(writer, mark, outerWidthOfCode(code));
        break;
      case 'traceId':
      case 'spanId':
      case 'parentSpanId':
        writer.bytes(row[content]);
        writer.varint(row[content].length);
        break;
      case 'start':
        writeFixed64(writer, row.startLow, row.startHigh);
        break;
      case 'end':
        writeFixed64(writer, row.endLow, row.endHigh);
        break;
      case 'time': {
        const low = row.startLow + row.word(offset);
        const carry = low > 0xffffffff ? 1 : 0;
        writeFixed64(writer, low >>> 0, (row.startHigh + row.word(offset + 1) + carry) >>> 0);
        break;
      }
      case 'empty':
        writer.varint(0);
        break;
      case 'string':
        writeString(writer, row.string(offset));
        break;
      case 'varint':
        writer.varint(row.word(offset));
        break;
      case 'fixed32':
        writer.fixed32(row.word(offset));
        break;
      case 'literal':
        writer.varint(literalOfCode(code));
    }
    writer.varint(tag);
  }
  return writer.finish();
}

function writeAttributeValue(writer: ProtobufWriter, code: number, row: RowValues, offset: number): void {
  const type = typeOfCode(code);
  if (type === MISSING) return;
  const mark = writer.length;
  if (type !== NULL) {
    if (type === BOOL || type === INTEGER) writer.varint(row.word(offset));
    else if (type === INTEGER_64) writeVarint64(writer, row.word(offset), row.word(offset + 1));
    else if (type === DOUBLE) writeFixed64(writer, row.word(offset), row.word(offset + 1));
    else writeString(writer, row.string(offset));
    writer.varint(ATTRIBUTE_TYPES[type]!.tag);
  }
  writeLength(writer, mark, innerWidthOfCode(code));
  writer.varint(0x12);
}

function writeString(writer: ProtobufWriter, bytes: Uint8Array): void {
  writer.bytes(bytes);
  writer.varint(bytes.length);
}

/** The length of what was written since `mark`; in `width` bytes, or as few as can be when that is 0. */
function writeLength(writer: ProtobufWriter, mark: number, width: number): void {
  let rest = writer.length - mark;
  if (width === 0) return writer.varint(rest);
  const padded = new Uint8Array(width);
  for (let index = 0; index < width; index++) {
    padded[index] = (rest % 0x80) + (index < width - 1 ? 0x80 : 0);
    rest = Math.floor(rest / 0x80);
  }
  writer.bytes(padded);
}

function writeFixed64(writer: ProtobufWriter, low: number, high: number): void {
  writer.fixed32(high);
  writer.fixed32(low);
}

function writeVarint64(writer: ProtobufWriter, low: number, high: number): void {
  const bytes: number[] = [];
  while (high !== 0 || low >= 0x80) {
    bytes.push((low & 0x7f) | 0x80);
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  bytes.push(low);
  writer.bytes(Uint8Array.from(bytes));
}
