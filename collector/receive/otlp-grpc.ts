/**
 * OTLP over gRPC. Requests stay the bytes they came in, gzip or deflate undone within the size limit.
 *
 * Answers by the rules of OTLP: too large is RESOURCE_EXHAUSTED without RetryInfo (sending it again will not help),
 * overload is UNAVAILABLE with it. Metrics and logs are accepted too, and mostly dropped, so that one endpoint serves an SDK
 * that sends all three.
 */
import type { IncomingHttpHeaders } from 'node:http2';
import { isTokenValid } from '../serve/guard.ts';
import type { TlsFiles } from '../config.ts';
import { GrpcError } from './grpc-message.ts';
import { openGrpcPort, type GrpcMethod, type GrpcStatus } from './grpc-server.ts';
import type { Intake } from './intake.ts';
import type { Port } from './listen.ts';
import { CODE, failureOf, rpcStatusBytes, traceResponseBytes } from './otlp-answer.ts';

const NOTHING_TO_SAY = Buffer.alloc(0);

export interface OtlpGrpcOptions {
  /** `HOST:PORT`; port 0 picks a free one. */
  readonly address: string;
  readonly intake: Intake;
  readonly tls: TlsFiles | null;
  readonly token: string | null;
  readonly maxRequestBytes: number;
  readonly log: (line: string) => void;
}

/** Rejects when the address cannot be bound. */
export function startOtlpGrpc(options: OtlpGrpcOptions): Promise<Port> {
  const { address, intake, tls, token, log } = options;
  const statusOf = (error: unknown): GrpcStatus => {
    if (error instanceof GrpcError) {
      intake.noteRefused();
      return { code: error.code, message: error.message, details: null };
    }
    const failure = failureOf(error);
    if (failure.retryDelayS === null) intake.noteRefused();
    if (failure.code === CODE.internal) log(`OTLP gRPC: ${(error as Error).stack ?? String(error)}`);
    return { code: failure.code, message: failure.message, details: rpcStatusBytes(failure) };
  };
  const methods = new Map<string, GrpcMethod>([
    [pathOf('trace.v1.TraceService'), (message) => intake.accept(message).then(traceResponseBytes)],
    [
      pathOf('metrics.v1.MetricsService'),
      async (message) => {
        intake.acceptMetrics(message);
        return NOTHING_TO_SAY;
      },
    ],
    [
      pathOf('logs.v1.LogsService'),
      async () => {
        intake.ignoreLogs();
        return NOTHING_TO_SAY;
      },
    ],
  ]);
  return openGrpcPort(address, {
    methods,
    limits: { room: intake, bytesMax: options.maxRequestBytes },
    tls,
    admit: token === null ? () => {} : (headers) => requireToken(token, headers),
    statusOf,
  });
}

function pathOf(service: string): string {
  return `/opentelemetry.proto.collector.${service}/Export`;
}

function requireToken(token: string, { authorization = '' }: IncomingHttpHeaders): void {
  if (isTokenValid(token, authorization)) return;
  const got = authorization === '' ? 'no authorization metadata' : 'another token';
  throw new GrpcError(
    CODE.unauthenticated,
    `this collector was started with a token: got ${got}, expected authorization: Bearer TOKEN`,
  );
}
