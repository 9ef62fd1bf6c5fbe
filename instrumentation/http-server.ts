/**
 * Server spans of `node:http` and `node:https`.
 *
 *     request        client leaves            handler calls end()
 *       |==================|=======================|
 *                          sockeye.client.left_ms  end of the span
 *
 * A span ends when the handler ends the response, not when the last byte has left: work done for a client that has gone
 * is what there is to see. Of a handler that has not ended its response `leftLimitMs` after the client left, or when the
 * program ends, nobody knows whether it still works: its span ends at the moment the client left.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { onChannel } from './channels.ts';
import { enterContext, frameworkKey, type FrameworkMetadata } from './context.ts';
import { Given } from './given.ts';
import { guard } from './guard.ts';
import { recordedMethod } from './http-names.ts';
import { watchMessage, watchResponse, type Watcher } from './message-events.ts';
import { peerName, type PeerName } from './peer-name.ts';
import { readHeaders, type ReadHeaders } from './read-headers.ts';
import type {
  LeftSpans,
  OpenState,
  RecordedSpan,
  Recorder,
  SharedAttributes,
  SpanSource,
  SpanStart,
} from './recorder.ts';
import { splitTarget } from './redact.ts';
import { noteActivity } from './strain/monitor.ts';
import { noteService } from './strain/service.ts';

/** How long the span of a hung handler may keep the rest of its trace waiting. */
const usualLeftLimitMs = 30_000;

/** Starts a server span for every request that an `http` or `https` server receives. */
export function watchHttpServer(recorder: Recorder, leftLimitMs = usualLeftLimitMs): void {
  const departed = watchDeparted(leftLimitMs);
  onChannel<{ request: IncomingMessage; response: ServerResponse; socket: Socket }>(
    'http.server.request.start',
    ({ request, response, socket }) => {
      const visit = startVisit(recorder, departed, request, response, socket);
      // Node isolates what is entered here to this request, pipelined ones too.
      enterContext(visit.within);
      watchMessage(request, visit);
      watchResponse(response, visit);
    },
  );
}

/** Visits whose client left and whose handler has not ended the response, in the order in which the clients left. */
const left = new Set<Visit>();

/** Takes visits whose client just left, and ends each when its time is over: one timer, for the one that left first. */
function watchDeparted(leftLimitMs: number): (visit: Visit) => void {
  let isWaiting = false;
  const wait = (delayMs: number) => {
    isWaiting = true;
    setTimeout(endOverdue, delayMs).unref();
  };
  const endOverdue = guard(() => {
    isWaiting = false;
    for (const visit of left) {
      const remainingMs = (visit.leftMs ?? 0) + leftLimitMs - performance.now();
      if (remainingMs > 0) return wait(remainingMs);
      visit.end(visit.leftMs ?? performance.now());
    }
  });
  return (visit) => {
    left.add(visit);
    leftVisits.noted();
    if (!isWaiting) wait(leftLimitMs);
  };
}

/** For the end of the program: those that will not be ended by their handler any more. */
export const leftVisits: LeftSpans = {
  isEmpty: () => left.size === 0,
  end() {
    for (const visit of left) visit.end(visit.leftMs ?? performance.now());
  },
  noted: () => {},
};

function startVisit(
  recorder: Recorder,
  departed: (visit: Visit) => void,
  request: IncomingMessage,
  response: ServerResponse,
  socket: Socket,
): Visit {
  const startMs = performance.now();
  noteActivity(startMs);
  const start = describeVisit(recorder, request, socket, startMs);
  return new Visit(recorder.startSpan(start), start.name, startMs, request, response, departed);
}

/** A request as the start of its span. */
export function describeVisit(
  recorder: Recorder,
  request: IncomingMessage,
  socket: Socket,
  startMs: number,
): SpanStart {
  const headers = readHeaders(request.rawHeaders);
  const { method, original, spanName } = recordedMethod(request.method);
  const { path, query } = splitTarget(request.url ?? '/');
  const attributes: Attributes = { 'url.path': path };
  if (query !== undefined) attributes['url.query'] = query;
  if (original !== undefined) attributes['http.request.method_original'] = original;
  return {
    name: spanName,
    kind: 'server',
    startMs,
    parent: recorder.extract(headers),
    shared: sharedAttributes(request, socket, method, headers),
    attributes,
  };
}

interface LastRequest {
  method: string;
  host: string | undefined;
  userAgent: string | undefined;
  version: string;
  peer: PeerName;
  shared: SharedAttributes;
}

/** Keeps, on each connection, what its requests have in common, as of the last one. */
class Visited extends Given {
  #last: LastRequest;

  constructor(socket: Socket, last: LastRequest) {
    super(socket);
    this.#last = last;
  }

  static last(socket: object): LastRequest | undefined {
    return #last in socket ? socket.#last : undefined;
  }

