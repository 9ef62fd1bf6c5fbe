/**
 * A trace as it lies in the store: rows of a block, of another that late spans went to, of segments not folded yet.
 * Put together, with copies of a span that was sent twice left out.
 */
import { openSpans } from '../../diagnose/pending.ts';
import type { Span } from '../../span.ts';
import { ERROR, IS_SNAPSHOT, SPAN_ID_BYTES, TIMEOUT } from '../columns/codes.ts';
import { DamagedPart } from '../columns/damaged-part.ts';
import { durationMsOf, spanIdOf, startMsOf, type SpanRows } from '../columns/span-table.ts';

/** Rows that were read, with what tells their spans. */
export interface ReadRows extends SpanRows {
  /** The row's span as it was sent. */
  spanBytes(row: number): Uint8Array;
}

/** Rows of one trace: `rowAt(0)` up to `rowAt(count)` of a table or granule. */
export interface TracePiece<Rows extends ReadRows = ReadRows> {
  readonly rows: Rows;
  readonly at: Uint32Array;
}

export interface TraceFacts {
  readonly startMs: number;
  readonly durationMs: number;
  readonly spans: number;
  readonly errors: number;
  readonly timeouts: number;
  /** Operations of the span without a parent, else of the earliest; of all spans. */
  readonly rootOperation: number;
  readonly operations: ReadonlySet<number>;
}

/**
 * Snapshots of a span count as that span while it is open, and not at all once it has come; `decode` gives them whole.
 * Throws RangeError when the pieces hold no row.
 */
export function traceFacts<Rows extends ReadRows>(
  pieces: readonly TracePiece<Rows>[],
  decode: (pieces: readonly TracePiece<Rows>[]) => readonly Span[],
): TraceFacts {
  const tally = new FactsTally();
  let hasSnapshots = false;
  for (const { rows, at } of pieces) {
    for (const row of at) {
      if (rows.flags[row]! & IS_SNAPSHOT) {
        hasSnapshots = true;
        continue;
      }
      tally.addRow(rows, row);
      if (rows.outcome[row] === ERROR) tally.errors++;
      if (rows.outcome[row] === TIMEOUT) tally.timeouts++;
    }
  }
  if (hasSnapshots) addOpenSpans(tally, pieces, decode);
  return tally.facts();
}

function addOpenSpans<Rows extends ReadRows>(
  tally: FactsTally,
  pieces: readonly TracePiece<Rows>[],
  decode: (pieces: readonly TracePiece<Rows>[]) => readonly Span[],
): void {
  const ended = new Set<string>();
  const operations = new Map<string, number>();
  const snapshots = pieces.map(({ rows, at }) => ({
    rows,
    at: at.filter((row) => {
      const isSnapshot = (rows.flags[row]! & IS_SNAPSHOT) !== 0;
      if (isSnapshot) operations.set(spanIdOf(rows, row), rows.operation[row]!);
      else ended.add(spanIdOf(rows, row));
      return isSnapshot;
    }),
  }));
  for (const { span, latest } of openSpans(decode(snapshots), ended)) {
    const operation = operations.get(latest.spanId)!;
    tally.add(
      operation,
      span.parentSpanId !== '',
      Number(span.startUnixNano) / 1e6,
      Number(latest.startUnixNano) / 1e6,
    );
  }
  // None of them could be read: the rows themselves still say when.
  if (tally.isEmpty) for (const { rows, at } of pieces) for (const row of at) tally.addRow(rows, row);
}

class FactsTally {
  errors = 0;
  timeouts = 0;
  #spans = 0;
  #startMs = Infinity;
  #endMs = -Infinity;
  readonly #operations = new Set<number>();
  #root: { readonly operation: number; readonly hasParent: boolean; readonly startMs: number } | null = null;

  get isEmpty(): boolean {
    return this.#root === null;
  }

