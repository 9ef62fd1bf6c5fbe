/**
 * The store's contract. One suite (test/store/contract.ts) checks every backend against it.
 *
 * What goes in is the bytes of an OTLP request, undecoded, so that a backend may keep them as they are: the
 * bytes are the truth, nothing of a span is lost. What comes out is decoded spans and small aggregates.
 * A backend may run in threads or processes of its own; every call is asynchronous.
 */
import type { HostQuestion } from '../diagnose/hosts/host-question.ts';
import type { HostView } from '../diagnose/hosts/host-view.ts';
import type { Phase, Verdict } from '../diagnose/verdict.ts';
import type { QueryTerm } from '../query/query-term.ts';
import type { Latency, LatencyDiffers, TracePhases } from '../serve/wire.ts';
import type { Span, SpanKind } from '../span.ts';
import type {
  CallCounts,
  CallGroup,
  OperationTotals,
  ServiceVersion,
  TracePage,
  VerdictRow,
} from '../query/results.ts';

/** `[from, to)` by span start, epoch milliseconds. */
export interface TimeRange {
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

export interface AppendOutcome {
  /** Spans made durable by this call. */
  readonly stored: number;
  /** Spans that were already there, byte for byte. */
  readonly duplicate: number;
  /** Spans refused for their ids; the rest of the request is stored. */
  readonly refused: number;
  /** Says which and why; '' when none was refused. */
  readonly refusedMessage: string;
  /** What of the stored spans looks wrong (ends before it starts, far future, …); '' when nothing does. */
  readonly warning: string;
}

export interface TraceSearch {
  readonly range: TimeRange;
  /** null matches every span. */
  readonly term: QueryTerm | null;
  readonly sort: 'newest' | 'oldest' | 'longest' | 'errors';
  readonly limit: number;
  /** Opaque, from the page before; null for the first page. */
  readonly cursor: string | null;
}

/**
 * How long an operation normally takes: the durations of its own spans, those that went on after a caller had given up
 * included, those that a give-up decided not.
 */
export interface NormalKey {
  readonly service: string;
  readonly operation: string;
  readonly kind: SpanKind;
}
export interface Normal extends NormalKey {
  readonly count: number;
  readonly p50Ms: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
}

export interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
}

/** Who calls whom, as the map names them; `caller` is null where the calls come from outside. */
export interface Edge {
  readonly caller: string | null;
  readonly callee: string;
}

/** Whose numbers are asked for; `quantile`, from 0 to 1: of their latency one that not everybody reads. */
export interface StatsGroup {
  readonly byOperation: boolean;
  readonly service: string | null;
  readonly quantile?: number;
}

/**
 * Whose latency is asked for, in so many equal steps of the range, which are whole minutes; null is any. What is given decides
 * whose durations they are, as `LatencyOf` tells. `phase`: of that phase alone.
 */
export interface LatencyAsked {
  readonly range: TimeRange;
  readonly steps: number;
  readonly service: string | null;
  readonly operation: string | null;
  /** As the map names it. */
  readonly peer: string | null;
  readonly phase: Phase | null;
}

/** A part of it: calls that start in the range and take `[minMs, maxMs)`; null where that has no bound. */
export interface LatencyBrush {
  readonly range: TimeRange;
  readonly minMs: number | null;
  readonly maxMs: number | null;
}

/** A trace is due for diagnosis when it has been without new spans for `quietMs`, or has waited for `waitMs`. */
export interface Patience {
  readonly quietMs: number;
  readonly waitMs: number;
}

/** What the store keeps of a diagnosis. */
export interface DiagnosisToSave {
  readonly traceId: string;
  /** How many spans it was made from. */
  readonly spanCount: number;
  /** Where the trace began: its span without a parent, else its earliest. */
  readonly entry: { readonly service: string; readonly operation: string };
  readonly verdicts: readonly VerdictToSave[];
}

