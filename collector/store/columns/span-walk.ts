/**
 * Walks the bytes of one span into a row of a table, in one pass and without making an object.
 *
 * It takes spans whose every byte it can say again from the row: fields that are known, numbers as short as can be,
 * text that is UTF-8, ids that are valid. Any other it leaves, as it was, to the walk that checks and explains.
 */
import { latestStart, NAME_BYTES_ODD, type Oddities } from '../../decode/walk-request.ts';
import { HoleWalk } from './hole-walk.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import * as op from './operations.ts';
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
const NO_WORDS = new Int32Array(0);

/** Words of ids are read and written in the order of this machine, so that their bytes stay in place. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export class SpanWalk extends HoleWalk {
  readonly #latestLow: number;
  readonly #latestHigh: number;
  /** The table's columns of ids as words; they are replaced when the table grows. */
  #traceId: Uint8Array | null = null;
  #traceWords: Int32Array = NO_WORDS;
  #spanWords: Int32Array = NO_WORDS;
  #parentWords: Int32Array = NO_WORDS;
  #startLow = 0;
  #startHigh = 0;
  #endLow = 0;
  #endHigh = 0;
  #nameLength = 0;

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
    const { table } = this;
    const row = this.#beginRow();
    let seen = 0;
    let at = start;
    while (at < end) {
      const field = this.#takeField(this.bytes[at]!, at + 1, end, row, (seen & SEEN_START) !== 0);
      if (field < 0 || (seen & field) !== 0) return false;
      seen |= field;
      at = this.at;
    }
    if ((seen & SEEN_IDS) !== SEEN_IDS) return false;
    const shape = table.book.shapeAt(this.node);
    if (shape < 0) return false;

    table.startLow[row] = this.#startLow;
    table.startHigh[row] = this.#startHigh;
    table.endLow[row] = this.#endLow;
    table.endHigh[row] = this.#endHigh;
    table.shape[row] = shape;
    table.valueStart[row + 1] = this.valueAt;
    this.#noteOddities(oddities);
    return true;
  }

  #beginRow(): number {
    const { table } = this;
    ensureRoom(table, 2 * SHAPE_OPERATIONS_MAX);
    if (table.traceId !== this.#traceId) {
      this.#traceId = table.traceId;
      this.#traceWords = new Int32Array(table.traceId.buffer);
      this.#spanWords = new Int32Array(table.spanId.buffer);
      this.#parentWords = new Int32Array(table.parentSpanId.buffer);
    }
    const row = table.rows;
    this.valueAt = table.valueStart[row]!;
    this.node = table.book.root;
    this.#parentWords[2 * row] = 0;
    this.#parentWords[2 * row + 1] = 0;
    this.#startLow = 0;
    this.#startHigh = 0;
    this.#endLow = 0;
    this.#endHigh = 0;
    this.#nameLength = 0;
    return row;
  }

  /** Takes one field; `at` is behind its tag. Returns which of those that may not come twice it is, -1 if it is left. */
  #takeField(tag: number, at: number, end: number, row: number, isStarted: boolean): number {
    switch (tag) {
      case 0x0a:
        return this.#traceIdOf(at, end, row) && this.step(op.TRACE_ID) ? SEEN_TRACE_ID : -1;
      case 0x12:
        return this.#idOf(at, end, this.#spanWords, row) !== 0 && this.step(op.SPAN_ID) ? SEEN_SPAN_ID : -1;
      case 0x1a:
        return this.string(at, end, op.TRACE_STATE) ? 0 : -1;
      case 0x22:
        return this.#parent(at, end, row) ? SEEN_PARENT : -1;
      case 0x2a:
        if (!this.string(at, end, op.NAME)) return -1;
        this.#nameLength = this.low;
        return SEEN_NAME;
      case 0x30:
        return this.literal(at, end, op.KIND, KINDS) ? SEEN_KIND : -1;
      case 0x39:
        if (!this.fixed64(at, end)) return -1;
        this.#startLow = this.low;
        this.#startHigh = this.high;
        return this.step(op.START) ? SEEN_START : -1;
      case 0x41:
        if (!this.fixed64(at, end)) return -1;
        this.#endLow = this.low;
        this.#endHigh = this.high;
        return this.step(op.END) ? SEEN_END : -1;
      case 0x4a:
        return this.attribute(at, end, op.ATTRIBUTE) ? 0 : -1;
      case 0x50:
        return this.count(at, end, op.DROPPED_ATTRIBUTES) ? 0 : -1;
      case 0x5a:
        // Its time is held as what has passed since the start.
        return isStarted && this.#event(at, end) ? 0 : -1;
      case 0x60:
        return this.count(at, end, op.DROPPED_EVENTS) ? 0 : -1;
      case 0x6a:
        return this.#link(at, end) ? 0 : -1;
      case 0x70:
        return this.count(at, end, op.DROPPED_LINKS) ? 0 : -1;
      case 0x7a:
        return this.#status(at, end) ? SEEN_STATUS : -1;
      case 0x85:
        // The second byte of the tag.
        return this.bytes[at] === 1 && this.fixed32(at + 1, end, op.FLAGS) ? 0 : -1;
      default:
        return -1;
    }
  }

  #noteOddities(oddities: Oddities): void {
    const startLow = this.#startLow >>> 0;
    const startHigh = this.#startHigh >>> 0;
    const endLow = this.#endLow >>> 0;
    const endHigh = this.#endHigh >>> 0;
    oddities.seen++;
    const endsBefore = endHigh < startHigh || (endHigh === startHigh && endLow < startLow);
    if (endsBefore && (endLow !== 0 || endHigh !== 0)) oddities.endsBeforeStart++;
    if (startHigh > this.#latestHigh || (startHigh === this.#latestHigh && startLow > this.#latestLow)) {
      oddities.startsInFuture++;
    }
    if (this.#nameLength > NAME_BYTES_ODD) oddities.longNames++;
  }

  /** False if it has another length or is zero. */
  #traceIdOf(at: number, end: number, row: number): boolean {
    const { view } = this;
    if (this.bytes[at] !== TRACE_ID_BYTES || at + 1 + TRACE_ID_BYTES > end) return false;
    const words = this.#traceWords;
    let any = 0;
    for (let word = 0; word < 4; word++) {
      any |= words[4 * row + word] = view.getInt32(at + 1 + 4 * word, IS_LITTLE_ENDIAN);
    }
    this.at = at + 1 + TRACE_ID_BYTES;
    return any !== 0;
  }

  /** 0 if it has another length or is zero. */
  #idOf(at: number, end: number, words: Int32Array, row: number): number {
    const { view } = this;
    if (this.bytes[at] !== SPAN_ID_BYTES || at + 1 + SPAN_ID_BYTES > end) return 0;
    const first = view.getInt32(at + 1, IS_LITTLE_ENDIAN);
    const second = view.getInt32(at + 5, IS_LITTLE_ENDIAN);
    words[2 * row] = first;
    words[2 * row + 1] = second;
    this.at = at + 1 + SPAN_ID_BYTES;
    return first | second;
  }

  /** Zeros are no parent, and so is an id of no bytes. */
  #parent(at: number, end: number, row: number): boolean {
    if (this.bytes[at] === 0) {
      this.at = at + 1;
      return this.step(op.NO_PARENT);
    }
    this.at = at;
    this.#idOf(at, end, this.#parentWords, row);
    return this.at !== at && this.step(op.PARENT_SPAN_ID);
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
    return stop >= 0 && this.step(op.CLOSE);
  }

  #time(at: number, stop: number): boolean {
    if (!this.fixed64(at, stop)) return false;
    const low = (this.low >>> 0) - (this.#startLow >>> 0);
    const { values } = this.table;
    values[this.valueAt++] = low;
    values[this.valueAt++] = this.high - this.#startHigh - (low < 0 ? 1 : 0);
    return this.step(op.EVENT_TIME);
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
    return stop >= 0 && this.step(op.CLOSE);
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
    return stop >= 0 && this.step(op.CLOSE);
  }
}
