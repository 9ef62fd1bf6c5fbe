/**
 * Client spans of `fetch` and of undici, bundled with Node or installed from npm, from undici's diagnostics channels.
 *
 * undici opens connections in the background: a connection that starts is given to the request that asked for it, found
 * by the `fetch` it runs in, else by its origin.
 */
import { executionAsyncId } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Attributes } from '@opentelemetry/api';
import { abortedMs, signalOfText } from './abort-reasons.ts';
import { attachOpening, attachSocket, endCall, marksOf, startCall, type Call, type CallEnd } from './call.ts';
import { onChannel } from './channels.ts';
import { connectionOf, type Connection } from './connections.ts';
import { activeContext, isSuppressed } from './context.ts';
import { fetchIn, watchFetch, type FetchObserver } from './fetch.ts';
import { Given } from './given.ts';
import { tapEvents } from './listening.ts';
import { hostPool, poolAttributes, type Pool } from './pool.ts';
import { isRawEventStream, type RawHeaders } from './read-headers.ts';
import type { Recorder } from './recorder.ts';
import { append, Link, unlink } from './ring.ts';
import type { RunningTimer } from './running-timer.ts';
import { hiddenProperty, takeArrival, watchDispatchers } from './undici-dispatch.ts';
import {
  budgetsOf,
  causeOf,
  deadlineOf,
  forgetSince,
  isForgotten,
  isThrownAway,
  type RequestTimeouts,
} from './undici-ending.ts';
import { noteConnecting, noteUnclaimed } from './undici-store.ts';
import { describeUndiciTarget } from './undici-target.ts';

/** What the channels publish of a request. */
interface UndiciRequest extends RequestTimeouts {
  origin: string | URL;
  path: string;
  method: string;
  headers: unknown;
  upgrade?: unknown;
  addHeader(name: string, value: string): void;
}

interface UndiciCall extends Call {
  /** The pool as it was when the request came into its queue. */
  arrivedIn: Pool | undefined;
  /** The signal by which the caller may give it up, while it lasts. */
  signal: AbortSignal | undefined;
  host: string;
  port: number;
  /** Among those that wait. */
  place: Link;
}

class Place extends Link {
  readonly call: UndiciCall;

  constructor(call: UndiciCall) {
    super();
    this.call = call;
  }
}

/** Keeps its call on a request, until that is over: what `fetch` makes of a request is kept long after it. */
class Called extends Given {
  #call: UndiciCall | undefined;

  constructor(request: UndiciRequest, call: UndiciCall) {
    super(request);
    this.#call = call;
  }

  static by(request: object): UndiciCall | undefined {
    return #call in request ? request.#call : undefined;
  }

  /** Gives the call, for the last time. */
  static take(request: object): UndiciCall | undefined {
    const call = Called.by(request);
    if (call) (request as Called).#call = undefined;
    return call;
  }
}

/** Calls that have no socket yet, oldest first. */
const waiting = new Link();

/** What connections failed with, which is told of every call that waited for one of them. */
const connectErrors = new WeakSet<object>();

/** Sockets that undici connected: what goes through them has its span from undici's channels. */
const sockets = new WeakSet<Socket>();

export function isUndiciSocket(socket: Socket): boolean {
  return sockets.has(socket);
}

