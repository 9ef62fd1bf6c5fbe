/** What is known of a span when it has ended, as `encode-span.ts` writes it. */
import type { Attributes, TraceState } from '@opentelemetry/api';
import type { SharedAttributes } from '../recorder.ts';
import type { CleanAttributes } from './attribute-values.ts';

/** Milliseconds of `performance.now()`, or nanoseconds since 1970 where a program gave a time of its own. */
export type Moment = number | bigint;

export interface SpanEvent extends CleanAttributes {
  name: string;
  at: Moment;
}

export interface SpanLink extends CleanAttributes {
  traceId: string;
  spanId: string;
  traceFlags: number;
  traceState: TraceState | undefined;
  isRemote: boolean;
}

export interface SpanData {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  parentIsRemote: boolean;
  traceFlags: number;
  traceState: TraceState | undefined;
  name: string;
  /** As OTLP counts them: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  startedAt: Moment;
  endedAt: Moment;
  /** Of the hook's own spans: what they share with others, and what they began and ended with. Later parts win. */
  shared: readonly SharedAttributes[] | undefined;
  startAttributes: Attributes | undefined;
  endAttributes: Attributes | undefined;
  /** What was set through the OpenTelemetry API. */
  ownAttributes: Map<string, unknown> | undefined;
  droppedAttributesCount: number;
  events: SpanEvent[] | undefined;
  droppedEventsCount: number;
  links: SpanLink[] | undefined;
  droppedLinksCount: number;
  /** 0 unset, 1 ok, 2 error. */
  statusCode: number;
  statusMessage: string;
}
