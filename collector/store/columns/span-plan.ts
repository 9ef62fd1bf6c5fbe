/**
 * Where the spans of one shape have what they say: a literal of the shape, or a hole that each row fills from a column. Pure.
 */
import type { Span, SpanKind } from '../../span.ts';
import { KINDS, STATUSES } from './codes.ts';
import {
  ATTRIBUTE,
  BOOL,
  CLOSE,
  DROPPED_ATTRIBUTES,
  DROPPED_EVENTS,
  DROPPED_LINKS,
  END,
  FLAGS,
  KIND,
  literalOfCode,
  NAME,
  NO_PARENT,
  numberOfCode,
  PARENT_SPAN_ID,
  SPAN_ID,
  START,
  STATUS,
  STATUS_CODE,
  STATUS_MESSAGE,
  TRACE_ID,
  TRACE_STATE,
  typeOfCode,
} from './operations.ts';
import type { StoredShapes } from './shapes-part.ts';

/** Of spans that say each of these at most once; events, links and what is kept whole are decoded from bytes. */
const ONCE: ReadonlySet<number> = new Set([
  TRACE_ID,
  SPAN_ID,
  TRACE_STATE,
  PARENT_SPAN_ID,
  NO_PARENT,
  NAME,
  KIND,
  START,
  END,
  DROPPED_ATTRIBUTES,
  DROPPED_EVENTS,
  DROPPED_LINKS,
  STATUS,
  STATUS_MESSAGE,
  STATUS_CODE,
  FLAGS,
]);

/** Where the spans of one shape have what they say. */
export interface Plan {
  readonly hasParent: boolean;
  readonly hasStart: boolean;
  readonly hasEnd: boolean;
  readonly kind: SpanKind;
  /** Without its message. */
  readonly status: Span['status'];
  readonly message: Hole | null;
  readonly name: Hole | null;
  readonly traceState: Hole | null;
  readonly flags: Hole | null;
  readonly droppedAttributes: Hole | null;
  readonly droppedEvents: Hole | null;
  readonly droppedLinks: Hole | null;
  readonly attributes: AttributePlan;
}

/** By key, in the order sent; null where an attribute has no value. */
export type AttributePlan = ReadonlyMap<string, Hole | null>;

/** By the number of the shape: what is learnt of them holds for all granules of a block. */
const known = new WeakMap<StoredShapes, (Plan | null | undefined)[]>();

export function plansOf(stored: StoredShapes): (Plan | null | undefined)[] {
  let plans = known.get(stored);
  if (plans === undefined) known.set(stored, (plans = []));
  return plans;
}

/** null for a shape whose spans say more than a plan can. */
export function planOf({ shapes, columns }: StoredShapes, number: number): Plan | null {
  const { steps, streams, ordinals } = shapes[number]!;
  const holes = new Map<number, Hole | null>();
  const codes = new Map<number, number>();
  const attributes = new Map<string, Hole | null>();
  let offset = 0;
  const holeAt = (type: number): Hole => ({
    column: streams[offset]! >>> 1,
    ordinal: ordinals[offset]!,
    isBool: type === BOOL,
  });
  for (const { code, key, column } of steps) {
    const number = numberOfCode(code);
    const hole = column < 0 ? null : holeAt(typeOfCode(code));
    if (column >= 0) offset += columns[column]!.format === 'pair' ? 2 : 1;
    if (number === ATTRIBUTE) attributes.set(key, hole);
    else if (number === CLOSE) continue;
    else if (!ONCE.has(number) || codes.has(number)) return null;
    else {
      codes.set(number, code);
      holes.set(number, hole);
    }
  }
  const literal = (number: number): number => literalOfCode(codes.get(number) ?? 0);
  const at = (number: number): Hole | null => holes.get(number) ?? null;
  return {
    hasParent: codes.has(PARENT_SPAN_ID),
    hasStart: codes.has(START),
    hasEnd: codes.has(END),
    kind: KINDS[literal(KIND)] ?? 'unspecified',
    status: { code: STATUSES[literal(STATUS_CODE)] ?? 'unset', message: '' },
    message: at(STATUS_MESSAGE),
    name: at(NAME),
    traceState: at(TRACE_STATE),
    flags: at(FLAGS),
    droppedAttributes: at(DROPPED_ATTRIBUTES),
    droppedEvents: at(DROPPED_EVENTS),
    droppedLinks: at(DROPPED_LINKS),
    attributes,
  };
}

/** Where a span of a shape says something. */
export interface Hole {
  /** Its number among the stored ones. */
  readonly column: number;
  readonly ordinal: number;
  readonly isBool: boolean;
}
