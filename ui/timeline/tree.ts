/**
 * A trace as rows: spans in call order with depth, and rows for what is missing. Pure.
 *
 * Traces are messy. A span whose parent never arrived hangs below a row that says so; a cycle of parents is cut at
 * its earliest span; a span sent twice counts once; several roots stand one after the other.
 */
import type { WireSpan } from '../../collector/serve/wire.ts';

export type Row =
  | SpanRow
  /** A parent id that no span of the trace has. */
  | (RowBase & { readonly kind: 'missing-parent'; readonly spanId: string })
  /** The callee of a failed call, of which no span came. */
  | (RowBase & {
      readonly kind: 'no-callee';
      readonly callee: string;
      readonly arrived: 'never' | 'unknown';
    } & Extent);

interface RowBase {
  readonly id: string;
  readonly depth: number;
  /** Index of the parent row, -1 for a root. */
  readonly parent: number;
  /** Index after the last row of this row's subtree; the row has children when it is not index + 1. */
  readonly end: number;
}
interface Extent {
  readonly startOffsetMs: number;
  readonly durationMs: number;
}
export interface SpanRow extends RowBase {
  readonly kind: 'span';
  readonly span: WireSpan;
}

export function buildRows(spans: readonly WireSpan[]): Row[] {
  const byId = new Map<string, WireSpan>();
  for (const span of spans) if (!byId.has(span.spanId)) byId.set(span.spanId, span);
  const unique = [...byId.values()].toSorted(byStart);
  const children = Map.groupBy(unique, (span) => span.parentSpanId);
  const rows: Row[] = [];
  const written = new Set<string>();

  /** Writes a span and its subtree without recursion: a chain can be 100,000 calls deep. */
  const write = (root: WireSpan, depth: number, parent: number): void => {
    const stack = [{ span: root, depth, parent }];
    for (let item = stack.pop(); item; item = stack.pop()) {
      if (written.has(item.span.spanId)) continue;
      written.add(item.span.spanId);
      const index = rows.push({ kind: 'span', id: item.span.spanId, span: item.span, ...at(item) }) - 1;
      const below = { depth: item.depth + 1, parent: index };
      const own = children.get(item.span.spanId) ?? [];
      const missing = own.length === 0 ? missingCallee(item.span) : null;
      if (missing) rows.push({ ...missing, id: `${item.span.spanId}:callee`, ...at(below) });
      for (const child of own.toReversed()) stack.push({ span: child, ...below });
    }
  };

  const roots = unique.filter((span) => !byId.has(span.parentSpanId));
  const missingParents = new Map<string, WireSpan[]>();
  for (const root of roots) {
    if (root.parentSpanId === '') write(root, 0, -1);
    else missingParents.set(root.parentSpanId, [...(missingParents.get(root.parentSpanId) ?? []), root]);
  }
  for (const [spanId, orphans] of missingParents) {
    const index =
      rows.push({ kind: 'missing-parent', id: spanId, spanId, ...at({ depth: 0, parent: -1 }) }) - 1;
    for (const orphan of orphans) write(orphan, 1, index);
  }
  // What is left are cycles: every one is entered at its earliest span.
  for (const span of unique) if (!written.has(span.spanId)) write(span, 0, -1);
  return closeSubtrees(rows);
}

const at = ({ depth, parent }: { depth: number; parent: number }) => ({ depth, parent, end: 0 });

function byStart(a: WireSpan, b: WireSpan): number {
  return a.startOffsetMs - b.startOffsetMs || b.durationMs - a.durationMs || (a.spanId < b.spanId ? -1 : 1);
}

function closeSubtrees(rows: readonly Row[]): Row[] {
  const ends = rows.map((_, index) => index + 1);
  for (let index = rows.length - 1; index >= 0; index--) {
    const parent = rows[index]?.parent ?? -1;
    if (parent >= 0) ends[parent] = Math.max(ends[parent] ?? 0, ends[index] ?? 0);
  }
  return rows.map((row, index) => ({ ...row, end: ends[index] ?? index + 1 }));
}

const BEFORE_REQUEST = new Set(['queue', 'dns', 'connect', 'tls']);

/** A failed outgoing call without a span of its callee: it never arrived when its request was never sent. */
function missingCallee(
  span: WireSpan,
): ({ kind: 'no-callee'; callee: string; arrived: 'never' | 'unknown' } & Extent) | null {
  if (span.kind !== 'client' || span.status.code !== 'error') return null;
  const stuck = span.phases.at(-1);
  const callee = calleeOf(span);
  if (!stuck || callee === null) return null;
  const arrived = BEFORE_REQUEST.has(stuck.phase) ? 'never' : 'unknown';
  const { startOffsetMs, durationMs } = span;
  return { kind: 'no-callee', callee, arrived, startOffsetMs, durationMs };
}

