/**
 * OTLP over gRPC. Requests stay the bytes they came in. Answers by the rules of OTLP; metrics and logs are accepted too, and
 * mostly dropped where they are not forwarded, so that one endpoint serves an SDK that sends all three.
 */
import { freeMessage } from './finished-messages.ts';
import { openGrpcPort, type GrpcPortOptions } from './grpc-port.ts';
import type { Port } from './listen.ts';
import { traceResponseBytes } from './otlp-answer.ts';

const COLLECTOR_PACKAGE = 'opentelemetry.proto.collector';
const NO_BYTES = Buffer.alloc(0);

/** Rejects when the address cannot be bound. */
export function startOtlpGrpc(options: GrpcPortOptions): Promise<Port> {
  const { intake } = options;
  return openGrpcPort('OTLP gRPC', options, {
    [`/${COLLECTOR_PACKAGE}.trace.v1.TraceService/Export`]: (request) => {
      const accepted = intake.accept(request).then(traceResponseBytes);
      freeMessage(request);
      return accepted;
    },
    [`/${COLLECTOR_PACKAGE}.metrics.v1.MetricsService/Export`]: (request) =>
      intake.acceptMetrics(request).then(() => NO_BYTES),
    [`/${COLLECTOR_PACKAGE}.logs.v1.LogsService/Export`]: (request) =>
      intake.acceptLogs(() => request).then(() => NO_BYTES),
  });
}
