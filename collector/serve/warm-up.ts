/**
 * Asks, when the store is there, what people ask first: a thread compiles its code when it needs it, and finds sooner what it
 * has read once. Without it the first answers took two to four times as much CPU.
 */
import type { Query } from '../query/query.ts';
import type { TraceReader } from './traces/trace-reader.ts';

const HOUR_MS = 3_600_000;
/** Where the newest traces are looked for. */
const LOOKED_BACK_MS = 7 * 24 * HOUR_MS;
/** By the last of them most of what reads a trace is compiled. */
const TRACES = 6;
/** At most: a larger one would start threads that are there for large traces alone. */
const SMALL_TRACE_SPANS = 500;
/** Nobody is kept waiting longer: what is not answered by then is given up, but for the map, which nothing stops. */
export const PATIENCE_MS = 1_000;

/** Resolves when it is done or takes too long; what fails is told to whoever asks for it. */
export async function warmUp(query: Query, traces: Pick<TraceReader, 'write'>): Promise<void> {
  const enough = new AbortController();
  const { promise: tooLong, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, PATIENCE_MS);
  await Promise.race([askFirst(query, traces, enough.signal).catch(() => {}), tooLong]);
  clearTimeout(timer);
  // Also a trace of few spans may be large, and wait for someone to take it.
  enough.abort();
}

async function askFirst(
  query: Query,
  traces: Pick<TraceReader, 'write'>,
  signal: AbortSignal,
): Promise<void> {
  const search = {
    q: '',
    service: null,
    operation: null,
    minDurationMs: null,
    maxDurationMs: null,
    sort: 'newest',
    limit: TRACES,
    cursor: null,
  } as const;
  const toUnixMs = Date.now();
  const lately = { fromUnixMs: toUnixMs - LOOKED_BACK_MS, toUnixMs };
  const newest = (await query.searchTraces({ ...search, range: lately }, signal)).traces;
  const [first] = newest;
  if (first === undefined) return;
  const { root, durationMs, startedAt } = first;
  const startUnixMs = Date.parse(startedAt);
  const range = { fromUnixMs: startUnixMs - HOUR_MS, toUnixMs: startUnixMs + 1 };
  const small = newest.filter(({ spans }) => spans <= SMALL_TRACE_SPANS);
  await Promise.all([
    query.map(range, null, 0),
    query.searchTraces({ ...search, ...root, range, minDurationMs: durationMs }, signal),
    ...small.map(({ traceId }) => traces.write(traceId, 'json', signal)),
  ]);
}
