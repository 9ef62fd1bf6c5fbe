/**
 * Rows of a granule as spans, without their bytes put together in between: what a span says of itself is read from its
 * shape and columns, and an attribute when it is asked for. Such a span does not leave its thread.
 */
import { decodeSpan } from '../../decode/otlp-protobuf.ts';
import type { Attributes, AttributeValue, Resource, Scope, Span, SpanKind } from '../../span.ts';
import { KINDS, OK, SPAN_ID_BYTES, STATUSES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import type { Granule } from './granule.ts';
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
import type { ValueColumn } from './value-column.ts';

const NONE: readonly never[] = [];
const NO_ID = '0'.repeat(2 * SPAN_ID_BYTES);
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

/** What rows name by number. */
export interface RowNames {
  /** As `operationOf` gives it. */
  operation(operation: number): string;
  decodedResource(resource: number): Resource;
  decodedScope(scope: number): Scope;
}

/** Makes spans of rows of one trace, `at` rising. Throws DamagedPart, and so do the spans it makes. */
export type SpanMaker = (at: Uint32Array, traceId: string) => Span[];

export function createSpanMaker(granule: Granule, names: RowNames): SpanMaker {
  const { classes, startLow, startHigh, endLow, endHigh } = granule;
  const { of } = classes;
  const plans = plansOf(granule.stored);
  const values = new GranuleValues(granule);
  const ofClasses: (ClassPlan | undefined)[] = [];
  const ids = viewBuffer(granule.spanId);
  const parents = viewBuffer(granule.parentSpanId);

  function planOfShape(shape: number): Plan | null {
    let plan = plans[shape];
    if (plan === undefined) plans[shape] = plan = planOf(granule.stored, shape);
    return plan;
  }
  const textAt = (hole: Hole | null, row: number): string => (hole === null ? '' : values.textOf(hole, row));
  const wordAt = (hole: Hole | null, row: number): number => (hole === null ? 0 : values.wordOf(hole, row));

  function planOfClass(rowClass: number): ClassPlan {
    return {
      plan: planOfShape(classes.shape[rowClass]!),
      operation: classes.operation[rowClass]!,
      resource: names.decodedResource(classes.resource[rowClass]!),
      scope: names.decodedScope(classes.scope[rowClass]!),
      // By the rules of when it was stored: where these change, rows stored before must not be asked.
      endedWell: classes.outcome[rowClass] === OK,
    };
  }

  /** `spanId` and `parentId` in hex. */
  function makeSpan(row: number, traceId: string, spanId: string, parentId: string): Span {
    const rowClass = of[row]!;
    const ofClass = (ofClasses[rowClass] ??= planOfClass(rowClass));
    const { plan, resource, scope } = ofClass;
    if (plan === null) return decodeSpan(granule.spanBytes(row), resource, scope);
    return {
      traceId,
      spanId,
      // Some senders write a root's missing parent as zeros.
      parentSpanId: plan.hasParent && parentId !== NO_ID ? parentId : '',
      traceState: textAt(plan.traceState, row),
      flags: wordAt(plan.flags, row),
      name: textAt(plan.name, row),
      kind: plan.kind,
      startUnixNano: plan.hasStart ? nanoOf(startLow[row]!, startHigh[row]!) : 0n,
      endUnixNano: plan.hasEnd ? nanoOf(endLow[row]!, endHigh[row]!) : 0n,
      status:
        plan.message === null ? plan.status : { code: plan.status.code, message: textAt(plan.message, row) },
      attributes: new StoredAttributes(plan.attributes, values, row),
      events: NONE,
      links: NONE,
      droppedAttributes: wordAt(plan.droppedAttributes, row),
      droppedEvents: wordAt(plan.droppedEvents, row),
      droppedLinks: wordAt(plan.droppedLinks, row),
      resource,
      scope,
      operation: names.operation(ofClass.operation),
      endedWell: ofClass.endedWell,
    };
  }

  return (at, traceId) => {
    const first = at[0] ?? 0;
    const end = (at.at(-1) ?? -1) + 1;
    // All at once: each call into Buffer costs as much as the rest of a span.
    const spanIds = ids.toString('hex', first * SPAN_ID_BYTES, end * SPAN_ID_BYTES);
    const parentIds = parents.toString('hex', first * SPAN_ID_BYTES, end * SPAN_ID_BYTES);
    const spans: Span[] = [];
    for (const row of at) {
      const from = (row - first) * NO_ID.length;
      const to = from + NO_ID.length;
      spans.push(makeSpan(row, traceId, spanIds.slice(from, to), parentIds.slice(from, to)));
    }
    return spans;
  };
}

/** What the rows of a class share. */
interface ClassPlan {
  /** null for spans that say more than a plan can. */
  readonly plan: Plan | null;
  readonly operation: number;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly endedWell: boolean;
}

/** Where the spans of one shape have what they say. */
interface Plan {
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
type AttributePlan = ReadonlyMap<string, Hole | null>;

/** By the number of the shape: what is learnt of them holds for all granules of a block. */
const known = new WeakMap<StoredShapes, (Plan | null | undefined)[]>();

function plansOf(stored: StoredShapes): (Plan | null | undefined)[] {
  let plans = known.get(stored);
  if (plans === undefined) known.set(stored, (plans = []));
  return plans;
}

/** null for a shape whose spans say more than a plan can. */
function planOf({ shapes, columns }: StoredShapes, number: number): Plan | null {
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
interface Hole {
  /** Its number among the stored ones. */
  readonly column: number;
  readonly ordinal: number;
  readonly isBool: boolean;
}

/** What fills the holes of a granule's rows. */
class GranuleValues {
  readonly #granule: Granule;
  /** By number. */
  readonly #columns: (ValueColumn | undefined)[] = [];
  /** By number of the column: listed values that were decoded; spans share them. */
  readonly #decoded: AttributeValue[][] = [];

  constructor(granule: Granule) {
    this.#granule = granule;
  }

  textOf({ column: number, ordinal }: Hole, row: number): string {
    const column = this.#columns[number] ?? this.#open(number);
    const index = column.indexAt(row, ordinal);
    return (this.#decoded[number]![index] ??= column.bytesAt(index).toString()) as string;
  }

  wordOf({ column: number, ordinal }: Hole, row: number): number {
    const column = this.#columns[number] ?? this.#open(number);
    return column.wordAt(column.indexAt(row, ordinal), 0);
  }

  attributeOf(hole: Hole, row: number): AttributeValue {
    if (hole.isBool) return this.wordOf(hole, row) !== 0;
    const column = this.#columns[hole.column] ?? this.#open(hole.column);
    const index = column.indexAt(row, hole.ordinal);
    return (this.#decoded[hole.column]![index] ??= column.attributeAt(index));
  }

  #open(number: number): ValueColumn {
    const { name } = this.#granule.stored.columns[number]!;
    const column = this.#granule.column(name);
    if (column === null) throw new DamagedPart(`part ${name} is missing`);
    this.#decoded[number] = [];
    return (this.#columns[number] = column);
  }
}

/** Reads each attribute when it is asked for. */
class StoredAttributes implements Attributes {
  readonly #plan: AttributePlan;
  readonly #values: GranuleValues;
  readonly #row: number;

  constructor(plan: AttributePlan, values: GranuleValues, row: number) {
    this.#plan = plan;
    this.#values = values;
    this.#row = row;
  }

  get size(): number {
    return this.#plan.size;
  }
  has(key: string): boolean {
    return this.#plan.has(key);
  }
  get(key: string): AttributeValue | undefined {
    const hole = this.#plan.get(key);
    return hole === undefined ? undefined : hole === null ? null : this.#values.attributeOf(hole, this.#row);
  }
  keys(): MapIterator<string> {
    return this.#plan.keys();
  }
  values(): MapIterator<AttributeValue> {
    return this.#decoded().values();
  }
  entries(): MapIterator<[string, AttributeValue]> {
    return this.#decoded().entries();
  }
  [Symbol.iterator](): MapIterator<[string, AttributeValue]> {
    return this.entries();
  }
  forEach(run: (value: AttributeValue, key: string, all: Attributes) => void): void {
    for (const [key, value] of this.entries()) run(value, key, this);
  }

  #decoded(): Map<string, AttributeValue> {
    return new Map(Array.from(this.#plan.keys(), (key) => [key, this.get(key) ?? null]));
  }
}

const halves = new Uint32Array(2);
const whole = new BigUint64Array(halves.buffer);

function nanoOf(low: number, high: number): bigint {
  halves[0] = low;
  halves[1] = high;
  return whole[0]!;
}

function viewBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
