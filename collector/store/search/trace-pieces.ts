/**
 * A trace as it lies in the store: rows of a block, of another that late spans went to, of segments not folded yet.
 * Put together, with copies of a span that was sent twice left out.
 */
import { SPAN_ID_BYTES } from '../columns/codes.ts';
import { durationMsOf, startMsOf, type SpanRows } from '../columns/span-table.ts';
import { ERROR, TIMEOUT } from '../columns/codes.ts';

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

/** Throws RangeError when the pieces hold no row. */
export function traceFacts(pieces: readonly TracePiece[]): TraceFacts {
  let startMs = Infinity;
  let endMs = -Infinity;
  let spans = 0;
  let errors = 0;
  let timeouts = 0;
  let root: { readonly operation: number; readonly hasParent: boolean; readonly startMs: number } | null =
    null;
  const operations = new Set<number>();
  for (const { rows, at } of pieces) {
    for (const row of at) {
      const rowStartMs = startMsOf(rows, row);
      startMs = Math.min(startMs, rowStartMs);
      endMs = Math.max(endMs, rowStartMs + durationMsOf(rows, row));
      spans++;
      if (rows.outcome[row] === ERROR) errors++;
      if (rows.outcome[row] === TIMEOUT) timeouts++;
      const operation = rows.operation[row]!;
      operations.add(operation);
      const hasParent = !isZero(rows.parentSpanId, row * SPAN_ID_BYTES);
      const isEarlier =
        root === null ||
        Number(hasParent) - Number(root.hasParent) < 0 ||
        (hasParent === root.hasParent && rowStartMs < root.startMs);
      if (isEarlier) root = { operation, hasParent, startMs: rowStartMs };
    }
  }
  if (root === null) throw new RangeError('got a trace without a span, expected at least one');
  const durationMs = endMs - startMs;
  return { startMs, durationMs, spans, errors, timeouts, rootOperation: root.operation, operations };
}

/** Leaves out every row that is byte for byte, resource and scope included, one of a piece before or above it. */
export function withoutCopies<Rows extends ReadRows>(
  pieces: readonly TracePiece<Rows>[],
): TracePiece<Rows>[] {
  const firstOf = new Map<string, { readonly rows: Rows; readonly row: number }[]>();
  return pieces.map(({ rows, at }) => ({
    rows,
    at: at.filter((row) => {
      const id = idOf(rows.spanId, row * SPAN_ID_BYTES);
      const known = firstOf.get(id);
      if (known === undefined) {
        firstOf.set(id, [{ rows, row }]);
        return true;
      }
      if (known.some((other) => isCopy(other.rows, other.row, rows, row))) return false;
      known.push({ rows, row });
      return true;
    }),
  }));
}

function isCopy(a: ReadRows, rowOfA: number, b: ReadRows, rowOfB: number): boolean {
  return (
    a.startLow[rowOfA] === b.startLow[rowOfB] &&
    a.endLow[rowOfA] === b.endLow[rowOfB] &&
    a.resource[rowOfA] === b.resource[rowOfB] &&
    a.scope[rowOfA] === b.scope[rowOfB] &&
    Buffer.compare(a.spanBytes(rowOfA), b.spanBytes(rowOfB)) === 0
  );
}

function idOf(ids: Uint8Array, at: number): string {
  return Buffer.from(ids.buffer, ids.byteOffset + at, SPAN_ID_BYTES).toString('latin1');
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < SPAN_ID_BYTES; i++) if (bytes[at + i] !== 0) return false;
  return true;
}
