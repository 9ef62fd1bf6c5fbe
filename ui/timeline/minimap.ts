/**
 * The mini-map as a picture: how many spans run in each pixel, and the worst that is wrong with those that do. It costs as much
 * as the spans and the pixels together, not as their product. Pure.
 */
import { ERROR } from './problems.ts';
import type { Span1D } from './scale.ts';
import type { TraceModel } from './trace-model.ts';

export interface MinimapPicture {
  readonly width: number;
  readonly height: number;
  /** Spans that run in each pixel, line by line. */
  readonly spans: Int32Array;
  /** Of them, those that failed, and those that timed out. */
  readonly errors: Int32Array;
  readonly timeouts: Int32Array;
}

/** Few rows are as high as they are in the drawing of a bar, not as high as the strip. */
const ROW_PX_MAX = 4;

/** Height of a row in the strip; below 1 for many rows. */
export function minimapPitch(rows: number, height: number): number {
  return Math.min(ROW_PX_MAX, height / Math.max(1, rows));
}

export function drawMinimap(
  { columns: { start, duration }, rows, problems }: TraceModel,
  visible: Int32Array,
  whole: Span1D,
  width: number,
  height: number,
): MinimapPicture {
  const layer = () => new Int32Array(width * height + 1);
  const layers = { spans: layer(), errors: layer(), timeouts: layer() };
  const pitch = minimapPitch(visible.length, height);
  const pxPerMs = width / Math.max(1e-6, whole.endMs - whole.startMs);
  // First where spans begin and end; summed up along each line, this is how many run.
  for (let at = 0; at < visible.length; at++) {
    const span = rows.span[visible[at] ?? 0] ?? -1;
    if (span < 0) continue;
    const fromMs = (start[span] ?? 0) - whole.startMs;
    const from = Math.min(width - 1, Math.max(0, Math.floor(fromMs * pxPerMs)));
    const to = Math.min(width, Math.max(from + 1, Math.ceil((fromMs + (duration[span] ?? 0)) * pxPerMs)));
    const problem = problems[span] ?? 0;
    const wrong = problem > ERROR ? layers.timeouts : problem === ERROR ? layers.errors : null;
    // A row has a gap below it, unless there is no room for one.
    const last = Math.max(Math.floor(at * pitch), Math.floor((at + 1) * pitch) - (pitch >= 2 ? 2 : 1));
    for (let line = Math.floor(at * pitch); line <= last && line < height; line++) {
      for (const counts of wrong ? [layers.spans, wrong] : [layers.spans]) {
        counts[line * width + from]! += 1;
        counts[line * width + to]! -= 1;
      }
    }
  }
  for (const counts of Object.values(layers)) sumUp(counts, width, height);
  return { width, height, ...layers };
}

/** What ends at the end of a line is taken off the first pixel of the next one, where another sum begins. */
function sumUp(counts: Int32Array, width: number, height: number): void {
  let running = 0;
  for (let pixel = 0; pixel < width * height; pixel++) {
    running += counts[pixel] ?? 0;
    counts[pixel] = running;
  }
}
