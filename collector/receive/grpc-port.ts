/**
 * A port of gRPC whose methods take and give bytes; grpc-js has undone gzip or deflate, within the size limit. What is too
 * large is RESOURCE_EXHAUSTED without RetryInfo (sending it again will not help), overload is UNAVAILABLE with it.
 */
import type { ServerHttp2Session } from 'node:http2';
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
import type { Intake } from './intake.ts';
import { SHUTDOWN_GRACE_MS, socketsOf, type Port } from './listen.ts';
import { CODE, failureOf, rpcStatusBytes } from './otlp-answer.ts';

/**
 * How much may be on its way before its sender waits to hear that it was read: of a stream, as HTTP/2 has it 64 KB, which a
 * request of 512 spans fills four times, and of a connection. All that arrives is read, and counted, at once, as before.
 */
export const STREAM_WINDOW_BYTES = 1 << 20;
export const CONNECTION_WINDOW_BYTES = 4 << 20;
/** Finds connections whose other end vanished without a word. */
const KEEPALIVE_TIME_MS = 60_000;

type Call = ServerUnaryCall<Buffer, Buffer>;

export interface GrpcPortOptions {
  /** `HOST:PORT`; port 0 picks a free one. */
  readonly address: string;
  readonly intake: Intake;
  readonly tls: TlsFiles | null;
  readonly token: string | null;
  readonly maxRequestBytes: number;
  readonly log: (line: string) => void;
  readonly graceMs?: number;
}

/** Takes a message, and gives the bytes of the answer, or throws: what it throws becomes a status. */
export type Method = (request: Buffer) => Buffer | Promise<Buffer>;

/** `methods` by path; `name` is what the log calls the port. Rejects when the address cannot be bound. */
export async function openGrpcPort(
  name: string,
  options: GrpcPortOptions,
  methods: Readonly<Record<string, Method>>,
): Promise<Port> {
  const { address, intake, tls, token, log, graceMs = SHUTDOWN_GRACE_MS } = options;
  // What it would print reaches us as an error too.
  setLogVerbosity(logVerbosity.NONE);
  const statusOf = (error: unknown): StatusObject => {
    const failure = failureOf(error);
    if (failure.retryDelayS === null) intake.noteRefused();
    if (failure.code === CODE.internal) log(`${name}: ${(error as Error).stack ?? String(error)}`);
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', rpcStatusBytes(failure));
    return { code: failure.code, details: failure.message, metadata };
  };
  const server = new Server({
    'grpc.max_receive_message_length': options.maxRequestBytes,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    interceptors: [countArriving(intake, statusOf), ...(token === null ? [] : [requireToken(token)])],
  });
  for (const [path, method] of Object.entries(methods)) addMethod(server, path, method, statusOf);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentialsOf(tls), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const sockets = socketsOf(serversOf(server));
  for (const listening of serversOf(server)) listening.on('session', widenWindows);
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

function widenWindows(session: ServerHttp2Session): void {
  session.settings({ initialWindowSize: STREAM_WINDOW_BYTES });
  session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
}

const asIs = (bytes: Buffer): Buffer => bytes;

function addMethod(
  server: Server,
  path: string,
  method: Method,
  statusOf: (error: unknown) => StatusObject,
): void {
  const definition: ServiceDefinition = {
    method: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  };
  const handle = (call: Call, answer: sendUnaryData<Buffer>): void => {
    const fail = (error: unknown): void => answer(statusOf(error));
    try {
      const answered = method(call.request);
      if (answered instanceof Promise) answered.then((bytes) => answer(null, bytes), fail);
      else answer(null, answered);
    } catch (error) {
      fail(error);
    }
  };
  server.addService(definition, { method: handle as UntypedHandleCall });
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
