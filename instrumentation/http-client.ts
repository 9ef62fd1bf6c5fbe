/** Client spans of `node:http` and `node:https`, from their diagnostics channels and the events of their messages. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Attributes } from '@opentelemetry/api';
import { runningSignal } from './abort-reasons.ts';
import { attachSocket, endCall, idleTimerOf, startCall, type Call, type CallEnd } from './call.ts';
import { onChannel } from './channels.ts';
import { connectionOf } from './connections.ts';
import { activeContext, isSuppressed } from './context.ts';
import { watchExpecting } from './expecting.ts';
import { isOfSystem } from './failures.ts';
import { guard } from './guard.ts';
import { describeTarget } from './http-target.ts';
import { isSlow } from './kernel/evidence.ts';
import { watcherOf, watchMessage, watchRequest, type Watcher } from './message-events.ts';
import { agentPool, poolAttributes, type Pool } from './pool.ts';
import { isEventStream } from './read-headers.ts';
import type { Recorder } from './recorder.ts';
import { isDeadlineOf, runningTimer, type RunningTimer } from './running-timer.ts';
import { hasEnvoyHeaders } from './sidecar.ts';
import { Answer, watchUnread, type Unread } from './unread.ts';

/** Starts a client span for every request that `http` or `https` sends. */
export function watchHttpClient(recorder: Recorder, unread = watchUnread()): void {
  onChannel<{ request: ClientRequest }>('http.client.request.created', ({ request }) => {
    if (isSuppressed(activeContext())) return;
    watchDestroy();
    watchRequest(request, new HttpCall(recorder, request, unread));
  });
  onChannel<{ request: ClientRequest; error: unknown }>('http.client.request.error', ({ request, error }) => {
    // A socket that the program or its agent destroyed marks the request before the error comes; so does an agent that has none.
    httpCallOf(request)?.fail(error, request.destroyed && Boolean(request.socket));
  });
  onChannel<{ request: ClientRequest; response: IncomingMessage }>(
    'http.client.response.finish',
    ({ request, response }) => {
      const call = httpCallOf(request);
      if (!call) return;
      call.answered(response);
      watchMessage(response, call);
    },
  );
}

function httpCallOf(request: ClientRequest): HttpCall | undefined {
  const watcher = watcherOf(request);
  return watcher instanceof HttpCall ? watcher : undefined;
}

let isDestroyWatched = false;

/**
 * Replaces `destroy` of client requests, with the first of them, by one that notes which timer called it. A request that
 * still waits for a socket ends here: Node tells of it only when the socket comes.
 */
function watchDestroy(): void {
  if (isDestroyWatched) return;
  isDestroyWatched = true;
  const { prototype } = process.getBuiltinModule('node:http').ClientRequest;
  const original = prototype.destroy;
  const note = guard((request: ClientRequest, error: unknown) => {
    if (!request.destroyed) httpCallOf(request)?.destroying(error);
  });
  prototype.destroy = function destroy(this: ClientRequest, error?: Error): ClientRequest {
    note(this, error);
    return Reflect.apply(original, this, arguments) as ClientRequest;
  };
}

const aborted = () => new DOMException('The request was aborted', 'AbortError');

/** How the program destroyed a request: with which error, if any, by which timer, and by the abort of which signal. */
interface Destroyed {
  error: unknown;
  timer: RunningTimer | undefined;
  signal: AbortSignal | undefined;
}

/** One request, from its making until its answer is read, or nobody will. */
class HttpCall implements Watcher {
  /** The program's listeners run in the context that Node gives them. */
  readonly within = undefined;
  readonly #request: ClientRequest;
  readonly #call: Call;
  readonly #unread: Unread;
  /** Its agent's pool when the request was put into its queue. */
  readonly #arrivedIn: Pool | undefined;
  #answer: Answer | undefined = undefined;
  /** Set when the program destroyed the request. */
  #destroyed: Destroyed | undefined = undefined;
  /** Whether it did so only to pass on what had happened to the socket. */
  #isPassedOn = false;

