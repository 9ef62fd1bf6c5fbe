/** Attribute values for formats that know less of them than OTLP. Pure. */
import { wireAttributes } from '../../query/wire-trace.ts';
import type { AttributeValue } from '../../span.ts';

/** A value as text: what it says itself, bytes as base64, arrays and maps as JSON. */
export function attributeText(value: AttributeValue): string {
  if (value === null) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value !== 'object') return String(value);
  return JSON.stringify(wireAttributes(new Map([['value', value]]))['value']);
}
