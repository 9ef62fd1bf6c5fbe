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
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers';
import type { Attributes } from '@opentelemetry/api';
import { emitWithin, enterContext } from './context.ts';
import { guard } from './guard.ts';
import { recordedMethod } from './http-names.ts';
import { makeRoom } from './listening.ts';
import type { RecordedSpan, Recorder } from './recorder.ts';
import { splitTarget } from './redact.ts';

interface Visit {
  span: RecordedSpan;
  spanName: string;
  startMs: number;
  leftMs: number | undefined;
  statusCode: number;
  framework: FrameworkMetadata;
  stream: boolean;
  ended: boolean;
}

/** Where OpenTelemetry's instrumentations of web frameworks leave the route, and see that there is a server span already. */
interface FrameworkMetadata {
  type: 'http';
  route?: string | undefined;
}
const frameworkKey = Symbol.for('OpenTelemetry SDK Context Key RPC_METADATA');

/** How long the span of a hung handler may keep the rest of its trace waiting. */
const usualLeftLimitMs = 30_000;

/** Starts a server span for every request that an `http` or `https` server receives. */
export function watchHttpServer(recorder: Recorder, leftLimitMs = usualLeftLimitMs): void {
  const departed = watchDeparted(leftLimitMs);
  subscribe(
    'http.server.request.start',
    guard((message) => {
      const { request, response, socket } = message as {
        request: IncomingMessage;
        response: ServerResponse;
        socket: Socket;
      };
      requestStarted(recorder, departed, request, response, socket);
    }),
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
      endVisit(visit, visit.leftMs);
    }
  });
  return (visit) => {
    left.add(visit);
    if (!isWaiting) wait(leftLimitMs);
  };
}

/** Ends what will not be ended by its handler any more, because the program ends. */
export function endLeftVisits(): void {
  for (const visit of left) endVisit(visit, visit.leftMs);
}

function requestStarted(
  recorder: Recorder,
  departed: (visit: Visit) => void,
  request: IncomingMessage,
  response: ServerResponse,
  socket: Socket,
): void {
  const { method, original, spanName } = recordedMethod(request.method);
  const attributes = describeRequest(request, socket, method);
  if (original !== undefined) attributes['http.request.method_original'] = original;
  const startMs = performance.now();
  const parent = recorder.extract(request.headers);
  const span = recorder.startSpan({ name: spanName, kind: 'server', startMs, parent, attributes });
  const framework: FrameworkMetadata = { type: 'http' };
  const within = span.context.setValue(frameworkKey, framework);
  const visit: Visit = {
    span,
    spanName,
    startMs,
    leftMs: undefined,
    statusCode: 0,
    framework,
    stream: false,
    ended: false,
  };
  // Node isolates what is entered here to this request, pipelined ones too.
  enterContext(within);
  // The events of a body are emitted in the context of the connection: a handler may call out from `end`.
  emitWithin(within, request);
  emitWithin(within, response);
  makeRoom(response);
  response.once(
    'prefinish',
    guard(() => {
      readResponse(visit, request, response);
      endVisit(visit);
    }),
  );
  response.once(
    'close',
    guard(() => {
      if (visit.ended) return;
      visit.leftMs = performance.now();
      readResponse(visit, request, response);
      departed(visit);
    }),
  );
}

function describeRequest(request: IncomingMessage, socket: Socket, method: string): Attributes {
  const { path, query } = splitTarget(request.url ?? '/');
  const attributes: Attributes = {
    'http.request.method': method,
    'url.scheme': (socket as { encrypted?: boolean }).encrypted ? 'https' : 'http',
    'url.path': path,
    'network.protocol.version': request.httpVersion,
  };
  if (query !== undefined) attributes['url.query'] = query;
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(request.headers.host ?? '') ?? [];
  if (host) attributes['server.address'] = host.replace(/^\[(.*)\]$/, '$1');
  const serverPort = port === undefined ? socket.localPort : Number(port);
  if (serverPort !== undefined) attributes['server.port'] = serverPort;
  if (socket.remoteAddress !== undefined) attributes['network.peer.address'] = socket.remoteAddress;
  if (socket.remotePort !== undefined) attributes['network.peer.port'] = socket.remotePort;
  const userAgent = request.headers['user-agent'];
  if (userAgent !== undefined) attributes['user_agent.original'] = userAgent;
  return attributes;
}

function readResponse(visit: Visit, request: IncomingMessage, response: ServerResponse): void {
  visit.statusCode = response.headersSent || visit.leftMs === undefined ? response.statusCode : 0;
  // Headers given to writeHead stand nowhere but in the text that was sent.
  const { _header: sent } = response as unknown as { _header: string | null };
  visit.stream = /^content-type:\s*text\/event-stream/im.test(sent ?? '');
  // Express, where it is not instrumented, leaves the route that matched on the request.
  const { route, baseUrl } = request as { route?: { path?: unknown }; baseUrl?: unknown };
  if (typeof route?.path === 'string')
    visit.framework.route ??= (typeof baseUrl === 'string' ? baseUrl : '') + route.path;
}

function endVisit(visit: Visit, endMs: number = performance.now()): void {
  if (visit.ended) return;
  visit.ended = true;
  left.delete(visit);
  const { statusCode, framework, spanName, leftMs, startMs } = visit;
  const { route } = framework;
  const attributes: Attributes = {};
  if (statusCode !== 0) attributes['http.response.status_code'] = statusCode;
  if (route !== undefined) attributes['http.route'] = route;
  if (visit.stream) attributes['sockeye.stream'] = true;
  if (leftMs !== undefined) attributes['sockeye.client.left_ms'] = leftMs - startMs;
  if (statusCode >= 500) attributes['error.type'] = String(statusCode);
  visit.span.end({
    endMs,
    attributes,
    ...(route === undefined ? {} : { name: `${spanName} ${route}` }),
    ...(statusCode >= 500 ? { errorMessage: '' } : {}),
  });
}
