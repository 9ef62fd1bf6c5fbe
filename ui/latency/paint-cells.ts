/** Paints the cells of the heatmap: calls in five steps of one ramp; timeouts are stripes over their part of a cell. */
import type { Palette } from '../map/palette.ts';
import { durationShare, FEW_CALLS, type Grid, type GridCell } from './grid.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
  /** What a px of the page is on the screen. */
  readonly ratio: number;
}
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A single timeout among thousands of calls is seen too. */
const TIMEOUT_PX_MIN = 3;
/** Cells stand apart where there is room for it. */
const GAP_FROM_PX = 5;
const STRIPE_PX = 3;

/** Of five steps: where `most` is the count of the fullest cell. */
export function stepOf(count: number, most: number): number {
  return most <= 1 ? 2 : Math.min(4, Math.floor((Math.log(count) / Math.log(most)) * 5));
}

/** Counts that begin each of the five steps, without those that no whole number falls into. */
export function rampCounts(most: number): { step: number; from: number }[] {
  const counts = Array.from({ length: 5 }, (_, step) => ({
    step,
    from: Math.ceil(most ** (step / 5) - 1e-9),
  }));
  if (most <= 1) return [{ step: 2, from: 1 }];
  return counts.filter(({ step, from }) => stepOf(from, most) === step);
}

/** On whole px, so that cells of one row have one height. */
export function boxOf(cell: Pick<GridCell, 'column' | 'row'>, grid: Grid, { width, height }: Size): Box {
  const x = Math.round((cell.column / grid.columns) * width);
  const right = Math.round(((cell.column + 1) / grid.columns) * width);
  const lineOf = (row: number) => Math.round((1 - durationShare(grid.edgesMs[row] ?? 1, grid)) * height);
  const y = lineOf(cell.row + 1);
  const bottom = lineOf(cell.row);
  const gapX = right - x >= GAP_FROM_PX ? 1 : 0;
  const gapY = bottom - y >= GAP_FROM_PX ? 1 : 0;
  return { x, y, width: Math.max(1, right - x - gapX), height: Math.max(1, bottom - y - gapY) };
}

export function paintCells(
  context: CanvasRenderingContext2D,
  grid: Grid,
  palette: Palette,
  size: Size,
): void {
  context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  const most = grid.cells.reduce((max, cell) => Math.max(max, cell.count), 1);
  for (const cell of grid.cells) {
    const box = boxOf(cell, grid, size);
    const isFew = (grid.counts[cell.column] ?? 0) < FEW_CALLS;
    const calls = palette.latency[stepOf(cell.count, most)] ?? palette.control;
    context.fillStyle = isFew ? palette.control : calls;
    context.fillRect(box.x, box.y, box.width, box.height);
    if (cell.timeouts > 0) paintTimeouts(context, palette, box, cell.timeouts / cell.count);
  }
}

/** Stripes over as much of the cell as timed out, from the left. */
function paintTimeouts(
  context: CanvasRenderingContext2D,
  palette: Palette,
  { x, y, width, height }: Box,
  share: number,
): void {
  const part = Math.min(width, Math.max(TIMEOUT_PX_MIN, share * width));
  context.save();
  context.beginPath();
  context.rect(x, y, part, height);
  context.clip();
  context.fillStyle = palette.timeout;
  context.fillRect(x, y, part, height);
  context.strokeStyle = palette.surface;
  context.lineWidth = 1;
  context.beginPath();
  // All stripes of the map are on the same diagonals, so that neighbouring cells make one pattern.
  const period = STRIPE_PX * Math.SQRT2;
  const first = Math.ceil((x + y) / period) * period;
  for (let sum = first; sum < x + part + y + height; sum += period) {
    context.moveTo(sum - y, y);
    context.lineTo(sum - y - height, y + height);
  }
  context.stroke();
  context.restore();
}
