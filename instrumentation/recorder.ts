/**
 * What the hook needs from whatever records and exports its spans: the one seam between measuring and sending.
 *
 * Times are milliseconds of `performance.now()`, so that a span's start, end and phases are on one clock.
 */
import type { Attributes, Context } from '@opentelemetry/api';

/** Attributes that many spans have, such as those of one peer: the same object each time, so that it is encoded once. */
export type SharedAttributes = Readonly<Attributes>;

export interface SpanStart {
  name: string;
  kind: 'client' | 'server' | 'internal';
  startMs: number;
  /** The context the span is born in: its parent is the span there, if any. */
  parent: Context;
  /** Beside the span's own, and with other keys than these. */
  shared?: SharedAttributes | undefined;
  attributes: Attributes;
}

export interface SpanEnd {
  endMs: number;
  /** In place of those it began with, and with other keys than all the rest. */
  shared?: readonly SharedAttributes[] | undefined;
  /** Those that become known on the way; they replace what the span began with. */
  attributes: Attributes;
  /** A better name than the one at the start. */
  name?: string | undefined;
  /** Set when the span failed: the status message, empty when there is nothing to say. */
  errorMessage?: string | undefined;
}

/** What is known of a span while it is open. */
export interface OpenState {
  /** In place of those it began with. */
  shared?: readonly SharedAttributes[] | undefined;
  attributes: Attributes;
  name?: string | undefined;
}

/** Whoever made a span, as far as it can say more of it than was said at its start. */
export interface SpanSource {
  /** Undefined when the span is open by design, and its end not waited for: a stream that has begun. */
  describeOpen(nowMs: number): OpenState | undefined;
}

export interface RecordedSpan {
  /** To be set after the start, where there is one. */
  source?: SpanSource | undefined;
  /** The parent context with this span in it: what runs under the span, and what is propagated to a peer. */
  context: Context;
  end(end: SpanEnd): void;
}

/** Spans that would not end by themselves any more when the program ends. */
export interface UnendedSpans {
  isEmpty(): boolean;
  /** Ends them, or tells of them that they have not ended. */
  end(): void;
}

/** Those of clients that have left, which nobody may ever end. */
export interface LeftSpans extends UnendedSpans {
  /** Called when there is one more; to be set by whoever wants to know. */
  noted: () => void;
}

/** Headers as Node hands them to a program: lower-case names. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface Recorder {
  startSpan(start: SpanStart): RecordedSpan;
  /** The context that a peer sent along, with its span as the parent of what begins here. */
  extract(headers: Headers): Context;
  /** Calls `set` with each header that tells a peer of the span. */
  inject(span: RecordedSpan, set: (name: string, value: string) => void): void;
  /** Sends what has ended. Settles when it was sent or could not be sent; never rejects. */
  flush(): Promise<void>;
}
