/** The flame view: a span per rectangle, callers above callees, time to the right. Pure. */
import { toPercent, type Span1D } from './scale.ts';
import type { Row, SpanRow } from './tree.ts';

export interface FlameBox {
  readonly row: SpanRow;
  readonly left: number;
  readonly width: number;
  /** Line from the top: the depth, pushed down where siblings overlap in time. */
  readonly line: number;
}

/** Boxes narrower than this share of the lane cannot be seen or hit. */
const WIDTH_MIN_PERCENT = 0.08;

/** At most `boxesMax`, the longest first; `total` counts all that lie in the window. */
export function flameBoxes(
  rows: readonly Row[],
  window: Span1D,
  boxesMax: number,
): { boxes: FlameBox[]; total: number } {
  const lineOf = new Map<number, number>();
  /** End of the last box of every line. */
  const ends: number[] = [];
  const boxes: FlameBox[] = [];
  let total = 0;
  rows.forEach((row, index) => {
    if (row.kind !== 'span') return;
    const { startOffsetMs, durationMs } = row.span;
    let line = (lineOf.get(row.parent) ?? -1) + 1;
    while ((ends[line] ?? -Infinity) > startOffsetMs) line++;
    ends[line] = startOffsetMs + durationMs;
    lineOf.set(index, line);
    const extent = toPercent(startOffsetMs, durationMs, window);
    if (!extent) return;
    total++;
    if (extent.width >= WIDTH_MIN_PERCENT) boxes.push({ row, ...extent, line });
  });
  const kept = boxes.toSorted((a, b) => b.width - a.width).slice(0, boxesMax);
  return { boxes: kept.toSorted((a, b) => a.line - b.line || a.left - b.left), total };
}
