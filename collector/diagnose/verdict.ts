/**
 * The shape of a diagnosis, as interfaces.md fixes it: what gave up, where it started, in which phase, why,
 * what proves it, and what would decide what is left open. Types only; the wire types re-export them.
 */

import type { HostView } from './hosts/host-view.ts';

export type Phase = 'queue' | 'dns' | 'connect' | 'tls' | 'send' | 'wait' | 'receive';
export const PHASES: readonly Phase[] = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];

export type GiveUpKind =
  'timeout' | 'refused' | 'reset' | 'unreachable' | 'unresolved' | 'tls' | 'gateway' | 'cancelled';
export type Category =
  'network' | 'firewall' | 'server' | 'dns' | 'gateway' | 'client' | 'application' | 'unknown';
export type Confidence = 'proven' | 'likely' | 'possible' | 'unknown';

/** The moment a caller stopped waiting or was turned away. Times RFC 3339; durations in milliseconds. */
export interface GiveUp {
  kind: GiveUpKind;
  spanId: string;
  service: string;
  at: string;
  budgetMs: number | null;
  timer: string | null;
  elapsedMs: number;
}

export interface Origin {
  spanId: string;
  service: string;
  peer: string | null;
  /** caller -> the origin's callee; for a service's own work, the service alone. */
  edge: string;
}

export interface Evidence {
  text: string;
  spanId: string | null;
  /**
   * Of the span or of its exception, or `status.message`; with `source: 'host'` the name of a counter or value of a host.
   * null of a fact of the span itself: its times, or that something is not there.
   */
  attribute: string | null;
  value: string | number | boolean | null;
  source: 'client-kernel' | 'host' | 'span' | 'history' | 'population';
}

export interface Alternative {
  cause: string;
  title: string;
  /** What speaks against it; '' when nothing recorded does. */
  against: string;
  wouldDecide: string;
}

export interface Verdict {
  giveUp: GiveUp;
  origin: Origin;
  openAtGiveUp: string[];
  phase: Phase | 'none';
  /** A code of causes.ts (A1 … G6) or 'unknown'. */
  cause: string;
  category: Category;
  title: string;
  /** Why the cause is unknown; null when it is known. */
  reason: string | null;
  confidence: Confidence;
  sentence: string;
  evidence: Evidence[];
  alternatives: Alternative[];
  contributing: { cause: string; text: string }[];
  nextChecks: { text: string; command: string }[];
  /** Span ids from the root to the origin, both included. */
  path: string[];
  abandonedMs: number;
  /** What the hosts of both ends reported around the origin call: what evidence of theirs is taken from. */
  hosts: readonly HostView[];
}

export interface Diagnosis {
  traceId: string;
  complete: boolean;
  verdicts: Verdict[];
}
