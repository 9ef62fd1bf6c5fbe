/** Where a trace's time went: self time of its spans, and the path that its end waited for. Pure. */
import type { TraceColumns } from './columns.ts';
import type { Rows } from './rows.ts';

/** Time of a span that no child of it covers. */
export function selfTimeMs(columns: TraceColumns, rows: Rows, span: number): number {
  const { start, duration } = columns;
  const row = rows.ofSpan[span] ?? 0;
  const startMs = start[span] ?? 0;
  const endMs = startMs + (duration[span] ?? 0);
  let coveredMs = 0;
  let untilMs = startMs;
  // Children come in order of their start.
  for (let child = row + 1; child < (rows.end[row] ?? 0); child = rows.end[child] ?? Infinity) {
    const other = rows.span[child] ?? -1;
    if (other < 0) continue;
    const fromMs = Math.max(untilMs, start[other] ?? 0);
    const toMs = Math.min(endMs, (start[other] ?? 0) + (duration[other] ?? 0));
    if (toMs > fromMs) {
      coveredMs += toMs - fromMs;
      untilMs = toMs;
    }
  }
  return Math.max(0, (duration[span] ?? 0) - coveredMs);
}

/** Rows from the root down, always into the child that ended last: what the trace's end waited for. */
export function criticalPath({ start, duration }: TraceColumns, rows: Rows): number[] {
  const path: number[] = [];
  for (let row = 0; row >= 0 && row < rows.count;) {
    path.push(row);
    let last = -1;
    let lastEndMs = -Infinity;
    for (let child = row + 1; child < (rows.end[row] ?? 0); child = rows.end[child] ?? Infinity) {
      const span = rows.span[child] ?? -1;
      const endMs = span < 0 ? -Infinity : (start[span] ?? 0) + (duration[span] ?? 0);
      if (endMs > lastEndMs) [last, lastEndMs] = [child, endMs];
    }
    row = last;
  }
  return path;
}
