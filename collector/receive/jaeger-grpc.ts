/** Jaeger over gRPC: `jaeger.api_v2.CollectorService/PostSpans`, which its agents, exporters and other collectors send to. */
import { DecodeError } from '../decode/decode-error.ts';
import { tracesFromJaegerProtobuf } from '../decode/jaeger-protobuf.ts';
import { freeMessage } from './finished-messages.ts';
import { openGrpcPort, type GrpcPortOptions } from './grpc-port.ts';
import type { Port } from './listen.ts';

const NO_BYTES = Buffer.alloc(0);

/** Rejects when the address cannot be bound. */
export function startJaegerGrpc(options: GrpcPortOptions): Promise<Port> {
  const { intake, maxRequestBytes } = options;
  return openGrpcPort('Jaeger gRPC', options, {
    '/jaeger.api_v2.CollectorService/PostSpans': async (request) => {
      const traces = tracesFromJaegerProtobuf(request, maxRequestBytes);
      freeMessage(request);
      const { stored, duplicate, refused, refusedMessage } = await intake.accept(traces);
      // Its answer has no place for what was refused of a request.
      if (refused > 0 && stored + duplicate === 0)
        throw new DecodeError('PostSpans', refusedMessage, 'ids that are not all zero');
      return NO_BYTES;
    },
  });
}
