/** A backend that speaks OTLP over gRPC. Requests stay the bytes that they are. */
import {
  ChannelCredentials,
  Client,
  compressionAlgorithms,
  credentials,
  logVerbosity,
  Metadata,
  setLogVerbosity,
  type ClientUnaryCall,
} from '@grpc/grpc-js';
import type { Signal } from '../decode/otlp-pieces.ts';
import type { Backend } from './backend.ts';
import type { Destination } from './destination.ts';
import { outcomeOfAnswer, outcomeOfGrpc, type Outcome } from './outcome.ts';

const SERVICES: Readonly<Record<Signal, string>> = {
  traces: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
};
/** By itself grpc-js waits for two minutes before it looks once more whether a backend is back. */
const RECONNECT_MS_MAX = 5_000;
/** Finds connections whose other end vanished without a word. */
const KEEPALIVE_TIME_MS = 60_000;

const asIs = (bytes: Buffer): Buffer => bytes;

export function openGrpcBackend(destination: Destination): Backend {
  const { host, port, headers, timeoutMs, compression } = destination;
  // What it would print is an outcome, too.
  setLogVerbosity(logVerbosity.NONE);
  const client = new Client(
    `${host.includes(':') ? `[${host}]` : host}:${port}`,
    credentialsOf(destination),
    {
      'grpc.max_reconnect_backoff_ms': RECONNECT_MS_MAX,
      'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
      // Who repeats what, and when, is decided here.
      'grpc.enable_retries': 0,
      ...(compression === 'gzip' && { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }),
    },
  );
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const calls = new Set<ClientUnaryCall>();

  return {
    send: (signal, request) =>
      new Promise<Outcome>((resolve) => {
        const call = client.makeUnaryRequest(
          `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`,
          asIs,
          asIs,
          request,
          metadata,
          { deadline: Date.now() + timeoutMs },
          (error, answer) => {
            calls.delete(call);
            if (error === null) return resolve(outcomeOfAnswer(answer ?? Buffer.alloc(0)));
            const [details] = error.metadata?.get('grpc-status-details-bin') ?? [];
            resolve(outcomeOfGrpc(error.code, error.details, Buffer.isBuffer(details) ? details : null));
          },
        );
        calls.add(call);
      }),
    close() {
      for (const call of calls) call.cancel();
      client.close();
    },
  };
}

function credentialsOf({ isTls, ca, cert, key }: Destination): ChannelCredentials {
  if (!isTls) return credentials.createInsecure();
  const asBuffer = (pem: Uint8Array | null) => (pem === null ? null : Buffer.from(pem));
  return credentials.createSsl(asBuffer(ca), asBuffer(key), asBuffer(cert));
}
