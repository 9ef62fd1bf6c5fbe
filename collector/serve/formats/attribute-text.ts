/** Attribute values for formats that know less of them than OTLP: arrays and maps become JSON text. Pure. */
import type { AttributeValue } from '../../span.ts';

/** A value as text: what it says itself, or its JSON. */
export function attributeText(value: AttributeValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(plainValue(value)) : String(value);
}

/** A value that `JSON.stringify` takes: integers beyond 2^53 as text, bytes as base64. */
export function plainValue(value: AttributeValue): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [key, plainValue(item)]));
  if (Array.isArray(value)) return value.map((item: AttributeValue) => plainValue(item));
  return value;
}
