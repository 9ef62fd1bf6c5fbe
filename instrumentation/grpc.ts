/**
 * Client spans of `@grpc/grpc-js`, with the phases of the HTTP/2 stream that carries the call, and its deadline.
 *
 *     createCall   name resolved   connection   stream      headers        status
 *        | dns        | connect, tls            | send, wait | receive      |
 *
 * Every call, unary or streaming, is made by `Channel.createCall`. It may wait for a connection that an earlier call asked
 * for, and never get one: so a call is followed from there, not from its stream.
 */
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createRequire } from 'node:module';
import { sep } from 'node:path';
import type { Attributes, Context } from '@opentelemetry/api';
import { attemptAttributes } from './call-attributes.ts';
import { attachOpening, describeOpen, startCall, type Call } from './call.ts';
import { isOpen, type Connection } from './connections.ts';
import { activeContext, isSuppressed, runIn } from './context.ts';
import type { Timeout } from './failures.ts';
import { guard } from './guard.ts';
import { endGrpcCall } from './http2-ending.ts';
import { isEnabled } from './libraries/catalogue.ts';
import { watchModules } from './libraries/watch-modules.ts';
import type { OpenState, Recorder, SpanSource } from './recorder.ts';
import { CANCELLED, DEADLINE_EXCEEDED, describeRpc, progressIn } from './rpc.ts';
import { isDeadlineOf, runningTimer, type RunningTimer } from './running-timer.ts';

export interface GrpcCall extends Call {
  channel: object;
  /** Whether the name of the server had to be resolved. */
  needsLookup: boolean;
  budgetMs: number | undefined;
  /** The status that this program gave the call itself, with the timer in whose callback it did. */
  givenUp: { code: number; timer: RunningTimer | undefined } | undefined;
}

/** What is used of grpc-js. */
interface Metadata {
  clone(): Metadata;
  set(name: string, value: string): void;
}
interface Status {
  code: number;
  details: string;
}
interface Listener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: unknown): void;
  onReceiveStatus(status: Status): void;
}
interface ChannelCall {
  start(metadata: Metadata, listener: Listener): void;
  cancelWithStatus(code: number, details: string): void;
}
type CreateCall = (this: GrpcChannel, ...args: unknown[]) => ChannelCall;
interface GrpcChannel {
  getTarget(): string;
  getConnectivityState?(tryToConnect: boolean): number;
}
type MakeRequest = (this: unknown, ...args: unknown[]) => unknown;
interface GrpcModule {
  Channel?: { prototype: { createCall: CreateCall } };
  Client?: { prototype: Record<string, MakeRequest> };
  Server?: { prototype: { register: MakeRequest } };
}

const callKey = Symbol('sockeye grpc call');
/** Open calls by the value of the header that carries their context. */
const byHeader = new Map<string, GrpcCall>();
/** The connections that a channel has opened since one carried a stream, to one address after the other: the first, and the last. */
const openings = new WeakMap<object, Connection[]>();
/** One that finds nobody tries for ever. */
const openingsMax = 16;
/** The state of a channel that looks its name up again for the next call. */
const IDLE = 0;
/** Paths of the methods that a server of this process serves as streams. */
const streamedPaths = new Set<string>();
/** Whether the request that is being made is a stream. */
let isStreaming = false;

const mainFile = ['', '@grpc', 'grpc-js', 'build', 'src', 'index.js'].join(sep);

export function watchGrpc(recorder: Recorder, environment: Record<string, string | undefined>): void {
  if (!isEnabled(environment, 'grpc')) return;
  const watch = ({ Channel, Client, Server }: GrpcModule) => {
    if (Channel) watchCalls(Channel.prototype, recorder);
    if (Client) watchStreamingRequests(Client.prototype);
    if (Server) watchRegistrations(Server.prototype);
  };
  // The hook's own exporter may have loaded it for the program.
  for (const [file, module] of Object.entries(createRequire(import.meta.filename).cache)) {
    if (file.endsWith(mainFile) && module?.loaded) watch(module.exports as GrpcModule);
  }
  watchModules((module, file) => {
    if (file.endsWith(mainFile)) watch(module.exports as GrpcModule);
  });
}

/** The call that a stream carries: the one whose context is in its headers, else the one it is begun for. */
export function grpcCallOf(headers: Record<string, unknown>, active: Context): GrpcCall | undefined {
  return byHeader.get(String(headers['traceparent'])) ?? (active.getValue(callKey) as GrpcCall | undefined);
}

/** Whether a path is served as a stream, where the server is of grpc-js. */
export function isStreamedPath(path: string): boolean {
  return streamedPaths.has(path);
}

/** A connection starts to open: gives it to the call that asked for it, and to its channel. */
export function grpcOpening(connection: Connection): boolean {
  const call = connection.context.getValue(callKey) as GrpcCall | undefined;
  if (!call) return false;
  const tried = openings.get(call.channel) ?? [];
  // A peer that is connected and serves nothing is gone on from, too.
  const goesOn = !tried.some(({ calls }) => calls > 0);
  if (tried.length === openingsMax) tried.splice(1, 1);
  openings.set(call.channel, goesOn ? [...tried, connection] : [connection]);
  if (!call.ended && call.socketMs === undefined) attachOpening(call, connection);
  connection.claimed = true;
  return true;
}

