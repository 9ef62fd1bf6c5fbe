/**
 * Client spans of `fetch` and of undici, bundled with Node or installed from npm, from undici's diagnostics channels.
 *
 * undici opens connections in the background: a connection that starts is given to the request that asked for it, found
 * by the `fetch` it runs in, else by its origin.
 */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Attributes } from '@opentelemetry/api';
import { attachOpening, attachSocket, endCall, startCall, type Call, type CallEnd } from './call.ts';
import { onChannel } from './channels.ts';
import { connectionOf, type Connection } from './connections.ts';
import { activeContext, isSuppressed } from './context.ts';
import { fetchIn, watchFetch } from './fetch.ts';
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
}

const calls = new WeakMap<UndiciRequest, UndiciCall>();
/** Calls that have no socket yet, oldest first. */
const waiting = new Set<UndiciCall>();

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
      const call = calls.get(request);
      if (call) headersSent(request, call, socket);
    },
  );
  onChannel<{ request: UndiciRequest }>('undici:request:bodySent', ({ request }) => {
    const call = calls.get(request);
    if (call) call.sentMs = performance.now();
  });
  onChannel<{ request: UndiciRequest; response: { statusCode: number; headers: Buffer[] } }>(
    'undici:request:headers',
    ({ request, response }) => {
      const call = calls.get(request);
      if (!call) return;
      call.headersMs = performance.now();
      call.statusCode = response.statusCode;
      if (isEventStream(response.headers)) call.attributes['sockeye.stream'] = true;
    },
  );
  onChannel<{ request: UndiciRequest }>('undici:request:trailers', ({ request }) => {
    const call = calls.get(request);
    if (call) finish(call);
  });
  onChannel<{ request: UndiciRequest; error: unknown }>('undici:request:error', ({ request, error }) => {
    const call = calls.get(request);
    if (!call) return;
    if (isForgotten(error)) endCall(call, { endMs: call.headersMs });
    else finish(call, error, budgetsOf(request));
  });
  onChannel<{ socket: Socket }>('undici:client:connected', ({ socket }) => sockets.add(socket));
  watchFetch({
    rejected: (call, error) => finish(call, error),
    rejectedInQueue: (open, url, method, error) => {
      const { name, attributes } = describe(method, url, url.pathname + url.search);
      const call = startCall(recorder, { name, attributes, startMs: open.startMs, queued: true });
      finish(call, error);
    },
  });
}

function requestCreated(recorder: Recorder, request: UndiciRequest): void {
  const active = activeContext();
  if (isSuppressed(active)) return;
  const origin = new URL(String(request.origin));
  const { name, attributes } = describe(request.method, origin, request.path);
  if (request.upgrade || request.method === 'CONNECT') attributes['sockeye.stream'] = true;
  const open = fetchIn(active);
  const isQueued = open?.queued === true && open.calls.length === 0;
  const waited = isQueued ? { startMs: open.startMs, queued: true } : {};
  const call: UndiciCall = Object.assign(startCall(recorder, { name, attributes, ...waited }), {
    host: String(attributes['server.address']),
    port: Number(attributes['server.port']),
  });
  calls.set(request, call);
  waiting.add(call);
  open?.calls.push(call);
  injectHeaders(recorder, request, call);
}

function describe(asked: string, origin: URL, target: string): { name: string; attributes: Attributes } {
  const { method, original, spanName } = recordedMethod(asked);
  const attributes: Attributes = {
    'http.request.method': method,
    'server.address': origin.hostname.replace(/^\[(.*)\]$/, '$1'),
    'server.port': Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80),
    'url.full': fullUrl(origin.origin, splitTarget(target)),
  };
  if (original !== undefined) attributes['http.request.method_original'] = original;
  return { name: spanName, attributes };
}

function injectHeaders(recorder: Recorder, request: UndiciRequest, call: Call): void {
  recorder.inject(call.span, (name, value) => {
    // A header that the program passed on from elsewhere would stand beside ours, and the peer read neither.
    if (Array.isArray(request.headers)) {
      for (let index = request.headers.length - 2; index >= 0; index -= 2) {
        if (String(request.headers[index]).toLowerCase() === name) request.headers.splice(index, 2);
      }
    }
    request.addHeader(name, value);
  });
}

/** A connection starts to open: gives it to the undici request that waits for it; false if none does. */
export function undiciOpening(connection: Connection): boolean {
  const call = fetchIn(connection.context)?.calls.find(isUnserved) ?? longestWaiting(connection);
  if (call) attachOpening(call, connection);
  return call !== undefined;
}

function longestWaiting({ host, port }: Connection): UndiciCall | undefined {
  for (const call of waiting) {
    if (isUnserved(call) && call.host === host && call.port === port) return call;
  }
  return undefined;
}

function isUnserved({ ended, connection }: Call): boolean {
  return !ended && connection === undefined;
}

function headersSent(request: UndiciRequest, call: UndiciCall, socket: Socket): void {
  waiting.delete(call);
  attachSocket(call, connectionOf(socket));
  const isHttp2 = (socket as { alpnProtocol?: unknown }).alpnProtocol === 'h2';
  call.attributes['network.protocol.version'] = isHttp2 ? '2' : '1.1';
  // After an upgrade the request is never completed: the call lasts as long as its socket.
  if (request.upgrade) socket.once('close', () => finish(call));
}

/** undici names whoever ended a request in the error: nothing else need be known. */
function finish(call: Call, error?: unknown, undiciBudgetsMs: CallEnd['undiciBudgetsMs'] = {}): void {
  waiting.delete(call as UndiciCall);
  endCall(call, { error, undiciBudgetsMs });
}

/** The timers that the caller set for this request; those of the whole client are not to be seen from here. */
function budgetsOf({ headersTimeout, bodyTimeout }: UndiciRequest): CallEnd['undiciBudgetsMs'] {
  return {
    ...(headersTimeout ? { undici_headers: headersTimeout } : {}),
    ...(bodyTimeout ? { undici_body: bodyTimeout } : {}),
  };
}

/** The program never read the body and dropped the response: the call was over with its headers, and did not fail. */
function isForgotten(error: unknown): boolean {
  return error === 'Response object has been garbage collected';
}

/** Whether the raw headers, name and value in turn, announce an event stream. */
function isEventStream(headers: Buffer[]): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (String(headers[index]).toLowerCase() === 'content-type')
      return String(headers[index + 1]).startsWith('text/event-stream');
  }
  return false;
}
