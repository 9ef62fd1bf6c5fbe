/**
 * Client spans of `node:http2`, one a stream. A stream that carries a call which has its span, of undici or grpc-js, gets none.
 *
 * The diagnostics channels tell of a stream when its headers are on their way, too late to put the trace's context in. So
 * `request` of client sessions is replaced, once. Their class is nowhere to be had but from a session: one is made over
 * nothing, and thrown away, when the program opens its first connection after it has loaded `http2`.
 */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Duplex } from 'node:stream';
import type { Attributes } from '@opentelemetry/api';
import { runningSignal } from './abort-reasons.ts';
import { attachSocket, endCall, startCall, type Call } from './call.ts';
import { whenLoaded } from './builtins.ts';
import { onChannel } from './channels.ts';
import { connectionOf, isExporting, isOpen, type Connection } from './connections.ts';
import { activeContext, isSuppressed } from './context.ts';
import { grpcCallOf } from './grpc.ts';
import { guard } from './guard.ts';
import { endStreamCall, goawayOf, type StreamCall } from './http2-ending.ts';
import { streamClosed, waitsForStream, type Waiting } from './http2-limit.ts';
import { recordedMethod } from './http-names.ts';
import { makeRoom } from './listening.ts';
import { tellsOfSentBody } from './node-releases.ts';
import type { Recorder } from './recorder.ts';
import { fullUrl, splitTarget } from './redact.ts';
import { describeRpc, grpcMessageIn, grpcStatusIn, grpcTimeoutMs, isGrpc } from './rpc.ts';
import { runningTimer } from './running-timer.ts';
import { isUndiciSocket } from './undici.ts';
import { Answer, watchUnread } from './unread.ts';

type Headers = Record<string, unknown>;
type Request = (this: ClientHttp2Session, ...args: unknown[]) => ClientHttp2Stream;

/** The calls of streams, those of grpc-js included, which end by themselves. */
const calls = new WeakMap<ClientHttp2Stream, Call>();
const ownCalls = new WeakMap<ClientHttp2Stream, StreamCall>();
/** The last stream that had sent all it had before its call was known: within `request`. */
let sentAtOnce: ClientHttp2Stream | undefined;
/** The stream whose `close` the program has called: within that. */
let closing: ClientHttp2Stream | undefined;
const unread = watchUnread();

export function watchHttp2Client(recorder: Recorder): void {
  whenLoaded('http2', () => watchRequests(sessionPrototype(), recorder));
  interface Message {
    stream: ClientHttp2Stream;
    headers: Headers;
    error: unknown;
  }
  onChannel<Message>('http2.client.stream.start', ({ stream }) => {
    const call = calls.get(stream);
    if (call && !call.queued) streamStarted(call);
  });
  onChannel<Message>('http2.client.stream.bodySent', ({ stream }) => {
    const call = calls.get(stream);
    if (call) call.sentMs = performance.now();
    else sentAtOnce = stream;
  });
  onChannel<Message>('http2.client.stream.finish', ({ stream, headers }) => {
    const call = calls.get(stream);
    if (!call) return;
    // Headers with the status of gRPC are the end already, and no answer.
    if (grpcStatusIn(headers) === undefined) call.headersMs = performance.now();
    const own = ownCalls.get(stream);
    if (own) {
      headersReceived(own, headers);
      own.answered = new Answer(own, stream);
      unread.began(own.answered);
    }
  });
  onChannel<Message>('http2.client.stream.error', ({ stream, error }) => {
    const call = ownCalls.get(stream);
    if (call) call.error = error;
  });
  onChannel<Message>('http2.client.stream.close', ({ stream }) => {
    streamClosed(stream.session as ClientHttp2Session | undefined, calls.get(stream));
    const call = ownCalls.get(stream);
    if (!call) return;
    // Who destroys a session destroys its streams first, and the socket later.
    const isLost = call.connection?.socket.destroyed === true;
    call.closed = {
      timer: runningTimer(),
      signal: runningSignal(),
      isByProgram: stream.destroyed || closing === stream,
      isLost,
      isAnswered: hasAnswer(stream),
    };
  });
}

function sessionPrototype(): { request: Request } {
  const { connect } = process.getBuiltinModule('node:http2');
  const nothing = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const session = connect('http://localhost', { createConnection: () => nothing });
  session.on('error', () => {}).destroy();
  return Object.getPrototypeOf(session) as { request: Request };
}

