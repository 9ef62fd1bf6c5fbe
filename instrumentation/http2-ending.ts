/** How a stream of HTTP/2 ended, and with it its call: answered, reset, given up, or with the status of gRPC. */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { endCall, type Call } from './call.ts';
import { readError, type Failure, type Timeout } from './failures.ts';
import { makeRoom } from './listening.ts';
import { CANCELLED, DEADLINE_EXCEEDED, grpcStatusName, OK } from './rpc.ts';
import { isDeadlineOf, type RunningTimer } from './running-timer.ts';
import type { Answer } from './unread.ts';

/** What the peer has ended a session for; 0 is no error. Streams hear the same of the program's own `destroy` with a code. */
interface Goaway {
  code: number | undefined;
}

/** What was so when the stream was closed. */
interface Closed {
  /** The program's, that was running. */
  timer: RunningTimer | undefined;
  /** Whose listeners were running. */
  signal: AbortSignal | undefined;
  /** Whether the program closed it, or threw it away. */
  isByProgram: boolean;
  isLost: boolean;
  /** Whether all of the answer was there, read or not. */
  isAnswered: boolean;
}

export interface StreamCall extends Call {
  isGrpc: boolean;
  /** Of gRPC: how long the caller told the server that it would wait. */
  deadlineMs: number | undefined;
  grpcStatus: number | undefined;
  grpcMessage: string;
  error: unknown;
  closed: Closed | undefined;
  /** Of its session. */
  goaway: Goaway;
  answered: Answer | undefined;
  /** The last time the stream's idle timer ran out, with its delay. */
  idleTimer: { budgetMs: number; atMs: number } | undefined;
}

const NGHTTP2_NO_ERROR = 0;
const NGHTTP2_CANCEL = 8;
/** Node says nothing of these two, which it takes for the program's own. */
const reset = (code: number | undefined) =>
  Object.assign(
    new Error(
      `Stream closed with error code ${code === NGHTTP2_CANCEL ? 'NGHTTP2_CANCEL' : 'NGHTTP2_NO_ERROR'}`,
    ),
    {
      code: 'ERR_HTTP2_STREAM_ERROR',
    },
  );
const aborted = () => new DOMException('The stream was closed before its answer was complete', 'AbortError');
const lost = () =>
  Object.assign(new Error('The connection was closed before the answer was complete'), {
    code: 'ECONNRESET',
  });

const goaways = new WeakMap<ClientHttp2Session, Goaway>();

export function goawayOf(session: ClientHttp2Session): Goaway {
  const known = goaways.get(session);
  if (known) return known;
  const goaway: Goaway = { code: undefined };
  goaways.set(session, goaway);
  makeRoom(session);
  session.on('goaway', (code) => (goaway.code = code));
  return goaway;
}

export function endStreamCall(stream: ClientHttp2Stream, call: StreamCall): void {
  const { closed } = call;
  // A session that fails cancels its streams; what failed is the cause.
  const { cause } = readError(call.error);
  if (stream.pending && cause instanceof Error) {
    endCall(call, { error: cause, endedHere: isOfProgram(call, cause), ownTimer: closed?.timer });
    return;
  }
  if (call.isGrpc) {
    endGrpcStream(stream, call);
    return;
  }
  // Whatever becomes of the stream after that, as with `http`.
  if (isAnswered(stream, call)) {
    endCall(call, isRead(stream) ? {} : { endMs: call.headersMs });
    return;
  }
  if (isLost(call)) {
    endCall(call, { error: call.error ?? lost() });
    return;
  }
  const isHere = isEndedHere(call);
  if (isHere && call.headersMs !== undefined && isLeaving(call.error) && !isGivenUp(call)) {
    // A response that the program threw away unread is no failure of the call.
    endCall(call);
    return;
  }
  const signal = closed?.signal;
  const ownError = signal ? (signal.reason as unknown) : aborted();
  endCall(call, {
    error: call.error ?? (isHere ? ownError : reset(stream.rstCode)),
    endedHere: isHere,
    ownTimer: closed?.timer,
    abortedBy: signal,
    idleTimer: idleTimeoutOf(call),
  });
}

