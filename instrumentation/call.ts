/** One outgoing call, from its start to its end: gathers what happens to it, and writes it into a client span. */
import { executionAsyncId } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import type { Attributes, Context } from '@opentelemetry/api';
import { timerOfReason } from './abort-reasons.ts';
import {
  attemptAttributes,
  failureAttributes,
  openingAttributes,
  peerAttributes,
  phaseAttributes,
} from './call-attributes.ts';
import { isOpen, type Connection } from './connections.ts';
import { activeContext } from './context.ts';
import { describeFailure, type Circumstances, type Failure, type Timeout, type Timer } from './failures.ts';
import { measurePhases, openingMarks, within, type Mark, type Phase } from './phases.ts';
import { evidenceAttributes, isSlow, noteReady, noteSocket, type ConnectionUser } from './kernel/evidence.ts';
import { loadedWithinMs } from './kernel/read-tcp-info.ts';
import type { OpenState, RecordedSpan, Recorder, SharedAttributes, SpanSource } from './recorder.ts';
import { isDeadlineOf, type Beginning, type RunningTimer } from './running-timer.ts';
import { noteActivity, strainAttributes } from './strain/monitor.ts';

/** A call that waited this long for a socket says for whom. */
const longWaitMs = 100;

export interface Call extends ConnectionUser, SpanSource, Beginning {
  span: RecordedSpan;
  ended: boolean;
  /** Whether the call had to wait for a socket that others held. */
  queued: boolean;
  /** Describes the pool that it waits in. */
  readPool: ((call: Call) => Attributes) | undefined;
  /** The phase of a call that has no connection. */
  unserved: 'queue' | 'connect';
  connection: Connection | undefined;
  /** Whether the connection was opened for this call, so that its opening is part of it. */
  opensConnection: boolean;
  /** Whether that connection is one to a proxy, through which the call's own is opened next. */
  isTunnelling: boolean;
  /** When the call got a socket that was open already. */
  socketMs: number | undefined;
  /** The use of that connection before, how old it is, and since when nobody used it. */
  reused: boolean | undefined;
  ageMs: number | undefined;
  idleMs: number | undefined;
  sentMs: number | undefined;
  headersMs: number | undefined;
  /** How the call came to its connection, where more is known of it than the connection tells. */
  before: Mark[] | undefined;
  /** What it has in common with others; and what becomes known on the way. */
  shared: SharedAttributes | undefined;
  attributes: Attributes;
  protocolVersion: string | undefined;
  statusCode: number | undefined;
  /** The message that answers it, where that knows whether it has come to its end. */
  answer: { complete: boolean } | undefined;
}

export interface CallStart {
  name: string;
  /** What the call has in common with others, and its own. */
  shared?: SharedAttributes;
  attributes: Attributes;
  /** Now, unless the call began to wait for a socket earlier. */
  startMs?: number | undefined;
  queued?: boolean;
  unserved?: 'queue' | 'connect';
  /** The context that the call is made in, when it is not the present one. */
  parent?: Context;
}

function isComplete(this: ConnectionUser & { answer?: Call['answer'] }): boolean {
  return this.answer?.complete === true;
}

/** What its span would say if it ended now, but for the error. A stream is waited for until it has begun. */
export function describeOpen(this: SpanSource, nowMs: number): OpenState | undefined {
  const call = this as Call;
  if (call.attributes['sockeye.stream'] === true && call.headersMs !== undefined) return undefined;
  const attributes = attributesOf(call, nowMs, undefined);
  if (isUnserved(call)) Object.assign(attributes, call.readPool?.(call));
  if (isSlow(call.startMs, nowMs)) noteCircumstances(attributes, call, nowMs);
  return { shared: sharedOf(call), attributes };
}

export function startCall(
  recorder: Recorder,
  {
    name,
    shared,
    attributes,
    startMs = performance.now(),
    queued = false,
    unserved = 'connect',
    parent = activeContext(),
  }: CallStart,
): Call {
  noteActivity(startMs);
  const call: Call = {
    span: recorder.startSpan({ name, kind: 'client', startMs, parent, shared, attributes }),
    describeOpen,
    startMs,
    startId: executionAsyncId(),
    hasSocket: false,
    isShared: false,
    isComplete,
    answer: undefined,
    ended: false,
    queued,
    readPool: undefined,
    unserved,
    connection: undefined,
    opensConnection: false,
    isTunnelling: false,
    socketMs: undefined,
    reused: undefined,
    ageMs: undefined,
    idleMs: undefined,
    sentMs: undefined,
    headersMs: undefined,
    before: undefined,
    shared,
    attributes: {},
    protocolVersion: undefined,
    statusCode: undefined,
  };
  call.span.source = call;
  return call;
}

/** A connection is being opened for the call. */
export function attachOpening(call: Call, connection: Connection): void {
  use(call, connection);
  call.opensConnection = true;
}

