/**
 * Walks the bytes of one span into a row of a table, in one pass and without making an object.
 *
 * It takes spans whose every byte it can say again from the row: fields that are known, numbers as short as can be,
 * text that is UTF-8, ids that are valid. Any other it leaves, as it was, to the walk that checks and explains.
 */
import { latestStart, NAME_BYTES_ODD, type Oddities } from '../../decode/walk-request.ts';
import { HoleWalk } from './hole-walk.ts';
import * as op from './operations.ts';
import { codeOf } from './operations.ts';
import { SHAPE_OPERATIONS_MAX } from './shape-book.ts';
import { ensureRoom, type SpanTable } from './span-table.ts';

/** Fields that protobuf takes the last of; a span that repeats one is left. */
const SEEN_TRACE_ID = 1;
const SEEN_SPAN_ID = 2;
const SEEN_IDS = SEEN_TRACE_ID | SEEN_SPAN_ID;
const SEEN_PARENT = 4;
const SEEN_NAME = 8;
const SEEN_KIND = 16;
const SEEN_START = 32;
const SEEN_END = 64;
const SEEN_STATUS = 128;

const KINDS = 6;
const STATUS_CODES = 3;

export class SpanWalk extends HoleWalk {
  readonly #latestLow: number;
  readonly #latestHigh: number;
  #startLow = 0;
  #startHigh = 0;

  constructor(table: SpanTable, request: Buffer, nowUnixMs: number) {
    super(table, request);
    const latestUnixNano = latestStart(nowUnixMs);
    this.#latestLow = Number(latestUnixNano & 0xffffffffn);
    this.#latestHigh = Number(latestUnixNano >> 32n);
  }