export function watchUndici(recorder: Recorder): void {
  onChannel<{ request: UndiciRequest }>('undici:request:create', ({ request }) =>
    requestCreated(recorder, request),
  );
  onChannel<{ request: UndiciRequest; socket: Socket }>(
    'undici:client:sendHeaders',
    ({ request, socket }) => {
      const call = Called.by(request);
      if (call) headersSent(request, call, socket);
    },
  );
  onChannel<{ request: UndiciRequest }>('undici:request:bodySent', ({ request }) => {
    const call = Called.by(request);
    if (call) bodySent(call);
  });
  onChannel<{ request: UndiciRequest; response: { statusCode: number; headers: RawHeaders } }>(
    'undici:request:headers',
    ({ request, response }) => {
      const call = Called.by(request);
      // One that announces another is not the answer.
      if (!call || (response.statusCode < 200 && response.statusCode !== 101)) return;
      call.headersMs = performance.now();
      call.statusCode = response.statusCode;
      if (isRawEventStream(response.headers)) call.attributes['sockeye.stream'] = true;
    },
  );
  onChannel<{ request: UndiciRequest }>('undici:request:trailers', ({ request }) => {
    const call = Called.take(request);
    if (call) finish(call);
  });
  onChannel<{ request: UndiciRequest; error: unknown }>('undici:request:error', ({ request, error }) => {
    const call = Called.take(request);
    if (!call) return;
    if (!call.connection && connectErrors.has(Object(error) as object)) call.unserved = 'connect';
    const cause = causeOf(call, error);
    // Before there is an answer, a signal tells of it, which a WebSocket has not.
    const ownTimer = call.headersMs === undefined && !request.upgrade ? undefined : deadlineOf(call);
    // Not of the request, but of what reads its answer.
    if (!call.signal?.aborted) call.signal = signalOfText(cause) ?? call.signal;
    if (isForgotten(error)) endCall(call, { endMs: call.headersMs });
    else if (!ownTimer && isThrownAway(call, cause)) endCall(call);
    else finish(call, cause, budgetsOf(request, call), ownTimer);
  });
  onChannel<{ error: unknown }>('undici:client:connectError', ({ error }) =>
    connectErrors.add(Object(error) as object),
  );
  onChannel<{ socket: Socket }>('undici:client:connected', ({ socket }) => sockets.add(socket));
  onChannel<{ connectParams: { hostname: string; port: string; protocol: string } }>(
    'undici:client:beforeConnect',
    ({ connectParams }) => connecting(connectParams),
  );
  const observer: FetchObserver = {
    rejected: (call, error, signal) => finish(Object.assign(call, { signal }), error),
    rejectedInQueue: ({ startMs, pool }, { url, method, signal }, error) => {
      const { name, shared, attributes } = describeUndiciTarget(
        method,
        url.origin,
        url.pathname + url.search,
      );
      Object.assign(attributes, pool && poolAttributes(pool));
      const call = startCall(recorder, { name, shared, attributes, startMs, queued: true });
      finish(Object.assign(call, { signal }), error);
    },
  };
  watchFetch(globalThis, observer);
  watchDispatchers((exports) => watchFetch(exports, observer));
}

function requestCreated(recorder: Recorder, request: UndiciRequest): void {
  const arrival = takeArrival();
  const active = arrival?.context ?? activeContext();
  const open = fetchIn(active);
  // A fetch that was given up in the queue has its span.
  if (isSuppressed(active) || open?.isSettled) return;
  const { name, shared, attributes, host, port } = describeUndiciTarget(
    request.method,
    request.origin,
    request.path,
  );
  if (request.upgrade || request.method === 'CONNECT') attributes['sockeye.stream'] = true;
  const started = startCall(recorder, {
    name,
    shared,
    attributes,
    startMs: arrival?.startMs,
    queued: arrival?.pool !== undefined,
    unserved: 'queue',
    parent: active,
  });
  const { pool: arrivedIn, signal } = arrival ?? {};
  // One by one: by `Object.assign` they take twenty times as long.
  const call = started as UndiciCall;
  call.host = host;
  call.port = port;
  call.readPool = readPool;
  call.arrivedIn = arrivedIn;
  call.signal = signal;
  call.place = new Place(call);
  new Called(request, call);
  append(waiting, call.place);
  open?.calls.push(call);
  injectHeaders(recorder, request, call);
}

function readPool(call: Call): Attributes {
  const { arrivedIn, host, port } = call as UndiciCall;
  if (arrivedIn) return poolAttributes(arrivedIn);
  let pending = 0;
  for (const other of callsWaiting()) {
    if (isUnserved(other) && other.host === host && other.port === port) pending += 1;
  }
  return poolAttributes(hostPool(host, port, Math.max(1, pending), undefined));
}

function injectHeaders(recorder: Recorder, request: UndiciRequest, call: Call): void {
  recorder.inject(call.span, (name, value) => {
    // A header that the program passed on from elsewhere would stand beside ours, and the peer read neither.
    if (Array.isArray(request.headers)) {
      for (let index = request.headers.length - 2; index >= 0; index -= 2) {
        const own = String(request.headers[index]);
        if (own.length === name.length && own.toLowerCase() === name) request.headers.splice(index, 2);
      }
    }
    request.addHeader(name, value);
  });
}

interface Destination {
  host: string | undefined;
  port: number | undefined;
}

/**
 * A connection starts to open: gives it to the undici request that waits for it; false if none does. One to a proxy is
 * opened for the request to go through it as well as for the CONNECT.
 */
