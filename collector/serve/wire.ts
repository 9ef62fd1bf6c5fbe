/**
 * The JSON our HTTP API speaks, as interfaces.md fixes it. Types only: the page imports this file and nothing
 * else of the collector. Durations are `…Ms` numbers; times are RFC 3339 unless the name says `UnixNano`.
 */
import type { Diagnosis, Evidence, GiveUpKind, Phase, Verdict } from '../diagnose/verdict.ts';
import type { Forwarded } from './wire-forwarded.ts';

export type { Diagnosis, Evidence, Phase, Verdict };
export type * from './wire-columns.ts';
export type * from './wire-forwarded.ts';
export type * from './wire-latency.ts';

/** Integers beyond 2^53 are strings, bytes are {"bytes": base64}. */
export type WireValue =
  string | number | boolean | null | WireValue[] | { bytes: string } | { [key: string]: WireValue };
export type WireAttributes = { [key: string]: WireValue };

export interface WireError {
  error: { code: string; message: string; got?: string; expected?: string; position?: number };
}

export interface Status {
  version: string;
  /** `zipkin`, `jaegerHttp`, `jaegerGrpc` where they have a port of their own. */
  addresses: {
    otlpGrpc: string;
    otlpHttp: string;
    web: string;
    zipkin?: string;
    jaegerHttp?: string;
    jaegerGrpc?: string;
  };
  /** Starts a Node service of the collector's machine with the hook; null where the hook is not installed there. */
  appCommand: string | null;
  startedAt: string;
  /** received = stored + refused + dropped + duplicate + queued, since start */
  spans: {
    received: number;
    stored: number;
    refused: number;
    dropped: number;
    duplicate: number;
    queued: number;
  };
  queue: { bytes: number; max: number };
  diagnosis: { backlog: number };
  store: { kind: string; bytes: number; spans: number; oldest: string | null };
  /** Of each backend that is forwarded to. */
  forward: Forwarded[];
}

/** What hosts have reported in the last minutes, the oldest report first; counters by name, without `sockeye.host.`. */
export interface Hosts {
  hosts: {
    host: string;
    networkNamespace: string;
    /** IP addresses, but those of the loopback interface. */
    addresses: string[];
    reports: { at: string; counters: Record<string, number> }[];
    /** What the hook in each process said of it last, without `sockeye.process.`; `thread` tells its threads apart, '' is the main one. */
    processes: {
      service: string;
      pid: string;
      instance: string;
      thread: string;
      at: string;
      values: Record<string, number>;
    }[];
  }[];
}

export interface ServiceStats {
  service: string;
  calls: number;
  errors: number;
  timeouts: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}
/** `cursor` continues a list after its limit; null or absent at its end. */
export interface Services {
  services: ServiceStats[];
  cursor?: string | null;
}
export type OperationStats = ServiceStats & { operation: string };
export interface Operations {
  operations: OperationStats[];
  cursor?: string | null;
}

export type NodeKind = 'service' | 'database' | 'messaging' | 'external' | 'user';
export interface MapNode {
  id: string;
  kind: NodeKind;
  inferred: boolean;
  calls: number;
  errors: number;
  timeouts: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
}
export interface MapEdge {
  from: string;
  to: string;
  kind: 'http' | 'rpc' | 'db' | 'messaging' | 'tcp';
  calls: number;
  errors: number;
  timeouts: number;
  timeoutPhases: Partial<Record<Phase | 'none', number>>;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  serverP95Ms: number | null;
  neverArrived: number;
  budgetsMs: number[];
  retries: number;
}
export interface ServiceMap {
  from: string;
  to: string;
  truncated: boolean;
  nodes: MapNode[];
  edges: MapEdge[];
}

/** What happened in the map's range, step by step. */
export interface MapTimeline {
  from: string;
  to: string;
  /** Of calls that start in each equal step of the range. */
  steps: { calls: number; errors: number; timeouts: number }[];
  /** Oldest first. */
  deploys: Deploy[];
}
/**
 * A service's version changed: `at` is when the new one sent its first span, or, where it went back to an older one,
 * when the newer one sent its last; to the minute, of a long range to the hour or day.
 */
export interface Deploy {
  service: string;
  version: string;
  previous: string;
  back: boolean;
  at: string;
}

/** The newest calls of one edge, looked at one by one. */
export interface EdgeCalls {
  from: string;
  to: string;
  caller: string;
  callee: string;
  /** How many were looked at. */
  calls: number;
  /** A logarithmic histogram from the shortest to the longest, `[minMs, maxMs)`. */
  durations: { minMs: number; maxMs: number; calls: number; errors: number; timeouts: number }[];
  /** Of calls with measured phases. */
  profiles: CallProfile[];
  /** What callers that gave up were willing to wait, shortest first. */
  budgets: { budgetMs: number; timer: string | null; calls: number }[];
}
/** Where the time of a call goes whose duration is this percentile: the phases of calls like it, in the mean. */
export interface CallProfile {
  outcome: 'ok' | 'timeout';
  percent: 50 | 95;
  /** With measured phases, of this outcome. */
  calls: number;
  durationMs: number;
  /** `openShare`: of these calls, those that ended in this phase, unfinished; 0 to 1. */
  phases: { phase: Phase; durationMs: number; openShare: number }[];
}