function use(call: Call, connection: Connection): void {
  connection.claimed = true;
  call.connection?.evidence.users.delete(call);
  call.connection = connection;
  if (!call.ended) connection.evidence.users.add(call);
}

/** The call got its socket: one opened for it, or one from a pool. */
export function attachSocket(call: Call, connection: Connection): void {
  const nowMs = performance.now();
  const openSinceMs = connection.securedMs ?? connection.connectedMs;
  const opened = connection.calls === 0 && (!isOpen(connection) || (openSinceMs ?? 0) >= call.startMs);
  if (opened) {
    attachOpening(call, connection);
  } else {
    use(call, connection);
    call.opensConnection = false;
    // Another call had it when this one began.
    if ((connection.lastUsedMs ?? 0) > call.startMs) call.queued = true;
  }
  noteWait(call);
  call.isTunnelling = false;
  noteSocket(connection.evidence, call);
  if (isOpen(connection)) {
    call.socketMs = nowMs;
    noteReady(connection.evidence, connection.socket);
  }
  if (call.reused === undefined) {
    call.reused = connection.calls > 0;
    if (!opened && openSinceMs !== undefined) call.ageMs = nowMs - openSinceMs;
    if (connection.lastUsedMs !== undefined) call.idleMs = nowMs - connection.lastUsedMs;
  }
  connection.calls += 1;
}

/** A call that waited in a pool gets what it waited for. */
export function noteWait(call: Call): void {
  if (call.queued && performance.now() - call.startMs >= longWaitMs) notePool(call);
}

function notePool(call: Call): void {
  if (call.readPool) Object.assign(call.attributes, call.readPool(call));
}

export interface CallEnd {
  /** Now, unless it is known to have ended earlier. */
  endMs?: number | undefined;
  /** What ended the call, when it was not the last byte of the response. */
  error?: unknown;
  /** Instead of the error: the failure itself, where the protocol says how the call ended. */
  failure?: Failure;
  /** Whether the program ended it, rather than the peer or the kernel. */
  endedHere?: boolean;
  /** Whether its agent said that there is no connection for it. */
  neverConnected?: boolean;
  undiciBudgetsMs?: Circumstances['undiciBudgetsMs'];
  /** The signal by which the program could give it up, where that is known. */
  signal?: AbortSignal | undefined;
  /** The signal whose abort made the program end it. */
  abortedBy?: AbortSignal | undefined;
  /** The program's own timer that ended it. */
  ownTimer?: RunningTimer | undefined;
  /** Which timer a socket's idle time-out stands for. */
  idleTimerName?: Timer;
  /** The idle timer that ran out with nothing moving since, when it was not the socket's. */
  idleTimer?: Timeout | undefined;
}

/** Ends the call's span. Only the first end counts. */
export function endCall(call: Call, end: CallEnd = unremarkable): void {
  if (call.ended) return;
  call.ended = true;
  const { connection, startMs, statusCode } = call;
  const nowMs = performance.now();
  const endMs = end.endMs ?? nowMs - loadedWithinMs(startMs, nowMs);
  if (connection) {
    connection.lastUsedMs = endMs;
    connection.evidence.users.delete(call);
  }
  const failure =
    end.failure ??
    (end.error === undefined ? undefined : describeFailure(end.error, circumstancesOf(call, end)));
  if (isUnserved(call)) notePool(call);
  const isError = failure !== undefined || (statusCode !== undefined && statusCode >= 400);
  const attributes = attributesOf(call, endMs, failure);
  if (isError) attributes['error.type'] = failure?.type ?? String(statusCode);
  if (failure || isSlow(startMs, endMs)) noteCircumstances(attributes, call, endMs);
  call.span.end({
    endMs,
    shared: sharedOf(call),
    attributes,
    errorMessage: isError ? (failure?.message ?? '') : undefined,
  });
}

const unremarkable: CallEnd = {};

/** Whether it waits for a socket. */
function isUnserved({ queued, connection, unserved, socketMs }: Call): boolean {
  return (queued || (!connection && unserved === 'queue')) && socketMs === undefined;
}

/** In one object from the start, as far as every call has them: adding one by one costs more than all the rest. */
function attributesOf(call: Call, endMs: number, failure: Failure | undefined): Attributes {
  const { startMs, sentMs, headersMs } = call;
  const isPlain =
    failure === undefined &&
    call.socketMs !== undefined &&
    !call.opensConnection &&
    !call.queued &&
    call.before === undefined;
  // The phases of a call on an open connection, without the lists that the others take.
  const waitMs = sentMs === undefined ? undefined : within(startMs, sentMs, endMs);
  const receiveMs = headersMs === undefined ? undefined : within(waitMs ?? startMs, headersMs, endMs);
  const attributes: Attributes = {
    'sockeye.phase.send_ms': isPlain ? (waitMs ?? receiveMs ?? endMs) - startMs : undefined,
    'sockeye.phase.wait_ms': isPlain && waitMs !== undefined ? (receiveMs ?? endMs) - waitMs : undefined,
    'sockeye.phase.receive_ms': isPlain && receiveMs !== undefined ? endMs - receiveMs : undefined,
    'sockeye.connection.reused': call.reused,
    'sockeye.connection.age_ms': call.ageMs,
    'sockeye.connection.idle_ms': call.idleMs,
    'http.response.status_code': call.statusCode,
  };
  if (!isPlain) {
    const times = measurePhases(startMs, marksOf(call), endMs);
    Object.assign(attributes, phaseAttributes(times));
    if (failure) Object.assign(attributes, failureAttributes(failure, times, endMs - startMs));
    if (call.opensConnection && call.connection)
      Object.assign(attributes, attemptAttributes(call.connection.attempts));
  }
  return Object.assign(attributes, call.attributes);
}

