/**
 * The values that attributes may have, as a program hands them over: checked, copied and cut to the limits. Pure.
 *
 * What the program changes afterwards, and what no attribute can be (functions, circles), must not reach the span.
 */
import type { Attributes } from '@opentelemetry/api';

/** Limits as OTEL_* variables set them; `valueLengthMax` counts characters of a string and bytes of binary data. */
export interface AttributeLimits {
  countMax: number;
  valueLengthMax: number;
}

export type AttributeMap = Map<string, unknown>;

const depthMax = 20;

/** The value's own copy; undefined when it is none that an attribute can have. */
export function cleanValue(value: unknown, lengthMax: number, depth = 0): unknown {
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return value;
    case 'string':
      return value.length > lengthMax ? value.slice(0, lengthMax) : value;
    case 'object':
      return value === null ? null : cleanObject(value, lengthMax, depth);
    default:
      return undefined;
  }
}

function cleanObject(value: object, lengthMax: number, depth: number): unknown {
  if (value instanceof Uint8Array) return value.slice(0, Math.min(value.length, lengthMax));
  if (depth >= depthMax) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) =>
      item === undefined ? null : cleanValue(item, lengthMax, depth + 1),
    );
    return items.includes(undefined) ? undefined : items;
  }
  const { constructor } = value;
  if (constructor !== Object && constructor !== undefined) return undefined;
  const copy: AttributeMap = new Map();
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const cleaned = cleanValue(item, lengthMax, depth + 1);
    if (cleaned === undefined) return undefined;
    copy.set(key, cleaned);
  }
  return copy;
}

/** Whether events may carry the value: a string, number or boolean, or a list of one of these. */
export function isSimpleValue(value: unknown): boolean {
  if (!Array.isArray(value)) return /^(string|number|boolean)$/.test(typeof value);
  const types = new Set(value.filter((item) => item != null).map((item) => typeof item));
  return types.size === 0 || (types.size === 1 && /^(string|number|boolean)$/.test([...types][0]!));
}

/** Puts an attribute among others; gives how many were dropped for it: one, when its value is none or there are too many. */
export function addAttribute(
  attributes: AttributeMap,
  key: string,
  value: unknown,
  { countMax, valueLengthMax }: AttributeLimits,
): 0 | 1 {
  if (value === undefined) return 0;
  if (!attributes.has(key) && attributes.size >= countMax) return 1;
  const cleaned = typeof key === 'string' && key !== '' ? cleanValue(value, valueLengthMax) : undefined;
  if (cleaned === undefined) return 1;
  attributes.set(key, cleaned);
  return 0;
}

export interface CleanAttributes {
  attributes: AttributeMap;
  droppedCount: number;
}

/** A copy of the attributes of an event (`simple`), a link or a new span. */
export function cleanAttributes(
  attributes: Attributes | undefined,
  limits: AttributeLimits,
  { simple = false } = {},
): CleanAttributes {
  const clean: AttributeMap = new Map();
  let droppedCount = 0;
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (simple && value !== undefined && !isSimpleValue(value)) droppedCount += 1;
    else droppedCount += addAttribute(clean, key, value, limits);
  }
  return { attributes: clean, droppedCount };
}
