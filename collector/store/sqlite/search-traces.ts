/**
 * Searches traces: walks them in the order asked for, keeps those with a span in the range that matches, and stops
 * where the page and the exact part of the total end.
 *
 * What the columns can decide, SQLite decides before the walk; only the rest is decoded and matched, one trace at a time.
 */
import { calleeOf, peerOf } from '../../query/callee.ts';
import {
  compileMatcher,
  type SpanMatcher,
  type SpanSurroundings,
  type SpanVerdict,
} from '../../query/match-span.ts';
import type { QueryTerm } from '../../query/query-term.ts';
import type { TracePage, TraceSummary } from '../../query/results.ts';
import type { Verdict } from '../../diagnose/verdict.ts';
import type { Span } from '../../span.ts';
import { BadCursor, Cancelled, type TimeRange, type TraceSearch } from '../store.ts';
import type { Connection } from './open-database.ts';
import { rangeNano, type createAddressReader } from './read-calls.ts';
import type { createSpanReader, SpanRow } from './read-spans.ts';
import { spanFilter, type SpanFilter } from './span-filter.ts';

interface TraceRow {
  readonly trace_key: number;
  readonly trace_id: Buffer;
  /** Of the order; as text, because nanoseconds are beyond 2^53. */
  readonly sort_value: string;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly span_count: number;
  readonly error_count: number;
  readonly timeout_count: number;
}

interface Cursor {
  readonly sort: TraceSearch['sort'];
  readonly value: string;
  readonly traceKey: number;
  readonly total: number;
  readonly truncated: boolean;
}

const TOTAL_MAX = 1_000;
const ORDERS: { readonly [sort in TraceSearch['sort']]: { by: string; direction: 'ASC' | 'DESC' } } = {
  newest: { by: 'start_unix_ns', direction: 'DESC' },
  oldest: { by: 'start_unix_ns', direction: 'ASC' },
  longest: { by: '(end_unix_ns - start_unix_ns)', direction: 'DESC' },
  errors: { by: '(error_count + timeout_count)', direction: 'DESC' },
};

export function createTraceSearch(
  database: Connection,
  spans: ReturnType<typeof createSpanReader>,
  addressServices: ReturnType<typeof createAddressReader>,
) {
  const summarize = createSummarizer(database);
  const surroundingsOf = createSurroundings(database, addressServices);

  return (search: TraceSearch, isCancelled: () => boolean): TracePage => {
    const cursor = search.cursor === null ? null : readCursor(search.cursor, search.sort);
    const matches = createTraceMatcher(database, search, spans, surroundingsOf, isCancelled);
    // The first page also counts, as far as the total is exact; those after it carry the count along.
    const wanted = cursor === null ? Math.max(search.limit, TOTAL_MAX) + 1 : search.limit + 1;
    const page: TraceRow[] = [];
    let found = 0;
    for (const row of walkTraces(database, search, cursor)) {
      if (isCancelled()) throw new Cancelled('the caller went away');
      if (!matches(row)) continue;
      found++;
      if (page.length < search.limit) page.push(row);
      if (found >= wanted) break;
    }
    const total = cursor?.total ?? Math.min(found, TOTAL_MAX);
    const truncated = cursor?.truncated ?? found > TOTAL_MAX;
    const last = page.at(-1);
    const isMore = last !== undefined && found > page.length;
    return {
      traces: page.map(summarize),
      total,
      truncated,
      cursor: isMore
        ? writeCursor({
            sort: search.sort,
            value: last.sort_value,
            traceKey: last.trace_key,
            total,
            truncated,
          })
        : null,
    };
  };
}

/** Traces that may have a matching span in the range, in order, from where the cursor stands. */
function walkTraces(database: Connection, search: TraceSearch, cursor: Cursor | null): Iterable<TraceRow> {
  const { by, direction } = ORDERS[search.sort];
  const [from, to] = rangeNano(search.range);
  const conditions = ['start_unix_ns < ?', 'last_start_unix_ns >= ?'];
  const parameters: unknown[] = [to, from];
  if (cursor !== null) {
    conditions.push(`(${by}, trace_key) ${direction === 'ASC' ? '>' : '<'} (?, ?)`);
    parameters.push(BigInt(cursor.value), cursor.traceKey);
  }
  const filter = search.term === null ? null : spanFilter(search.term, false);
  if (filter !== null && filter.sql !== null) {
    conditions.push(
      `trace_key IN (SELECT trace_key FROM span WHERE start_unix_ns >= ? AND start_unix_ns < ? AND (${filter.sql}))`,
    );
    parameters.push(from, to, ...filter.parameters);
  }
  return database
    .prepare<unknown[], TraceRow>(
      `SELECT trace_key, trace_id, CAST(${by} AS TEXT) AS sort_value, start_unix_ns / 1e6 AS start_ms,
         (end_unix_ns - start_unix_ns) / 1e6 AS duration_ms, span_count, error_count, timeout_count
       FROM trace WHERE ${conditions.join(' AND ')} ORDER BY ${by} ${direction}, trace_key ${direction}`,
    )
    .iterate(...parameters);
}

