/** What the APIs ask, answered from the store and the pure functions of this folder. */
import { foldPending } from '../diagnose/pending.ts';
import type { Incident } from '../serve/wire.ts';
import type { Span } from '../span.ts';
import type { Store, TimeRange } from '../store/store.ts';
import { USER_NODE, USER_NODE_OUTSIDE } from './callee.ts';
import { compareCalls } from './compare-calls.ts';
import { findDeploys } from './deploys.ts';
import { describeCalls } from './edge-calls.ts';
import { buildIncidents, type IncidentCore } from './incidents.ts';
import { MATCHING_TRACES_MAX, readMatchingEdges } from './matching-edges.ts';
import { parseQuery } from './parse-query.ts';
import type { Query, TraceSearchParameters } from './query.ts';
import type { QueryTerm } from './query-term.ts';
import type { CallGroup, ServiceStats, VerdictRow } from './results.ts';
import { buildServiceMap } from './service-map.ts';
import { chooseSteps } from './timeline-steps.ts';
import { readCallees } from './trace-callees.ts';
import { findTraceEdges } from './trace-edges.ts';
import { wireRange } from './wire-range.ts';
import { buildSpanDetail } from './wire-trace.ts';

/** Calls looked at to say what those of an incident have in common. */
const FAILED_CALLS_MAX = 50;
const WORKING_CALLS_MAX = 100;
/** Incidents of a list that are compared; the others are when they are opened. */
const COMPARED_MAX = 20;
/** Newest calls of an edge that its histogram and phases are made of. */
const EDGE_CALLS_MAX = 2_000;
/** A version that sent a span this long before the range is none that was deployed in it. */
const VERSIONS_BEFORE_MS = 3_600_000;
/** Steps of a range that calls are compared in: some of each. */
const COMPARED_STEPS = 60;
/** The map's resolution: its range begins and ends at whole steps. */
const MAP_STEP_MS = 60_000;

