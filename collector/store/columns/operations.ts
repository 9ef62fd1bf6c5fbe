/**
 * What a span's protobuf bytes are made of: a list of operations, each of which says all of its bytes but a hole.
 *
 *     0a 10 …    12 08 …    2a 05 "GET /"  30 03    4a 11 0a 0a "http.route" 12 03 0a 01 "/"   7a 02  18 02   end
 *     TRACE_ID   SPAN_ID    NAME           KIND=3   ATTRIBUTE of type text, "http.route"       STATUS CODE=2  CLOSE
 *
 * What fills the holes stands in columns. An operation is a code (number, type of an attribute, literal value, how wide
 * lengths are written) and, for an attribute, its key. Lengths of messages are computed anew; where a sender writes them
 * wider than needed, as .NET's does, the code says how wide.
 */

/** How a column's values are held in a table: a string of the pool, a word, or two words of 64 bits, low one first. */
export type Format = 'string' | 'word' | 'pair';
export const WORDS_OF: { readonly [format in Format]: number } = { string: 1, word: 1, pair: 2 };

/** What follows the tag. The ids and times that every span has are columns of the table, not holes. */
export type Content =
  | 'traceId'
  | 'spanId'
  | 'parentSpanId'
  | 'start'
  | 'end'
  | 'empty'
  | 'string'
  | 'varint'
  | 'fixed32'
  /** Held as nanoseconds since the span's start. */
  | 'time'
  | 'literal'
  /** Begins a message that `close` ends. */
  | 'open'
  | 'close'
  | 'attribute'
  /** The whole span, as sent. */
  | 'raw';

export interface Operation {
  readonly tag: number;
  readonly content: Content;
  /** Name of the hole's column, for an attribute its beginning; '' where there is no hole. */
  readonly column: string;
}

export const OPERATIONS: Operation[] = [];

function operation(tag: number, content: Content, column = ''): number {
  return OPERATIONS.push({ tag, content, column }) - 1;
}

/** First, so that it is the first shape of every table. */
export const RAW = operation(0, 'raw', 'raw');
export const TRACE_ID = operation(0x0a, 'traceId');
export const SPAN_ID = operation(0x12, 'spanId');
export const TRACE_STATE = operation(0x1a, 'string', 'trace_state');
export const PARENT_SPAN_ID = operation(0x22, 'parentSpanId');
export const NO_PARENT = operation(0x22, 'empty');
export const NAME = operation(0x2a, 'string', 'name');
export const KIND = operation(0x30, 'literal');
export const START = operation(0x39, 'start');
export const END = operation(0x41, 'end');
export const ATTRIBUTE = operation(0x4a, 'attribute', 'a');
export const DROPPED_ATTRIBUTES = operation(0x50, 'varint', 'dropped_attributes');
export const EVENT = operation(0x5a, 'open');
export const EVENT_TIME = operation(0x09, 'time', 'event_time');
export const EVENT_NAME = operation(0x12, 'string', 'event_name');
export const EVENT_ATTRIBUTE = operation(0x1a, 'attribute', 'e');
export const EVENT_DROPPED_ATTRIBUTES = operation(0x20, 'varint', 'event_dropped_attributes');
export const DROPPED_EVENTS = operation(0x60, 'varint', 'dropped_events');
export const LINK = operation(0x6a, 'open');
export const LINK_TRACE_ID = operation(0x0a, 'string', 'link_trace_id');
export const LINK_SPAN_ID = operation(0x12, 'string', 'link_span_id');
export const LINK_TRACE_STATE = operation(0x1a, 'string', 'link_trace_state');
export const LINK_ATTRIBUTE = operation(0x22, 'attribute', 'l');
export const LINK_DROPPED_ATTRIBUTES = operation(0x28, 'varint', 'link_dropped_attributes');
export const LINK_FLAGS = operation(0x35, 'fixed32', 'link_flags');
export const DROPPED_LINKS = operation(0x70, 'varint', 'dropped_links');
export const STATUS = operation(0x7a, 'open');
export const STATUS_MESSAGE = operation(0x12, 'string', 'status_message');
export const STATUS_CODE = operation(0x18, 'literal');
/** The tag takes two bytes, `85 01`. */
export const FLAGS = operation(0x85, 'fixed32', 'flags');
export const CLOSE = operation(0, 'close');

export interface AttributeType {
  /** Stands in the column's name: `a/s/http.route`. */
  readonly letter: string;
  /** Of the field in AnyValue; 0: AnyValue is empty or missing. */
  readonly tag: number;
  readonly format: Format | null;
}

export const TEXT = 0;
export const BOOL = 1;
/** Below 2^32; any other is INTEGER_64. */
export const INTEGER = 2;
export const INTEGER_64 = 3;
export const DOUBLE = 4;
/** Held as the bytes of ArrayValue and KeyValueList. */
export const ARRAY = 5;
export const MAP = 6;
export const BYTES = 7;
/** An AnyValue without a value; a KeyValue without an AnyValue. */
export const NULL = 8;
export const MISSING = 9;

export const ATTRIBUTE_TYPES: readonly AttributeType[] = [
  { letter: 's', tag: 0x0a, format: 'string' },
  { letter: 'b', tag: 0x10, format: 'word' },
  { letter: 'i', tag: 0x18, format: 'word' },
  { letter: 'l', tag: 0x18, format: 'pair' },
  { letter: 'd', tag: 0x21, format: 'pair' },
  { letter: 'a', tag: 0x2a, format: 'string' },
  { letter: 'm', tag: 0x32, format: 'string' },
  { letter: 'y', tag: 0x3a, format: 'string' },
  { letter: 'n', tag: 0, format: null },
  { letter: 'x', tag: 0, format: null },
];

const TYPE_SHIFT = 6;
const LITERAL_SHIFT = 10;
const OUTER_SHIFT = 14;
const INNER_SHIFT = 17;
/** Codes are below it. */
export const CODES = 1 << 20;
/** An operation's number alone is the code of one that has nothing else to say. Literals are below 16, widths below 8. `outerWidth`: bytes of the length after the tag, 0 where it is as short as can be; `innerWidth`: of AnyValue's. */
export function codeOf(number: number, type = 0, literal = 0, outerWidth = 0, innerWidth = 0): number {
  return (
    number |
    (type << TYPE_SHIFT) |
    (literal << LITERAL_SHIFT) |
    (outerWidth << OUTER_SHIFT) |
    (innerWidth << INNER_SHIFT)
  );
}

export const numberOfCode = (code: number): number => code & 63;
export const typeOfCode = (code: number): number => (code >>> TYPE_SHIFT) & 15;
export const literalOfCode = (code: number): number => (code >>> LITERAL_SHIFT) & 15;
export const outerWidthOfCode = (code: number): number => (code >>> OUTER_SHIFT) & 7;
export const innerWidthOfCode = (code: number): number => (code >>> INNER_SHIFT) & 7;

/** The column of a code's hole, or null. */
export function columnOfCode(code: number, key: string): { name: string; format: Format } | null {
  const { content, column } = OPERATIONS[numberOfCode(code)]!;
  switch (content) {
    case 'attribute': {
      const { letter, format } = ATTRIBUTE_TYPES[typeOfCode(code)]!;
      return format === null ? null : { name: `${column}/${letter}/${key}`, format };
    }
    case 'string':
    case 'raw':
      return { name: column, format: 'string' };
    case 'varint':
    case 'fixed32':
      return { name: column, format: 'word' };
    case 'time':
      return { name: column, format: 'pair' };
    default:
      return null;
  }
}
