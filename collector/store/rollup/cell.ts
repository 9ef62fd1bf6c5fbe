/**
 * One cell of the rollups: what is counted of one series (an edge, an operation, the entries of a service) in one
 * step of time. Cells add up: the hour's is the sum of its minutes', and what was counted wrongly, because a span
 * came late, is taken out again by adding a negative cell.
 */
import type { ProtobufReader } from '../../decode/protobuf-reader.ts';
import type { Phase } from '../../diagnose/verdict.ts';
import { readSigned, type ByteWriter } from './byte-writer.ts';
import type { SketchSum } from './sketch-sum.ts';
import { addSketch, emptySketch, isZero, readSketch, writeSketch, type Sketch } from './sketch.ts';

export const TIMEOUT_PHASES: readonly (Phase | 'none')[] = [
  'queue',
  'dns',
  'connect',
  'tls',
  'send',
  'wait',
  'receive',
  'none',
];
/** Different budgets counted in one cell; a service has few, and one that computes them has as many as calls. */
export const CELL_BUDGETS_MAX = 20;

export interface Cell {
  /** Spans of the series; of an operation also those that serve nobody (client, internal, producer). */
  calls: number;
  errors: number;
  timeouts: number;
  /** By index in TIMEOUT_PHASES; null while there are none. */
  timeoutPhases: Float64Array | null;
  neverArrived: number;
  retries: number;
  /** Milliseconds → calls that had it; null while there are none. */
  budgets: Map<number, number> | null;
  latency: Sketch;
  /**
   * Of the paired server spans of an edge; of an operation those of its durations that a give-up decided, which are not
   * normal. null while there are none.
   */
  serverLatency: Sketch | null;
}

export function emptyCell(): Cell {
  return {
    calls: 0,
    errors: 0,
    timeouts: 0,
    timeoutPhases: null,
    neverArrived: 0,
    retries: 0,
    budgets: null,
    latency: emptySketch(),
    serverLatency: null,
  };
}

export function countTimeoutPhase(cell: Cell, phaseIndex: number, count: number): void {
  cell.timeoutPhases ??= new Float64Array(TIMEOUT_PHASES.length);
  cell.timeoutPhases[phaseIndex]! += count;
}

export function countBudget(cell: Cell, budgetMs: number, count: number): void {
  cell.budgets ??= new Map();
  const known = cell.budgets.get(budgetMs);
  if (known === undefined && cell.budgets.size >= CELL_BUDGETS_MAX) return;
  const sum = (known ?? 0) + count;
  if (sum === 0) cell.budgets.delete(budgetMs);
  else cell.budgets.set(budgetMs, sum);
}

export function addCell(sum: Cell, added: Cell): void {
  sum.calls += added.calls;
  sum.errors += added.errors;
  sum.timeouts += added.timeouts;
  sum.neverArrived += added.neverArrived;
  sum.retries += added.retries;
  added.timeoutPhases?.forEach((count, phaseIndex) => {
    if (count !== 0) countTimeoutPhase(sum, phaseIndex, count);
  });
  added.budgets?.forEach((count, budgetMs) => countBudget(sum, budgetMs, count));
  addSketch(sum.latency, added.latency);
  if (added.serverLatency !== null) addSketch((sum.serverLatency ??= emptySketch()), added.serverLatency);
}

/** Which of the rarer parts follow. */
const HAS_ERRORS = 1;
const HAS_TIMEOUTS = 2;
const HAS_RARE = 4;
const HAS_BUDGETS = 8;
const HAS_SERVER = 16;

export function writeCell(writer: ByteWriter, cell: Cell): void {
  const { timeoutPhases, budgets, serverLatency } = cell;
  const seenBudgets = [...(budgets ?? [])].filter(([, count]) => count !== 0);
  const hasTimeouts = cell.timeouts !== 0 || (timeoutPhases?.some((count) => count !== 0) ?? false);
  const parts =
    (cell.errors !== 0 ? HAS_ERRORS : 0) |
    (hasTimeouts ? HAS_TIMEOUTS : 0) |
    (cell.neverArrived !== 0 || cell.retries !== 0 ? HAS_RARE : 0) |
    (seenBudgets.length > 0 ? HAS_BUDGETS : 0) |
    (serverLatency !== null && !isZero(serverLatency) ? HAS_SERVER : 0);
  writer.varint(parts);
  writer.signed(cell.calls);
  if (parts & HAS_ERRORS) writer.signed(cell.errors);
  if (parts & HAS_TIMEOUTS) {
    writer.signed(cell.timeouts);
    for (let i = 0; i < TIMEOUT_PHASES.length; i++) writer.signed(timeoutPhases?.[i] ?? 0);
  }
  if (parts & HAS_RARE) {
    writer.signed(cell.neverArrived);
    writer.signed(cell.retries);
  }
  if (parts & HAS_BUDGETS) {
    writer.varint(seenBudgets.length);
    for (const [budgetMs, count] of seenBudgets) {
      writer.double(budgetMs);
      writer.signed(count);
    }
  }
  writeSketch(writer, cell.latency);
  if (parts & HAS_SERVER) writeSketch(writer, serverLatency!);
}

