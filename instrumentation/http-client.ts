/** Client spans of `node:http` and `node:https`, from their diagnostics channels and a few listeners that change nothing. */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { context, propagation, type Attributes } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { attachSocket, endCall, startCall, type Call, type CallEnd } from './call.ts';
import { connectionOf } from './connections.ts';
import { guard } from './guard.ts';
import { recordedMethod } from './http-names.ts';
import type { Recorder } from './recorder.ts';
import { fullUrl, splitTarget } from './redact.ts';

const calls = new WeakMap<ClientRequest, Call>();

/** Starts a client span for every request that `http` or `https` sends. */
export function watchHttpClient(recorder: Recorder): void {
  subscribe(
    'http.client.request.created',
    guard((message) => requestCreated(recorder, (message as { request: ClientRequest }).request)),
  );
  subscribe(
    'http.client.request.error',
    guard((message) => {
      const { request, error } = message as { request: ClientRequest; error: unknown };
      const call = calls.get(request);
      if (call) endCall(call, { error, ...ending(request, call, error) });
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

function requestCreated(recorder: Recorder, request: ClientRequest): void {
  if (isTracingSuppressed(context.active())) return;
  const { name, attributes } = describeRequest(request);
  const call = startCall(recorder, { name, attributes });
  calls.set(request, call);
  injectHeaders(request, call);
  request.once(
    'socket',
    guard((socket: Socket) => socketAssigned(request, socket, call)),
  );
  request.once('finish', () => {
    call.sentMs = performance.now();
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

function injectHeaders(request: ClientRequest, call: Call): void {
  const headers: Record<string, string> = {};
  propagation.inject(call.span.context, headers);
  const stored = request as unknown as { _header: string | null; _headerSent: boolean };
  for (const [name, value] of Object.entries(headers)) {
    if (!stored._header) request.setHeader(name, value);
    // Headers given as an array, or with Expect, are a finished text already, not yet sent.
    else if (!stored._headerSent) stored._header = `${stored._header.slice(0, -2)}${name}: ${value}\r\n\r\n`;
  }
}

function socketAssigned(request: ClientRequest, socket: Socket, call: Call): void {
  const connection = connectionOf(socket);
  attachSocket(call, connection);
  // The port the socket goes to is the truth, unless the socket goes to a proxy.
  if (connection.host === request.host && connection.port) {
    Object.assign(call.attributes, describeTarget(request, connection.port));
  }
}

function responseStarted(request: ClientRequest, response: IncomingMessage, call: Call): void {
  call.headersMs = performance.now();
  call.statusCode = response.statusCode;
  call.attributes['network.protocol.version'] = response.httpVersion;
  if (response.headers['content-type']?.startsWith('text/event-stream'))
    call.attributes['sockeye.stream'] = true;
  response.once('end', () => endCall(call));
  response.once(
    'close',
    guard(() => {
      if (call.ended) return;
      const error = response.complete
        ? undefined
        : (request.socket?.errored ?? response.errored ?? undefined);
      // A response that the program threw away unread is no failure of the call.
      endCall(call, error === undefined ? {} : { error, ...ending(request, call, error) });
    }),
  );
}

/** The last chance to end a call: aborted before there was a socket, or taken over by another protocol. */
function requestClosed(request: ClientRequest, call: Call): void {
  if (call.ended) return;
  const { res } = request as unknown as { res: (IncomingMessage & { upgrade: boolean | null }) | null };
  if (res?.upgrade) {
    call.headersMs = performance.now();
    call.statusCode = res.statusCode;
    call.attributes['sockeye.stream'] = true;
    endCall(call);
  } else if (!res) {
    const error = new DOMException('The request was aborted', 'AbortError');
    endCall(call, { error, endedHere: true });
  }
}

/** Who ended a call that failed, and what its idle timer is called. */
function ending(request: ClientRequest, call: Call, error: unknown): CallEnd {
  const socket = call.connection?.socket;
  const fromSystem = typeof (error as { errno?: unknown } | null)?.errno === 'number';
  const { timeoutCb } = request as unknown as { timeoutCb: unknown };
  return {
    endedHere: !fromSystem && !socket?.readableEnded,
    idleTimerName: timeoutCb ? 'http_timeout' : 'socket_timeout',
  };
}
