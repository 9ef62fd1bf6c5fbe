/**
 * The values of one column of a granule: those listed, and which of them each row has.
 *
 * What is asked of a value is asked once for each that is listed; `markRows` then says which rows have one.
 */
import { decodeArrayValue, decodeKeyValueList } from '../../decode/otlp-protobuf.ts';
import type { AttributeValue } from '../../span.ts';
import { decodeStored } from './decode-stored.ts';
import type { Format } from './operations.ts';

export interface ValueColumn {
  /** As operations.ts names it: `a/s/http.route`, `event_name` … */
  readonly name: string;
  readonly format: Format;
  /** How many values are listed; a value may be listed more than once. */
  readonly listed: number;
  /** The same object for columns that list the same: the granules of a block share what the block's header lists. */
  readonly list: object;
  /** Of a listed value held as a string; a view. */
  bytesAt(index: number): Buffer;
  /** Of a listed value held as words: of a pair, word 1 is the high one. */
  wordAt(index: number, word: number): number;
  /** How many values the row has. */
  countAt(row: number): number;
  /** The index, among the listed values, of the row's `ordinal`th. */
  indexAt(row: number, ordinal: number): number;
  /** Sets `rows[row]` to 1 where a value of the row is one that `holds`, by index among the listed, says 1 of. */
  markRows(holds: Uint8Array, rows: Uint8Array): void;
  /**
   * Sets `rows[row]` to 1 where a value of the row, written as text, is this one: much quicker than asking each that is
   * listed. False, with nothing done, for lists: whether one holds is for the caller to say. Only of attributes.
   */
  markEqual(text: string, rows: Uint8Array): boolean;
  /** A listed value as the attribute it is; only of columns of attributes. */
  attributeAt(index: number): AttributeValue;
}

export function attributeOf(
  column: Pick<ValueColumn, 'name' | 'bytesAt' | 'wordAt'>,
  index: number,
): AttributeValue {
  switch (column.name[2]) {
    case 's':
      return column.bytesAt(index).toString();
    case 'b':
      return column.wordAt(index, 0) === 1;
    case 'i':
      return column.wordAt(index, 0);
    case 'l':
      return integerOf(column.wordAt(index, 0), column.wordAt(index, 1));
    case 'd':
      return doubleOf(column.wordAt(index, 0), column.wordAt(index, 1));
    case 'a':
      return decodeStored(() => decodeArrayValue(column.bytesAt(index)));
    case 'm':
      return decodeStored(() => decodeKeyValueList(column.bytesAt(index)));
    default:
      return Uint8Array.from(column.bytesAt(index));
  }
}

/** What `markEqual` looks for in a column: a string, a word, or the values asked one by one. Null: nothing equals it. */
export type Wanted =
  | { readonly string: Buffer }
  | { readonly word: number }
  | { readonly each: string }
  | { readonly isList: true }
  | null;

export function wantedOf(columnName: string, text: string): Wanted {
  switch (columnName[2]) {
    case 's':
      return { string: Buffer.from(text) };
    case 'b':
      return text === 'true' ? { word: 1 } : text === 'false' ? { word: 0 } : null;
    case 'i': {
      const word = Number(text);
      return Number.isInteger(word) && word >= 0 && word < 2 ** 32 && String(word) === text ? { word } : null;
    }
    case 'l':
    case 'd':
      return { each: text };
    case 'a':
      return { isList: true };
    default:
      // Maps and bytes are not written as text.
      return null;
  }
}

/** By index: 1 where the listed value, written as text, is this one. */
export function holdsText(column: ValueColumn, text: string): Uint8Array {
  const holds = new Uint8Array(column.listed);
  for (let index = 0; index < holds.length; index++) {
    if (String(column.attributeAt(index)) === text) holds[index] = 1;
  }
  return holds;
}

/** As `int64` reads it: a number while it is safe, else a bigint. */
export function integerOf(low: number, high: number): number | bigint {
  const signed = (high | 0) * 2 ** 32 + low;
  return Number.isSafeInteger(signed) ? signed : BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
}

const halves = new Uint32Array(2);
const whole = new Float64Array(halves.buffer);

export function doubleOf(low: number, high: number): number {
  halves[0] = low;
  halves[1] = high;
  return whole[0]!;
}