const nothingShared: readonly SharedAttributes[] = [];

function sharedOf(call: Call): readonly SharedAttributes[] {
  const { shared, connection, protocolVersion } = call;
  const peer = connection && peerOfCalls(connection, protocolVersion);
  if (shared && peer) return [shared, peer];
  return shared || peer ? [shared ?? peer!] : nothingShared;
}

/** What the calls on one connection have in common. */
function peerOfCalls(connection: Connection, version: string | undefined): SharedAttributes {
  if (connection.peer && connection.peer.version === version) return connection.peer.attributes;
  const attributes = peerAttributes(connection);
  if (version !== undefined) attributes['network.protocol.version'] = version;
  if (isOpen(connection)) connection.peer = { version, attributes };
  return attributes;
}

function circumstancesOf(call: Call, end: CallEnd): Circumstances {
  const { undiciBudgetsMs = {}, ownTimer, abortedBy, idleTimerName = 'socket_timeout' } = end;
  return {
    endedHere: end.endedHere === true,
    neverConnected: end.neverConnected === true,
    idleTimer: end.idleTimer ?? idleTimerOf(call, idleTimerName),
    undiciBudgetsMs,
    ownTimer: ownTimer && isDeadlineOf(ownTimer, call) ? ownTimer : undefined,
    timerOfReason: (reason) => timerOfReason(reason, call, end.signal),
    abort: abortedBy && timerOfReason(abortedBy.reason, call, abortedBy),
  };
}

/** The moments at which the call entered its phases, as far as it came. */
export function marksOf(call: Call): Mark[] {
  const { connection, startMs } = call;
  const marks: Mark[] = [];
  if (call.before) marks.push(...call.before);
  else if (call.queued) marks.push({ phase: 'queue', atMs: startMs });
  else if (!connection) marks.push({ phase: call.unserved, atMs: startMs });
  else if (call.opensConnection && connection.isTunnelled) marks.push({ phase: 'connect', atMs: startMs });
  if (connection && call.opensConnection) {
    const opening = openingMarks(connection);
    const isPart = ({ phase }: Mark) => !call.isTunnelling || phase === 'dns' || phase === 'connect';
    marks.push(...opening.filter(isPart));
  }
  if (call.socketMs !== undefined) marks.push({ phase: 'send', atMs: call.socketMs });
  if (call.sentMs !== undefined) marks.push({ phase: 'wait', atMs: call.sentMs });
  if (call.headersMs !== undefined) marks.push({ phase: 'receive', atMs: call.headersMs });
  return marks;
}

export function phaseNow(call: Call): Phase | undefined {
  return measurePhases(call.startMs, marksOf(call), performance.now()).at(-1)?.phase;
}

/** The socket's idle timer, when it ran out during the call and nothing moved since. */
export function idleTimerOf(call: Call, timer: Timer): Timeout | undefined {
  const ranOut = call.connection?.idleTimer;
  const lastMoveMs = Math.max(call.startMs, ...marksOf(call).map(({ atMs }) => atMs));
  return ranOut && ranOut.atMs >= lastMoveMs ? { timer, budgetMs: ranOut.budgetMs } : undefined;
}

/** Of a call that failed or was slow: what the kernel knows of its connection, and what this process was busy with. */
function noteCircumstances(attributes: Attributes, call: Call, endMs: number): void {
  const { connection, opensConnection, startMs } = call;
  Object.assign(attributes, kernelAttributes(call), strainAttributes(startMs, endMs));
  if (connection) Object.assign(attributes, openingAttributes(connection, opensConnection));
}

function kernelAttributes({ connection, opensConnection, isShared, ended }: Call): Attributes {
  if (!connection || connection.path !== undefined) return {};
  const { evidence, socket, attempts, calls, host } = connection;
  const { alpnProtocol } = socket as { alpnProtocol?: unknown };
  return evidenceAttributes(evidence, socket, {
    // One that was handed over connected has counted what others did with it.
    isOwn: opensConnection && calls <= 1 && host !== undefined,
    isShared: isShared || alpnProtocol === 'h2',
    wasTried: attempts.length > 0,
    isOpen: !ended,
  });
}
