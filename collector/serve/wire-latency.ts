/**
 * How long calls took over time, and what sets some of them apart. Types only.
 *
 *     GET /api/latency?service&operation&peer&phase&from&to&steps
 *     GET /api/latency/differs?service&operation&peer&phase&from&to&brushFrom&brushTo&minMs&maxMs
 */
import type { Phase } from '../diagnose/verdict.ts';
import type { Incident } from './wire.ts';

/**
 * Whose durations they are.
 *
 *     entries     nothing was asked for: requests from outside, server spans without a parent; where there are none, `served`
 *     served      server and consumer spans, of a service, an operation or both: what its callers wait for
 *     operation   of a service's operation that serves nobody: its client, producer and internal spans
 *     calls       the caller's spans of calls to a peer, as an edge of the map; calls from outside are their server spans.
 *                 With `phase` and without `peer`: the calls that are served, because it is the caller that measures phases
 */
export type LatencyOf = 'entries' | 'served' | 'operation' | 'calls';

/** Streams are calls, but have no latency: no cell and no percentile counts them. */
export interface Latency {
  /** The range asked for, rounded outward to whole steps. */
  from: string;
  to: string;
  /** Each `t` below is when such a step starts, in epoch milliseconds; steps without a call are left out. */
  stepMs: number;
  of: LatencyOf;
  /**
   * `sums`: all calls are counted. `spans`: those that were looked at one by one, because no sum tells them apart (a phase; an
   * operation's calls to a peer): some of each step, or all, as `truncated` says.
   */
  countedFrom: 'sums' | 'spans';
  /**
   * Calls that were counted, of them those that failed, and those that timed out; `errors` without `timeouts`. With `phase`,
   * those that ended in it, unfinished: a call that was answered, if only with an error, failed in no phase.
   */
  calls: number;
  errors: number;
  timeouts: number;
  /**
   * How many were looked at one by one: `calls` to be counted, where `countedFrom` says `spans`, else 0; `timeouts` to say in
   * which cell they are; `phases` to say where the time of calls goes, of those that had measured phases.
   */
  read: { calls: number; timeouts: number; phases: number };
  /**
   * With `spans`: there are more calls than were counted. With `sums`: only `read.timeouts` of the timeouts were found, so that
   * cells may show too few; of an operation's own calls, they may show too few failures.
   */
  truncated: boolean;
  /**
   * By step, then by duration; empty ones are left out. `[minMs, maxMs)`: ten a decade, 1 1.25 1.6 2 2.5 3.2 4 5 6.3 8;
   * calls up to 2 % shorter than `minMs` may be counted in a cell, never the other way round: a timer of 5 s, which is late
   * and never early, is in the cell that begins at 5000. `timeouts` are among `count`.
   */
  cells: { t: number; minMs: number; maxMs: number; count: number; timeouts: number }[];
  /** Of all of the range, within 1 %; `count` is of the durations, and zeros are of none. */
  overall: { p50Ms: number; p95Ms: number; p99Ms: number; count: number };
  /** Within 1 %. `count` is of the durations; `calls`, `errors` and `timeouts` of all calls of the step. */
  percentiles: {
    t: number;
    p50Ms: number;
    p95Ms: number;
    p99Ms: number;
    count: number;
    calls: number;
    errors: number;
    timeouts: number;
  }[];
  /**
   * Where the time of a call went, in the mean of the `calls` of a step that were looked at and had measured phases: a key a
   * phase that one of them had (`waitMs`). Of what serves, they are its callers' calls; of `entries` there are none. Steps
   * without such a call are left out.
   */
  phases: LatencyPhases[];
  /** What callers that gave up were willing to wait, shortest first; of a service, what it waits for others, too. */
  budgetsMs: number[];
  /**
   * The same with how many calls gave up by it; `own`: of the service's calls to others, else of calls to it. Only the most
   * frequent ones.
   */
  budgets: { budgetMs: number; own: boolean; calls: number }[];
  /**
   * Pile-ups at a duration that no budget explains, neither these nor those of calls further up and down: a timer that nobody
   * told of. The largest first.
   */
  walls: LatencyWall[];
}

export type LatencyPhases = { t: number; calls: number } & { [phase in Phase as `${phase}Ms`]?: number };

export interface LatencyWall {
  /** Where the calls pile up; to the digits of the spans' durations where some were looked at, else within 1 %. */
  atMs: number;
  /** Calls that took this long, ± 2 %. */
  count: number;
  /** Of these, timeouts. */
  timeouts: number;
}

/**
 * What sets the calls of a part of the heatmap, the brush, apart from the others of the range: counted over attributes of
 * calls that were looked at one by one.
 */
export interface LatencyDiffers {
  /** The range that the others are of. */
  from: string;
  to: string;
  of: LatencyOf;
  /** `[from, to)` and `[minMs, maxMs)`; null where no bound was given. */
  brush: { from: string; to: string; minMs: number | null; maxMs: number | null };
  /** Calls in the brush, and outside of it, that were looked at. */
  selected: ComparedCalls;
  others: ComparedCalls;
  /** There were more calls in the range than were looked at. */
  truncated: boolean;
  /** As of an incident, with `service` and `operation` of the span beside its attributes. */
  shared: Incident['shared'];
  differs: Incident['differs'];
  /** Of the brush, to be opened: the slowest, and the newest; of different traces. */
  slowest: LatencyExample[];
  newest: LatencyExample[];
}

export interface ComparedCalls {
  calls: number;
  errors: number;
  timeouts: number;
  /** Of their durations. */
  p50Ms: number;
  p95Ms: number;
  /** In the mean of those with measured phases; `open`: how many ended in this phase, unfinished. */
  phases: { phase: Phase; durationMs: number; open: number }[];
}

export interface LatencyExample {
  traceId: string;
  spanId: string;
  service: string;
  operation: string;
  startedAt: string;
  /** Of the phase, where one was asked for. */
  durationMs: number;
  outcome: 'ok' | 'error' | 'timeout' | 'cancelled';
}
