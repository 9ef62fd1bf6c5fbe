/**
 * Client spans of `fetch` and of undici, bundled with Node or installed from npm, from undici's diagnostics channels.
 *
 * undici opens connections in the background: a connection that starts is given to the request that asked for it, found
 * by the `fetch` it runs in, else by its origin. An aborted fetch is told by the promise it returned, because while a
 * connection is still opening no channel tells it.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { context, createContextKey, propagation, type Attributes } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { attachOpening, attachSocket, endCall, startCall, type Call, type CallEnd } from './call.ts';
import { connectionOf, type Connection } from './connections.ts';
import { guard } from './guard.ts';
import { recordedMethod } from './http-names.ts';
import type { Recorder } from './recorder.ts';
import { fullUrl, splitTarget } from './redact.ts';

/** What the channels publish of a request. */
interface UndiciRequest {
  origin: string | URL;
  path: string;
  method: string;
  headers: unknown;
  upgrade?: unknown;
  headersTimeout?: number | null;
  bodyTimeout?: number | null;
  addHeader(name: string, value: string): void;
}

interface UndiciCall extends Call {
  host: string;
  port: number;
  request: UndiciRequest;
}

const calls = new WeakMap<UndiciRequest, UndiciCall>();
/** Calls that have no socket yet, oldest first. */
const waiting = new Set<UndiciCall>();
/** In the context of a `fetch`: the requests it made, several when it was redirected. */
const fetchKey = createContextKey('sockeye fetch');

export function watchUndici(recorder: Recorder): void {
  const on = <Message>(channel: string, observe: (message: Message) => void) =>
    subscribe(
      channel,
      guard((message) => observe(message as Message)),
    );

  on<{ request: UndiciRequest }>('undici:request:create', ({ request }) => requestCreated(recorder, request));
  on<{ request: UndiciRequest; socket: Socket }>('undici:client:sendHeaders', ({ request, socket }) => {
    const call = calls.get(request);
    if (call) headersSent(call, socket);
  });
  on<{ request: UndiciRequest }>('undici:request:bodySent', ({ request }) => {
    const call = calls.get(request);
    if (call) call.sentMs = performance.now();
  });
  on<{ request: UndiciRequest; response: { statusCode: number; headers: Buffer[] } }>(
    'undici:request:headers',
    ({ request, response }) => {
      const call = calls.get(request);
      if (!call) return;
      call.headersMs = performance.now();
      call.statusCode = response.statusCode;
      if (isEventStream(response.headers)) call.attributes['sockeye.stream'] = true;
    },
  );
  on<{ request: UndiciRequest }>('undici:request:trailers', ({ request }) => {
    const call = calls.get(request);
    if (call) finish(call);
  });
  on<{ request: UndiciRequest; error: unknown }>('undici:request:error', ({ request, error }) => {
    const call = calls.get(request);
    if (call) finish(call, error);
  });
  watchFetch();
}

/** Replaces the global `fetch` with one that knows which requests are its own, and when it was given up. */
function watchFetch(): void {
  const original = globalThis.fetch;
  if (typeof original !== 'function') return;
  const observed = function fetch(this: unknown): Promise<Response> {
    const own: UndiciCall[] = [];
    const promise = context.with(
      context.active().setValue(fetchKey, own),
      () => Reflect.apply(original, this, arguments) as Promise<Response>,
    );
    // The program gets the derived promise: whether it handles a rejection is its own affair still.
    return promise.then(undefined, (error: unknown) => {
      for (const call of own) finish(call, rootOf(error));
      throw error;
    });
  };
  Object.defineProperty(observed, 'length', { value: original.length, configurable: true });
  Object.defineProperty(globalThis, 'fetch', {
    ...Object.getOwnPropertyDescriptor(globalThis, 'fetch'),
    value: observed,
  });
}

/** `TypeError: fetch failed` says nothing; its cause does. */
function rootOf(error: unknown): unknown {
  return error instanceof TypeError && error.cause !== undefined ? error.cause : error;
}

function requestCreated(recorder: Recorder, request: UndiciRequest): void {
  if (isTracingSuppressed(context.active())) return;
  const origin = new URL(String(request.origin));
  const { method, original, spanName } = recordedMethod(request.method);
  const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80);
  const attributes: Attributes = {
    'http.request.method': method,
    'server.address': host,
    'server.port': port,
    'url.full': fullUrl(origin.origin, splitTarget(request.path)),
  };
  if (original !== undefined) attributes['http.request.method_original'] = original;
  if (request.upgrade || request.method === 'CONNECT') attributes['sockeye.stream'] = true;
  const call: UndiciCall = Object.assign(startCall(recorder, { name: spanName, attributes }), {
    host,
    port,
    request,
  });
  calls.set(request, call);
  waiting.add(call);
  (context.active().getValue(fetchKey) as UndiciCall[] | undefined)?.push(call);
  injectHeaders(request, call);
}

function injectHeaders(request: UndiciRequest, call: Call): void {
  const headers: Record<string, string> = {};
  propagation.inject(call.span.context, headers);
  for (const [name, value] of Object.entries(headers)) {
    // A header that the program passed on from elsewhere would stand beside ours, and the peer read neither.
    if (Array.isArray(request.headers)) {
      for (let index = request.headers.length - 2; index >= 0; index -= 2) {
        if (String(request.headers[index]).toLowerCase() === name) request.headers.splice(index, 2);
      }
    }
    request.addHeader(name, value);
  }
}

/** A connection starts to open: gives it to the undici request that waits for it, if one does. */
export function undiciOpening(connection: Connection): void {
  if (waiting.size === 0) return;
  const own = connection.context.getValue(fetchKey) as UndiciCall[] | undefined;
  const unserved = (call: UndiciCall) => !call.ended && call.connection === undefined;
  const call =
    own?.find(unserved) ??
    [...waiting].find(
      (each) => unserved(each) && each.host === connection.host && each.port === connection.port,
    );
  if (call) attachOpening(call, connection);
}

function headersSent(call: UndiciCall, socket: Socket): void {
  waiting.delete(call);
  const connection = connectionOf(socket);
  attachSocket(call, connection);
  call.attributes['network.protocol.version'] =
    (socket as { alpnProtocol?: unknown }).alpnProtocol === 'h2' ? '2' : '1.1';
  // After an upgrade the request is never completed: the call lasts as long as its socket.
  if (call.request.upgrade) socket.once('close', () => finish(call));
}

function finish(call: UndiciCall, error?: unknown): void {
  waiting.delete(call);
  const end: CallEnd = error === undefined ? {} : { error, endedHere: endedHere(call, error) };
  endCall(call, end);
}

function endedHere({ connection }: UndiciCall, error: unknown): boolean {
  const { errno, code } = Object(error) as { errno?: unknown; code?: unknown };
  return typeof errno !== 'number' && code !== 'UND_ERR_SOCKET' && !connection?.socket.readableEnded;
}

/** Whether the raw headers, name and value in turn, announce an event stream. */
function isEventStream(headers: Buffer[]): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (String(headers[index]).toLowerCase() === 'content-type')
      return String(headers[index + 1]).startsWith('text/event-stream');
  }
  return false;
}