/** A verdict as JSON, because a text crosses threads at no cost, and what it is found by. */
export interface VerdictToSave extends Pick<Verdict, 'phase' | 'cause' | 'category'> {
  readonly kind: Verdict['giveUp']['kind'];
  readonly edge: string;
  /** The edge by what the call itself says of its callee: what it was called before its address was known. */
  readonly bareEdge: string;
  readonly giveUpSpanId: string;
  readonly originSpanId: string;
  /** When the span that gave up started, and when it gave up; epoch milliseconds. */
  readonly startUnixMs: number;
  readonly atUnixMs: number;
  readonly json: string;
  /** What it would ask of the hosts of its call; null when nothing. Not kept. */
  readonly question: HostQuestion | null;
}

/** `unknown`: no span of the trace is stored. `full`: as many are pinned as may be. */
export type PinOutcome = 'pinned' | 'unknown' | 'full';

/** What someone said of an incident. */
export interface IncidentState {
  readonly fingerprint: string;
  /** Until it is over: one that comes back after a quiet time is another to whoever acknowledged it. */
  readonly acknowledged: boolean;
  /** Epoch milliseconds; null when it is not muted. */
  readonly mutedUntilUnixMs: number | null;
}
/** What is left out stays as it is. */
export type IncidentStateChange = Pick<IncidentState, 'fingerprint'> & Partial<IncidentState>;

export interface StoreStatus {
  readonly kind: string;
  readonly bytes: number;
  readonly spans: number;
  /** Epoch milliseconds of the oldest span's arrival; null when empty. */
  readonly oldestUnixMs: number | null;
}

export interface Store {
  /**
   * Stores the spans of one `ExportTraceServiceRequest` (protobuf). Resolves when they are fsynced.
   * Rejects with DecodeError (nothing stored) or StoreUnavailable (full disk, closing: retry later). The bytes are
   * copied before it returns. What is forwarded is on its way to other backends as durably, where there are any.
   */
  append(request: Uint8Array, isForwarded?: boolean): Promise<AppendOutcome>;
  /** Keeps a request of another signal for the backends that it is forwarded to; resolves and rejects as `append`. */
  passOn(signal: 'metrics' | 'logs', request: Uint8Array): Promise<void>;

  /** All spans of a trace, by start; empty when it is unknown. */
  readTrace(traceId: string): Promise<Span[]>;
  /**
   * The same as OTLP `TracesData` protobuf, every field as it was sent; null when it is unknown. Before a large one is read
   * `beforeLarge` is waited for; rejects when it does.
   */
  readTraceBytes(
    traceId: string,
    signal?: AbortSignal,
    beforeLarge?: () => Promise<void>,
  ): Promise<Uint8Array | null>;
  /** The same as the page opens it, judged: a file as `TraceColumnsHead` describes it; null when it is unknown. */
  readTraceColumns(traceId: string, signal?: AbortSignal): Promise<Uint8Array | null>;
  /** Where its time went; null when it is unknown. */
  readTracePhases(traceId: string, signal?: AbortSignal): Promise<TracePhases | null>;
  searchTraces(search: TraceSearch, signal?: AbortSignal): Promise<TracePage>;
  /**
   * Per service, or per operation when `service` is given or `byOperation` is set. Server and consumer spans are the
   * calls; a service or operation that has other spans only stands there with none. `kinds` are those of its spans.
   */
  readServiceStats(range: TimeRange, group: StatsGroup): Promise<OperationTotals[]>;
  /** Calls grouped by caller and callee: what the map is drawn from. */
  readCallGroups(range: TimeRange, signal?: AbortSignal): Promise<CallGroup[]>;
  /** From the newest spans of each key but those of `exceptTraceId`, the trace that is judged by them. */
  readNormals(keys: readonly NormalKey[], exceptTraceId: string): Promise<Normal[]>;
  /** All, or only those of spans with their events and links, or of resources. */
  readAttributeKeys(
    range: TimeRange,
    prefix: string,
    limit: number,
    of?: 'span' | 'resource',
  ): Promise<{ key: string; count: number }[]>;
  readAttributeValues(
    range: TimeRange,
    key: string,
    prefix: string,
    limit: number,
  ): Promise<{ value: string | number | boolean; count: number }[]>;

