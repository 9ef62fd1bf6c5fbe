/** The tracers that the libraries' instrumentations get: those of the OpenTelemetry API, with the attributes tidied. */
import { context, SpanKind, trace, type Tracer, type TracerProvider } from '@opentelemetry/api';
import { isConnecting, watchConnecting } from './connecting.ts';
import { learnPeer } from './peers.ts';
import { tidyAttributes } from './tidy-attributes.ts';

export const libraryTracers: TracerProvider = {
  getTracer(name, version) {
    const tracer = trace.getTracer(name, version);
    const startSpan: Tracer['startSpan'] = (name, options = {}, parent = context.active()) => {
      const attributes = tidyAttributes(options.attributes ?? {});
      if (options.kind === SpanKind.CLIENT) learnPeer(attributes);
      const connects = isConnecting(name, attributes);
      if (connects) attributes['db.operation.name'] = 'connect';
      const span = tracer.startSpan(name, { ...options, attributes }, parent);
      return connects ? watchConnecting(name, span, parent) : span;
    };
    return Object.create(tracer, { startSpan: { value: startSpan } }) as Tracer;
  },
};
