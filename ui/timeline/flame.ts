/** The flame view: a span per rectangle, callers above callees, time to the right. Pure. */
import { toPercent, type Span1D } from './scale.ts';
import type { TraceModel } from './trace-model.ts';

export interface FlameBox {
  readonly span: number;
  readonly left: number;
  readonly width: number;
  /** Line from the top: the depth, pushed down where siblings overlap in time. */
  readonly line: number;
}

/** Boxes narrower than this share of the lane cannot be seen or hit. */
const WIDTH_MIN_PERCENT = 0.08;
/** Calls that are made side by side beyond these are not placed: looking for a place takes too long. */
const LINES_MAX = 500;

/** Of the visible rows, at most `boxesMax`, the longest first; `total` counts all that lie in the window. */
export function flameBoxes(
  { columns: { start, duration }, rows }: TraceModel,
  visible: Int32Array,
  window: Span1D,
  boxesMax: number,
): { boxes: FlameBox[]; total: number } {
  const lineOf = new Int16Array(rows.count).fill(-1);
  /** End of the last box of every line. */
  const endsMs = new Float64Array(LINES_MAX).fill(-Infinity);
  const boxes: FlameBox[] = [];
  let total = 0;
  for (const row of visible) {
    const span = rows.span[row] ?? -1;
    if (span < 0) continue;
    const startMs = start[span] ?? 0;
    const durationMs = duration[span] ?? 0;
    const above = rows.parent[row] ?? -1;
    let line = (above < 0 ? -1 : (lineOf[above] ?? -1)) + 1;
    while (line < LINES_MAX && (endsMs[line] ?? 0) > startMs) line++;
    const extent = toPercent(startMs, durationMs, window);
    if (extent) total++;
    if (line === LINES_MAX) {
      lineOf[row] = LINES_MAX - 1;
      continue;
    }
    endsMs[line] = startMs + durationMs;
    lineOf[row] = line;
    if (extent && extent.width >= WIDTH_MIN_PERCENT) boxes.push({ span, ...extent, line });
  }
  const kept = boxes.toSorted((a, b) => b.width - a.width).slice(0, boxesMax);
  return { boxes: kept.toSorted((a, b) => a.line - b.line || a.left - b.left), total };
}