function watchRequests(prototype: { request: Request }, recorder: Recorder): void {
  const original = prototype.request;
  const start = guardedStart(recorder);
  const observed: Request = function request(...args) {
    const started = start(this, args[0]);
    if (!started) return Reflect.apply(original, this, args);
    let stream: ClientHttp2Stream;
    try {
      stream = Reflect.apply(original, this, [started.headers, ...args.slice(1)]);
    } catch (error) {
      if (started.own) endCall(started.own, { error });
      throw error;
    }
    follow(this, stream, started);
    return stream;
  };
  Object.defineProperty(observed, 'name', { value: 'request', configurable: true });
  Object.defineProperty(observed, 'length', { value: original.length, configurable: true });
  Object.defineProperty(prototype, 'request', {
    ...Object.getOwnPropertyDescriptor(prototype, 'request'),
    value: observed,
  });
}

interface Started {
  call: Call;
  /** Set when the call ends with its stream. */
  own: StreamCall | undefined;
  connection: Connection | undefined;
  /** What is sent instead of the program's headers. */
  headers: unknown;
}

function guardedStart(recorder: Recorder) {
  let started: Started | undefined;
  const begin = guard((session: ClientHttp2Session, headers: unknown) => {
    started = beginCall(recorder, session, headers);
  });
  return (session: ClientHttp2Session, headers: unknown): Started | undefined => {
    started = undefined;
    begin(session, headers);
    return started;
  };
}

let socketKey: symbol | undefined;

/** The session's `socket` is a proxy that hides the real one, which a property of the session holds. */
function socketOf(session: ClientHttp2Session): Socket | undefined {
  socketKey ??= Object.getOwnPropertySymbols(session).find(({ description }) => description === 'socket');
  const socket = socketKey && (session as unknown as Record<symbol, unknown>)[socketKey];
  return socket instanceof Socket ? socket : undefined;
}

function beginCall(recorder: Recorder, session: ClientHttp2Session, given: unknown): Started | undefined {
  const active = activeContext();
  const socket = socketOf(session);
  if (isSuppressed(active)) return undefined;
  if (socket && (isExporting(socket) || isUndiciSocket(socket))) return undefined;
  const connection = socket && connectionOf(socket);
  const headers = readHeaders(given);
  const grpcCall = isGrpc(headers['content-type']) ? grpcCallOf(headers, active) : undefined;
  if (grpcCall) return { call: grpcCall, own: undefined, connection, headers: given };
  const own: StreamCall = Object.assign(startCall(recorder, describeStream(session, connection, headers)), {
    deadlineMs: grpcTimeoutMs(headers['grpc-timeout']),
    isGrpc: isGrpc(headers['content-type']),
    grpcStatus: undefined,
    grpcMessage: '',
    error: undefined,
    closed: undefined,
    goaway: goawayOf(session),
    answered: undefined,
    idleTimer: undefined,
  });
  return { call: own, own, connection, headers: withContext(recorder, given, own) };
}

/** Headers may be an object or a flat list of names and values. */
function readHeaders(given: unknown): Headers {
  if (!Array.isArray(given)) return (given ?? {}) as Headers;
  const headers: Headers = {};
  for (let index = 0; index + 1 < given.length; index += 2) headers[String(given[index])] = given[index + 1];
  return headers;
}

/** The same headers with the call's context in place of one that the program passed on. */
function withContext(recorder: Recorder, given: unknown, call: Call): unknown {
  const injected: Record<string, string> = {};
  recorder.inject(call.span, (name, value) => {
    injected[name] = value;
  });
  if (!Array.isArray(given)) return { ...(given as object | undefined), ...injected };
  const list: unknown[] = given.filter((_, index) => !(String(given[index - (index % 2)]) in injected));
  return list.concat(...Object.entries(injected));
}

function describeStream(
  session: ClientHttp2Session,
  connection: Connection | undefined,
  headers: Headers,
): { name: string; attributes: Attributes } {
  // The session knows when it is connected.
  const { encrypted: isEncrypted } = (connection?.socket ?? session) as { encrypted?: boolean };
  const scheme = String(headers[':scheme'] ?? (isEncrypted ? 'https' : 'http'));
  const authority = String(headers[':authority'] ?? headers['host'] ?? hostAndPort(connection));
  const path = String(headers[':path'] ?? '/');
  const url = URL.parse(`${scheme}://${authority}`);
  const server: Attributes = {
    'server.address': (url?.hostname ?? authority).replace(/^\[(.*)\]$/, '$1'),
    'server.port': Number(url?.port) || (scheme === 'https' ? 443 : 80),
    'network.protocol.version': '2',
  };
  if (isGrpc(headers['content-type'])) {
    const { name, attributes } = describeRpc(path);
    return { name, attributes: { ...attributes, ...server } };
  }
  const { method, original, spanName } = recordedMethod(String(headers[':method'] ?? 'GET'));
  const attributes: Attributes = {
    'http.request.method': method,
    'url.full': fullUrl(`${scheme}://${authority}`, splitTarget(path)),
    ...server,
  };
  if (original !== undefined) attributes['http.request.method_original'] = original;
  if (method === 'CONNECT') attributes['sockeye.stream'] = true;
  return { name: spanName, attributes };
}

