/**
 * A gRPC server of unary methods, on `node:http2`: five bytes before each message, and two headers after it. That is all
 * that exporters need of gRPC, for half of the CPU that a call costs in `@grpc/grpc-js`.
 *
 *     HEADERS ─▶ DATA … END_STREAM ─▶ method ─▶ HEADERS, DATA, HEADERS (grpc-status: 0)
 *        └──────────┴─ refused ──────────┴────▶ HEADERS (grpc-status, grpc-message)
 */
import {
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TlsFiles } from '../config.ts';
import { GrpcError, HEAD_BYTES, readMessage, type MessageLimits } from './grpc-message.ts';
import { SHUTDOWN_GRACE_MS, type Port } from './listen.ts';
import { CODE } from './otlp-answer.ts';

/** Finds connections whose other end vanished without a word: a ping must be answered before the next. */
const KEEPALIVE_TIME_MS = 60_000;
const HTTP_UNSUPPORTED_MEDIA_TYPE = 415;

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
  /** A `google.rpc.Status`, or none. */
  readonly details: Buffer | null;
}
/** Takes the message, which it copies before it returns, and gives the answer's bytes. */
export type GrpcMethod = (message: Buffer) => Promise<Buffer>;

export interface GrpcServerOptions {
  readonly methods: ReadonlyMap<string, GrpcMethod>;
  readonly limits: MessageLimits;
  readonly tls: TlsFiles | null;
  /** Throws for who may not call, before anything of the message is read. */
  readonly admit: (headers: IncomingHttpHeaders) => void;
  readonly statusOf: (error: unknown) => GrpcStatus;
}

const HEADERS = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-accept-encoding': 'identity,deflate,gzip',
};
const TRAILERS = { 'grpc-status': '0' };
const BEFORE_TRAILERS = { waitForTrailers: true, sendDate: false };
/** Nearly every answer: a message without fields. */
const EMPTY_MESSAGE = Buffer.alloc(HEAD_BYTES);

/** Port 0 picks a free one. Rejects with the system's error when the address cannot be bound. */
export async function openGrpcPort(address: string, options: GrpcServerOptions): Promise<Port> {
  const server = createHttp2Server(options.tls);
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    const stopPinging = keepAlive(session);
    session.on('close', () => {
      sessions.delete(session);
      stopPinging();
    });
  });
  server.on('stream', (stream, headers) => serveCall(stream, headers, options));
  const host = address.slice(0, address.lastIndexOf(':'));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(address.slice(host.length + 1)), host.replace(/^\[|\]$/g, ''), () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        // Those that are no session yet, too: a handshake may never end.
        const force = setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, SHUTDOWN_GRACE_MS);
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        // Calls in progress are finished.
        for (const session of sessions) session.close();
      }),
  };
}

function createHttp2Server(tls: TlsFiles | null): Http2Server {
  // What is in flight is bounded by the intake; a session over a limit of its own would cut its calls.
  const options = { maxSessionMemory: Number.MAX_SAFE_INTEGER };
  if (tls === null) return createServer(options);
  const { cert, key, clientCa } = tls;
  const client = clientCa === null ? {} : { ca: clientCa, requestCert: true };
  const server = createSecureServer({ ...options, cert, key, ...client });
  // Left to the user of the server by Node, from the handshake on.
  server.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => {}));
  return server;
}

/** Gives what ends it. */
function keepAlive(session: ServerHttp2Session): () => void {
  let isAnswered = true;
  const timer = setInterval(() => {
    if (!isAnswered || session.destroyed) return session.destroy();
    isAnswered = false;
    session.ping((error) => (isAnswered = error === null));
  }, KEEPALIVE_TIME_MS).unref();
  return () => clearInterval(timer);
}

function serveCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { methods, limits, admit, statusOf }: GrpcServerOptions,
): void {
  // It is closed after an error, and who called is gone.
  stream.on('error', () => {});
  if (headers['content-type']?.startsWith('application/grpc') !== true) {
    return refuse(stream, { ':status': HTTP_UNSUPPORTED_MEDIA_TYPE });
  }
  const fail = (error: unknown): void => refuse(stream, headersOf(statusOf(error)));
  const method = methods.get(headers[':path'] ?? '');
  try {
    if (method === undefined)
      throw new GrpcError(CODE.unimplemented, `there is no method ${headers[':path']}`);
    admit(headers);
  } catch (error) {
    return fail(error);
  }
  readMessage(stream, String(headers['grpc-encoding'] ?? 'identity'), limits, {
    take: (message) => void method(message).then((bytes) => answer(stream, bytes), fail),
    refuse: fail,
  });
}

function answer(stream: ServerHttp2Stream, bytes: Buffer): void {
  if (stream.closed || stream.destroyed) return;
  stream.respond(HEADERS, BEFORE_TRAILERS);
  stream.on('wantTrailers', sendTrailers);
  stream.end(frameOf(bytes));
}

function sendTrailers(this: ServerHttp2Stream): void {
  if (!this.closed && !this.destroyed) this.sendTrailers(TRAILERS);
}

function frameOf(message: Buffer): Buffer {
  if (message.length === 0) return EMPTY_MESSAGE;
  const frame = Buffer.alloc(HEAD_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, HEAD_BYTES);
  return frame;
}

function headersOf({ code, message, details }: GrpcStatus): Record<string, string | number> {
  return {
    ...HEADERS,
    'grpc-status': code,
    'grpc-message': encodeURI(message.toWellFormed()),
    ...(details === null ? {} : { 'grpc-status-details-bin': details.toString('base64') }),
  };
}

/** Nobody waits for what is left of the message. */
function refuse(stream: ServerHttp2Stream, headers: Record<string, string | number>): void {
  if (stream.closed || stream.destroyed) return;
  stream.on('finish', () => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  });
  stream.respond(headers, { endStream: true });
  stream.resume();
}
