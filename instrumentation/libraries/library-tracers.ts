/** The tracers that the libraries' instrumentations get: those of the OpenTelemetry API, with the attributes tidied. */
import { context, SpanKind, trace, type Tracer, type TracerProvider } from '@opentelemetry/api';
import { frameworkKey, type FrameworkMetadata } from '../context.ts';
import { libraries } from './catalogue.ts';
import { isConnecting, watchConnecting } from './connecting.ts';
import { watchGivingUp } from './giving-up.ts';
import { learnPeer } from './peers.ts';
import { redactErrors } from './redact-errors.ts';
import { tellStarted } from './started-span.ts';
import { tidyAttributes } from './tidy-attributes.ts';

export const libraryTracers: TracerProvider = {
  getTracer(name, version) {
    const tracer = trace.getTracer(name, version);
    const gaveUp = libraries.find(({ instrumentation }) => instrumentation[0] === name)?.gaveUp;
    // That of express ends its spans when the response closes, which it did when the client left.
    const waitsForClose = name === '@opentelemetry/instrumentation-express';
    const startSpan: Tracer['startSpan'] = (name, options = {}, parent = context.active()) => {
      const attributes = tidyAttributes(options.attributes ?? {});
      if (options.kind === SpanKind.CLIENT) learnPeer(attributes);
      const connects = isConnecting(name, attributes);
      if (connects) attributes['db.operation.name'] = 'connect';
      const span = tracer.startSpan(name, { ...options, attributes }, parent);
      if (attributes['db.system.name'] !== undefined) redactErrors(span);
      if (connects) watchConnecting(name, span, parent, gaveUp);
      else if (options.kind === SpanKind.CLIENT || options.kind === SpanKind.PRODUCER)
        watchGivingUp(span, gaveUp);
      else if (waitsForClose)
        (parent.getValue(frameworkKey) as FrameworkMetadata | undefined)?.endLate?.(span);
      tellStarted(span);
      return span;
    };
    return Object.create(tracer, { startSpan: { value: startSpan } }) as Tracer;
  },
};
