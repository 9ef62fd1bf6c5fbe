/**
 * Rows of a granule as spans, without their bytes put together in between: what a span says of itself is read from its
 * shape and columns, and what few ask of it when it is asked for. Such a span does not leave its thread, nor is it spread.
 */
import { decodeSpan } from '../../decode/otlp-protobuf.ts';
import type { Attributes, AttributeValue, Resource, Scope, Span, SpanKind } from '../../span.ts';
import { OK, SPAN_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { decodeStored } from './decode-stored.ts';
import type { Granule } from './granule.ts';
import { planOf, plansOf, type AttributePlan, type Hole, type Plan } from './span-plan.ts';
import type { ValueColumn } from './value-column.ts';

const NONE: readonly never[] = [];
const NO_ID = '0'.repeat(2 * SPAN_ID_BYTES);
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
  const { of, shape, resource: resources, scope: scopes } = classes;
  const plans = plansOf(granule.stored);
  const values = new GranuleValues(granule, names);
  const ids = viewBuffer(granule.spanId);
  const parents = viewBuffer(granule.parentSpanId);

  function planOfShape(number: number): Plan | null {
    let plan = plans[number];
    if (plan === undefined) plans[number] = plan = planOf(granule.stored, number);
    return plan;
  }

  /** `spanId` and `parentId` in hex. Of its class nothing is kept: three of four spans of usual traces are the first of theirs. */
  function makeSpan(row: number, traceId: string, spanId: string, parentId: string): Span {
    const rowClass = of[row]!;
    const plan = planOfShape(shape[rowClass]!);
    const resource = names.decodedResource(resources[rowClass]!);
    const scope = names.decodedScope(scopes[rowClass]!);
    if (plan === null) return decodeStored(() => decodeSpan(granule.spanBytes(row), resource, scope));
    const start = plan.hasStart ? nanoOf(startLow[row]!, startHigh[row]!) : 0n;
    const end = plan.hasEnd ? nanoOf(endLow[row]!, endHigh[row]!) : 0n;
    // Some senders write a root's missing parent as zeros.
    const parentSpanId = plan.hasParent && parentId !== NO_ID ? parentId : '';
    return new StoredSpan(traceId, spanId, parentSpanId, start, end, plan, resource, scope, values, row);
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

/** What a granule's rows say: what fills their holes, and what their classes tell. */
class GranuleValues {
  readonly #granule: Granule;
  readonly #names: RowNames;
  readonly #classOf: Uint32Array;
  readonly #operations: Uint32Array;
  readonly #outcomes: Uint8Array;
  /** By number. */
  readonly #columns: (ValueColumn | undefined)[] = [];
  /** By number of the column: listed values that were decoded; spans share them. */
  readonly #decoded: AttributeValue[][] = [];

  constructor(granule: Granule, names: RowNames) {
    this.#granule = granule;
    this.#names = names;
    const { of, operation, outcome } = granule.classes;
    this.#classOf = of;
    this.#operations = operation;
    this.#outcomes = outcome;
  }

  operationOf(row: number): string {
    return this.#names.operation(this.#operations[this.#classOf[row]!]!);
  }

  /** By the rules of when it was stored: where these change, rows stored before must not be asked. */
  endedWell(row: number): boolean {
    return this.#outcomes[this.#classOf[row]!] === OK;
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

/** Reads what is seldom asked for when it is. */
class StoredSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly attributes: Attributes;
  readonly #plan: Plan;
  readonly #values: GranuleValues;
  readonly #row: number;

  constructor(
    traceId: string,
    spanId: string,
    parentSpanId: string,
    startUnixNano: bigint,
    endUnixNano: bigint,
    plan: Plan,
    resource: Resource,
    scope: Scope,
    values: GranuleValues,
    row: number,
  ) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentSpanId = parentSpanId;
    this.startUnixNano = startUnixNano;
    this.endUnixNano = endUnixNano;
    this.resource = resource;
    this.scope = scope;
    this.attributes = new StoredAttributes(plan.attributes, values, row);
    this.#plan = plan;
    this.#values = values;
    this.#row = row;
  }

  get kind(): SpanKind {
    return this.#plan.kind;
  }
  get status(): Span['status'] {
    const { status, message } = this.#plan;
    return message === null ? status : { code: status.code, message: this.#text(message) };
  }
  get operation(): string {
    return this.#values.operationOf(this.#row);
  }
  get endedWell(): boolean {
    return this.#values.endedWell(this.#row);
  }
  get name(): string {
    return this.#text(this.#plan.name);
  }
  get traceState(): string {
    return this.#text(this.#plan.traceState);
  }
  get flags(): number {
    return this.#word(this.#plan.flags);
  }
  get events(): readonly never[] {
    return NONE;
  }
  get links(): readonly never[] {
    return NONE;
  }
  get droppedAttributes(): number {
    return this.#word(this.#plan.droppedAttributes);
  }
  get droppedEvents(): number {
    return this.#word(this.#plan.droppedEvents);
  }
  get droppedLinks(): number {
    return this.#word(this.#plan.droppedLinks);
  }

  #text(hole: Hole | null): string {
    return hole === null ? '' : this.#values.textOf(hole, this.#row);
  }
  #word(hole: Hole | null): number {
    return hole === null ? 0 : this.#values.wordOf(hole, this.#row);
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
