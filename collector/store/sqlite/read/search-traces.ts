/** Searches traces: what columns tell first, then spans one by one, then the page's traces are summed up. */
import type { Verdict } from '../../../diagnose/verdict.ts';
import { calleeOf, peerOf } from '../../../query/callee.ts';
import { compileMatcher, type SpanSurroundings, type SpanVerdict } from '../../../query/match-span.ts';
import type { QueryTerm } from '../../../query/query-term.ts';
import type { TracePage, TraceSummary } from '../../../query/results.ts';
import type { Span } from '../../../span.ts';
import { CONSUMER, SERVER, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { startMsOf } from '../../columns/span-table.ts';
import { readCursor, writeCursor } from '../../search/cursor.ts';
import { findTraces, type FoundTrace, type ListedTraces, type SearchUnit } from '../../search/find-traces.ts';
import { markedRuns } from '../../search/marked-runs.ts';
import { compileRowFilter, type RowFilter } from '../../search/row-filter.ts';
import { searchSlow } from '../../search/slow-search.ts';
import { canMeet, compileConditions, type SpanConditions } from '../../search/span-conditions.ts';
import { compileValueConditions, type CanHave } from '../../search/value-conditions.ts';
import { traceFacts, type TraceFacts } from '../../search/trace-pieces.ts';
import { Cancelled, type TimeRange, type TraceSearch } from '../../store.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Connection } from '../open-database.ts';
import type { VerdictPlace, VerdictTexts } from '../verdict-texts.ts';
import type { EdgeNames } from './edge-names.ts';
import { LeastRecent } from './least-recent.ts';
import type { Names } from './names.ts';
import type { Piece, TraceReader } from './traces.ts';
import type { Unit } from './units.ts';
import { nameVerdict } from './verdicts.ts';

interface AddressServices {
  one(address: string): string | null;
}

interface ReadTrace {
  readonly pieces: Piece[];
  /** Null when nothing of it can be read. */
  readonly facts: TraceFacts | null;
}

/** Traces of a search whose pieces are kept: those matched one after the other, and the page's. */
const TRACES_KEPT_MAX = 200;

export function createTraceSearch(
  database: Connection,
  reader: TraceReader,
  names: Names,
  addressServices: AddressServices,
  verdictText: VerdictTexts,
  edgeNames: () => EdgeNames,
  onDamage: (what: string) => void,
) {
  const verdictRows = database.prepare<
    [Buffer],
    Omit<SpanVerdict, 'isOrigin'> & { give_up_span_id: Buffer; origin_span_id: Buffer }
  >('SELECT edge, phase, cause, category, give_up_span_id, origin_span_id FROM verdict WHERE trace_id = ?');
  const firstVerdict = database.prepare<[Buffer], VerdictPlace>(
    'SELECT verdict_json, text_id, text_place FROM verdict WHERE trace_id = ? ORDER BY ordinal LIMIT 1',
  );

  function summarize(traceId: string, facts: TraceFacts): TraceSummary {
    const verdict = firstVerdict.get(Buffer.from(traceId, 'hex'));
    const json = verdict === undefined ? null : verdictText(verdict);
    const root = names.operationRow(facts.rootOperation);
    return {
      traceId,
      root: { service: root.service, operation: root.name },
      startedAt: new Date(facts.startMs).toISOString(),
      durationMs: facts.durationMs,
      spans: facts.spans,
      services: servicesOf(facts),
      errors: facts.errors,
      timeouts: facts.timeouts,
      verdict: json === null ? null : summaryOf(nameVerdict(JSON.parse(json) as Verdict, edgeNames())),
    };
  }

  function servicesOf({ operations }: TraceFacts): string[] {
    return [...new Set([...operations].map((operation) => names.service(operation)))].toSorted(compareText);
  }

  /** What a term asks of the trace around a span; each part is read when it is asked for. */
  function surroundingsOf(traceId: string, read: () => ReadTrace): SpanSurroundings {
    const rows = () => verdictRows.all(Buffer.from(traceId, 'hex'));
    return {
      get trace() {
        const { facts } = read();
        if (facts === null) return { services: new Set<string>(), durationMs: 0, spans: 0 };
        return { services: new Set(servicesOf(facts)), durationMs: facts.durationMs, spans: facts.spans };
      },
      callee(span: Span) {
        const peer = peerOf(span);
        if (peer === null) return null;
        const server = serverOperation(read().pieces, span.spanId);
        const paired = server === null ? null : names.service(server);
        return calleeOf(peer, paired, peer.address === null ? null : addressServices.one(peer.address)).id;
      },
      verdicts: (span: Span) =>
        rows().flatMap((verdict) => {
          const isOrigin = verdict.origin_span_id.toString('hex') === span.spanId;
          return isOrigin || verdict.give_up_span_id.toString('hex') === span.spanId
            ? [{ ...verdict, isOrigin }]
            : [];
        }),
    };
  }

  return (units: readonly Unit[], search: TraceSearch, isCancelled: () => boolean): TracePage => {
    const cursor = search.cursor === null ? null : readCursor(search.cursor, search.sort);
    const kept = new LeastRecent<string, ReadTrace>(TRACES_KEPT_MAX, () => 1);
    const read = (traceId: string) =>
      kept.get(traceId, () => {
        const pieces = reader.pieces(units, traceId);
        const isThere = pieces.some(({ at }) => at.length > 0);
        return { pieces, facts: isThere ? traceFacts(pieces, reader.spans) : null };
      });
    const valueOf = (traceId: string): number | null => {
      const { facts } = read(traceId);
      if (facts === null) return null;
      if (search.sort === 'longest') return facts.durationMs;
      return search.sort === 'errors' ? facts.errors + facts.timeouts : facts.startMs;
    };
    const surroundings = (traceId: string) => surroundingsOf(traceId, () => read(traceId));
    const conditions = compileConditions(search.term, names);
    const matchesOf = createMatches(search, conditions, names, reader, surroundings, isCancelled);
    const canHave = compileValueConditions(search.term, names);
    const isOfSlow = conditions.isAll && conditions.ofDuration > 0;
    const searched = units.map((unit): SearchUnit => {
      const isWhole =
        unit.firstStartMs >= search.range.fromUnixMs && unit.lastStartMs < search.range.toUnixMs;
      return {
        firstStartMs: unit.firstStartMs,
        lastStartMs: unit.lastStartMs,
        matches: scanOf(unit, search.range, matchesOf, canHave, onDamage, isCancelled),
        listed: readOnce(() => (isOfSlow && isWhole ? listSlow(unit, conditions, onDamage) : null)),
      };
    });
    const found = findTraces(searched, search, cursor, valueOf, isCancelled);
    const last = found.page.at(-1);
    const { total, truncated } = found;
    return {
      traces: found.page.map(({ traceId }) => summarize(traceId, read(traceId).facts!)),
      total,
      truncated,
      cursor:
        found.isMore && last !== undefined
          ? writeCursor({ sort: search.sort, ...last, total, truncated })
          : null,
    };
  };
}

/** Whether a row that is in the range matches: 0, 1, or by asking its span. */
interface GranuleMatches {
  /** By row: 1 where the span may match and starts in the range. */
  readonly may: Uint8Array;
  matches(traceId: string, row: number): boolean;
}
type MatchesOf = (granule: Granule) => GranuleMatches;

function createMatches(
  { term, range }: Pick<TraceSearch, 'term' | 'range'>,
  conditions: SpanConditions,
  names: Names,
  reader: TraceReader,
  surroundingsOf: (traceId: string) => SpanSurroundings,
  isCancelled: () => boolean,
): MatchesOf {
  const checkpoint = (): void => {
    if (isCancelled()) throw new Cancelled('the caller went away');
  };
  const filter: RowFilter | null = term === null ? null : compileRowFilter(term, names, checkpoint);
  const matcher = term === null ? null : compileMatcher(term);
  const couldMatch = term === null ? null : compileEdgeHint(term, names);
  return (granule) => {
    if (!canMeet(granule.zone, conditions))
      return { may: new Uint8Array(granule.rows), matches: () => false };
    const marks = filter?.(granule) ?? { may: new Uint8Array(granule.rows).fill(1), isCertain: true };
    const { may } = marks;
    keepInRange(granule, range, may);
    if (!marks.isCertain) couldMatch?.(granule, may);
    return {
      may,
      matches(traceId, row) {
        if (marks.isCertain || matcher === null) return true;
        checkpoint();
        return matcher(reader.span(granule, row), surroundingsOf(traceId));
      },
    };
  };
}

function keepInRange(granule: Granule, { fromUnixMs, toUnixMs }: TimeRange, may: Uint8Array): void {
  const { minStartMs, maxStartMs } = granule.zone;
  if (minStartMs >= fromUnixMs && maxStartMs < toUnixMs) return;
  for (let row = 0; row < may.length; row++) {
    if (may[row] === 0) continue;
    const startMs = startMsOf(granule, row);
    if (startMs < fromUnixMs || startMs >= toUnixMs) may[row] = 0;
  }
}

/**
 * A query that is one edge, or has one among terms joined by AND, can only match calls of the caller, requests from
 * outside, or spans of which there is a verdict: the rest need not be decoded.
 */
function compileEdgeHint(
  term: QueryTerm,
  names: Names,
): ((granule: Granule, may: Uint8Array) => void) | null {
  const terms = term.type === 'and' ? term.terms : [term];
  const edge = terms.find(
    (each) => each.type === 'field' && each.of === 'span' && each.key === 'edge' && each.comparison === '=',
  );
  if (edge === undefined || edge.type !== 'field') return null;
  const wanted = String(edge.value);
  return ({ classes, rows }, may) => {
    const ofClass = Array.from({ length: classes.count }, (_, index) => {
      const { service, kind } = names.operationRow(classes.operation[index]!);
      if (kind === 'client' || kind === 'producer') return wanted.startsWith(`${service}->`);
      // A request from outside, or the origin of a verdict: of a service that the edge names.
      return wanted.includes(service);
    });
    for (let row = 0; row < rows; row++) if (!ofClass[classes.of[row]!]) may[row] = 0;
  };
}

/** What the list of slow spans says; null where there is none, or it cannot be read. */
function listSlow(
  unit: Unit,
  conditions: SpanConditions,
  onDamage: (what: string) => void,
): ListedTraces | null {
  try {
    const slow = unit.slow();
    if (slow === null) return null;
    const { spans, isAll } = searchSlow(slow.rows, conditions);
    const traceIds = new Set(spans.map((span) => slow.traceIdOf(span).toString('hex')));
    // When a trace starts is read when its place in the list is needed.
    const traces = Array.from(traceIds, (traceId) => ({ traceId, latestStartMs: unit.lastStartMs }));
    return { traces, isAll };
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error;
    onDamage(`${unit.name}: ${error.message}`);
    return null;
  }
}

function readOnce<T>(read: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => (known ??= { value: read() }).value;
}

/** True also where nothing is known of its values, or it cannot be read. */
function mayHave(unit: Unit, canHave: CanHave, onDamage: (what: string) => void): boolean {
  try {
    const values = unit.values();
    return values === null || canHave(values);
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error;
    onDamage(`${unit.name}: ${error.message}`);
    return true;
  }
}

/** Looks through the unit's granules, as far as they can have spans of the range. */
function scanOf(
  unit: Unit,
  range: TimeRange,
  matchesOf: MatchesOf,
  canHave: CanHave | null,
  onDamage: (what: string) => void,
  isCancelled: () => boolean,
): SearchUnit['matches'] {
  return function* (isKnown) {
    if (canHave !== null && !mayHave(unit, canHave, onDamage)) return;
    for (let number = 0; number < unit.granules && !isCancelled(); number++) {
      try {
        const granule = unit.granule(number, 'in turn');
        const { minStartMs, maxStartMs } = granule.zone;
        if (maxStartMs < range.fromUnixMs || minStartMs >= range.toUnixMs) continue;
        yield* matchingTraces(granule, matchesOf(granule), isKnown);
      } catch (error) {
        if (!(error instanceof DamagedPart)) throw error;
        onDamage(`${unit.name}: ${error.message}`);
      }
    }
  };
}

function* matchingTraces(
  granule: Granule,
  { may, matches }: GranuleMatches,
  isKnown: (traceId: string) => boolean,
): Generator<FoundTrace> {
  for (const { run, first, end, decoded } of markedRuns(granule, may)) {
    const traceId = granule.traces.ids.toString('hex', run * TRACE_ID_BYTES, (run + 1) * TRACE_ID_BYTES);
    if (isKnown(traceId)) continue;
    for (let row = first; row < end; row++) {
      if (may[row] === 0 || !matches(traceId, row)) continue;
      // Rows of a trace are in order of start.
      yield { traceId, latestStartMs: startMsOf(decoded.rows, decoded.first) };
      break;
    }
  }
}

/** The operation of the earliest span that serves the call. */
function serverOperation(pieces: readonly Piece[], callId: string): number | null {
  const id = Buffer.from(callId, 'hex');
  let found: { readonly operation: number; readonly startMs: number } | null = null;
  for (const { rows, at } of pieces) {
    for (const row of at) {
      if (rows.kind[row] !== SERVER && rows.kind[row] !== CONSUMER) continue;
      if (id.compare(rows.parentSpanId, row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES) !== 0) continue;
      const startMs = startMsOf(rows, row);
      if (found === null || startMs < found.startMs) found = { operation: rows.operation[row]!, startMs };
    }
  }
  return found?.operation ?? null;
}

function summaryOf({ origin, phase, cause, sentence }: Verdict): TraceSummary['verdict'] {
  return { edge: origin.edge, phase, cause, sentence };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
