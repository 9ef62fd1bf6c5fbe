/** The calls as cells of time × duration, the duration on a logarithmic scale; a cursor that walks over them. Pure. */
import type { Latency } from '../../collector/serve/wire.ts';
import type { Region } from './region.ts';

export interface GridCell {
  readonly column: number;
  /** From the bottom: the shortest. */
  readonly row: number;
  readonly count: number;
  readonly timeouts: number;
}
export interface Grid {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly columns: number;
  /** Where rows begin and end, from the shortest: one more than there are rows. */
  readonly edgesMs: readonly number[];
  readonly cells: readonly GridCell[];
  /** Calls of each column. */
  readonly counts: readonly number[];
}
/** A cell, by its column and row. */
export type Place = readonly [column: number, row: number];

/** More are put together by twos: a cell is to be pointed at, and walked over. */
const ROWS_MAX = 44;
/** A range in which every call lasts as long still has a height. */
const ROWS_MIN = 12;
/** A budget that lies farther above the longest call is named at the top, and not drawn to. */
const BUDGET_ROWS_MAX = 12;
/** Where the collector's cells begin, in every decade. */
const DECADE = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8];
/** What takes no time at all has no logarithm. */
const DURATION_MS_MIN = 0.001;
/** A column of fewer calls says little: its p95 is its longest call. */
export const FEW_CALLS = 10;

export function buildGrid(latency: Latency): Grid {
  const { stepMs } = latency;
  const [fromMs, toMs] = [Date.parse(latency.from), Date.parse(latency.to)];
  const columns = Math.max(1, Math.round((toMs - fromMs) / stepMs));
  const { edgesMs, rowOf } = buildRows(latency);
  const cells = new Map<number, { -readonly [K in keyof GridCell]: GridCell[K] }>();
  const counts = Array.from({ length: columns }, () => 0);
  for (const { t, minMs, count, timeouts } of latency.cells) {
    const column = Math.floor((t - fromMs) / stepMs);
    if (!(column >= 0 && column < columns)) continue;
    const row = rowOf(minMs);
    const key = column * edgesMs.length + row;
    const cell = cells.get(key) ?? { column, row, count: 0, timeouts: 0 };
    cells.set(key, cell);
    cell.count += count;
    cell.timeouts += timeouts;
    counts[column] = (counts[column] ?? 0) + count;
  }
  return { fromMs, toMs, stepMs, columns, edgesMs, cells: [...cells.values()], counts };
}

/** Rows from the shortest call to the longest, with room for the longest budget that is near. */
function buildRows({ cells, budgetsMs }: Latency) {
  const indices = cells.map(({ minMs }) => indexOf(minMs));
  const low = indices.reduce((least, index) => Math.min(least, index), Infinity);
  const high = indices.reduce((most, index) => Math.max(most, index), -Infinity);
  // A row to spare on either side: what lies at an edge looks cut off.
  const [first, last] = indices.length === 0 ? [0, ROWS_MIN] : [low - 1, high + 1];
  const budgets = budgetsMs.map((ms) => indexOf(ms) + 1).filter((index) => index <= last + BUDGET_ROWS_MAX);
  const top = Math.max(first + ROWS_MIN - 1, last, ...budgets);
  const merged = Math.ceil((top - first + 1) / ROWS_MAX);
  // Twos begin where a decade does, so that their ends can be read.
  const from = Math.floor(first / merged) * merged;
  const rows = Math.floor((top - from) / merged) + 1;
  const edgesMs = Array.from({ length: rows + 1 }, (_, row) => durationAt(from + row * merged));
  const rowOf = (minMs: number) => Math.max(0, Math.floor((indexOf(minMs) - from) / merged));
  return { edgesMs, rowOf };
}

/** Which of the collector's cells begins at this duration, or has it: 0 at a millisecond. */
function indexOf(ms: number): number {
  const decade = Math.floor(Math.log10(Math.max(DURATION_MS_MIN, ms)) + 1e-9);
  const within = ms / 10 ** decade;
  return (
    decade * DECADE.length +
    Math.max(
      0,
      DECADE.findLastIndex((start) => start <= within * (1 + 1e-6)),
    )
  );
}

function durationAt(index: number): number {
  const decade = Math.floor(index / DECADE.length);
  const start = DECADE[index - decade * DECADE.length] ?? 1;
  return decade < 0 ? start / 10 ** -decade : start * 10 ** decade;
}

export const rowsOf = ({ edgesMs }: Grid): number => edgesMs.length - 1;

