/**
 * OTLP over gRPC. Requests stay the bytes they came in; grpc-js has undone gzip or deflate, within the size limit.
 *
 * Answers by the rules of OTLP: too large is RESOURCE_EXHAUSTED without RetryInfo (sending it again will not help),
 * overload is UNAVAILABLE with it. Metrics and logs are accepted too, and mostly dropped, so that one endpoint serves an SDK
 * that sends all three.
 */
import type { Server as NetServer } from 'node:net';
import {
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  setLogVerbosity,
  type sendUnaryData,
  type ServerInterceptor,
  type ServerUnaryCall,
  type ServiceDefinition,
  type StatusObject,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { isTokenValid } from '../serve/guard.ts';
import type { TlsFiles } from '../config.ts';
import { countArriving } from './arriving-calls.ts';
import { freeMessage } from './finished-messages.ts';
import type { Intake } from './intake.ts';
import { SHUTDOWN_GRACE_MS, socketsOf, type Port } from './listen.ts';
import { CODE, failureOf, rpcStatusBytes, traceResponseBytes } from './otlp-answer.ts';

/** Finds connections whose other end vanished without a word. */
const KEEPALIVE_TIME_MS = 60_000;
const COLLECTOR_PACKAGE = 'opentelemetry.proto.collector';

type Call = ServerUnaryCall<Buffer, Buffer>;

export interface OtlpGrpcOptions {
  /** `HOST:PORT`; port 0 picks a free one. */
  readonly address: string;
  readonly intake: Intake;
  readonly tls: TlsFiles | null;
  readonly token: string | null;
  readonly maxRequestBytes: number;
  readonly log: (line: string) => void;
  readonly graceMs?: number;
}

/** Rejects when the address cannot be bound. */
export async function startOtlpGrpc(options: OtlpGrpcOptions): Promise<Port> {
  const { address, intake, tls, token, log, graceMs = SHUTDOWN_GRACE_MS } = options;
  // What it would print reaches us as an error too.
  setLogVerbosity(logVerbosity.NONE);
  const statusOf = (error: unknown): StatusObject => {
    const failure = failureOf(error);
    if (failure.retryDelayS === null) intake.noteRefused();
    if (failure.code === CODE.internal) log(`OTLP gRPC: ${(error as Error).stack ?? String(error)}`);
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', rpcStatusBytes(failure));
    return { code: failure.code, details: failure.message, metadata };
  };
  const server = new Server({
    'grpc.max_receive_message_length': options.maxRequestBytes,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    interceptors: [countArriving(intake, statusOf), ...(token === null ? [] : [requireToken(token)])],
  });
  addExport(server, 'trace.v1.TraceService', (call, answer) => {
    intake.accept(call.request).then(
      (outcome) => answer(null, traceResponseBytes(outcome)),
      (error: unknown) => answer(statusOf(error)),
    );
    freeMessage(call.request);
  });
  addExport(server, 'metrics.v1.MetricsService', (call, answer) => {
    try {
      intake.acceptMetrics(call.request);
    } catch (error) {
      return answer(statusOf(error));
    }
    answer(null, Buffer.alloc(0));
  });
  addExport(server, 'logs.v1.LogsService', (_call, answer) => {
    intake.ignoreLogs();
    answer(null, Buffer.alloc(0));
  });

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentialsOf(tls), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const sockets = socketsOf(serversOf(server));
  return {
    address: `${address.slice(0, address.lastIndexOf(':'))}:${port}`,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => {
          server.forceShutdown();
          // It ends sessions: before TLS is agreed on there is none, and one that has closed waits for the other end.
          for (const socket of sockets) socket.destroy();
        }, graceMs);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      }),
  };
}

/** What it listens with, an address each; grpc-js has no public name for it. */
function serversOf(server: Server): Iterable<NetServer> {
  return (
    server as unknown as { readonly http2Servers: ReadonlyMap<NetServer, unknown> }
  ).http2Servers.keys();
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** A service whose one method takes and gives bytes. */
function addExport(
  server: Server,
  service: string,
  handle: (call: Call, answer: sendUnaryData<Buffer>) => void,
): void {
  const definition: ServiceDefinition = {
    export: {
      path: `/${COLLECTOR_PACKAGE}.${service}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  };
  server.addService(definition, { export: handle as UntypedHandleCall });
}

/** Refuses at the headers, before a stranger's message is read. */
function requireToken(token: string): ServerInterceptor {
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, accept) => {
            const authorization = String(metadata.get('authorization')[0] ?? '');
            if (isTokenValid(token, authorization)) return accept(metadata);
            const got = authorization === '' ? 'no authorization metadata' : 'another token';
            call.sendStatus({
              code: CODE.unauthenticated,
              details: `this collector was started with a token: got ${got}, expected authorization: Bearer TOKEN`,
            });
          },
        }),
    });
}

function credentialsOf(tls: TlsFiles | null): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure();
  const pair = { private_key: tls.key, cert_chain: tls.cert };
  return ServerCredentials.createSsl(tls.clientCa, [pair], tls.clientCa !== null);
}
