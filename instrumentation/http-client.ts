/** Client spans of `node:http` and `node:https`, from their diagnostics channels and a few listeners that change nothing. */
import { subscribe } from 'node:diagnostics_channel';
import { ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Attributes } from '@opentelemetry/api';
import { attachSocket, endCall, startCall, type Call, type CallEnd } from './call.ts';
import { connectionOf } from './connections.ts';
import { activeContext, isSuppressed } from './context.ts';
import { guard } from './guard.ts';
import { recordedMethod } from './http-names.ts';
import { makeRoom } from './listening.ts';
import type { Recorder } from './recorder.ts';
import { fullUrl, splitTarget } from './redact.ts';
import { runningTimer, type RunningTimer } from './running-timer.ts';

interface HttpCall extends Call {
  /** Set when the program destroyed the request, with the timer that made it do so. */
  destroyed: { timer: RunningTimer | undefined } | undefined;
}

const calls = new WeakMap<ClientRequest, HttpCall>();

/** Starts a client span for every request that `http` or `https` sends. */
export function watchHttpClient(recorder: Recorder): void {
  watchDestroy();
  subscribe(
    'http.client.request.created',
    guard((message) => requestCreated(recorder, (message as { request: ClientRequest }).request)),
  );
  subscribe(
    'http.client.request.error',
    guard((message) => {
      const { request, error } = message as { request: ClientRequest; error: unknown };
      const call = calls.get(request);
      // A socket that the program or its agent destroyed marks the request before the error comes.
      if (call) endCall(call, { error, ...ending(request, call, request.destroyed) });
    }),
  );
  subscribe(
    'http.client.response.finish',
    guard((message) => {
      const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
      const call = calls.get(request);
      if (call) responseStarted(request, response, call);
    }),
  );
}

/**
 * Replaces `destroy` of client requests with one that notes which timer called it. A request that still waits for a socket
 * ends here: Node tells of it only when the socket comes.
 */
function watchDestroy(): void {
  const { prototype } = ClientRequest;
  const original = prototype.destroy;
  const note = guard((request: ClientRequest, error: unknown) => {
    const call = calls.get(request);
    if (!call || call.ended || request.destroyed) return;
    call.destroyed = { timer: runningTimer() };
    if (request.socket) return;
    endCall(call, { error: error ?? aborted(), ...ending(request, call, true) });
  });
  prototype.destroy = function destroy(this: ClientRequest, error?: Error): ClientRequest {
    note(this, error);
    return Reflect.apply(original, this, arguments) as ClientRequest;
  };
}

const aborted = () => new DOMException('The request was aborted', 'AbortError');

function requestCreated(recorder: Recorder, request: ClientRequest): void {
  if (isSuppressed(activeContext())) return;
  const { name, attributes } = describeRequest(request);
  const call: HttpCall = Object.assign(startCall(recorder, { name, attributes }), { destroyed: undefined });
  calls.set(request, call);
  injectHeaders(recorder, request, call);
  makeRoom(request);
  request.once(
    'socket',
    guard((socket: Socket) => socketAssigned(request, socket, call)),
  );
  request.once('finish', () => {
    // Node 22 also says so of a request whose socket was destroyed before anything was sent.
    if (!request.destroyed) call.sentMs = performance.now();
  });
  request.once(
    'close',
    guard(() => requestClosed(request, call)),
  );
}

function describeRequest(request: ClientRequest): { name: string; attributes: Attributes } {
  const { method, original, spanName } = recordedMethod(request.method);
  const attributes: Attributes = { 'http.request.method': method };
  if (original !== undefined) attributes['http.request.method_original'] = original;
  if (request.method === 'CONNECT') attributes['sockeye.stream'] = true;
  return { name: spanName, attributes: Object.assign(attributes, describeTarget(request, portOf(request))) };
}