/** 0 at the bottom, 1 at the top; beyond where it lies beyond. */
export function durationShare(ms: number, { edgesMs }: Grid): number {
  const [low = 1, high = 10] = [edgesMs[0], edgesMs.at(-1)];
  return Math.log(Math.max(DURATION_MS_MIN, ms) / low) / Math.log(high / low);
}

/** From 0 at the left to 1 at the right. */
export function timeShare(unixMs: number, { fromMs, toMs }: Grid): number {
  return (unixMs - fromMs) / (toMs - fromMs);
}

/** The cell at these shares of width and height, the nearest where they lie beyond. */
export function placeAt(xShare: number, yShare: number, grid: Grid): Place {
  return within([Math.floor(xShare * grid.columns), Math.floor(yShare * rowsOf(grid))], grid);
}

/** Where cells are drawn, in px from their left top corner, and the strip of phases below them. */
export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly strip: { readonly top: number; readonly bottom: number } | null;
}

/** What lies at a point of the plot, from cell to cell: the cell, in the strip its whole column; null beside both. */
export function placesAt(x: number, y: number, plot: Plot, grid: Grid): readonly [Place, Place] | null {
  const { width, height, strip } = plot;
  if (x < 0 || x > width) return null;
  const place = placeAt(x / width, 1 - y / Math.max(1, height), grid);
  if (y >= 0 && y <= height) return [place, place];
  const isInStrip = strip !== null && y >= strip.top && y <= strip.bottom;
  return isInStrip
    ? [
        [place[0], 0],
        [place[0], rowsOf(grid) - 1],
      ]
    : null;
}

function within([column, row]: Place, grid: Grid): Place {
  const clamp = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
  return [clamp(column, grid.columns), clamp(row, rowsOf(grid))];
}

/** All that lies between two cells, both included. */
export function regionOf(a: Place, b: Place, grid: Grid): Region {
  const columns = [Math.min(a[0], b[0]), Math.max(a[0], b[0]) + 1] as const;
  const rows = [Math.min(a[1], b[1]), Math.max(a[1], b[1]) + 1] as const;
  return {
    fromMs: grid.fromMs + columns[0] * grid.stepMs,
    toMs: Math.min(grid.toMs, grid.fromMs + columns[1] * grid.stepMs),
    minMs: grid.edgesMs[rows[0]] ?? 0,
    maxMs: grid.edgesMs[rows[1]] ?? Infinity,
  };
}

/** Cells belong to a region that has their middle. */
export function countRegion(region: Region, grid: Grid): { count: number; timeouts: number } {
  const sum = { count: 0, timeouts: 0 };
  for (const { column, row, count, timeouts } of grid.cells) {
    const atMs = grid.fromMs + (column + 0.5) * grid.stepMs;
    const durationMs = Math.sqrt((grid.edgesMs[row] ?? 0) * (grid.edgesMs[row + 1] ?? 0));
    const isInside =
      atMs >= region.fromMs && atMs < region.toMs && durationMs >= region.minMs && durationMs < region.maxMs;
    if (!isInside) continue;
    sum.count += count;
    sum.timeouts += timeouts;
  }
  return sum;
}

/** Where the cursor is first: on the cell of the newest column that has the most timeouts, or else calls. */
export function firstPlace({ cells }: Grid): Place {
  const last = cells.reduce((latest, { column }) => Math.max(latest, column), 0);
  const [first] = cells
    .filter(({ column }) => column === last)
    .toSorted((a, b) => b.timeouts - a.timeouts || b.count - a.count || b.row - a.row);
  return first ? [first.column, first.row] : [0, 0];
}

/** How many columns a page is. */
const PAGE_COLUMNS = 10;

/** Where a key leads from a cell; null where it leads nowhere. */
export function movePlace([column, row]: Place, key: string, grid: Grid): Place | null {
  const moves: Record<string, Place> = {
    ArrowLeft: [column - 1, row],
    ArrowRight: [column + 1, row],
    ArrowUp: [column, row + 1],
    ArrowDown: [column, row - 1],
    PageUp: [column - PAGE_COLUMNS, row],
    PageDown: [column + PAGE_COLUMNS, row],
    Home: [0, row],
    End: [grid.columns - 1, row],
  };
  const moved = moves[key];
  return moved ? within(moved, grid) : null;
}

/** The next cell with timeouts: down the column, then in later ones, then from the first again. */
export function nextTimeout([column, row]: Place, { cells }: Grid): Place | null {
  const failed = cells
    .filter(({ timeouts }) => timeouts > 0)
    .toSorted((a, b) => a.column - b.column || b.row - a.row);
  const isLater = (cell: GridCell) => cell.column > column || (cell.column === column && cell.row < row);
  const next = failed.find(isLater) ?? failed[0];
  return next ? [next.column, next.row] : null;
}