export function undiciOpening(connection: Connection): boolean {
  const fetching = fetchIn(connection.context)?.calls.find(isUnserved) as UndiciCall | undefined;
  if (fetching) attachOpening(fetching, connection);
  const isProxy = fetching !== undefined && !goesTo(fetching, connection);
  if (isProxy) fetching.isTunnelling = true;
  const matching = fetching && !isProxy ? undefined : longestWaiting(connection);
  if (matching) attachOpening(matching, connection);
  if (fetching ?? matching) return true;
  noteUnclaimed(connection);
  return false;
}

/** undici asks its connector for a connection, which may be a way through a proxy: whoever waits for it is in no queue. */
function connecting({
  hostname,
  port,
  protocol,
}: {
  hostname: string;
  port: string;
  protocol: string;
}): void {
  noteConnecting();
  const to = { host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
  const fetching = fetchIn(activeContext())?.calls.find(isUnserved) as UndiciCall | undefined;
  const call = fetching && goesTo(fetching, to) ? fetching : longestWaiting(to, 'queue');
  if (!call) return;
  call.unserved = 'connect';
  // Its client had another connection until now, which others held.
  if (executionAsyncId() !== call.startId && performance.now() - call.startMs >= 1) call.queued = true;
}

function goesTo(call: UndiciCall, { host, port }: Destination): boolean {
  return call.host === host && call.port === port;
}

function longestWaiting(to: Destination, phase?: UndiciCall['unserved']): UndiciCall | undefined {
  for (const call of callsWaiting()) {
    if (isUnserved(call) && goesTo(call, to) && (!phase || call.unserved === phase)) return call;
  }
  return undefined;
}

function* callsWaiting(): Generator<UndiciCall> {
  for (let link = waiting.next; link !== waiting; link = link.next) yield (link as Place).call;
}

function isUnserved({ ended, connection }: Call): boolean {
  return !ended && connection === undefined;
}

function headersSent(request: UndiciRequest, call: UndiciCall, socket: Socket): void {
  unlink(call.place);
  const connection = connectionOf(socket);
  const isHttp2 = (socket as { alpnProtocol?: unknown }).alpnProtocol === 'h2';
  if (call.socketMs !== undefined) {
    // Sent again by undici, after a connection that has gone: all of that is one wait.
    call.before = marksOf(call);
  } else if (!isHttp2 && !call.connection && connection.evidence.users.size > 0) {
    // Pipelined: behind the request of another call.
    call.queued = true;
  }
  attachSocket(call, connection);
  call.protocolVersion = isHttp2 ? '2' : '1.1';
  if (request.upgrade || request.method === 'CONNECT') watchUpgrade(request, call, socket);
}

/** undici has handed the request to its socket, which may have to keep most of it until the kernel takes more. */
function bodySent(call: UndiciCall): void {
  const { socket } = call.connection ?? {};
  call.sentMs = performance.now();
  if (!socket?.writableNeedDrain || call.protocolVersion === '2') return;
  call.sentMs = undefined;
  const stop = tapEvents(socket, (event) => {
    if (event === 'drain') call.sentMs = performance.now();
    if (event === 'drain' || event === 'close') stop();
  });
}

/** The undici of older Node does not say that a request was upgraded, but that its client has given the socket away. */
function watchUpgrade(request: UndiciRequest, call: UndiciCall, socket: Socket): void {
  const client = hiddenProperty(socket, 'client') as EventEmitter | undefined;
  client?.once('disconnect', (_url: unknown, _targets: unknown, reason: unknown) => {
    if ((reason as { message?: unknown } | undefined)?.message !== 'upgrade') return;
    const headersMs = performance.now();
    // The undici of newer Node says so next.
    process.nextTick(() => {
      if (call.ended) return;
      call.headersMs = headersMs;
      if (request.upgrade) call.statusCode = 101;
      finish(call);
    });
  });
  socket.once('close', () => finish(call));
}

/** undici names whoever ended a request in the error: nothing else need be known. */
function finish(
  call: Call & Partial<Pick<UndiciCall, 'place' | 'signal'>>,
  error?: unknown,
  undiciBudgetsMs: CallEnd['undiciBudgetsMs'] = {},
  ownTimer?: RunningTimer,
): void {
  const { place, signal } = call;
  // One that was given up in the queue of a pool never waited here.
  if (place) unlink(place);
  // undici tells of it only when the request comes to its turn.
  const endMs = call.socketMs === undefined && error === signal?.reason ? abortedMs(signal) : undefined;
  if (endMs !== undefined) forgetSince(call, endMs);
  endCall(call, { endMs, error, undiciBudgetsMs, signal, ownTimer, endedHere: Boolean(ownTimer) });
}