  static note(socket: Socket, last: LastRequest): void {
    if (#last in socket) (socket as unknown as Visited).#last = last;
    else new Visited(socket, last);
  }
}

function sharedAttributes(
  { httpVersion: version }: IncomingMessage,
  socket: Socket,
  method: string,
  { host, 'user-agent': userAgent }: ReadHeaders,
): SharedAttributes {
  const last = Visited.last(socket);
  if (
    last !== undefined &&
    last.method === method &&
    last.host === host &&
    last.userAgent === userAgent &&
    last.version === version
  ) {
    return last.shared;
  }
  const peer = last?.peer ?? peerName(socket);
  const shared = describeConnection(socket, host ?? '', peer);
  shared['http.request.method'] = method;
  shared['network.protocol.version'] = version;
  if (userAgent !== undefined) shared['user_agent.original'] = userAgent;
  Visited.note(socket, { method, host, userAgent, version, peer, shared });
  return shared;
}

function describeConnection(socket: Socket, hostHeader: string, peer: PeerName): Attributes {
  const attributes: Attributes = {
    'url.scheme': (socket as { encrypted?: boolean }).encrypted ? 'https' : 'http',
  };
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(hostHeader) ?? [];
  if (host) attributes['server.address'] = host.replace(/^\[(.*)\]$/, '$1');
  const serverPort = port === undefined ? socket.localPort : Number(port);
  if (serverPort !== undefined) attributes['server.port'] = serverPort;
  if (peer.address !== undefined) attributes['network.peer.address'] = peer.address;
  if (peer.port !== undefined) attributes['network.peer.port'] = peer.port;
  return attributes;
}

/** One request, from its arrival until its handler has ended the response. */
class Visit implements Watcher, SpanSource {
  readonly span: RecordedSpan;
  readonly within: Context;
  readonly #framework: FrameworkMetadata = { type: 'http', route: undefined };
  readonly #spanName: string;
  readonly #startMs: number;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #departed: (visit: Visit) => void;
  leftMs: number | undefined = undefined;
  #statusCode = 0;
  #isStream = false;
  #isEnded = false;
  #lateSteps: Span[] | undefined = undefined;

  constructor(
    span: RecordedSpan,
    spanName: string,
    startMs: number,
    request: IncomingMessage,
    response: ServerResponse,
    departed: (visit: Visit) => void,
  ) {
    this.span = span;
    span.source = this;
    this.within = span.context.setValue(frameworkKey, this.#framework);
    this.#spanName = spanName;
    this.#startMs = startMs;
    this.#request = request;
    this.#response = response;
    this.#departed = departed;
  }

  emitted(event: string | symbol, emitter: object): void {
    if (this.#isEnded || emitter !== this.#response) return;
    if (event === 'prefinish') {
      this.#readResponse();
      this.end(performance.now());
    } else if (event === 'close') {
      this.leftMs = performance.now();
      this.#readResponse();
      this.#framework.endLate = (step) => {
        if (this.#isEnded) step.end(this.leftMs);
        else (this.#lateSteps ??= []).push(step);
      };
      this.#departed(this);
    }
  }

  #readResponse(): void {
    const response = this.#response;
    this.#statusCode = response.headersSent || this.leftMs === undefined ? response.statusCode : 0;
    // Headers given to writeHead stand nowhere but in the text that was sent. What has a length is no stream.
    const { _header: sent } = response as unknown as { _header: string | null };
    this.#isStream = response.chunkedEncoding && sent !== null && eventStream.test(sent);
    // Express, where it is not instrumented, leaves the route that matched on the request.
    const { route, baseUrl } = this.#request as { route?: { path?: unknown }; baseUrl?: unknown };
    if (typeof route?.path === 'string')
      this.#framework.route ??= (typeof baseUrl === 'string' ? baseUrl : '') + route.path;
  }

  describeOpen(nowMs: number): OpenState | undefined {
    if (this.leftMs === undefined) this.#readResponse();
    if (this.#isStream) return undefined;
    const { route } = this.#framework;
    const attributes: Attributes = {};
    if (route !== undefined) attributes['http.route'] = route;
    if (this.leftMs !== undefined) attributes['sockeye.client.left_ms'] = this.leftMs - this.#startMs;
    noteService(attributes, this.#startMs, nowMs, false);
    return { attributes, name: route === undefined ? undefined : `${this.#spanName} ${route}` };
  }

  end(endMs: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.leftMs !== undefined) left.delete(this);
    const { route } = this.#framework;
    const status = this.#statusCode;
    const attributes: Attributes = {};
    if (status !== 0) attributes['http.response.status_code'] = status;
    if (route !== undefined) attributes['http.route'] = route;
    if (this.#isStream) attributes['sockeye.stream'] = true;
    if (this.leftMs !== undefined) attributes['sockeye.client.left_ms'] = this.leftMs - this.#startMs;
    if (status >= 500) attributes['error.type'] = String(status);
    noteService(attributes, this.#startMs, endMs, status >= 500);
    this.span.end({
      endMs,
      attributes,
      name: route === undefined ? undefined : `${this.#spanName} ${route}`,
      errorMessage: status >= 500 ? '' : undefined,
    });
    for (const step of this.#lateSteps ?? []) step.end(endMs);
  }
}

const eventStream = /^content-type:\s*text\/event-stream/im;
