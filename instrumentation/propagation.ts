/**
 * The context between processes: W3C Trace Context and Baggage, read from and written to the headers of a message.
 *
 * Both recorders use it, and register `propagator` with the OpenTelemetry API, unless OTEL_PROPAGATORS asks for others.
 */
import type { Baggage, Context, SpanContext, TextMapPropagator } from '@opentelemetry/api';
import { formatBaggage, parseBaggage } from './baggage.ts';
import { isSuppressed, rootContext, spanOf, withSpan } from './context.ts';
import type { Headers } from './recorder.ts';
import { UnrecordedSpan } from './record/unrecorded-span.ts';
import { formatTraceparent, isValidContext, parseTraceparent, parseTracestate } from './trace-context.ts';

const baggageKey = Symbol.for('OpenTelemetry Baggage Key');

/** Which of the two are in use. */
export interface Propagators {
  traceContext: boolean;
  baggage: boolean;
}

/** As OTEL_PROPAGATORS names them; undefined when it names one that is not known here. */
export function propagatorsOf(text: string | undefined): Propagators | undefined {
  const names = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) return { traceContext: true, baggage: true };
  if (names.includes('none')) return { traceContext: false, baggage: false };
  if (!names.every((name) => name === 'tracecontext' || name === 'baggage')) return undefined;
  return { traceContext: names.includes('tracecontext'), baggage: names.includes('baggage') };
}

export interface Propagation {
  /** The context that a peer sent along. */
  extract(headers: Headers): Context;
  /** Calls `set` with each header that tells a peer of the span and the context's baggage. */
  inject(span: SpanContext | undefined, context: Context, set: (name: string, value: string) => void): void;
  /** The same for the OpenTelemetry API. */
  propagator: TextMapPropagator;
}

export function createPropagation(uses: Propagators): Propagation {
  const extractInto = (context: Context, get: (name: string) => unknown): Context => {
    let found = context;
    const parent = uses.traceContext ? parseTraceparent(get('traceparent')) : undefined;
    if (parent) {
      const traceState = parseTracestate(get('tracestate'));
      if (traceState) parent.traceState = traceState;
      found = withSpan(found, new UnrecordedSpan(parent));
    }
    const baggage = uses.baggage ? parseBaggage(get('baggage')) : undefined;
    return baggage ? found.setValue(baggageKey, baggage) : found;
  };

  const inject: Propagation['inject'] = (span, context, set) => {
    if (uses.traceContext && span) {
      set('traceparent', formatTraceparent(span));
      if (span.traceState) set('tracestate', span.traceState.serialize());
    }
    const baggage = uses.baggage && (context.getValue(baggageKey) as Baggage | undefined);
    const header = baggage ? formatBaggage(baggage) : undefined;
    if (header !== undefined) set('baggage', header);
  };

  return {
    extract(headers) {
      // Most often there is nothing.
      if (headers['traceparent'] === undefined && headers['baggage'] === undefined) return rootContext;
      return extractInto(rootContext, (name) => headers[name]);
    },
    inject,
    propagator: {
      extract: (context, carrier, getter) =>
        extractInto(context, (name) => singleOf(name, getter.get(carrier, name))),
      inject(context, carrier, setter) {
        if (isSuppressed(context)) return;
        const span = spanOf(context)?.spanContext();
        inject(span && isValidContext(span) ? span : undefined, context, (name, value) =>
          setter.set(carrier, name, value),
        );
      },
      fields: () => [
        ...(uses.traceContext ? ['traceparent', 'tracestate'] : []),
        ...(uses.baggage ? ['baggage'] : []),
      ],
    },
  };
}

/** Some carriers keep a list for each header: of `traceparent` there must be one. */
function singleOf(name: string, value: string | string[] | undefined): unknown {
  return name === 'traceparent' && Array.isArray(value) && value.length === 1 ? value[0] : value;
}
