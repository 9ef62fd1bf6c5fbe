/**
 * Spans as columns in memory: what requests are walked into, what blocks are made of and read back into.
 *
 *     row   traceId  spanId  parent  start  end  resource  scope  operation  peer  kind …  shape   values
 *      0    ...                                                                            2 ────▶ ┌ "GET /"  (string id)
 *      1    ...                                                                            2 ─┐    │ 200      (word)
 *                                                                                             └──▶ └ …
 * A row's shape (shape-book.ts) says what its bytes are made of; `values` holds what differs: the row's holes in order,
 * strings as ids of the pool. Nothing else is kept: `spanBytes` puts the bytes as sent together again.
 */
import { BARE_METHODS } from '../../span.ts';
import type { GiveUpKind, Phase } from '../../diagnose/verdict.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { HoleStrings } from './hole-strings.ts';
import { KnownContexts } from './known-contexts.ts';
import { RowFacts, type ResourceContext, type ScopeContext } from './row-facts.ts';
import { ShapeBook } from './shape-book.ts';
import { StringPool } from './string-pool.ts';

/** What a span gave up on, as `spanOutcome` says it. */
export interface RowGiveUp {
  readonly kind: GiveUpKind;
  readonly phase: Phase | 'none';
  readonly budgetMs: number | null;
}

/** What every span has; of a table, and of a granule that was read. Index: row. */
export interface SpanRows {
  readonly rows: number;
  /** 16 bytes a row. */
  readonly traceId: Uint8Array;
  /** 8 bytes a row. */
  readonly spanId: Uint8Array;
  /** 8 bytes a row; zeros where there is none. */
  readonly parentSpanId: Uint8Array;
  /** Unsigned 64-bit nanoseconds since 1970 in two halves, as sent; 0 where none was. */
  readonly startLow: Uint32Array;
  readonly startHigh: Uint32Array;
  readonly endLow: Uint32Array;
  readonly endHigh: Uint32Array;
  /** Numbers the interner gave. `peer` is 0 where the span is no call. */
  readonly resource: Uint32Array;
  readonly scope: Uint32Array;
  readonly operation: Uint32Array;
  readonly peer: Uint32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  readonly outcome: Uint8Array;
  readonly flags: Uint8Array;
  /** By row; few have one. */
  readonly giveUps: ReadonlyMap<number, RowGiveUp>;
  /** What the row's bytes are made of. */
  readonly shape: Uint32Array;
}

type Writable<T> = { -readonly [key in keyof T]: T[key] };

export interface SpanTable extends Writable<SpanRows> {
  giveUps: Map<number, RowGiveUp>;
  /** A row's values are `values[valueStart[row]]` up to `values[valueStart[row + 1]]`. */
  valueStart: Uint32Array;
  values: Uint32Array;
  book: ShapeBook;
  readonly strings: StringPool;
  readonly holes: HoleStrings;
  /** The pool's ids up to it are span names that are bare methods. */
  readonly bareMethods: number;
  /** What was worked out of earlier rows. */
  readonly facts: RowFacts;
  /** Resources and scopes met, by their bytes. */
  readonly resources: KnownContexts<ResourceContext>;
  readonly scopes: KnownContexts<ScopeContext>;
}

const FIRST_ROWS = 1 << 12;
const FIRST_VALUES = 1 << 16;
const ROW_BYTES = 72;
const STRING_OVERHEAD_BYTES = 16;
/** What an emptied table keeps of its memory for strings. */
const STRING_BYTES_KEPT = 32 << 20;

/** With room for so many rows at least; it grows when there are more. */
export function createSpanTable(rows = 0): SpanTable {
  return {
    ...columns(Math.max(rows, FIRST_ROWS)),
    rows: 0,
    giveUps: new Map(),
    values: new Uint32Array(FIRST_VALUES),
    book: new ShapeBook(),
    strings: poolWithBareMethods(new StringPool()),
    holes: new HoleStrings(),
    bareMethods: BARE_METHODS.size,
    facts: new RowFacts(),
    resources: new KnownContexts(),
    scopes: new KnownContexts(),
  };
}

type Columns = ReturnType<typeof columns>;

