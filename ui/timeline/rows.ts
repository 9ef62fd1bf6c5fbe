/**
 * A trace as rows: its spans in call order, and rows for what is missing. Everything is an index; a `Row` is made for
 * those on screen. Pure.
 *
 *     row    0        1         2          3            4               5
 *     span   0        1         2          -1           3               -2      (-1 - n: the n-th gap)
 *     depth  0        1         2          3            1               0
 *     end    5        4         4          4            5               6       (first row after the subtree)
 */
import { findSpan, spanAt, spanIdAt, type Span, type TraceColumns } from './columns.ts';

export type Gap =
  /** A parent id that no span of the trace has. */
  | { readonly kind: 'missing-parent'; readonly spanId: string }
  /** The callee of a failed call, of which no span came. */
  | {
      readonly kind: 'no-callee';
      /** The call. */
      readonly span: number;
      readonly callee: string;
      readonly arrived: 'never' | 'unknown';
    };

export interface Rows {
  readonly count: number;
  /** Index of the row's span; -1 - n for the n-th gap. */
  readonly span: Int32Array;
  /** Row of the parent; -1 at a root. */
  readonly parent: Int32Array;
  readonly depth: Int32Array;
  /** The row after the last one of the subtree; a row has children when it is not the next one. */
  readonly end: Int32Array;
  /** Row of every span. */
  readonly ofSpan: Int32Array;
  readonly gaps: readonly Gap[];
}

const FIRST_MISSING = -2;

export function buildRows(columns: TraceColumns): Rows {
  const { count, parent: parentSpan, head, silentOf, silentCallee, silentNever } = columns;
  const size = count + silentOf.length + head.missingParents.length;
  const span = new Int32Array(size);
  const parent = new Int32Array(size);
  const depth = new Int32Array(size);
  const ofSpan = new Int32Array(count);
  const gaps: Gap[] = [];
  let rows = 0;
  const add = (what: number, below: number): number => {
    span[rows] = what;
    parent[rows] = below;
    depth[rows] = below < 0 ? 0 : (depth[below] ?? 0) + 1;
    return rows++;
  };
  const addGap = (gap: Gap, below: number): number => add(-gaps.push(gap), below);

  /** Rows of the missing parents, added where the first span below each comes. */
  const missing = new Map<number, number>();
  let silent = 0;
  for (let index = 0; index < count; index++) {
    const above = parentSpan[index] ?? -1;
    if (above <= FIRST_MISSING && !missing.has(above)) {
      const spanId = head.missingParents[FIRST_MISSING - above] ?? '';
      missing.set(above, addGap({ kind: 'missing-parent', spanId }, -1));
    }
    const row = add(index, above >= 0 ? (ofSpan[above] ?? -1) : (missing.get(above) ?? -1));
    ofSpan[index] = row;
    if (silentOf[silent] !== index) continue;
    const callee = head.callees[silentCallee[silent] ?? 0] ?? '';
    const arrived = silentNever[silent] === 1 ? 'never' : 'unknown';
    addGap({ kind: 'no-callee', span: index, callee, arrived }, row);
    silent++;
  }
  const end = new Int32Array(rows);
  for (let row = rows - 1; row >= 0; row--) {
    if (end[row] === 0) end[row] = row + 1;
    const above = parent[row] ?? -1;
    // From below upwards, the first child to come is the last one.
    if (above >= 0 && end[above] === 0) end[above] = end[row] ?? row + 1;
  }
  return {
    count: rows,
    span: span.subarray(0, rows),
    parent: parent.subarray(0, rows),
    depth: depth.subarray(0, rows),
    end,
    ofSpan,
    gaps,
  };
}

/** One row, with what it shows. */
export type Row = { readonly index: number; readonly id: string; readonly depth: number } & (
  | { readonly kind: 'span'; readonly span: Span }
  | { readonly kind: 'missing-parent'; readonly spanId: string }
  | {
      readonly kind: 'no-callee';
      readonly call: Span;
      readonly callee: string;
      readonly arrived: 'never' | 'unknown';
    }
);