export function readCell(reader: ProtobufReader): Cell {
  const cell = emptyCell();
  const parts = addStoredCounts(cell, reader);
  cell.latency = readSketch(reader);
  if (parts & HAS_SERVER) cell.serverLatency = readSketch(reader);
  return cell;
}

/** Adds what `writeCell` wrote to a cell whose durations are counted beside it. */
export function addStoredCell(
  sum: Cell,
  latency: SketchSum,
  serverLatency: SketchSum,
  reader: ProtobufReader,
): void {
  const parts = addStoredCounts(sum, reader);
  latency.add(reader);
  if (parts & HAS_SERVER) serverLatency.add(reader);
}

/** Everything before the durations; returns which parts follow. */
function addStoredCounts(sum: Cell, reader: ProtobufReader): number {
  const parts = reader.varint();
  sum.calls += readSigned(reader);
  if (parts & HAS_ERRORS) sum.errors += readSigned(reader);
  if (parts & HAS_TIMEOUTS) {
    sum.timeouts += readSigned(reader);
    for (let i = 0; i < TIMEOUT_PHASES.length; i++) countTimeoutPhase(sum, i, readSigned(reader));
  }
  if (parts & HAS_RARE) {
    sum.neverArrived += readSigned(reader);
    sum.retries += readSigned(reader);
  }
  if (parts & HAS_BUDGETS) {
    for (let left = reader.varint(); left > 0; left--) {
      const budgetMs = reader.double();
      countBudget(sum, budgetMs, readSigned(reader));
    }
  }
  return parts;
}

/** Goes past a cell without making it. */
export function skipCell(reader: ProtobufReader): void {
  const parts = reader.varint();
  let varints = 1;
  if (parts & HAS_ERRORS) varints++;
  if (parts & HAS_TIMEOUTS) varints += 1 + TIMEOUT_PHASES.length;
  if (parts & HAS_RARE) varints += 2;
  skipVarints(reader, varints);
  if (parts & HAS_BUDGETS) {
    for (let left = reader.varint(); left > 0; left--) {
      reader.double();
      reader.varint();
    }
  }
  skipVarints(reader, 2 * reader.varint());
  if (parts & HAS_SERVER) skipVarints(reader, 2 * reader.varint());
}

/** By their last bytes: most of a step is skipped by whoever looks for a few of its cells. */
function skipVarints(reader: ProtobufReader, count: number): void {
  const { bytes, limit } = reader;
  let at = reader.position;
  let left = count;
  for (; left > 0 && at < limit; at++) if (bytes[at]! < 0x80) left--;
  reader.position = at;
  // Says that they end too early.
  if (left > 0) reader.varint();
}

/**
 * What a sum has less than nothing of becomes nothing: spans of a damaged block cannot be taken out, the cap on budgets
 * makes their counts inexact, and so are the sums then, by that much.
 */
export function holdAtZero(cell: Cell): void {
  cell.calls = Math.max(0, cell.calls);
  cell.errors = Math.max(0, cell.errors);
  cell.timeouts = Math.max(0, cell.timeouts);
  cell.neverArrived = Math.max(0, cell.neverArrived);
  cell.retries = Math.max(0, cell.retries);
  for (const counts of [cell.timeoutPhases, cell.latency.counts, cell.serverLatency?.counts]) {
    const length = counts?.length ?? 0;
    for (let index = 0; index < length; index++) if (counts![index]! < 0) counts![index] = 0;
  }
  for (const [budgetMs, count] of cell.budgets ?? []) if (count <= 0) cell.budgets!.delete(budgetMs);
}

/** Nothing is left of what was counted: the cell needs no place. */
export function isEmptyCell(cell: Cell): boolean {
  return cell.calls === 0;
}
