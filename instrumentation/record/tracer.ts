/** The tracers of the OpenTelemetry API, for the spans that a program and its libraries make themselves. */
import { performance } from 'node:perf_hooks';
import type { Context, Span, SpanContext, SpanOptions, Tracer, TracerProvider } from '@opentelemetry/api';
import { activeContext, isSuppressed, runIn, spanOf, withoutSpan, withSpan } from '../context.ts';
import type { Scope } from '../export/export-request.ts';
import { isValidContext, randomFlag, sampledFlag } from '../trace-context.ts';
import { momentOf } from './clock.ts';
import { newSpanId, newTraceId } from './ids.ts';
import type { Sampler } from './sampler.ts';
import { SpanRecord, type SpanOrigin, type SpanOwner } from './span-record.ts';
import { invalidContext, UnrecordedSpan } from './unrecorded-span.ts';

/** The span that one born in this context continues; undefined when it begins a trace. */
export function parentIn(context: Context): SpanContext | undefined {
  const span = spanOf(context);
  if (span === undefined) return undefined;
  // A record has the shape of its own context.
  if (span instanceof SpanRecord) return span;
  const parent = span.spanContext();
  return isValidContext(parent) ? parent : undefined;
}

/** What a new span has from its parent, or begins with. */
export function originOf(parent: SpanContext | undefined, sampler: Sampler): SpanOrigin {
  const traceId = parent ? parent.traceId : newTraceId();
  const isSampled = sampler.samples(parent, traceId);
  return {
    traceId,
    // Whether the id is random is for the one to say who made it; that ours are, programs of level 1 would stumble over.
    traceFlags: ((parent?.traceFlags ?? 0) & randomFlag) | (isSampled ? sampledFlag : 0),
    traceState: parent?.traceState,
    parent,
  };
}

export interface TracerOptions {
  sampler: Sampler;
  /** Makes the owner of the spans of a scope. */
  ownerOf(scope: Scope): SpanOwner;
}

export function createTracerProvider(options: TracerOptions): TracerProvider {
  const tracers = new Map<string, Tracer>();
  return {
    getTracer(name, version, { schemaUrl } = {}) {
      const key = `${name}@${version ?? ''}:${schemaUrl ?? ''}`;
      const known = tracers.get(key);
      if (known) return known;
      const tracer = createTracer(
        options.sampler,
        options.ownerOf({ name: String(name), version, schemaUrl }),
      );
      tracers.set(key, tracer);
      return tracer;
    },
  };
}

function createTracer(sampler: Sampler, owner: SpanOwner): Tracer {
  const startSpan = (name: string, options: SpanOptions = {}, context = activeContext()): Span => {
    if (isSuppressed(context)) return new UnrecordedSpan(invalidContext);
    const parent = options.root ? undefined : parentIn(context);
    const origin = originOf(parent, sampler);
    if ((origin.traceFlags & sampledFlag) === 0) {
      const { traceId, traceFlags, traceState } = origin;
      return new UnrecordedSpan({
        traceId,
        traceFlags,
        spanId: newSpanId(),
        ...(traceState ? { traceState } : {}),
      });
    }
    const startedAt = momentOf(options.startTime) ?? performance.now();
    // The API counts kinds from 0, OTLP from 1.
    const span = new SpanRecord(owner, origin, String(name), (options.kind ?? 0) + 1, startedAt);
    owner.open.add(span);
    if (options.attributes) span.setAttributes(options.attributes);
    if (options.links) span.addLinks(options.links);
    return span;
  };

  const startActiveSpan = (name: string, ...rest: unknown[]): unknown => {
    const run = rest.pop() as (span: Span) => unknown;
    const [options, context = activeContext()] = rest as [SpanOptions?, Context?];
    const within = options?.root ? withoutSpan(context) : context;
    const span = startSpan(name, options, within);
    return runIn(withSpan(context, span), () => run(span));
  };

  return { startSpan, startActiveSpan: startActiveSpan as Tracer['startActiveSpan'] };
}