  /** Traces with a failed span that changed since their last diagnosis, and are due; those waiting longest first. */
  readUndiagnosed(patience: Patience, limit: number): Promise<{ traceIds: string[]; backlog: number }>;
  /**
   * What is to be said of these traces by what is stored now, in no order: of one of them at least, and of as many as take
   * a moment; those unknown are left out. They are judged where they are read, below everything else that the store does.
   * `hosts`: by trace, what hosts reported around its calls; of other calls what was kept with their verdicts counts.
   */
  diagnoseTraces(
    traceIds: readonly string[],
    hosts?: ReadonlyMap<string, readonly HostView[]>,
  ): Promise<DiagnosisToSave[]>;
  /**
   * Replaces what was known of these traces: of all or, when it rejects, of none. One that has more spans than its
   * diagnosis was made from waits anew.
   */
  saveDiagnoses(saved: readonly DiagnosisToSave[]): Promise<void>;
  /** By start of the span that gave up; newest first, bounded by the backend. The first of each incident and cause in full. */
  readVerdicts(range: TimeRange): Promise<VerdictRow[]>;
  /** What its last diagnosis said of a trace; null where it said nothing, or spans have come since. */
  readKeptVerdicts(traceId: string): Promise<readonly Verdict[] | null>;
  /** What hosts reported around the calls of a trace, as it was kept with its verdicts. */
  readHostViews(traceId: string): Promise<HostView[]>;
  /** Which service answers behind `host:port`; an address that several services answer behind is left out. */
  readAddressServices(addresses: readonly string[]): Promise<Map<string, string>>;
  /** The spans with these ids, in no order; those unknown are left out. */
  readSpans(ids: readonly SpanIdentity[]): Promise<Span[]>;
  /**
   * Calls of an edge, newest first; bounded by the backend. Of calls from outside, whose caller is null, the server
   * spans. `ok` leaves out what did not end well.
   */
  readEdgeCalls(range: TimeRange, edge: Edge, outcome: 'ok' | 'any', limit: number): Promise<Span[]>;
  /** The calls of `readCallGroups`, counted in so many equal steps of the range. */
  readCallCounts(range: TimeRange, steps: number, signal?: AbortSignal): Promise<CallCounts[]>;
  /** All calls are counted; those that only their spans tell apart are looked at, bounded by the backend, which says so. */
  readLatency(asked: LatencyAsked, signal?: AbortSignal): Promise<Latency>;
  /** What sets calls of a part of it apart from the others; some of both are looked at. */
  readLatencyDiffers(asked: LatencyAsked, brush: LatencyBrush, signal?: AbortSignal): Promise<LatencyDiffers>;
  /** Which versions of its services sent spans that start in the range, in no order. */
  readVersions(range: TimeRange): Promise<ServiceVersion[]>;

  /** False where no verdict that is stored has this fingerprint. */
  changeIncidentState(change: IncidentStateChange): Promise<boolean>;
  /** Of those that are acknowledged, or muted still; in no order. */
  readIncidentStates(): Promise<IncidentState[]>;

  /** Keeps the trace past retention. */
  pinTrace(traceId: string): Promise<PinOutcome>;
  /** Lets retention have it, when its time is over. */
  unpinTrace(traceId: string): Promise<void>;
  isPinned(traceId: string): Promise<boolean>;
  /**
   * Drops what is older than `keepMs` by arrival, or beyond `keepBytes`, oldest first. Returns spans dropped. Stops
   * early, without an error, when the signal says so.
   */
  applyRetention(keepMs: number, keepBytes: number, signal?: AbortSignal): Promise<number>;
  status(): Promise<StoreStatus>;
  /** Deletes everything. */
  purge(): Promise<void>;
  /** Finishes what was accepted, then closes. */
  close(): Promise<void>;
}

/** The store cannot take data now; the sender should retry. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
/** The data folder or database file cannot be used: says what was found, what was expected, what to do. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
}
/** A cursor that this store did not give, or gave for another order. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor';
}
/** The caller went away; not a failure. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}