export function rowAt(columns: TraceColumns, rows: Rows, index: number): Row {
  const what = rows.span[index] ?? 0;
  const place = { index, id: rowIdAt(columns, rows, index), depth: rows.depth[index] ?? 0 };
  const gap = what < 0 ? rows.gaps[-1 - what] : undefined;
  if (!gap) return { ...place, kind: 'span', span: spanAt(columns, what) };
  return gap.kind === 'missing-parent'
    ? { ...place, ...gap }
    : { ...place, ...gap, call: spanAt(columns, gap.span) };
}

/** A span's id, the missing span's id, or that of the call and what is missing: `7d1c…:callee`. */
export function rowIdAt(columns: TraceColumns, rows: Rows, index: number): string {
  const what = rows.span[index] ?? 0;
  if (what >= 0) return spanIdAt(columns, what);
  const gap = rows.gaps[-1 - what];
  if (gap?.kind === 'missing-parent') return gap.spanId;
  return gap ? `${spanIdAt(columns, gap.span)}:callee` : '';
}

/** -1 when no row has this id. */
export function findRow(columns: TraceColumns, rows: Rows, id: string): number {
  const [spanId = '', part] = id.split(':');
  const span = findSpan(columns, spanId);
  if (span < 0) {
    const gap = rows.gaps.findIndex((other) => other.kind === 'missing-parent' && other.spanId === id);
    return gap < 0 ? -1 : rows.span.indexOf(-1 - gap);
  }
  const row = rows.ofSpan[span] ?? -1;
  if (part === undefined) return row;
  return part === 'callee' && (rows.span[row + 1] ?? 0) < 0 && rows.parent[row + 1] === row ? row + 1 : -1;
}

/** The row's span; of a gap below a call, the call; -1 for a missing parent. */
export function callOf(rows: Rows, index: number): number {
  const what = rows.span[index] ?? -1;
  if (what >= 0) return what;
  const gap = rows.gaps[-1 - what];
  return gap?.kind === 'no-callee' ? gap.span : -1;
}

export function hasChildren(rows: Rows, index: number): boolean {
  return (rows.end[index] ?? 0) > index + 1;
}

/**
 * 1 for the rows whose span matches, and for all rows above them; a row for what is missing goes with the call it is
 * missing from.
 */
export function keepMatching(rows: Rows, matches: (span: number) => boolean): Uint8Array {
  const kept = new Uint8Array(rows.count);
  for (let row = 0; row < rows.count; row++) {
    const call = callOf(rows, row);
    if (call < 0 || !matches(call)) continue;
    for (let at = row; at >= 0 && kept[at] === 0; at = rows.parent[at] ?? -1) kept[at] = 1;
  }
  return kept;
}

/**
 * The rows that show: subtrees of collapsed rows are skipped, not visited, and so are those without a row of `kept`
 * (as `keepMatching` gives it; null keeps all).
 */
export function visibleRows(
  rows: Rows,
  collapsed: ReadonlySet<number>,
  kept: Uint8Array | null = null,
): Int32Array {
  const visible = new Int32Array(rows.count);
  let count = 0;
  for (let row = 0; row < rows.count;) {
    const isKept = kept === null || kept[row] === 1;
    if (isKept) visible[count++] = row;
    row = !isKept || collapsed.has(row) ? (rows.end[row] ?? row + 1) : row + 1;
  }
  return visible.subarray(0, count);
}

/** Rows of a row's ancestors, nearest first. */
export function ancestorsOf(rows: Rows, index: number): number[] {
  const above: number[] = [];
  for (let row = rows.parent[index] ?? -1; row >= 0; row = rows.parent[row] ?? -1) above.push(row);
  return above;
}

/** The next row, in tree order and around the end, whose span is wanted; -1 when none is. */
export function nextRow(rows: Rows, from: number, step: 1 | -1, isWanted: (span: number) => boolean): number {
  for (let count = 1; count <= rows.count; count++) {
    const row = (from + step * count + rows.count) % rows.count;
    const span = rows.span[row] ?? -1;
    if (span >= 0 && isWanted(span)) return row;
  }
  return -1;
}