/** The name by which a call's target is known from the caller's span alone. */
export function calleeOf(span: WireSpan): string | null {
  const text = (key: string) => {
    const value = span.attributes[key];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const host = text('server.address') ?? text('network.peer.address');
  const port = span.attributes['server.port'] ?? span.attributes['network.peer.port'];
  if (text('peer.service') !== null) return text('peer.service');
  return host === null ? null : port === undefined || port === null ? host : `${host}:${String(port)}`;
}

/**
 * Ids of the rows whose span matches, and of all rows above them; a row for what is missing goes with the call it is
 * missing from.
 */
export function keepMatching(rows: readonly Row[], matches: (span: WireSpan) => boolean): Set<string> {
  const kept = new Set<string>();
  for (const row of rows) {
    const call = row.kind === 'span' ? row : rows[row.parent];
    if (call?.kind !== 'span' || !matches(call.span)) continue;
    for (let at: Row | undefined = row; at && !kept.has(at.id); at = rows[at.parent]) kept.add(at.id);
  }
  return kept;
}

/**
 * Indexes of the rows that show: subtrees of collapsed rows are skipped, not visited, and so are those without a row
 * of `kept` (as `keepMatching` gives it; null keeps all).
 */
export function visibleRows(
  rows: readonly Row[],
  collapsed: ReadonlySet<string>,
  kept: ReadonlySet<string> | null = null,
): Int32Array {
  const visible = new Int32Array(rows.length);
  let count = 0;
  for (let index = 0; index < rows.length;) {
    const row = rows[index];
    if (!row) break;
    const isKept = kept === null || kept.has(row.id);
    if (isKept) visible[count++] = index;
    index = !isKept || collapsed.has(row.id) ? row.end : index + 1;
  }
  return visible.subarray(0, count);
}

export function hasChildren(rows: readonly Row[], index: number): boolean {
  return (rows[index]?.end ?? 0) > index + 1;
}

/** The ids of a row's ancestors, nearest first. */
export function ancestorsOf(rows: readonly Row[], index: number): string[] {
  const ids: string[] = [];
  for (let parent = rows[index]?.parent ?? -1; parent >= 0; parent = rows[parent]?.parent ?? -1) {
    ids.push(rows[parent]?.id ?? '');
  }
  return ids;
}

/** Time of a span that no child of it covers. */
export function selfTimeMs(rows: readonly Row[], index: number): number {
  const row = rows[index];
  if (row?.kind !== 'span') return 0;
  const start = row.span.startOffsetMs;
  const end = start + row.span.durationMs;
  let covered = 0;
  let until = start;
  // Children come in order of their start.
  for (let child = index + 1; child < row.end; child = rows[child]?.end ?? row.end) {
    const other = rows[child];
    if (other?.kind !== 'span') continue;
    const from = Math.max(until, other.span.startOffsetMs);
    const to = Math.min(end, other.span.startOffsetMs + other.span.durationMs);
    if (to > from) {
      covered += to - from;
      until = to;
    }
  }
  return Math.max(0, row.span.durationMs - covered);
}

/** From the root down, always into the child that ended last: what the trace's end waited for. */
export function criticalPath(rows: readonly Row[]): string[] {
  const path: string[] = [];
  let index = 0;
  for (let row = rows[index]; row; row = rows[index]) {
    path.push(row.id);
    let last = -1;
    let lastEnd = -Infinity;
    for (let child = index + 1; child < row.end; child = rows[child]?.end ?? row.end) {
      const other = rows[child];
      if (other?.kind !== 'span') continue;
      const end = other.span.startOffsetMs + other.span.durationMs;
      if (end > lastEnd) [last, lastEnd] = [child, end];
    }
    if (last === -1) break;
    index = last;
  }
  return path;
}

/** The id of the next row, in tree order and around the end, that is in a set; null when none is. */
export function nextRowWithin(
  rows: readonly Row[],
  from: number,
  step: 1 | -1,
  within: { has(id: string): boolean },
): string | null {
  for (let count = 1; count <= rows.length; count++) {
    const row = rows[(from + step * count + rows.length) % rows.length];
    if (row && within.has(row.id)) return row.id;
  }
  return null;
}
