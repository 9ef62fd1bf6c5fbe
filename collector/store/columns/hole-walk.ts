/** Takes what fills the holes of a span's shape into a table, and steps through the shape on the way. */
import { checkMessage } from '../../decode/check-message.ts';
import { DecodeError } from '../../decode/decode-error.ts';
import { ARRAY_VALUE, KEY_VALUE_LIST } from '../../decode/otlp-schema.ts';
import { ProtobufReader } from '../../decode/protobuf-reader.ts';
import * as op from './operations.ts';
import { codeOf } from './operations.ts';
import type { SpanTable } from './span-table.ts';
import { WalkCursor } from './walk-cursor.ts';

/** A list may be nested so deep in an attribute of an event that it is below MESSAGE_DEPTH_MAX wherever it stands. */
const VALUE_DEPTH = 8;
/** Longer keys are left. */
const KEY_BYTES_MAX = 127;
const NOT_TAKEN = -1;

/** Each method begins behind the tag, leaves `at` behind what it took, and says if it left the span instead. */
export class HoleWalk extends WalkCursor {
  readonly table: SpanTable;
  /** In the table's values, where the next goes; in the book, where the walk is. */
  valueAt = 0;
  node = 0;

  constructor(table: SpanTable, bytes: Buffer) {
    super(bytes);
    this.table = table;
  }

  step(code: number): boolean {
    this.node = this.table.book.next(this.node, code, this.bytes, this.view, 0, 0);
    return this.node >= 0;
  }

  string(at: number, end: number, number: number): boolean {
    const id = this.content(at, end, number !== op.LINK_TRACE_ID && number !== op.LINK_SPAN_ID);
    if (id < 0) return false;
    this.table.values[this.valueAt++] = id;
    return this.step(codeOf(number));
  }

  /** The pool's id of a length and as many bytes; their number is in `#low` then. */
  content(at: number, end: number, isText: boolean): number {
    let length = this.bytes[at]!;
    let from = at + 1;
    if (!(length < 0x80)) {
      length = this.length(at);
      if (length < 0 || this.width !== 0) return NOT_TAKEN;
      from = this.at;
    }
    if (from + length > end) return NOT_TAKEN;
    this.at = from + length;
    this.low = length;
    return this.table.strings.intern(this.bytes, this.view, from, length, isText);
  }

  literal(at: number, end: number, number: number, below: number): boolean {
    const value = this.bytes[at]!;
    if (at >= end || value >= below) return false;
    this.at = at + 1;
    return this.step(codeOf(number, 0, value));
  }

  fixed32(at: number, end: number, number: number): boolean {
    if (at + 4 > end) return false;
    this.table.values[this.valueAt++] = this.view.getUint32(at, true);
    this.at = at + 4;
    return this.step(codeOf(number));
  }

  count(at: number, end: number, number: number): boolean {
    if (!this.varint(at, end) || this.high !== 0) return false;
    this.table.values[this.valueAt++] = this.low;
    return this.step(codeOf(number));
  }

  attribute(at: number, end: number, number: number): boolean {
    const bytes = this.bytes;
    const length = this.length(at);
    const outerWidth = this.width;
    const stop = this.at + length;
    if (length < 0 || stop > end) return false;
    const keyLength = bytes[this.at + 1]!;
    if (bytes[this.at] !== 0x0a || !(keyLength <= KEY_BYTES_MAX)) return false;
    const keyAt = this.at + 2;
    const valueAt = keyAt + keyLength;
    let type = op.MISSING;
    let innerWidth = 0;
    if (valueAt !== stop) {
      if (valueAt > stop || bytes[valueAt] !== 0x12) return false;
      const valueLength = this.length(valueAt + 1);
      innerWidth = this.width;
      if (valueLength < 0 || this.at + valueLength !== stop) return false;
      type = this.#value(this.at, stop);
      if (type < 0) return false;
    }
    this.at = stop;
    const code = codeOf(number, type, 0, outerWidth, innerWidth);
    this.node = this.table.book.next(this.node, code, bytes, this.view, keyAt, keyLength);
    return this.node >= 0;
  }

  /** Reads all of an AnyValue. Returns its type. */
  #value(at: number, stop: number): number {
    if (at === stop) return op.NULL;
    const { values } = this.table;
    const from = at + 1;
    switch (this.bytes[at]) {
      case 0x0a:
        return this.#held(from, stop, true, op.TEXT);
      case 0x10:
        if (!this.varint(from, stop) || this.at !== stop || this.high !== 0 || this.low > 1) return NOT_TAKEN;
        values[this.valueAt++] = this.low;
        return op.BOOL;
      case 0x18:
        if (!this.varint(from, stop) || this.at !== stop) return NOT_TAKEN;
        values[this.valueAt++] = this.low;
        if (this.high === 0) return op.INTEGER;
        values[this.valueAt++] = this.high;
        return op.INTEGER_64;
      case 0x21:
        if (!this.fixed64(from, stop) || this.at !== stop) return NOT_TAKEN;
        values[this.valueAt++] = this.low;
        values[this.valueAt++] = this.high;
        return op.DOUBLE;
      case 0x2a:
        return this.#held(from, stop, false, op.ARRAY);
      case 0x32:
        return this.#held(from, stop, false, op.MAP);
      case 0x3a:
        return this.#held(from, stop, false, op.BYTES);
      default:
        return NOT_TAKEN;
    }
  }

  #held(at: number, stop: number, isText: boolean, type: number): number {
    const id = this.content(at, stop, isText);
    if (id < 0 || this.at !== stop) return NOT_TAKEN;
    if ((type === op.ARRAY || type === op.MAP) && !this.#isSound(stop - this.low, stop, type))
      return NOT_TAKEN;
    this.table.values[this.valueAt++] = id;
    return type;
  }

  /** Whether what a list or map is made of can be decoded, and its text is UTF-8. */
  #isSound(at: number, stop: number, type: number): boolean {
    const reader = new ProtobufReader(this.bytes);
    reader.position = at;
    reader.limit = stop;
    try {
      return checkMessage(reader, type === op.ARRAY ? ARRAY_VALUE : KEY_VALUE_LIST, VALUE_DEPTH) === 0;
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    }
  }

  /** Reads a message's length and steps into it. Returns where it ends. */
  open(at: number, end: number, number: number): number {
    const length = this.length(at);
    const stop = this.at + length;
    if (length < 0 || stop > end || !this.step(codeOf(number, 0, 0, this.width))) return NOT_TAKEN;
    return stop;
  }
}