function poolWithBareMethods(strings: StringPool): StringPool {
  for (const name of BARE_METHODS) strings.internBytes(Buffer.from(name));
  return strings;
}

function columns(rows: number) {
  return {
    traceId: new Uint8Array(rows * TRACE_ID_BYTES),
    spanId: new Uint8Array(rows * SPAN_ID_BYTES),
    parentSpanId: new Uint8Array(rows * SPAN_ID_BYTES),
    startLow: new Uint32Array(rows),
    startHigh: new Uint32Array(rows),
    endLow: new Uint32Array(rows),
    endHigh: new Uint32Array(rows),
    resource: new Uint32Array(rows),
    scope: new Uint32Array(rows),
    operation: new Uint32Array(rows),
    peer: new Uint32Array(rows),
    kind: new Uint8Array(rows),
    status: new Uint8Array(rows),
    outcome: new Uint8Array(rows),
    flags: new Uint8Array(rows),
    shape: new Uint32Array(rows),
    valueStart: new Uint32Array(rows + 1),
  };
}

/** Makes room for another row and `words` values of it. */
export function ensureRoom(table: SpanTable, words: number): void {
  if (table.rows + 1 > table.shape.length) {
    const larger: Columns = columns(2 * table.shape.length);
    for (const name of Object.keys(larger) as (keyof Columns)[]) larger[name].set(table[name]);
    Object.assign(table, larger);
  }
  const needed = table.valueStart[table.rows]! + words;
  if (needed > table.values.length) {
    const larger = new Uint32Array(Math.max(2 * table.values.length, needed));
    larger.set(table.values);
    table.values = larger;
  }
}

/** Where a table stands, to go back to. */
export interface TableMark {
  readonly rows: number;
  readonly strings: number;
}

export function markTable({ rows, strings }: SpanTable): TableMark {
  return { rows, strings: strings.count };
}

/** Takes back all that was added since the mark, and forgets the interner's numbers but those in rows that stay. */
export function truncateTable(table: SpanTable, { rows, strings }: TableMark): void {
  for (const row of table.giveUps.keys()) if (row >= rows) table.giveUps.delete(row);
  table.rows = rows;
  table.strings.truncate(strings);
  table.holes.forget();
  // Known by numbers of strings, which other strings get now.
  table.facts.clear(false);
  table.resources.clear();
  table.scopes.clear();
}

/** Empties the table for other spans; it keeps its memory and, while they are few, its shapes. */
export function resetTable(table: SpanTable): void {
  table.rows = 0;
  table.giveUps.clear();
  table.strings.clear(STRING_BYTES_KEPT);
  poolWithBareMethods(table.strings);
  table.holes.forget();
  const isBookFull = table.book.isFull;
  if (isBookFull) table.book = new ShapeBook();
  table.facts.clear(isBookFull);
  table.resources.clear();
  table.scopes.clear();
}

/** Bytes of memory that the table's content takes. */
export function tableBytes({ rows, valueStart, strings }: SpanTable): number {
  return rows * ROW_BYTES + valueStart[rows]! * 4 + strings.size + strings.count * STRING_OVERHEAD_BYTES;
}

const NS_HIGH = 2 ** 32;

/** Start in epoch milliseconds. */
export function startMsOf({ startLow, startHigh }: SpanRows, row: number): number {
  return (startHigh[row]! * NS_HIGH + startLow[row]!) / 1e6;
}

/** 0 for a span that has not ended or that ends before it starts. */
export function durationMsOf({ startLow, startHigh, endLow, endHigh }: SpanRows, row: number): number {
  const nano = (endHigh[row]! - startHigh[row]!) * NS_HIGH + (endLow[row]! - startLow[row]!);
  return nano > 0 ? nano / 1e6 : 0;
}

/** 32 lower-case hex digits. */
export function traceIdOf({ traceId }: SpanRows, row: number): string {
  return hexOf(traceId, row * TRACE_ID_BYTES, TRACE_ID_BYTES);
}

/** 16 lower-case hex digits. */
export function spanIdOf({ spanId }: SpanRows, row: number): string {
  return hexOf(spanId, row * SPAN_ID_BYTES, SPAN_ID_BYTES);
}

function hexOf(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('hex');
}
