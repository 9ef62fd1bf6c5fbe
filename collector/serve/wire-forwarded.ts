/** What `/api/status` says of each backend that is forwarded to. Types only. */

/** Spans since the start, and in the queue now. Nothing of a URL that is secret. */
export interface Forwarded extends ForwardedCounts {
  name: string;
  url: string;
  /** Something is not taken now, and tried again. */
  failing: boolean;
  lastError: string | null;
  lastErrorAt: string | null;
  /** Of all signals, compressed. */
  queuedBytes: number;
  /** Data points; null where it gets none. */
  metrics: ForwardedCounts | null;
  /** Log records; null where it gets none. */
  logs: ForwardedCounts | null;
}
export interface ForwardedCounts {
  sent: number;
  /** By the backend, for good. */
  refused: number;
  /** Because the queue was full. */
  dropped: number;
  queued: number;
}