function describeTarget(request: ClientRequest, port: number): Attributes {
  const { protocol, host, path, method } = request;
  const { socketPath } = request as { socketPath?: string };
  const isDefaultPort = socketPath !== undefined || port === (protocol === 'https:' ? 443 : 80);
  const origin = `${protocol}//${host.includes(':') ? `[${host}]` : host}${isDefaultPort ? '' : `:${port}`}`;
  const target = splitTarget(path);
  // Through a proxy the path is a URL already; that of CONNECT is the host and port to reach.
  const isWhole = method === 'CONNECT' || /^https?:\/\//i.test(path);
  return {
    'url.full': fullUrl(isWhole ? '' : origin, target),
    'server.address': socketPath ?? host,
    ...(socketPath === undefined ? { 'server.port': port } : {}),
  };
}

/** The request keeps its host but not its port: the Host header has it, unless the program wrote another host there. */
function portOf(request: ClientRequest): number {
  const header = request.getHeader('host');
  const [, host, port] = (typeof header === 'string' && /^(.*?)(?::(\d+))?$/.exec(header)) || [];
  const bare = host?.replace(/^\[(.*)\]$/, '$1');
  if (bare === request.host && port !== undefined) return Number(port);
  return request.protocol === 'https:' ? 443 : 80;
}

function injectHeaders(recorder: Recorder, request: ClientRequest, call: HttpCall): void {
  const stored = request as unknown as { _header: string | null; _headerSent: boolean };
  recorder.inject(call.span, (name, value) => {
    if (!stored._header) request.setHeader(name, value);
    // Headers given as an array, or with Expect, are a finished text already, not yet sent.
    else if (!stored._headerSent) stored._header = `${stored._header.slice(0, -2)}${name}: ${value}\r\n\r\n`;
  });
}

function socketAssigned(request: ClientRequest, socket: Socket, call: Call): void {
  const connection = connectionOf(socket);
  attachSocket(call, connection);
  // The port the socket goes to is the truth, unless the socket goes to a proxy.
  if (connection.host === request.host && connection.port) {
    Object.assign(call.attributes, describeTarget(request, connection.port));
  }
}

function responseStarted(request: ClientRequest, response: IncomingMessage, call: HttpCall): void {
  call.headersMs = performance.now();
  call.statusCode = response.statusCode;
  call.isComplete = () => response.complete;
  call.attributes['network.protocol.version'] = response.httpVersion;
  if (response.headers['content-type']?.startsWith('text/event-stream'))
    call.attributes['sockeye.stream'] = true;
  makeRoom(response);
  response.once('end', () => endCall(call));
  response.once(
    'close',
    guard(() => {
      if (call.ended) return;
      const error = response.complete
        ? undefined
        : (request.socket?.errored ?? response.errored ?? undefined);
      // A response that the program threw away unread is no failure of the call.
      endCall(call, error === undefined ? {} : { error, ...ending(request, call, !isFromPeer(call, error)) });
    }),
  );
}

/** The last chance to end a call: aborted before there was a socket, taken over by another protocol, or never read. */
function requestClosed(request: ClientRequest, call: HttpCall): void {
  if (call.ended) return;
  const { res } = request as unknown as { res: (IncomingMessage & { upgrade: boolean | null }) | null };
  if (res?.upgrade) {
    call.headersMs = performance.now();
    call.statusCode = res.statusCode;
    call.attributes['sockeye.stream'] = true;
    endCall(call);
  } else if (res?.complete) {
    // Nobody read the body, so nothing tells when its last byte came: the call was over with the headers.
    endCall(call, { endMs: call.headersMs });
  } else if (!res) {
    endCall(call, { error: aborted(), ...ending(request, call, true) });
  }
}

/** What is known of the end of a call that failed. `looksLocal` is what remains to go by when no request was destroyed. */
function ending(request: ClientRequest, call: HttpCall, looksLocal: boolean): CallEnd {
  const { timeoutCb } = request as unknown as { timeoutCb: unknown };
  return {
    endedHere: call.destroyed !== undefined || looksLocal,
    ownTimer: call.destroyed?.timer,
    idleTimerName: timeoutCb ? 'http_timeout' : 'socket_timeout',
  };
}

/** An answer cut short by a reset, or by the peer's closing. */
function isFromPeer({ connection }: Call, error: unknown): boolean {
  return (
    typeof (error as { errno?: unknown }).errno === 'number' || connection?.socket.readableEnded === true
  );
}
