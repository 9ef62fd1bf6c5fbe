/** Traces as cells of time × duration, the duration on a logarithmic scale; and which part of that a brush means. Pure. */
import type { TraceSummary } from '../../collector/serve/wire.ts';

export interface HeatmapExtent {
  readonly fromMs: number;
  readonly toMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}
export interface HeatmapCell {
  readonly column: number;
  /** From the bottom: the shortest. */
  readonly row: number;
  readonly count: number;
  readonly errors: number;
  readonly timeouts: number;
}
/** Cells, both ends included. */
export interface HeatmapArea {
  readonly columns: readonly [number, number];
  readonly rows: readonly [number, number];
}

export const COLUMNS = 60;
export const ROWS = 12;
/** What takes no time at all has no logarithm. */
const DURATION_MS_MIN = 0.01;
/** A range in which every trace lasts as long still has a height. */
const RATIO_MIN = 10;

/** All of the range, and every duration in it with a little room. */
export function extentOf(traces: readonly TraceSummary[], fromMs: number, toMs: number): HeatmapExtent {
  let shortest = Infinity;
  let longest = DURATION_MS_MIN;
  for (const { durationMs } of traces) {
    shortest = Math.min(shortest, Math.max(DURATION_MS_MIN, durationMs));
    longest = Math.max(longest, durationMs);
  }
  if (shortest === Infinity) shortest = longest;
  const middle = Math.sqrt(shortest * longest);
  const ratio = Math.sqrt(Math.max(RATIO_MIN, longest / shortest)) * 1.05;
  return { fromMs, toMs: Math.max(toMs, fromMs + 1), minMs: middle / ratio, maxMs: middle * ratio };
}

export function heatmapCells(traces: readonly TraceSummary[], extent: HeatmapExtent): HeatmapCell[] {
  const cells = new Map<number, { -readonly [K in keyof HeatmapCell]: HeatmapCell[K] }>();
  for (const trace of traces) {
    const column = Math.floor(timeShare(Date.parse(trace.startedAt), extent) * COLUMNS);
    const row = Math.min(ROWS - 1, Math.max(0, Math.floor(durationShare(trace.durationMs, extent) * ROWS)));
    if (!(column >= 0 && column < COLUMNS)) continue;
    const cell = cells.get(column * ROWS + row) ?? { column, row, count: 0, errors: 0, timeouts: 0 };
    cells.set(column * ROWS + row, cell);
    cell.count++;
    if (trace.timeouts > 0) cell.timeouts++;
    else if (trace.errors > 0) cell.errors++;
  }
  return [...cells.values()];
}

/** 0 at the bottom or left, 1 at the top or right. */
export function timeShare(unixMs: number, { fromMs, toMs }: HeatmapExtent): number {
  return (unixMs - fromMs) / (toMs - fromMs);
}
export function durationShare(durationMs: number, { minMs, maxMs }: HeatmapExtent): number {
  return Math.log(Math.max(DURATION_MS_MIN, durationMs) / minMs) / Math.log(maxMs / minMs);
}

export function areaOf(a: readonly [number, number], b: readonly [number, number]): HeatmapArea {
  return {
    columns: [Math.min(a[0], b[0]), Math.max(a[0], b[0])],
    rows: [Math.min(a[1], b[1]), Math.max(a[1], b[1])],
  };
}

/** The times and durations that an area covers. */
export function areaExtent({ columns, rows }: HeatmapArea, extent: HeatmapExtent): HeatmapExtent {
  const { fromMs, toMs, minMs, maxMs } = extent;
  const time = (column: number) => fromMs + ((toMs - fromMs) * column) / COLUMNS;
  const duration = (row: number) => minMs * (maxMs / minMs) ** (row / ROWS);
  return {
    fromMs: Math.floor(time(columns[0])),
    toMs: Math.ceil(time(columns[1] + 1)),
    minMs: duration(rows[0]),
    maxMs: duration(rows[1] + 1),
  };
}

export function countArea(cells: readonly HeatmapCell[], { columns, rows }: HeatmapArea) {
  const sum = { count: 0, errors: 0, timeouts: 0 };
  for (const cell of cells) {
    const isInside =
      cell.column >= columns[0] && cell.column <= columns[1] && cell.row >= rows[0] && cell.row <= rows[1];
    if (!isInside) continue;
    sum.count += cell.count;
    sum.errors += cell.errors;
    sum.timeouts += cell.timeouts;
  }
  return sum;
}

/** 1, 10, 100 ms, … that lie inside; with 2 and 5 of each where they are few. */
export function durationTicks({ minMs, maxMs }: HeatmapExtent): number[] {
  const isInside = (ms: number) => ms > minMs * 1.05 && ms < maxMs / 1.05;
  const powers = Array.from({ length: 12 }, (_, power) => 10 ** (power - 2));
  const tens = powers.filter(isInside);
  return tens.length >= 2 ? tens : powers.flatMap((power) => [power, 2 * power, 5 * power]).filter(isInside);
}

/** The query of the page with the durations of its URL: those of whole traces, not of the spans that match. */
export function withDurations(q: string, minMs: number | null, maxMs: number | null): string {
  const terms = [
    ...(minMs === null ? [] : [`trace.duration>=${writeMs(minMs)}`]),
    ...(maxMs === null ? [] : [`trace.duration<=${writeMs(maxMs)}`]),
  ];
  if (terms.length === 0) return q;
  return [...(q === '' ? [] : [`(${q})`]), ...terms].join(' ');
}

/** As the query language takes it, without an exponent. */
function writeMs(ms: number): string {
  return `${Number(ms.toFixed(3))}ms`;
}
