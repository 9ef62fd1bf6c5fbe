/** Values of thrift's binary protocol as its specification writes them; shares nothing with the reader under test. */
export interface Value {
  readonly type: number;
  readonly bytes: Buffer;
}

const of = (type: number, size: number, write: (bytes: Buffer) => void): Value => {
  const bytes = Buffer.alloc(size);
  write(bytes);
  return { type, bytes };
};

export const bool = (value: boolean): Value => of(2, 1, (bytes) => bytes.writeInt8(value ? 1 : 0));
export const double = (value: number): Value => of(4, 8, (bytes) => bytes.writeDoubleBE(value));
export const i32 = (value: number): Value => of(8, 4, (bytes) => bytes.writeInt32BE(value));
export const i64 = (value: bigint): Value => of(10, 8, (bytes) => bytes.writeBigInt64BE(value));

export function binary(value: Buffer): Value {
  return { type: 11, bytes: Buffer.concat([i32(value.length).bytes, value]) };
}

export function string(value: string): Value {
  return binary(Buffer.from(value));
}

/** By the numbers of its fields, in the order in which they stand. */
export function struct(fields: Readonly<Record<number, Value>>): Value {
  const parts = Object.entries(fields).flatMap(([id, { type, bytes }]) => {
    const head = Buffer.alloc(3);
    head.writeInt8(type, 0);
    head.writeInt16BE(Number(id), 1);
    return [head, bytes];
  });
  return { type: 12, bytes: Buffer.concat([...parts, Buffer.from([0])]) };
}

export function list(type: number, values: readonly Value[]): Value {
  const head = Buffer.concat([Buffer.from([type]), i32(values.length).bytes]);
  return { type: 15, bytes: Buffer.concat([head, ...values.map(({ bytes }) => bytes)]) };
}

export function map(key: number, value: number, entries: readonly (readonly [Value, Value])[]): Value {
  const head = Buffer.concat([Buffer.from([key, value]), i32(entries.length).bytes]);
  return { type: 13, bytes: Buffer.concat([head, ...entries.flat().map(({ bytes }) => bytes)]) };
}