  addRow(rows: ReadRows, row: number): void {
    const startMs = startMsOf(rows, row);
    const hasParent = !isZero(rows.parentSpanId, row * SPAN_ID_BYTES);
    this.add(rows.operation[row]!, hasParent, startMs, startMs + durationMsOf(rows, row));
  }

  add(operation: number, hasParent: boolean, startMs: number, endMs: number): void {
    this.#spans++;
    this.#startMs = Math.min(this.#startMs, startMs);
    this.#endMs = Math.max(this.#endMs, endMs);
    this.#operations.add(operation);
    const root = this.#root;
    const isEarlier =
      root === null ||
      Number(hasParent) - Number(root.hasParent) < 0 ||
      (hasParent === root.hasParent && startMs < root.startMs);
    if (isEarlier) this.#root = { operation, hasParent, startMs };
  }

  facts(): TraceFacts {
    if (this.#root === null) throw new RangeError('got a trace without a span, expected at least one');
    return {
      startMs: this.#startMs,
      durationMs: this.#endMs - this.#startMs,
      spans: this.#spans,
      errors: this.errors,
      timeouts: this.timeouts,
      rootOperation: this.#root.operation,
      operations: this.#operations,
    };
  }
}

/** Leaves out every row that is byte for byte, resource and scope included, one of a piece before or above it. */
export function withoutCopies<Rows extends ReadRows>(
  pieces: readonly TracePiece<Rows>[],
): TracePiece<Rows>[] {
  const count = pieces.reduce((sum, { at }) => sum + at.length, 0);
  // By a hash of their ids, a list of the rows kept so far, newest first; numbered as they are met.
  const lists = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 1))).fill(-1);
  const nextOf = new Int32Array(count);
  const pieceOf = new Uint32Array(count);
  const rowOf = new Uint32Array(count);
  let kept = 0;
  const isKnown = (list: number, rows: Rows, row: number): boolean => {
    for (let other = lists[list]!; other >= 0; other = nextOf[other]!) {
      if (isCopy(pieces[pieceOf[other]!]!.rows, rowOf[other]!, rows, row)) return true;
    }
    return false;
  };
  return pieces.map(({ rows, at }, piece) => {
    const ids = new DataView(rows.spanId.buffer, rows.spanId.byteOffset, rows.spanId.byteLength);
    const isNew = (row: number): boolean => {
      const high = ids.getUint32(row * SPAN_ID_BYTES);
      const low = ids.getUint32(row * SPAN_ID_BYTES + 4);
      const hash = Math.imul(high ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b);
      const list = (hash ^ (hash >>> 15)) & (lists.length - 1);
      if (isKnown(list, rows, row)) return false;
      nextOf[kept] = lists[list]!;
      pieceOf[kept] = piece;
      rowOf[kept] = row;
      lists[list] = kept++;
      return true;
    };
    return { rows, at: at.filter(isNew) };
  });
}

function isCopy(a: ReadRows, rowOfA: number, b: ReadRows, rowOfB: number): boolean {
  return (
    isSameId(a.spanId, rowOfA * SPAN_ID_BYTES, b.spanId, rowOfB * SPAN_ID_BYTES) &&
    a.startLow[rowOfA] === b.startLow[rowOfB] &&
    a.endLow[rowOfA] === b.endLow[rowOfB] &&
    a.resource[rowOfA] === b.resource[rowOfB] &&
    a.scope[rowOfA] === b.scope[rowOfB] &&
    isSameSpan(a, rowOfA, b, rowOfB)
  );
}

/** Of what cannot be read nobody knows, so that both are kept. */
function isSameSpan(a: ReadRows, rowOfA: number, b: ReadRows, rowOfB: number): boolean {
  try {
    return Buffer.compare(a.spanBytes(rowOfA), b.spanBytes(rowOfB)) === 0;
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error;
    return false;
  }
}

function isSameId(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  for (let i = 0; i < SPAN_ID_BYTES; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < SPAN_ID_BYTES; i++) if (bytes[at + i] !== 0) return false;
  return true;
}
