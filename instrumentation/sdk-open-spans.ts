/**
 * Tells of spans that are open under OpenTelemetry's SDK, as the hook's own recorder tells of its own.
 *
 * A processor sees the spans of the hook and of the program begin and end. What is told of one goes the way of all others:
 * a program's own processors see it, and its sampler decides about it.
 */
import { performance } from 'node:perf_hooks';
import { trace, TraceFlags, type Attributes, type Span } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { rootContext } from './context.ts';
import { guard } from './guard.ts';
import { OpenLink, OpenSpans } from './record/open-spans.ts';
import { tellOfOpenSpans } from './record/pending-spans.ts';
import { pendingAttributes, pendingSpanId, type SnapshotReason } from './record/snapshot.ts';
import type { RecordedSpan, UnendedSpans } from './recorder.ts';

type SdkSpan = Span & ReadableSpan;

class OpenSpan extends OpenLink {
  readonly span: SdkSpan;
  /** One of the hook's own; undefined for a program's. */
  recorded: RecordedSpan | undefined = undefined;

  constructor(span: SdkSpan) {
    super();
    this.span = span;
  }
}

export interface OpenSdkSpans {
  processor: SpanProcessor;
  unended: UnendedSpans;
  /** Whose source can say more of it. */
  note(span: Span, recorded: RecordedSpan): void;
}

/** `queueMax`: how many spans may wait to be sent. What is told of at once takes half of that at most. */
export function followOpenSpans(queueMax: number): OpenSdkSpans {
  const open = new OpenSpans<OpenSpan>();
  const links = new WeakMap<object, OpenSpan>();
  const processor: SpanProcessor = {
    onStart: guard((span: SdkSpan) => {
      const isSampled = (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
      if (!isSampled || pendingSpanId in span.attributes) return;
      const link = new OpenSpan(span);
      links.set(span, link);
      open.add(link);
    }),
    onEnd: guard((span: ReadableSpan) => {
      const link = links.get(span);
      if (!link) return;
      // An exporter may keep the span, which is not to keep what the hook knows of it.
      links.delete(span);
      open.delete(link);
    }),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  return {
    processor,
    unended: tellOfOpenSpans(open, { room: () => queueMax / 2, tell }),
    note(span, recorded) {
      const link = links.get(span);
      if (link) link.recorded = recorded;
    },
  };
}

/** As a span of its own below the one that is open, by the same tracer. */
function tell({ span, recorded }: OpenSpan, reason: SnapshotReason): void {
  const nowMs = performance.now();
  const source = recorded?.source;
  const known = source?.describeOpen(nowMs);
  if (source && !known) return;
  const { kind, parentSpanContext, startTime, instrumentationScope: scope } = span;
  const { spanId } = span.spanContext();
  const name = known?.name ?? span.name;
  const startNano = BigInt(startTime[0]) * 1_000_000_000n + BigInt(startTime[1]);
  const parentSpanId = parentSpanContext?.spanId;
  const attributes: Attributes = {
    // The API counts kinds from 0, OTLP from 1.
    ...pendingAttributes({ spanId, parentSpanId, name, kind: kind + 1, startNano }, reason),
    ...span.attributes,
    ...Object.assign({}, ...(known?.shared ?? [])),
    ...known?.attributes,
  };
  const tracer = trace
    .getTracerProvider()
    .getTracer(scope.name, scope.version, { schemaUrl: scope.schemaUrl });
  tracer.startSpan(name, { startTime: nowMs, attributes }, trace.setSpan(rootContext, span)).end(nowMs);
}