  /**
   * Writes the span between `start` and `end` into the row behind the table's last: ids, times, shape and values. The
   * row is not counted yet. False when the span is left.
   */
  take(start: number, end: number, oddities: Oddities): boolean {
    const table = this.table;
    ensureRoom(table, 2 * SHAPE_OPERATIONS_MAX);
    const row = table.rows;
    this.valueAt = table.valueStart[row]!;
    this.node = table.book.root;
    table.parentSpanId.fill(0, row * 8, row * 8 + 8);
    this.#startLow = 0;
    this.#startHigh = 0;
    let endLow = 0;
    let endHigh = 0;
    let nameLength = 0;
    let seen = 0;
    const bytes = this.bytes;
    let at = start;
    while (at < end) {
      const tag = bytes[at++]!;
      let field = 0;
      switch (tag) {
        case 0x0a:
          field = SEEN_TRACE_ID;
          if (!this.#id(at, end, table.traceId, row, 16, op.TRACE_ID)) return false;
          break;
        case 0x12:
          field = SEEN_SPAN_ID;
          if (!this.#id(at, end, table.spanId, row, 8, op.SPAN_ID)) return false;
          break;
        case 0x22:
          field = SEEN_PARENT;
          if (bytes[at] === 0) {
            if (!this.step(codeOf(op.NO_PARENT))) return false;
            this.at = at + 1;
          } else if (!this.#id(at, end, table.parentSpanId, row, 8, op.PARENT_SPAN_ID)) return false;
          break;
        case 0x1a:
          if (!this.string(at, end, op.TRACE_STATE)) return false;
          break;
        case 0x2a:
          field = SEEN_NAME;
          if (!this.string(at, end, op.NAME)) return false;
          nameLength = this.low;
          break;
        case 0x30:
          field = SEEN_KIND;
          if (!this.literal(at, end, op.KIND, KINDS)) return false;
          break;
        case 0x39:
          field = SEEN_START;
          if (!this.fixed64(at, end) || !this.step(codeOf(op.START))) return false;
          this.#startLow = this.low;
          this.#startHigh = this.high;
          break;
        case 0x41:
          field = SEEN_END;
          if (!this.fixed64(at, end) || !this.step(codeOf(op.END))) return false;
          endLow = this.low;
          endHigh = this.high;
          break;
        case 0x4a:
          if (!this.attribute(at, end, op.ATTRIBUTE)) return false;
          break;
        case 0x50:
          if (!this.count(at, end, op.DROPPED_ATTRIBUTES)) return false;
          break;
        case 0x5a:
          // Its time is held as what has passed since the start.
          if ((seen & SEEN_START) === 0 || !this.#event(at, end)) return false;
          break;
        case 0x60:
          if (!this.count(at, end, op.DROPPED_EVENTS)) return false;
          break;
        case 0x6a:
          if (!this.#link(at, end)) return false;
          break;
        case 0x70:
          if (!this.count(at, end, op.DROPPED_LINKS)) return false;
          break;
        case 0x7a:
          field = SEEN_STATUS;
          if (!this.#status(at, end)) return false;
          break;
        case 0x85:
          if (bytes[at] !== 1 || !this.fixed32(at + 1, end, op.FLAGS)) return false;
          break;
        default:
          return false;
      }
      if ((seen & field) !== 0) return false;
      seen |= field;
      at = this.at;
    }
    if ((seen & SEEN_IDS) !== SEEN_IDS) return false;
    const shape = table.book.shapeAt(this.node);
    if (shape < 0) return false;

    table.startLow[row] = this.#startLow;
    table.startHigh[row] = this.#startHigh;
    table.endLow[row] = endLow;
    table.endHigh[row] = endHigh;
    table.shape[row] = shape;
    table.valueStart[row + 1] = this.valueAt;
    this.#noteOddities(oddities, endLow, endHigh, nameLength);
    return true;
  }

  #noteOddities(oddities: Oddities, endLow: number, endHigh: number, nameLength: number): void {
    const [startLow, startHigh] = [this.#startLow, this.#startHigh];
    oddities.seen++;
    const endsBefore = endHigh < startHigh || (endHigh === startHigh && endLow < startLow);
    if (endsBefore && (endLow !== 0 || endHigh !== 0)) oddities.endsBeforeStart++;
    if (startHigh > this.#latestHigh || (startHigh === this.#latestHigh && startLow > this.#latestLow)) {
      oddities.startsInFuture++;
    }
    if (nameLength > NAME_BYTES_ODD) oddities.longNames++;
  }

  /** An id of zeros is left; a parent of zeros is none. */
  #id(at: number, end: number, column: Uint8Array, row: number, length: number, number: number): boolean {
    const bytes = this.bytes;
    if (bytes[at] !== length || at + 1 + length > end) return false;
    const from = at + 1;
    const to = row * length;
    let any = 0;
    for (let index = 0; index < length; index++) any |= column[to + index] = bytes[from + index]!;
    if (any === 0 && number !== op.PARENT_SPAN_ID) return false;
    this.at = from + length;
    return this.step(codeOf(number));
  }

  #event(at: number, end: number): boolean {
    const stop = this.open(at, end, op.EVENT);
    while (this.at < stop) {
      const from = this.at + 1;
      switch (this.bytes[this.at]) {
        case 0x09:
          if (!this.#time(from, stop)) return false;
          break;
        case 0x12:
          if (!this.string(from, stop, op.EVENT_NAME)) return false;
          break;
        case 0x1a:
          if (!this.attribute(from, stop, op.EVENT_ATTRIBUTE)) return false;
          break;
        case 0x20:
          if (!this.count(from, stop, op.EVENT_DROPPED_ATTRIBUTES)) return false;
          break;
        default:
          return false;
      }
    }
    return stop >= 0 && this.step(codeOf(op.CLOSE));
  }

  #time(at: number, stop: number): boolean {
    if (!this.fixed64(at, stop)) return false;
    const low = this.low - this.#startLow;
    const { values } = this.table;
    values[this.valueAt++] = low;
    values[this.valueAt++] = this.high - this.#startHigh - (low < 0 ? 1 : 0);
    return this.step(codeOf(op.EVENT_TIME));
  }

  #link(at: number, end: number): boolean {
    const stop = this.open(at, end, op.LINK);
    while (this.at < stop) {
      const from = this.at + 1;
      switch (this.bytes[this.at]) {
        case 0x0a:
          if (!this.string(from, stop, op.LINK_TRACE_ID)) return false;
          break;
        case 0x12:
          if (!this.string(from, stop, op.LINK_SPAN_ID)) return false;
          break;
        case 0x1a:
          if (!this.string(from, stop, op.LINK_TRACE_STATE)) return false;
          break;
        case 0x22:
          if (!this.attribute(from, stop, op.LINK_ATTRIBUTE)) return false;
          break;
        case 0x28:
          if (!this.count(from, stop, op.LINK_DROPPED_ATTRIBUTES)) return false;
          break;
        case 0x35:
          if (!this.fixed32(from, stop, op.LINK_FLAGS)) return false;
          break;
        default:
          return false;
      }
    }
    return stop >= 0 && this.step(codeOf(op.CLOSE));
  }

  #status(at: number, end: number): boolean {
    const stop = this.open(at, end, op.STATUS);
    let isCodeRead = false;
    while (this.at < stop) {
      const from = this.at + 1;
      const tag = this.bytes[this.at];
      if (tag === 0x12) {
        if (!this.string(from, stop, op.STATUS_MESSAGE)) return false;
      } else if (tag === 0x18 && !isCodeRead) {
        isCodeRead = true;
        if (!this.literal(from, stop, op.STATUS_CODE, STATUS_CODES)) return false;
      } else return false;
    }
    return stop >= 0 && this.step(codeOf(op.CLOSE));
  }
}
