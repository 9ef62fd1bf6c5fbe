/** The edges of the map that the newest traces which match a query went along, all calls of each counted together. */
import type { MatchingEdges, TraceEdges, TracePage } from '../serve/wire.ts';
import { Cancelled, type Store } from '../store/store.ts';
import { readCallees } from './trace-callees.ts';
import { findTraceEdges } from './trace-edges.ts';

/** Traces that are read, and spans of the largest that is: each is read whole. */
export const MATCHING_TRACES_MAX = 100;
const MATCHING_SPANS_MAX = 2_000;

/** `page` has at most so many. Stops early, with an error, when the signal says so. */
export async function readMatchingEdges(
  store: Pick<Store, 'readTrace' | 'readAddressServices'>,
  { traces, total, truncated }: TracePage,
  signal?: AbortSignal,
): Promise<Omit<MatchingEdges, 'from' | 'to'>> {
  const readable = traces.filter(({ spans }) => spans <= MATCHING_SPANS_MAX);
  const went: TraceEdges['edges'][] = [];
  for (const { traceId } of readable) {
    if (signal?.aborted === true) throw new Cancelled('the caller went away');
    const spans = await store.readTrace(traceId);
    if (spans.length === 0) continue;
    went.push(findTraceEdges(traceId, spans, await readCallees(store, spans)).edges);
  }
  return { traces: went.length, total, truncated, edges: addUp(went.flat()) };
}

function addUp(edges: TraceEdges['edges']): TraceEdges['edges'] {
  const sums = new Map<string, TraceEdges['edges'][number]>();
  for (const edge of edges) {
    const key = JSON.stringify([edge.from, edge.to]);
    const sum = sums.get(key);
    if (sum === undefined) {
      sums.set(key, { ...edge });
      continue;
    }
    sum.calls += edge.calls;
    sum.errors += edge.errors;
    sum.timeouts += edge.timeouts;
  }
  return [...sums.values()];
}
