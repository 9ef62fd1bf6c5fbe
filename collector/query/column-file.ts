/**
 * Typed arrays behind a head in JSON, in one piece of memory, which a reader takes apart without parsing or copying.
 *
 *     length of the head u32 │ head │ column │ column │ …   each column begins at a multiple of 8
 */
import type { ColumnHead, ColumnPlace } from '../serve/wire.ts';

export type Column = Uint8Array | Uint32Array | Int32Array | Float32Array | Float64Array;
export type Columns = Readonly<Record<string, Column>>;

/** What becomes a column file. */
export interface ColumnParts<Head extends ColumnHead> {
  readonly head: Omit<Head, 'columns'>;
  readonly columns: Columns;
}

const ALIGNMENT = 8;
const LENGTH_BYTES = 4;
const SPACE = 0x20;

export function writeColumnFile<Head extends ColumnHead>({
  head,
  columns,
}: ColumnParts<Head>): Uint8Array<ArrayBuffer> {
  const places: Record<string, ColumnPlace> = {};
  let at = 0;
  for (const [name, column] of Object.entries(columns)) {
    const isZero = column.every((entry) => entry === 0);
    places[name] = {
      type: TYPES[column[Symbol.toStringTag]] ?? 'u8',
      at: isZero ? null : at,
      length: column.length,
    };
    if (!isZero) at = aligned(at + column.byteLength);
  }
  const json = Buffer.from(JSON.stringify({ ...head, columns: places }));
  const headEnd = aligned(LENGTH_BYTES + json.length);
  const file = new Uint8Array(headEnd + at);
  new DataView(file.buffer).setUint32(0, headEnd - LENGTH_BYTES, true);
  file.set(json, LENGTH_BYTES);
  file.fill(SPACE, LENGTH_BYTES + json.length, headEnd);
  for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(columns)) {
    const place = places[name]?.at ?? null;
    if (place !== null) file.set(new Uint8Array(buffer, byteOffset, byteLength), headEnd + place);
  }
  return file;
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

const TYPES: { readonly [array: string]: ColumnPlace['type'] } = {
  Uint8Array: 'u8',
  Uint32Array: 'u32',
  Int32Array: 'i32',
  Float32Array: 'f32',
  Float64Array: 'f64',
};

export interface Dictionary {
  readonly texts: string[];
  numberOf(text: string): number;
}

/** Numbers texts in the order in which they are first met. */
export function createDictionary(): Dictionary {
  const texts: string[] = [];
  const numbers = new Map<string, number>();
  return {
    texts,
    numberOf(text) {
      let number = numbers.get(text);
      if (number === undefined) numbers.set(text, (number = texts.push(text) - 1));
      return number;
    },
  };
}
