/**
 * What the APIs ask of the collector: our own, and the compatible ones. Answers are wire types; each method is
 * a few lines over the store, the pure functions of this folder and of diagnose/.
 */
import type {
  AttributeKeys,
  AttributeValues,
  EdgeCalls,
  Incident,
  Incidents,
  Latency,
  LatencyDiffers,
  MapTimeline,
  MatchingEdges,
  Operations,
  ServiceMap,
  Services,
  SpanDetails,
  TraceEdges,
  TracePage,
} from '../serve/wire.ts';
import type { LatencyAsked, LatencyBrush, TimeRange } from '../store/store.ts';
import type { QueryTerm } from './query-term.ts';
import type { OperationTotals } from './results.ts';

export interface TraceSearchParameters {
  readonly range: TimeRange;
  /** Query language of interfaces.md; '' matches everything. Throws QuerySyntaxError with the position. */
  readonly q: string;
  /** What the span must match beside it. */
  readonly term?: QueryTerm | null;
  readonly service: string | null;
  readonly operation: string | null;
  readonly minDurationMs: number | null;
  readonly maxDurationMs: number | null;
  readonly sort: 'newest' | 'oldest' | 'longest' | 'errors';
  readonly limit: number;
  readonly cursor: string | null;
}

/** Whose latency is asked for; null is any. */
export type LatencyQuestion = Omit<LatencyAsked, 'steps'>;

export interface Query {
  services(range: TimeRange): Promise<Services>;
  operations(range: TimeRange, service: string | null): Promise<Operations>;
  /** Of services, or of all their operations, with a quantile of their latency. */
  quantiles(range: TimeRange, byOperation: boolean, quantile: number): Promise<OperationTotals[]>;
  /** Which kinds of spans each operation of a service has. */
  operationKinds(range: TimeRange, service: string): Promise<Pick<OperationTotals, 'operation' | 'kinds'>[]>;
  map(range: TimeRange, focus: string | null, hops: number): Promise<ServiceMap>;
  /** In about so many equal steps of whole minutes, hours or days; the range is rounded outward to them. */
  mapTimeline(range: TimeRange, stepsMax: number): Promise<MapTimeline>;
  /** Caller and callee as the map names them. */
  edgeCalls(range: TimeRange, caller: string, callee: string): Promise<EdgeCalls>;
  /** In about so many equal steps, as the map's timeline. */
  latency(question: LatencyQuestion, stepsMax: number, signal?: AbortSignal): Promise<Latency>;
  /** What sets the calls of a part of it apart from the others of the range. */
  latencyDiffers(
    question: LatencyQuestion,
    brush: LatencyBrush,
    signal?: AbortSignal,
  ): Promise<LatencyDiffers>;
  searchTraces(parameters: TraceSearchParameters, signal?: AbortSignal): Promise<TracePage>;
  /** Of the newest traces that match; `q` as in the search. */
  matchingEdges(range: TimeRange, q: string, signal?: AbortSignal): Promise<MatchingEdges>;
  traceEdges(traceId: string): Promise<TraceEdges | null>;
  /** What one span says; empty when it is not stored. */
  spanDetails(traceId: string, spanId: string): Promise<SpanDetails>;
  /** `areCompared`: with what the calls of the first ones share, and what sets them apart (the default). */
  incidents(
    range: TimeRange,
    state: string | null,
    kind: string | null,
    areCompared?: boolean,
  ): Promise<Incidents>;
  incident(range: TimeRange, fingerprint: string): Promise<Incident | null>;
  /** All, or only those of spans with their events and links, or of resources. */
  attributeKeys(
    range: TimeRange,
    prefix: string,
    limit: number,
    of?: 'span' | 'resource',
  ): Promise<AttributeKeys>;
  attributeValues(range: TimeRange, key: string, prefix: string, limit: number): Promise<AttributeValues>;
}

/** `position` is the zero-based character where the query stops making sense. */
export class QuerySyntaxError extends Error {
  override readonly name = 'QuerySyntaxError';
  readonly position: number;
  readonly got: string;
  readonly expected: string;
  constructor(position: number, got: string, expected: string) {
    super(`query: at character ${position + 1}: got ${got}, expected ${expected}`);
    this.position = position;
    this.got = got;
    this.expected = expected;
  }
}
