/**
 * Server spans of requests for another protocol: upgrades, as to WebSocket, and CONNECT. No channel tells of them.
 *
 * Such a request has no response object: its handler writes to the socket. The span ends with the first bytes written,
 * which hold the status, or when the socket closes; what comes after is a stream that may live for days.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Attributes, Context } from '@opentelemetry/api';
import { whenLoaded } from './builtins.ts';
import { runIn } from './context.ts';
import { guard } from './guard.ts';
import { describeVisit } from './http-server.ts';
import { tapEvents } from './listening.ts';
import { putOver, takeOff } from './put-over.ts';
import type { RecordedSpan, Recorder } from './recorder.ts';

type Emit = (this: unknown, ...args: unknown[]) => boolean;
type WriteGeneric = (this: Socket, ...args: unknown[]) => unknown;

export function watchUpgrades(recorder: Recorder): void {
  for (const name of ['http', 'https'] as const) {
    whenLoaded(name, () =>
      replaceEmit(process.getBuiltinModule(name).Server.prototype as { emit: Emit }, recorder),
    );
  }
}

/** Replaces `emit` of HTTP servers with one that knows two events and passes the others on. */
function replaceEmit(prototype: { emit: Emit }, recorder: Recorder): void {
  const below = putOver(prototype, 'emit', function emit(event: unknown): boolean {
    if (event === 'upgrade' || event === 'connect') {
      const within = begin(recorder, arguments[1], arguments[2]);
      if (within) return runIn(within, () => Reflect.apply(below.emit, this, arguments));
    }
    return Reflect.apply(below.emit, this, arguments);
  });
}

function begin(recorder: Recorder, request: unknown, socket: unknown): Context | undefined {
  let within: Context | undefined;
  guard(() => {
    within = upgradeAsked(recorder, request as IncomingMessage, socket as Socket).context;
  })();
  return within;
}

function upgradeAsked(recorder: Recorder, request: IncomingMessage, socket: Socket): RecordedSpan {
  const start = describeVisit(recorder, request, socket, performance.now());
  start.attributes['sockeye.stream'] = true;
  const span = recorder.startSpan(start);
  let ended = false;
  const stop = tapEvents(socket, (event) => {
    if (event === 'close') end(undefined);
  });
  const end = guard((statusCode: number | undefined) => {
    if (ended) return;
    ended = true;
    stop();
    const isFault = statusCode !== undefined && statusCode >= 500;
    const answered: Attributes = statusCode === undefined ? {} : { 'http.response.status_code': statusCode };
    if (isFault) answered['error.type'] = String(statusCode);
    span.end({ endMs: performance.now(), attributes: answered, ...(isFault ? { errorMessage: '' } : {}) });
  });
  onFirstWrite(socket, (data) => end(statusIn(data)));
  return span;
}

/** Everything that is written to a socket goes through `_writeGeneric`, which this socket gets one of its own of, for once. */
function onFirstWrite(socket: Socket, observe: (data: unknown) => void): void {
  const writer = socket as unknown as { _writeGeneric: WriteGeneric };
  if (typeof writer._writeGeneric !== 'function') return;
  const below = putOver(writer, '_writeGeneric', function (...args): unknown {
    takeOff(writer, '_writeGeneric', below);
    observe(args[1]);
    return Reflect.apply(below._writeGeneric, this, args);
  });
}

/** The status in the first line of an answer: a text, bytes, or a list of chunks. */
function statusIn(data: unknown): number | undefined {
  const first: unknown = Array.isArray(data) ? Object(data[0]).chunk : data;
  const start = Buffer.isBuffer(first) ? first.toString('latin1', 0, 16) : String(first).slice(0, 16);
  const status = /^HTTP\/\d\.\d (\d{3})/.exec(start)?.[1];
  return status === undefined ? undefined : Number(status);
}
