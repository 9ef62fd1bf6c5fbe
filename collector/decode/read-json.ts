/** Careful steps into JSON that a stranger wrote: each is the expected type or a DecodeError that names the place. */
import { DecodeError } from './decode-error.ts';

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function readObject(value: unknown, where: string): JsonObject {
  if (isObject(value)) return value;
  throw new DecodeError(where, kindOf(value), 'an object');
}

/** An absent list is an empty one. */
export function readList(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new DecodeError(where, kindOf(value), 'an array');
}

/** An absent text is an empty one. */
export function readText(value: unknown, where: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw new DecodeError(where, kindOf(value), 'a string');
}

/** Microseconds as nanoseconds; 0 when absent, and when negative: a clock was set back, and the rest is true all the same. */
export function readMicroseconds(value: unknown, where: string): bigint {
  if (value === undefined || value === null) return 0n;
  const micros = typeof value === 'string' && /^(\d{1,16}|-\d{1,19})$/.test(value) ? Number(value) : value;
  if (typeof micros === 'number' && micros <= Number.MAX_SAFE_INTEGER) {
    return BigInt(Math.round(Math.max(0, micros))) * 1000n;
  }
  throw new DecodeError(where, kindOf(value), 'microseconds, a whole number');
}

/** Ids are left-padded; one that is too long stays so, for the store to refuse the span. */
export function readId(value: unknown, digits: number, where: string): string {
  const text = readText(value, where);
  if (!/^[0-9a-f]*$/i.test(text)) throw new DecodeError(where, kindOf(value), `1 to ${digits} hex digits`);
  return text === '' ? '' : text.toLowerCase().padStart(digits, '0');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `${typeof value} ${String(value).slice(0, 60)}`;
}