/** The handshake of TLS begins on it: whoever waited for the plain connection waits for this one. */
export function grpcSecuring(plain: Connection, connection: Connection): void {
  const call = plain.context.getValue(callKey) as GrpcCall | undefined;
  const tried = (call && openings.get(call.channel)) ?? [];
  if (tried.at(-1) !== plain) return;
  tried.splice(-1, 1, connection);
  for (const user of plain.evidence.users) attachOpening(user as GrpcCall, connection);
}

function watchStreamingRequests(prototype: Record<string, MakeRequest>): void {
  for (const name of ['makeClientStreamRequest', 'makeServerStreamRequest', 'makeBidiStreamRequest']) {
    const original = prototype[name];
    if (typeof original !== 'function') continue;
    prototype[name] = function (this: unknown, ...args: unknown[]) {
      isStreaming = true;
      try {
        return Reflect.apply(original, this, args);
      } finally {
        isStreaming = false;
      }
    };
  }
}

function watchRegistrations(prototype: { register: MakeRequest }): void {
  const original = prototype.register;
  prototype.register = function register(this: unknown, ...args: unknown[]) {
    const [path, , , , type] = args;
    if (typeof path === 'string' && type !== 'unary') streamedPaths.add(path);
    return Reflect.apply(original, this, args);
  };
}

function watchCalls(prototype: { createCall: CreateCall }, recorder: Recorder): void {
  const original = prototype.createCall;
  const note = guard((call: ChannelCall, channel: GrpcChannel, path: unknown, deadline: unknown) => {
    if (typeof path === 'string' && !isSuppressed(activeContext())) {
      observe(recorder, call, channel, path, deadline);
    }
  });
  prototype.createCall = function createCall(...args) {
    const call = Reflect.apply(original, this, args);
    note(call, this, args[0], args[1]);
    return call;
  };
}

/** Replaces `start` and `cancelWithStatus` of one call. */
function observe(
  recorder: Recorder,
  channelCall: ChannelCall,
  channel: GrpcChannel,
  path: string,
  deadline: unknown,
): void {
  const { start, cancelWithStatus } = channelCall;
  const budgetMs = budgetOf(deadline);
  const isStream = isStreaming;
  let call: GrpcCall | undefined;
  const begin = guard(() => {
    call = beginCall(recorder, channel, path, budgetMs);
    if (isStream) call.attributes['sockeye.stream'] = true;
  });
  channelCall.start = function (metadata, listener) {
    begin();
    if (!call) return Reflect.apply(start, this, [metadata, listener]);
    const { carried, end } = carry(recorder, call, metadata, listener);
    return runIn(activeContext().setValue(callKey, call), () => Reflect.apply(start, this, [carried, end]));
  };
  channelCall.cancelWithStatus = function (code, details) {
    if (call && !call.ended) call.givenUp ??= { code, timer: runningTimer() };
    return Reflect.apply(cancelWithStatus, this, [code, details]);
  };
}

/** The deadline is a date or its milliseconds; none is infinity. */
function budgetOf(deadline: unknown): number | undefined {
  const atMs = deadline instanceof Date ? deadline.getTime() : Number(deadline);
  return Number.isFinite(atMs) ? Math.max(0, atMs - Date.now()) : undefined;
}

function beginCall(
  recorder: Recorder,
  channel: GrpcChannel,
  path: string,
  budgetMs: number | undefined,
): GrpcCall {
  if (channel.getConnectivityState?.(false) === IDLE) openings.delete(channel);
  const { name, attributes } = describeRpc(path);
  const { host, port } = hostOf(channel.getTarget());
  const server: Attributes = { 'server.address': host, 'network.protocol.version': '2' };
  if (port !== undefined) server['server.port'] = port;
  const started = startCall(recorder, { name, attributes: { ...attributes, ...server } });
  const own = { channel, needsLookup: isIP(host) === 0, budgetMs, givenUp: undefined };
  return Object.assign(started, own, { describeOpen: describeOpenCall });
}

function describeOpenCall(this: SpanSource, nowMs: number): OpenState | undefined {
  const call = this as GrpcCall;
  const { connection, socketMs } = call;
  const isWaiting = socketMs === undefined && connection !== undefined && !connection.socket.destroyed;
  if (!isWaiting || !isUnanswered(connection)) return describeOpen.call(call, nowMs);
  // What is told of it now is not to stay: its end tells how far it came.
  const state = describeOpen.call({ ...call, sentMs: readyMs(connection) }, nowMs);
  if (state) Object.assign(state.attributes, unanswered);
  return state;
}

/** The connection came about, and the peer has not said that it speaks HTTP/2, before which grpc-js sends no request. */
function isUnanswered(connection: Connection): boolean {
  return isOpen(connection) && connection.calls === 0 && connection.socket.bytesRead === 0;
}

