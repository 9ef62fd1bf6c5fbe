/**
 * Aggregates that a store computes and query/ turns into answers. Types only.
 */
import type { MapEdge, NodeKind, ServiceStats, TracePage, TraceSummary } from '../serve/wire.ts';
import type { Verdict } from '../diagnose/verdict.ts';
import type { SpanKind } from '../span.ts';

export type { ServiceStats, TracePage, TraceSummary };

/** `operation` is '' of a service as a whole. */
export interface OperationTotals extends ServiceStats {
  readonly operation: string;
  readonly kinds: readonly SpanKind[];
  /** Of the quantile that was asked for, where one was. */
  readonly quantileMs?: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** Calls from one caller to one callee in a range. `from` is null where they came from outside: from the user. */
export interface CallGroup extends Omit<MapEdge, 'from'> {
  readonly from: string | null;
  /** Of all calls to this callee, whoever made them: what is known of a node that sends no spans. */
  readonly calleeLatency: Latency;
  /** Of all calls from outside; null on every other group. */
  readonly userLatency: Latency | null;
  readonly callee: { readonly kind: NodeKind; readonly inferred: boolean };
}

/** Of calls that start in one step of a range. */
export interface CallCounts {
  readonly calls: number;
  readonly errors: number;
  readonly timeouts: number;
}

/** A `service.version` and when its first and last span of a range started, in epoch milliseconds. */
export interface ServiceVersion {
  readonly service: string;
  readonly version: string;
  readonly firstUnixMs: number;
  readonly lastUnixMs: number;
}

export interface VerdictRow {
  readonly traceId: string;
  readonly ordinal: number;
  /** Of its incident, by what the map calls its edge now; as it was kept, until one is kept by that name. */
  readonly fingerprint: string;
  /** By what it was called when the verdict was kept. */
  readonly keptFingerprint: string;
  readonly cause: string;
  readonly originSpanId: string;
  /** Epoch milliseconds of the give-up. */
  readonly atUnixMs: number;
  /** The first and last of its incident that are stored, in the range or not; epoch milliseconds. */
  readonly seenUnixMs: { readonly first: number; readonly last: number };
  readonly entry: { readonly service: string; readonly operation: string };
  /** null where a newer one of its incident and cause stands for it: there are thousands, and all say nearly the same. */
  readonly verdict: Verdict | null;
}