export function createQuery(store: Store): Query {
  const allServices = { byOperation: false, service: null };

  async function readIncidents(range: TimeRange) {
    const [rows, states, groups, stats] = await Promise.all([
      store.readVerdicts(range),
      store.readIncidentStates(),
      store.readCallGroups(range),
      store.readServiceStats(range, allServices),
    ]);
    const calls = countCalls(groups, stats);
    const incidents = buildIncidents(rows, (edge) => calls.get(edge) ?? 0, states, range, Date.now());
    return { rows, incidents, checkedCalls: groups.reduce((sum, group) => sum + group.calls, 0) };
  }

  async function compared(
    range: TimeRange,
    incident: IncidentCore,
    rows: readonly VerdictRow[],
  ): Promise<Incident> {
    const all = rows.filter((row) => row.fingerprint === incident.fingerprint);
    const members = all.slice(0, FAILED_CALLS_MAX);
    const failed = await store.readSpans(
      members.map(({ traceId, originSpanId }) => ({ traceId, spanId: originSpanId })),
    );
    const caller = all.find(({ verdict }) => verdict !== null)?.verdict?.origin.service ?? '';
    const callee = incident.edge.slice(caller.length + 2);
    const working = incident.edge.startsWith(`${caller}->`)
      ? await store.readEdgeCalls(range, { caller, callee }, 'ok', WORKING_CALLS_MAX)
      : [];
    return { ...incident, ...compareCalls(failed, working) };
  }

  return {
    async services(range) {
      const stats = await store.readServiceStats(range, allServices);
      return { services: stats.map(({ operation: _operation, kinds: _kinds, ...service }) => service) };
    },
    async operations(range, service) {
      const stats = await store.readServiceStats(range, { byOperation: true, service });
      return { operations: stats.map(({ kinds: _kinds, ...operation }) => operation) };
    },
    quantiles: async (range, byOperation, quantile) =>
      store.readServiceStats(range, { byOperation, service: null, quantile }),
    async operationKinds(range, service) {
      const stats = await store.readServiceStats(range, { byOperation: true, service });
      return stats.map(({ operation, kinds }) => ({ operation, kinds }));
    },
    async map(asked, focus, hops) {
      const range = roundOutward(asked, MAP_STEP_MS);
      const [groups, stats] = await Promise.all([
        store.readCallGroups(range),
        store.readServiceStats(range, allServices),
      ]);
      return buildServiceMap(range, groups, stats, focus === null ? null : { node: focus, hops });
    },
    async mapTimeline(asked, stepsMax) {
      const { range, steps } = chooseSteps(asked, stepsMax);
      const before = { ...range, fromUnixMs: range.fromUnixMs - VERSIONS_BEFORE_MS };
      const [counts, versions] = await Promise.all([
        store.readCallCounts(range, steps),
        store.readVersions(before),
      ]);
      return { ...wireRange(range), steps: counts, deploys: findDeploys(versions, range.fromUnixMs) };
    },
    async edgeCalls(range, caller, callee) {
      const read = (from: string | null) =>
        store.readEdgeCalls(range, { caller: from, callee }, 'any', EDGE_CALLS_MAX);
      let calls = await read(caller);
      const isUser = caller === USER_NODE || caller === USER_NODE_OUTSIDE;
      // A service of that name would have made calls of its own.
      if (calls.length === 0 && isUser) calls = await read(null);
      return { ...wireRange(range), caller, callee, ...describeCalls(calls) };
    },
    latency: async (question, stepsMax, signal) =>
      store.readLatency({ ...question, ...chooseSteps(question.range, stepsMax) }, signal),
    latencyDiffers: async (question, brush, signal) =>
      store.readLatencyDiffers(
        { ...question, ...chooseSteps(question.range, COMPARED_STEPS) },
        brush,
        signal,
      ),
    searchTraces: async (parameters, signal) =>
      store.searchTraces(
        {
          range: parameters.range,
          term: searchTerm(parameters),
          sort: parameters.sort,
          limit: parameters.limit,
          cursor: parameters.cursor,
        },
        signal,
      ),
    async matchingEdges(range, q, signal) {
      const search = { range, term: parseQuery(q), sort: 'newest', limit: MATCHING_TRACES_MAX } as const;
      const page = await store.searchTraces({ ...search, cursor: null }, signal);
      return { ...wireRange(range), ...(await readMatchingEdges(store, page, signal)) };
    },
    async traceEdges(traceId) {
      const spans = await store.readTrace(traceId);
      if (spans.length === 0) return null;
      return findTraceEdges(traceId, spans, await readCallees(store, spans));
    },
    async spanDetails(traceId, spanId) {
      let spans: readonly Span[] = await store.readSpans([{ traceId, spanId }]);
      // One that has not ended is known by its snapshots, which have ids of their own.
      if (spans.length === 0) {
        spans = foldPending(await store.readTrace(traceId)).filter((span) => span.spanId === spanId);
      }
      return { spans: spans.map((span) => buildSpanDetail(span, Date.now())) };
    },
    async incidents(range, state, kind, areCompared = true) {
      const { rows, incidents, checkedCalls } = await readIncidents(range);
      const wanted = incidents.filter(
        (incident) =>
          (state === null || incident.state === state) && (kind === null || incident.kind === kind),
      );
      const comparedMax = areCompared ? COMPARED_MAX : 0;
      const shown = wanted.map((incident, index) =>
        index < comparedMax ? compared(range, incident, rows) : { ...incident, shared: [], differs: [] },
      );
      return { incidents: await Promise.all(shown), checkedCalls };
    },
    async incident(range, fingerprint) {
      const { rows, incidents } = await readIncidents(range);
      const find = (wanted?: string) => incidents.find((incident) => incident.fingerprint === wanted);
      // A link to it may have what its edge was called earlier.
      const found =
        find(fingerprint) ?? find(rows.find((row) => row.keptFingerprint === fingerprint)?.fingerprint);
      return found === undefined ? null : compared(range, found, rows);
    },
    attributeKeys: async (range, prefix, limit, of) => ({
      attributes: await store.readAttributeKeys(range, prefix, limit, of),
    }),
    attributeValues: async (range, key, prefix, limit) => ({
      key,
      values: await store.readAttributeValues(range, key, prefix, limit),
    }),
  };
}

/** The query and the separate parameters hold on the same span. */
export function searchTerm(
  parameters: Omit<TraceSearchParameters, 'range' | 'sort' | 'limit' | 'cursor'>,
): QueryTerm | null {
  const terms: QueryTerm[] = [];
  const add = (key: string, comparison: '=' | '>=' | '<=', value: string | number | null) => {
    if (value !== null) terms.push({ type: 'field', of: 'span', key, comparison, value });
  };
  const parsed = parseQuery(parameters.q);
  if (parsed !== null) terms.push(parsed);
  if (parameters.term) terms.push(parameters.term);
  add('service', '=', parameters.service);
  add('operation', '=', parameters.operation);
  add('duration', '>=', parameters.minDurationMs);
  add('duration', '<=', parameters.maxDurationMs);
  return terms.length <= 1 ? (terms[0] ?? null) : { type: 'and', terms };
}

function roundOutward({ fromUnixMs, toUnixMs }: TimeRange, stepMs: number): TimeRange {
  return {
    fromUnixMs: Math.floor(fromUnixMs / stepMs) * stepMs,
    toUnixMs: Math.ceil(toUnixMs / stepMs) * stepMs,
  };
}

/** By edge, and by service for a service's own work. */
function countCalls(groups: readonly CallGroup[], stats: readonly ServiceStats[]): Map<string, number> {
  const calls = new Map(stats.map((service) => [service.service, service.calls]));
  for (const { from, to, calls: count } of groups) if (from !== null) calls.set(`${from}->${to}`, count);
  return calls;
}