const unanswered: Attributes = { 'sockeye.http2.answered': false };

/** When all was sent that may be before: what is waited for from then on is the peer's first byte. */
function readyMs({ securedMs, connectedMs }: Connection): number | undefined {
  return securedMs ?? connectedMs;
}

/** Of a target such as `dns:host:50051`, `ipv4:10.0.0.1:443`, `dns://resolver/host:443` or `unix:/path`. */
export function hostOf(target: string): { host: string; port: number | undefined } {
  const rest = target
    .replace(/^(dns|ipv4|ipv6|unix|xds|passthrough|vsock):/i, '')
    .replace(/^\/\/[^/]*\//, '');
  const first = rest.split(',', 1)[0]!;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(first) ?? [];
  const host = bracketed ?? plain;
  return host
    ? { host, port: port === undefined ? undefined : Number(port) }
    : { host: first, port: undefined };
}

/** The metadata with the call's context, and a listener that ends the call with its status. */
function carry(
  recorder: Recorder,
  call: GrpcCall,
  metadata: Metadata,
  listener: Listener,
): { carried: Metadata; end: Listener } {
  const carried = metadata.clone();
  let traceparent: string | undefined;
  recorder.inject(call.span, (name, value) => {
    carried.set(name, value);
    if (name === 'traceparent') traceparent = value;
  });
  if (traceparent !== undefined) byHeader.set(traceparent, call);
  const ended = guard((status: Status) => {
    if (traceparent !== undefined) byHeader.delete(traceparent);
    statusReceived(call, status);
  });
  const end: Listener = {
    onReceiveMetadata: (received) => listener.onReceiveMetadata(received),
    onReceiveMessage: (message) => listener.onReceiveMessage(message),
    onReceiveStatus: (status) => {
      ended(status);
      listener.onReceiveStatus(status);
    },
  };
  return { carried, end };
}

function statusReceived(call: GrpcCall, { code, details }: Status): void {
  noteWay(call, details);
  endGrpcCall(call, { code, details, timeout: timeoutOf(call, code) });
}

/** How the call came to its stream, or how far: a call that asked for no connection waited for the one its channel opened. */
function noteWay(call: GrpcCall, details: string): void {
  const tried = openings.get(call.channel) ?? [];
  const opening = tried.at(-1);
  const silent = call.socketMs === undefined ? silentIn(tried, call.startMs) : undefined;
  if (silent) {
    attachOpening(call, silent);
    call.sentMs = readyMs(silent);
    Object.assign(call.attributes, unanswered);
  } else if (!call.connection && opening && !isOpen(opening)) attachOpening(call, opening);
  const { connection, needsLookup, startMs } = call;
  if (connection && call.opensConnection) {
    const during = tried
      .flatMap(({ attempts }) => attempts)
      .filter(({ endedMs = Infinity }) => endedMs >= startMs);
    Object.assign(call.attributes, attemptAttributes(during));
    const resolvedMs = Math.max(
      startMs,
      Math.min(connection.startedMs, ...tried.map(({ startedMs }) => startedMs)),
    );
    call.before = [
      ...(needsLookup && resolvedMs > startMs ? [{ phase: 'dns', atMs: startMs } as const] : []),
      { phase: 'connect', atMs: resolvedMs },
    ];
  } else if (!connection) {
    const { phase, resolvedAfterMs } = progressIn(details);
    call.before = [
      { phase: needsLookup && (resolvedAfterMs || phase === 'dns') ? 'dns' : 'connect', atMs: startMs },
    ];
    if (resolvedAfterMs !== undefined)
      call.before.push({ phase: 'connect', atMs: startMs + resolvedAfterMs });
  }
}

/** The connection to a silent peer that the call waits for, or one that is gone and took most of its time. */
function silentIn(tried: readonly Connection[], startMs: number): Connection | undefined {
  const nowMs = performance.now();
  return tried.find((connection, index) => {
    if (!isUnanswered(connection) || !connection.socket.destroyed) return isUnanswered(connection);
    const untilMs = tried[index + 1]?.startedMs ?? nowMs;
    return untilMs - Math.max(startMs, readyMs(connection)!) > (nowMs - startMs) / 2;
  });
}

/** A server that keeps to the same deadline may be the first to say that it has passed. */
const deadlineSlackMs = 20;

function timeoutOf(call: GrpcCall, code: number): Timeout | undefined {
  const { givenUp, budgetMs, startMs } = call;
  if (code === DEADLINE_EXCEEDED) {
    const leftMs = (budgetMs ?? Infinity) - (performance.now() - startMs);
    if (givenUp?.code !== code && leftMs > deadlineSlackMs) return undefined;
    return { timer: 'grpc_deadline', budgetMs };
  }
  if (code !== CANCELLED || givenUp?.code !== code) return undefined;
  const { timer } = givenUp;
  const isDeadline = timer !== undefined && isDeadlineOf(timer, call);
  return isDeadline ? { timer: 'app', budgetMs: timer.delayMs } : { timer: 'abort', budgetMs: undefined };
}
