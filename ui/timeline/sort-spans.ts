/** The spans of a trace in the order of a table's column. Pure. */
import type { TraceColumns } from './columns.ts';
import { selfTimeMs } from './critical-path.ts';
import type { TraceModel } from './trace-model.ts';

export type SpanOrder = 'service' | 'start' | 'duration' | 'self';

/** What takes long comes first, everything else ascending; `selfMs` is by span. */
export function sortSpans(
  { columns, rows }: TraceModel,
  matches: ((span: number) => boolean) | null,
  by: SpanOrder,
): { spans: Int32Array; selfMs: Float64Array } {
  const { count, start, duration } = columns;
  const selfMs = Float64Array.from({ length: count }, (_, span) => selfTimeMs(columns, rows, span));
  const all = Int32Array.from({ length: count }, (_, span) => span);
  const spans = matches === null ? all : all.filter(matches);
  const rank = by === 'service' ? rankNames(columns) : by === 'start' ? start : null;
  const long = by === 'duration' ? duration : selfMs;
  spans.sort((a, b) =>
    rank ? (rank[a] ?? 0) - (rank[b] ?? 0) || a - b : (long[b] ?? 0) - (long[a] ?? 0) || a - b,
  );
  return { spans, selfMs };
}

/** By service, then by operation; each name is compared once, however many spans have it. */
function rankNames({ head, count, service, operation }: TraceColumns): Float64Array {
  const ranksOf = (names: readonly string[]) => {
    const ranks = new Float64Array(names.length);
    names
      .map((name, number) => ({ name, number }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .forEach(({ number }, rank) => (ranks[number] = rank));
    return ranks;
  };
  const [services, operations] = [ranksOf(head.services), ranksOf(head.operations)];
  return Float64Array.from(
    { length: count },
    (_, span) =>
      (services[service[span] ?? 0] ?? 0) * head.operations.length + (operations[operation[span] ?? 0] ?? 0),
  );
}
