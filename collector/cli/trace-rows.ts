/**
 * The spans of a trace as rows of a waterfall, each below its caller; where there are more than are wanted, those that
 * matter most and their callers, and how many were left out below each. Pure.
 */
import type { WireSpan } from '../serve/wire.ts';

export interface TraceRow {
  /** null where spans were left out. */
  readonly span: WireSpan | null;
  readonly caller: WireSpan | null;
  /** `├─ `, or blanks and lines of the rows around it before that; '' at a root. */
  readonly guide: string;
  /** Spans that were left out, of a row without one. */
  readonly hidden: number;
}

const ORIGIN_DEPTH_MAX = 1_000;
/** Deeper rows than a terminal is wide all begin where it is cut. */
const GUIDE_COLUMNS_MAX = 120;

interface Tree {
  readonly roots: readonly number[];
  readonly children: ReadonlyMap<number, readonly number[]>;
  /** Callers before callees. */
  readonly order: readonly number[];
  readonly caller: ReadonlyMap<number, number>;
}

/** `matters` are the ids of spans that are kept first; then those that failed or have not ended, then the longest. */
export function rowsOfTrace(
  spans: readonly WireSpan[],
  matters: ReadonlySet<string>,
  rowsMost: number,
): TraceRow[] {
  const tree = buildTree(spans);
  const kept = chooseSpans(spans, tree, matters, rowsMost);
  const sizes = sizesBelow(tree);
  const hiddenOf = (children: readonly number[]): number =>
    children.reduce((sum, child) => sum + (kept.has(child) ? 0 : (sizes.get(child) ?? 1)), 0);

  const rows: TraceRow[] = [];
  // What is still to be drawn, the next one last; -1 stands for what was left out.
  const waiting: { at: number; caller: number | null; before: string; isLast: boolean; hidden: number }[] =
    [];
  const add = (children: readonly number[], caller: number | null, before: string): void => {
    const hidden = hiddenOf(children);
    const drawn = children.filter((child) => kept.has(child)).map((at) => ({ at, hidden: 0 }));
    if (hidden > 0) drawn.push({ at: -1, hidden });
    waiting.push(
      ...drawn
        .map((one, index) => ({ ...one, caller, before, isLast: index === drawn.length - 1 }))
        .toReversed(),
    );
  };
  add(tree.roots, null, '');
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { at, caller, before, isLast, hidden } = next;
    const guide = caller === null ? '' : `${before}${isLast ? '└─ ' : '├─ '}`;
    const beside = `${before}${isLast ? '   ' : '│  '}`.slice(-GUIDE_COLUMNS_MAX);
    const callerSpan = caller === null ? null : spans[caller]!;
    rows.push({ span: at < 0 ? null : spans[at]!, caller: callerSpan, guide, hidden });
    if (at >= 0) add(tree.children.get(at) ?? [], at, caller === null ? '' : beside);
  }
  return rows;
}

/** A span whose caller is not there is a root, as is one of those that call each other in a circle. */
function buildTree(spans: readonly WireSpan[]): Tree {
  const byId = new Map<string, number>();
  for (const [index, { spanId }] of spans.entries()) if (!byId.has(spanId)) byId.set(spanId, index);
  const byStart = spans
    .map((_, index) => index)
    .toSorted((a, b) => spans[a]!.startOffsetMs - spans[b]!.startOffsetMs);
  const called = Map.groupBy(byStart, (index) => byId.get(spans[index]!.parentSpanId) ?? -1);
  const children = new Map<number, number[]>();
  const caller = new Map<number, number>();
  const seen = new Set<number>();
  const order: number[] = [];
  const roots: number[] = [];
  for (const root of [...(called.get(-1) ?? []), ...byStart]) {
    if (seen.has(root)) continue;
    roots.push(root);
    seen.add(root);
    const waiting = [root];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      order.push(at);
      const below = (called.get(at) ?? []).filter((child) => !seen.has(child));
      children.set(at, below);
      for (const child of below) {
        seen.add(child);
        caller.set(child, at);
        waiting.push(child);
      }
    }
  }
  return { roots, children, order, caller };
}

function chooseSpans(
  spans: readonly WireSpan[],
  { caller }: Tree,
  matters: ReadonlySet<string>,
  most: number,
): ReadonlySet<number> {
  const kept = new Set<number>();
  const all = spans.map((_, index) => index);
  if (spans.length <= most) return new Set(all);
  const rank = ({ spanId, status, pending }: WireSpan): number =>
    matters.has(spanId) ? 0 : status.code === 'error' || pending ? 1 : 2;
  const ranked = all.toSorted((a, b) => {
    const [one, other] = [spans[a]!, spans[b]!];
    return rank(one) - rank(other) || other.durationMs - one.durationMs;
  });
  for (const index of ranked) {
    // Where the timeout started is drawn however deep it is, within reason.
    const room = kept.size === 0 ? Math.max(most, ORIGIN_DEPTH_MAX) : most - kept.size;
    const way: number[] = [];
    let at: number | undefined = index;
    for (; at !== undefined && !kept.has(at) && way.length <= room; at = caller.get(at)) way.push(at);
    if (way.length > room) continue;
    for (const one of way) kept.add(one);
    if (kept.size >= most) break;
  }
  return kept;
}

/** Of each span with all below it. */
function sizesBelow({ order, caller }: Tree): ReadonlyMap<number, number> {
  const sizes = new Map<number, number>();
  for (const at of order.toReversed()) {
    const own = (sizes.get(at) ?? 0) + 1;
    sizes.set(at, own);
    const above = caller.get(at);
    if (above !== undefined) sizes.set(above, (sizes.get(above) ?? 0) + own);
  }
  return sizes;
}
