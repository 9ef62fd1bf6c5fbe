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
    if (!this.step(codeOf(number))) return false;
    return this.content(at, end, number !== op.LINK_TRACE_ID && number !== op.LINK_SPAN_ID);
  }

  /** Takes a length and as many bytes as the string of the hole that was stepped to; their number is `low` then. */
  content(at: number, end: number, isText: boolean): boolean {
    const length = this.length(at);
    const from = this.at;
    if (length < 0 || this.width !== 0 || from + length > end) return false;
    this.at = from + length;
    this.low = length;
    const { strings, holes, values } = this.table;
    const id = holes.take(strings, this.node, this.bytes, this.view, from, length, isText);
    if (id < 0) return false;
    values[this.valueAt++] = id;
    return true;
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
    let from = stop;
    if (valueAt !== stop) {
      if (valueAt > stop || bytes[valueAt] !== 0x12) return false;
      const valueLength = this.length(valueAt + 1);
      innerWidth = this.width;
      from = this.at + 1;
      if (valueLength < 0 || this.at + valueLength !== stop) return false;
      type = valueLength === 0 ? op.NULL : this.#number(this.at, stop);
      if (type < 0) return false;
    }
    const code = codeOf(number, type, 0, outerWidth, innerWidth);
    this.node = this.table.book.next(this.node, code, bytes, this.view, keyAt, keyLength);
    return this.node >= 0 && this.#hold(type, from, stop);
  }

  /** Type of the AnyValue between `at` and `stop`; if it is a number, that is read. */
  #number(at: number, stop: number): number {
    const from = at + 1;
    switch (this.bytes[at]) {
      case 0x0a:
        return op.TEXT;
      case 0x10:
        if (!this.varint(from, stop) || this.at !== stop || this.high !== 0 || this.low >>> 0 > 1)
          return NOT_TAKEN;
        return op.BOOL;
      case 0x18:
        if (!this.varint(from, stop) || this.at !== stop) return NOT_TAKEN;
        return this.high === 0 ? op.INTEGER : op.INTEGER_64;
      case 0x21:
        return this.fixed64(from, stop) && this.at === stop ? op.DOUBLE : NOT_TAKEN;
      case 0x2a:
        return op.ARRAY;
      case 0x32:
        return op.MAP;
      case 0x3a:
        return op.BYTES;
      default:
        return NOT_TAKEN;
    }
  }

  /** Puts the value in its place; a number was read before. */
  #hold(type: number, from: number, stop: number): boolean {
    const { values } = this.table;
    switch (type) {
      case op.TEXT:
        return this.content(from, stop, true) && this.at === stop;
      case op.BOOL:
      case op.INTEGER:
        values[this.valueAt++] = this.low;
        break;
      case op.INTEGER_64:
      case op.DOUBLE:
        values[this.valueAt++] = this.low;
        values[this.valueAt++] = this.high;
        break;
      case op.BYTES:
        return this.content(from, stop, false) && this.at === stop;
      case op.ARRAY:
      case op.MAP:
        if (!this.content(from, stop, false) || this.at !== stop) return false;
        return this.#isSound(stop - this.low, stop, type);
    }
    this.at = stop;
    return true;
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