/** Whether one span of the trace is in the range and matches. */
function createTraceMatcher(
  database: Connection,
  { term, range }: { term: QueryTerm | null; range: TimeRange },
  spans: ReturnType<typeof createSpanReader>,
  surroundingsOf: (row: TraceRow) => SpanSurroundings,
  isCancelled: () => boolean,
): (row: TraceRow) => boolean {
  const [from, to] = rangeNano(range);
  const inRange = 'trace_key = ? AND start_unix_ns >= ? AND start_unix_ns < ?';
  if (term === null) {
    const exists = database.prepare<unknown[], 1>(`SELECT 1 FROM span WHERE ${inRange} LIMIT 1`).pluck();
    return ({ trace_key: traceKey, start_ms: startMs }) =>
      startMs >= range.fromUnixMs || exists.get(traceKey, from, to) !== undefined;
  }
  if (spanFilter(term, false).isExact) return () => true;
  const filter: SpanFilter = spanFilter(term, true);
  const candidates = database.prepare<unknown[], SpanRow>(
    `SELECT resource_id, scope_id, body FROM span WHERE ${inRange}${filter.sql === null ? '' : ` AND (${filter.sql})`}`,
  );
  const matches: SpanMatcher = compileMatcher(term);
  const { decode } = spans.decoder();
  return (row) => {
    const surroundings = surroundingsOf(row);
    for (const candidate of candidates.iterate(row.trace_key, from, to, ...filter.parameters)) {
      if (isCancelled()) throw new Cancelled('the caller went away');
      if (matches(decode(candidate), surroundings)) return true;
    }
    return false;
  };
}

function createSurroundings(database: Connection, addressServices: ReturnType<typeof createAddressReader>) {
  const services = selectServices(database);
  const serverOf = database
    .prepare<[number, Buffer], string>(
      `SELECT operation.service FROM span JOIN operation USING (operation_id)
       WHERE trace_key = ? AND parent_span_id = ? AND span.kind IN ('server', 'consumer') ORDER BY start_unix_ns LIMIT 1`,
    )
    .pluck();
  const verdicts = database.prepare<
    [number],
    Omit<SpanVerdict, 'isOrigin'> & { give_up_span_id: Buffer; origin_span_id: Buffer }
  >('SELECT edge, phase, cause, category, give_up_span_id, origin_span_id FROM verdict WHERE trace_key = ?');

  return (row: TraceRow): SpanSurroundings => {
    let trace: SpanSurroundings['trace'] | null = null;
    return {
      // Read when a term asks for it, and once.
      get trace() {
        trace ??= {
          services: new Set(services.all(row.trace_key)),
          durationMs: row.duration_ms,
          spans: row.span_count,
        };
        return trace;
      },
      callee(span: Span) {
        const peer = peerOf(span);
        if (peer === null) return null;
        const paired = serverOf.get(row.trace_key, Buffer.from(span.spanId, 'hex')) ?? null;
        const remembered = peer.address === null ? null : addressServices.one(peer.address);
        return calleeOf(peer, paired, remembered).id;
      },
      verdicts(span: Span) {
        return verdicts.all(row.trace_key).flatMap((verdict) => {
          const isOrigin = verdict.origin_span_id.toString('hex') === span.spanId;
          return isOrigin || verdict.give_up_span_id.toString('hex') === span.spanId
            ? [{ ...verdict, isOrigin }]
            : [];
        });
      },
    };
  };
}

function createSummarizer(database: Connection): (row: TraceRow) => TraceSummary {
  // The span without a parent, else the earliest.
  const root = database.prepare<[number], { service: string; operation: string }>(
    `SELECT operation.service, operation.name AS operation FROM span JOIN operation USING (operation_id)
     WHERE trace_key = ? ORDER BY parent_span_id IS NOT NULL, start_unix_ns, span_key LIMIT 1`,
  );
  const services = selectServices(database);
  const verdict = database
    .prepare<[number], string>(
      'SELECT verdict_json FROM verdict WHERE trace_key = ? ORDER BY ordinal LIMIT 1',
    )
    .pluck();
  return (row) => {
    const json = verdict.get(row.trace_key);
    return {
      traceId: row.trace_id.toString('hex'),
      root: root.get(row.trace_key) ?? { service: '', operation: '' },
      startedAt: new Date(row.start_ms).toISOString(),
      durationMs: row.duration_ms,
      spans: row.span_count,
      services: services.all(row.trace_key),
      errors: row.error_count,
      timeouts: row.timeout_count,
      verdict: json === undefined ? null : summaryOf(JSON.parse(json) as Verdict),
    };
  };
}

function summaryOf({ origin, phase, cause, sentence }: Verdict): TraceSummary['verdict'] {
  return { edge: origin.edge, phase, cause, sentence };
}

function selectServices(database: Connection) {
  return database
    .prepare<[number], string>(
      `SELECT DISTINCT operation.service FROM span JOIN operation USING (operation_id)
       WHERE trace_key = ? ORDER BY operation.service`,
    )
    .pluck();
}

function writeCursor(cursor: Cursor): string {
  const { sort, value, traceKey, total, truncated } = cursor;
  return Buffer.from(JSON.stringify([sort, value, traceKey, total, truncated])).toString('base64url');
}

function readCursor(text: string, sort: TraceSearch['sort']): Cursor {
  const cursor = parseCursor(text);
  if (cursor === null) throw new BadCursor('cursor: got something else, expected one from the page before');
  if (cursor.sort !== sort) {
    throw new BadCursor(`cursor: got one of sort ${cursor.sort}, expected one of sort ${sort}`);
  }
  return cursor;
}

function parseCursor(text: string): Cursor | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return null;
  }
  if (!Array.isArray(parsed)) return null;
  const [sort, value, traceKey, total, truncated] = parsed as unknown[];
  const isWhole =
    typeof sort === 'string' &&
    Object.hasOwn(ORDERS, sort) &&
    typeof value === 'string' &&
    /^-?\d{1,19}$/.test(value) &&
    BigInt.asIntN(64, BigInt(value)) === BigInt(value) &&
    Number.isSafeInteger(traceKey) &&
    Number.isSafeInteger(total) &&
    typeof truncated === 'boolean';
  if (!isWhole) return null;
  return {
    sort: sort as TraceSearch['sort'],
    value,
    traceKey: traceKey as number,
    total: total as number,
    truncated,
  };
}