export interface TraceSummary {
  traceId: string;
  root: { service: string; operation: string };
  startedAt: string;
  durationMs: number;
  spans: number;
  services: string[];
  errors: number;
  timeouts: number;
  verdict: { edge: string; phase: string; cause: string; sentence: string } | null;
}
export interface TracePage {
  traces: TraceSummary[];
  /** Exact up to 1,000; beyond, 1000 with truncated: true. */
  total: number;
  truncated: boolean;
  cursor: string | null;
}

export interface WirePhase {
  phase: Phase;
  startOffsetMs: number;
  durationMs: number;
  /** The phase had not finished when the call ended. */
  open: boolean;
}
export interface WireSpan {
  spanId: string;
  parentSpanId: string;
  service: string;
  operation: string;
  kind: string;
  /** From the trace's start; `skewMs` has been added already. */
  startOffsetMs: number;
  durationMs: number;
  skewMs: number;
  pending: boolean;
  status: { code: string; message: string };
  phases: WirePhase[];
  attributes: WireAttributes;
  resource: WireAttributes;
  scope: WireAttributes;
  events: { name: string; offsetMs: number; attributes: WireAttributes }[];
  links: { traceId: string; spanId: string; attributes: WireAttributes }[];
  traceState: string;
  flags: number;
  dropped: { attributes?: number; events?: number; links?: number };
  /** What is odd about the span as it was sent (ends before it starts, parent missing, …); absent when nothing is. */
  flaws?: string[];
}
export interface Trace {
  traceId: string;
  /** Kept past retention; not there for a trace of a file. */
  pinned?: boolean;
  complete: boolean;
  startUnixNano: string;
  durationMs: number;
  spans: WireSpan[];
}

export interface TracePin {
  traceId: string;
  pinned: boolean;
}

/** Where the time of traces went, in the order they were asked for; those unknown are left out. */
export interface PhasesOfTraces {
  traces: TracePhases[];
}
export interface TracePhases {
  traceId: string;
  /** Of the trace's entry; the parts add up to it. */
  durationMs: number;
  /** `none` is own work of services; `open` when a call ended in that phase, unfinished. */
  parts: { phase: Phase | 'none'; durationMs: number; open: boolean }[];
}

/** The edges of the map that a trace went along, in the order of its calls. */
export interface TraceEdges {
  traceId: string;
  startedAt: string;
  durationMs: number;
  /** `from` is null where a call came from outside. */
  edges: { from: string | null; to: string; calls: number; errors: number; timeouts: number }[];
}

/** The edges of the map that traces which match a query went along. */
export interface MatchingEdges {
  from: string;
  to: string;
  /** How many were looked at, the newest; of how many. */
  traces: number;
  /** Exact up to 1,000; beyond, 1000 with truncated: true. */
  total: number;
  truncated: boolean;
  edges: TraceEdges['edges'];
}

export interface Incident {
  fingerprint: string;
  edge: string;
  phase: string;
  kind: GiveUpKind;
  cause: string;
  title: string;
  confidence: Verdict['confidence'];
  /** Causes that the evidence cannot separate, `cause` included. */
  candidates: number;
  state: 'new' | 'ongoing' | 'resolved';
  acknowledged: boolean;
  mutedUntil: string | null;
  count: number;
  /** Of the edge's calls in the range, 0 to 1. */
  share: number;
  firstSeen: string;
  lastSeen: string;
  /** Counts in 24 equal steps of the range. */
  series: number[];
  entryPoints: { service: string; operation: string; calls: number }[];
  shared: { key: string; value: string; share: number }[];
  differs: { key: string; value: string; share: number; othersShare: number }[];
  traces: string[];
}
/** What `PUT /api/timeouts/:fingerprint/state` takes and gives; what is left out of the request stays as it is. */
export interface IncidentState {
  acknowledged: boolean;
  mutedUntil: string | null;
}
export interface Incidents {
  incidents: Incident[];
  checkedCalls: number;
  cursor?: string | null;
}

export interface AttributeKeys {
  attributes: { key: string; count: number }[];
  cursor?: string | null;
}
export interface AttributeValues {
  key: string;
  values: { value: WireValue; count: number }[];
  cursor?: string | null;
}

/** What became of the spans of `POST /api/import`. */
export interface Imported {
  stored: number;
  duplicate: number;
  refused: number;
  /** Why spans were refused, or what looks wrong with those that were stored; '' when all is well. */
  message: string;
}
export interface Purged {
  /** Spans that were deleted. */
  spans: number;
}

/** Event names of `GET /api/live` and the JSON of their `data`. */
export interface LiveEvents {
  /** Once a second. */
  status: Status;
  /** A trace of the last 15 minutes that is new, or that grew. */
  trace: TraceSummary;
  /** Something on the map of the last hour changed. Fetch it to draw it. */
  map: MapChange;
  /** An incident of the last hour that is new, or that changed. */
  incident: Incident;
}
export interface MapChange {
  from: string;
  to: string;
  nodes: number;
  edges: number;
}