  constructor(recorder: Recorder, request: ClientRequest, unread: Unread) {
    this.#request = request;
    this.#unread = unread;
    this.#arrivedIn = agentPool(request, true);
    this.#call = startCall(recorder, describeTarget(request));
    if (this.#arrivedIn) {
      this.#call.queued = true;
      this.#call.readPool = () => this.#readPool();
    }
    injectHeaders(recorder, request, this.#call);
  }

  #readPool(): Attributes {
    const pool = agentPool(this.#request) ?? this.#arrivedIn;
    return pool ? poolAttributes(pool) : {};
  }

  emitted(event: string | symbol, emitter: object, argument: unknown): void {
    const answer = this.#answer;
    const isAnswer = emitter === answer?.body;
    if (isAnswer && (event === 'end' || event === 'close')) this.#unread.ended(answer!);
    if (this.#call.ended) return;
    if (isAnswer) {
      if (event === 'end') endCall(this.#call);
      else if (event === 'close') this.#responseClosed(emitter as IncomingMessage);
    } else if (emitter === this.#request) {
      if (event === 'socket') this.#socketAssigned(argument as Socket);
      // Node 22 also says so of a request whose socket was destroyed before anything was sent.
      else if (event === 'finish' && !this.#request.destroyed) this.#call.sentMs = performance.now();
      else if (event === 'close') this.#requestClosed();
      else if (event === 'error' && !this.#request.socket) this.#notConnected(argument);
    }
  }

  #socketAssigned(socket: Socket): void {
    const call = this.#call;
    const connection = connectionOf(socket);
    attachSocket(call, connection);
    watchExpecting(call, this.#request, socket);
    // The port the socket goes to is the truth, unless the socket goes to a proxy.
    if (connection.host !== this.#request.host || !connection.port) return;
    if (connection.port === call.shared?.['server.port']) return;
    const { shared, attributes } = describeTarget(this.#request, connection.port);
    call.shared = shared;
    Object.assign(call.attributes, attributes);
  }

  answered(response: IncomingMessage): void {
    const call = this.#call;
    this.#answer = new Answer(call, response);
    call.headersMs = performance.now();
    call.statusCode = response.statusCode;
    call.answer = response;
    call.protocolVersion = response.httpVersion;
    if (isEventStream(response.rawHeaders)) call.attributes['sockeye.stream'] = true;
    const isOfInterest = response.statusCode! >= 500 || isSlow(call.startMs, call.headersMs);
    if (isOfInterest && hasEnvoyHeaders(response.headers)) call.attributes['sockeye.sidecar'] = 'envoy';
    this.#unread.began(this.#answer);
  }

  /** The program destroys the request. */
  destroying(error: unknown): void {
    if (this.#call.ended) return;
    // What is healthy has null there.
    this.#isPassedOn = error != null && error === this.#request.socket?.errored;
    if (this.#isPassedOn) return;
    this.#destroyed = { error, timer: runningTimer(), signal: runningSignal() };
    if (!this.#request.socket) this.fail(error ?? aborted(), true);
  }

  /** `looksLocal` is what remains to go by when no request was destroyed. */
  fail(error: unknown, looksLocal: boolean): void {
    const { timeoutCb } = this.#request as unknown as { timeoutCb: unknown };
    // The program may have destroyed the socket or the answer instead: the request hears of it as of what the system met.
    const socketTimer = isOfSystem(error) ? undefined : this.#call.connection?.ownTimer;
    const ownTimer = this.#destroyed?.timer ?? socketTimer;
    const { error: given, signal } = this.#destroyed ?? {};
    const end: CallEnd = {
      // Of a request destroyed without an error Node says what it says when the peer hangs up.
      error: signal && given == null ? (signal.reason as unknown) : error,
      abortedBy: signal,
      endedHere: Boolean(this.#destroyed ?? ownTimer) || (looksLocal && !this.#isPassedOn),
      neverConnected: !this.#request.socket,
      ownTimer,
      idleTimerName: timeoutCb ? 'http_timeout' : 'socket_timeout',
    };
    endCall(this.#call, end);
  }

  /** Agents of libraries, and tunnels of Node's, have no other way to say that they have no socket for a request. */
  #notConnected(error: unknown): void {
    const { proxyTunnelTimeout: budgetMs } = Object(error) as { proxyTunnelTimeout?: unknown };
    const ownTimer = runningTimer();
    endCall(this.#call, {
      error,
      endedHere: ownTimer !== undefined,
      neverConnected: true,
      ownTimer,
      idleTimer: typeof budgetMs === 'number' ? { timer: 'http_timeout', budgetMs } : undefined,
    });
  }

  #responseClosed(response: IncomingMessage): void {
    const error = response.complete
      ? undefined
      : (this.#request.socket?.errored ?? response.errored ?? undefined);
    // Who leaves an iteration of it, or a pipeline that fails, destroys the request.
    const isLeft = error === undefined || (this.#destroyed !== undefined && this.#destroyed.error == null);
    // A response that the program threw away unread is no failure of the call, but when its time was over.
    if (response.complete || (isLeft && !this.#isGivenUp())) endCall(this.#call);
    else if (error === undefined) this.fail(aborted(), true);
    else this.fail(error, !isFromPeer(this.#call, error));
  }

  /** By a signal, an idle timer, or one that began with the call; a stream has no deadline once it has begun. */
  #isGivenUp(): boolean {
    const call = this.#call;
    if (this.#destroyed?.signal || idleTimerOf(call, 'socket_timeout')) return true;
    const timer = call.attributes['sockeye.stream'] === true ? undefined : call.connection?.ownTimer;
    return timer !== undefined && isDeadlineOf(timer, call);
  }

  /** The last chance to end a call: aborted before there was a socket, taken over by another protocol, or never read. */
  #requestClosed(): void {
    const call = this.#call;
    const { res } = this.#request as unknown as {
      res: (IncomingMessage & { upgrade: boolean | null }) | null;
    };
    if (res?.upgrade) {
      call.headersMs = performance.now();
      call.statusCode = res.statusCode;
      call.attributes['sockeye.stream'] = true;
      endCall(call);
    } else if (res?.complete) {
      // Nobody read the body, so nothing tells when its last byte came: the call was over with the headers.
      endCall(call, { endMs: call.headersMs });
    } else if (!res) {
      this.fail(aborted(), true);
    }
  }
}

function injectHeaders(recorder: Recorder, request: ClientRequest, call: Call): void {
  const stored = request as unknown as { _header: string | null; _headerSent: boolean };
  recorder.inject(call.span, (name, value) => {
    if (!stored._header) request.setHeader(name, value);
    // Headers given as an array, or with Expect, are a finished text already, not yet sent.
    else if (!stored._headerSent) stored._header = `${stored._header.slice(0, -2)}${name}: ${value}\r\n\r\n`;
  });
}

/** An answer cut short by a reset, or by the peer's closing. */
function isFromPeer({ connection }: Call, error: unknown): boolean {
  return isOfSystem(error) || connection?.socket.readableEnded === true;
}