function hostAndPort(connection: Connection | undefined): string {
  const host = connection?.host ?? 'localhost';
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return connection?.port === undefined ? bracketed : `${bracketed}:${connection.port}`;
}

function follow(
  session: ClientHttp2Session,
  stream: ClientHttp2Stream,
  { call, own, connection }: Started,
): void {
  calls.set(stream, call);
  call.sentMs = call.headersMs = undefined;
  if (connection) {
    // A connection that is not open yet is waited for by every stream begun until then.
    const isWaiting = !isOpen(connection);
    if (isWaiting) call.reused = false;
    attachSocket(call, connection);
    call.opensConnection ||= isWaiting;
  }
  if (own) watchEnd(stream, own);
  const isSent = sentAtOnce === stream;
  sentAtOnce = undefined;
  const waiting: Waiting = { call, isSent };
  if (!isSentTold) watchSent(stream, waiting);
  if (stream.pending || (connection && waitsForStream(session, connection, waiting))) return;
  streamStarted(call);
  if (isSent) call.sentMs = call.socketMs;
}

const isSentTold = tellsOfSentBody(process.versions.node);

/** For releases of Node without the channel that says so. */
function watchSent(stream: ClientHttp2Stream, waiting: Waiting): void {
  makeRoom(stream);
  stream.once('finish', () => {
    waiting.isSent = true;
    // Of one that waits behind others, nothing has left.
    if (waiting.call.socketMs !== undefined) waiting.call.sentMs = performance.now();
  });
}

let isClosingWatched = false;

/** Replaces `close` of streams, with the first of them: Node tells a stream that the peer closes from no other. */
function watchClosing(stream: ClientHttp2Stream): void {
  if (isClosingWatched) return;
  isClosingWatched = true;
  let owner = stream as unknown as { close: ClientHttp2Stream['close'] };
  while (!Object.hasOwn(owner, 'close')) owner = Object.getPrototypeOf(owner) as typeof owner;
  const original = owner.close;
  const observed = {
    close(this: ClientHttp2Stream, _code?: number, _closed?: () => void): void {
      whileClosing(this, () => Reflect.apply(original, this, arguments));
    },
  };
  Object.defineProperty(observed.close, 'length', { value: original.length, configurable: true });
  Object.defineProperty(owner, 'close', {
    ...Object.getOwnPropertyDescriptor(owner, 'close'),
    value: observed.close,
  });
}

function whileClosing(stream: ClientHttp2Stream, close: () => void): void {
  const outer = closing;
  closing = stream;
  try {
    close();
  } finally {
    closing = outer;
  }
}

function watchEnd(stream: ClientHttp2Stream, call: StreamCall): void {
  watchClosing(stream);
  ownCalls.set(stream, call);
  call.isComplete = () => call.closed?.isAnswered ?? hasAnswer(stream);
  makeRoom(stream);
  stream.once('timeout', () => {
    const { timeout } = stream as { timeout?: number };
    call.idleTimer = { budgetMs: timeout ?? 0, atMs: performance.now() };
  });
  if (call.isGrpc) {
    stream.once('trailers', (trailers) => readGrpcStatus(call, trailers as Headers));
  }
  stream.once(
    'close',
    guard(() => {
      if (call.answered) unread.ended(call.answered);
      endStreamCall(stream, call);
    }),
  );
}

/** The last byte of the answer is there, as long as the stream is not closed: who has not read it all is told by its state alone. */
function hasAnswer(stream: ClientHttp2Stream): boolean {
  const { ended } = (stream as { _readableState?: { ended?: unknown } })._readableState ?? {};
  return stream.readableEnded || ended === true;
}

/** The stream has its number: it shares an open connection with others. */
function streamStarted(call: Call): void {
  call.socketMs = performance.now();
  call.isShared = true;
}

function headersReceived(call: StreamCall, headers: Headers): void {
  const status = Number(headers[':status']);
  if (grpcStatusIn(headers) !== undefined) readGrpcStatus(call, headers);
  if (!call.isGrpc || status !== 200) call.statusCode = status;
  if (String(headers['content-type']).startsWith('text/event-stream')) {
    call.attributes['sockeye.stream'] = true;
  }
}

function readGrpcStatus(call: StreamCall, headers: Headers): void {
  call.grpcStatus = grpcStatusIn(headers);
  call.grpcMessage = grpcMessageIn(headers);
}