/** Not by the peer, nor by Node, for what the peer sends is no HTTP/2. */
function isEndedHere(call: StreamCall): boolean {
  const { closed, error } = call;
  if (readError(error).code === 'ERR_HTTP2_ERROR') return false;
  return closed?.timer !== undefined || closed?.isByProgram === true || isOfProgram(call, error);
}

/** Nothing, or what Node makes of it when the program leaves an iteration. */
function isLeaving(error: unknown): boolean {
  const { code, cause } = readError(error);
  return error === undefined || (code === 'ABORT_ERR' && cause === undefined);
}

/** Without data to read, an iteration leaves nothing but that it came to the end. */
function isRead(stream: ClientHttp2Stream): boolean {
  return stream.readableDidRead || stream.readableEnded || stream.readableFlowing !== null;
}

/** A peer that says of a stream that it failed says so of a whole answer, too. */
function isAnswered(stream: ClientHttp2Stream, { closed, headersMs }: StreamCall): boolean {
  const isFailed = stream.rstCode !== NGHTTP2_NO_ERROR && stream.rstCode !== NGHTTP2_CANCEL;
  return closed?.isAnswered === true && headersMs !== undefined && !isFailed;
}

/** The peer or the kernel ended the connection, and with it the stream: Node cancels it, as the program would. */
function isLost({ closed, error, connection, goaway }: StreamCall): boolean {
  const isOfSocket = error !== undefined && error === connection?.socket.errored;
  return closed?.isLost === true || isOfSocket || (endsSession(error) && Boolean(goaway.code));
}

/** The session was ended with a code, and not by the peer. */
function isOfProgram({ goaway }: StreamCall, error: unknown): boolean {
  return endsSession(error) && !goaway.code;
}

function endsSession(error: unknown): boolean {
  return readError(error).code === 'ERR_HTTP2_SESSION_ERROR';
}

/** Nothing moved since the stream's idle timer ran out. */
function idleTimeoutOf({ idleTimer, startMs, socketMs, sentMs, headersMs }: StreamCall): Timeout | undefined {
  const lastMoveMs = Math.max(startMs, socketMs ?? 0, sentMs ?? 0, headersMs ?? 0);
  if (!idleTimer || idleTimer.atMs < lastMoveMs) return undefined;
  return { timer: 'socket_timeout', budgetMs: idleTimer.budgetMs };
}

function isGivenUp(call: StreamCall): boolean {
  const timer = call.closed?.timer;
  if (call.closed?.signal || idleTimeoutOf(call)) return true;
  return timer !== undefined && isDeadlineOf(timer, call);
}

/** Of a gRPC client that is not grpc-js: the status in the trailers decides; without one, whoever closed the stream. */
function endGrpcStream(stream: ClientHttp2Stream, call: StreamCall): void {
  const code = call.grpcStatus;
  if (code !== undefined) {
    endGrpcCall(call, { code, details: call.grpcMessage });
    return;
  }
  const isTooLate = call.deadlineMs !== undefined && performance.now() - call.startMs >= call.deadlineMs;
  if (isTooLate) {
    endGrpcCall(call, {
      code: DEADLINE_EXCEEDED,
      details: 'Deadline exceeded',
      timeout: { timer: 'grpc_deadline', budgetMs: call.deadlineMs },
    });
  } else if (isLost(call) || call.error !== undefined || stream.rstCode !== NGHTTP2_CANCEL) {
    endCall(call, { error: call.error ?? (isLost(call) ? lost() : aborted()) });
  } else {
    endGrpcCall(call, {
      code: CANCELLED,
      details: 'Cancelled',
      timeout: isEndedHere(call) ? { timer: 'abort', budgetMs: undefined } : undefined,
    });
  }
}

export interface GrpcEnd {
  code: number;
  details: string;
  timeout?: Timeout | undefined;
}

/** Ends a call with the status it got, or gave itself. */
export function endGrpcCall(call: Call, { code, details, timeout }: GrpcEnd): void {
  const name = grpcStatusName(code);
  call.attributes['rpc.response.status_code'] = name;
  const failure: Failure | undefined = code === OK ? undefined : { type: name, message: details, timeout };
  endCall(call, failure ? { failure } : {});
}
