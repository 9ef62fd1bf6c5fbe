/**
 * The opening of every outgoing connection: what was looked up, tried, connected and secured, and when.
 *
 * There is no diagnostics channel for DNS, TCP attempts or TLS, so `net.Socket.prototype.connect` is patched once, and the
 * events of each connection are heard until it is open; nothing runs per chunk of data. TLS that begins on a socket connected before, as
 * through a proxy's tunnel or after STARTTLS, is seen where its handshake starts.
 */
import { executionAsyncId } from 'node:async_hooks';
import { isIP, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { TLSSocket } from 'node:tls';
import type { Context } from '@opentelemetry/api';
import { isAwaited, loadNow, lookForLoaded, whenLoaded } from './builtins.ts';
import { listByHost } from './connections-by-host.ts';
import { activeContext, isSuppressed, withoutEndedSpan } from './context.ts';
import { readDestination, type Destination } from './destination.ts';
import { guard } from './guard.ts';
import { newEvidence, noteReady, readBeforeDestroy, type Evidence } from './kernel/evidence.ts';
import { readTcpInfoOf } from './kernel/reading.ts';
import { tapEvents } from './listening.ts';
import { peerName, type PeerName } from './peer-name.ts';
import type { ConnectionMoments } from './phases.ts';
import type { SharedAttributes } from './recorder.ts';
import { runningTimer, type RunningTimer } from './running-timer.ts';
import type { Lookup } from './strain/lookup-queue.ts';
import { takeLookup } from './strain/lookups.ts';

export interface Attempt {
  address: string;
  port: number;
  startedMs: number;
  endedMs?: number;
  /** `connected`, an error code, or `timeout` when Node went on to the next address. */
  result?: string;
  /** SYNs sent again. */
  retransmits?: number | undefined;
}

export interface Connection extends ConnectionMoments {
  socket: Socket;
  /** The context `connect` was called in, without its span if that had ended by then. */
  context: Context;
  /** What the program was running then: see `Beginning`. */
  startId: number;
  host: string | undefined;
  port: number | undefined;
  /** The path of a local socket, which has no host and no port. */
  path: string | undefined;
  attempts: Attempt[];
  peerName: PeerName | undefined;
  /** The lookup of the host, where it takes a thread. */
  lookup: Lookup | undefined;
  /** Whether a call opened this connection or uses it; what no call claims is told by a span of its own. */
  claimed: boolean;
  /** Whether it was opened through another, of which a span of its own has told. */
  isTunnelled: boolean;
  /** Whether it has been told of by a span of its own. */
  reported: boolean;
  calls: number;
  lastUsedMs: number | undefined;
  /** The last time the socket's idle timer ran out, with its delay. */
  idleTimer: { budgetMs: number; atMs: number } | undefined;
  /** The program's own timer in which it destroyed the socket. */
  ownTimer: RunningTimer | undefined;
  evidence: Evidence;
  /** What calls of this version of a protocol say of their peer, once the connection is open. */
  peer: { version: string | undefined; attributes: SharedAttributes } | undefined;
}

export interface ConnectionObserver {
  /** `connect` was called to carry the hook's own spans. */
  exporting(socket: Socket): void;
  /** `connect` was called; nothing has been sent yet. */
  starting(connection: Connection): void;
  /** A TLS handshake begins on a socket that was connected for it: the connection goes on in another socket. */
  securing(plain: Connection, connection: Connection): void;
  /** Nobody claimed the connection, and it is open, or closed before it was. */
  openedUnclaimed(connection: Connection): void;
}

const connections = new WeakMap<Socket, Connection>();
/** Sockets that carry the hook's own spans. */
const exporting = new WeakSet<Socket>();

export function isExporting(socket: Socket): boolean {
  return exporting.has(socket);
}

export function knownConnection(socket: Socket): Connection | undefined {
  return connections.get(socket);
}

/** Patches `net.Socket.prototype.connect`, so that every connection opened from now on is observed. */
export function watchConnections(observer: ConnectionObserver): void {
  const original = Socket.prototype.connect;
  const note = guard((socket: Socket, args: unknown[]) => {
    lookForLoaded();
    if (isSuppressed(activeContext())) {
      exporting.add(socket);
      observer.exporting(socket);
    } else observe(socket, args, observer);
  });
  Socket.prototype.connect = function connect(this: Socket): Socket {
    note(this, Array.from(arguments));
    takeLookup();
    const socket = Reflect.apply(original, this, arguments) as Socket;
    const lookup = takeLookup();
    const connection = lookup && connections.get(this);
    if (connection) connection.lookup = lookup;
    return socket;
  } as typeof original;
  whenLoaded('tls', () => watchHandshakes(observer));
  watchDestroy();
  watchIdleTimers();
}

/** Replaces `_start` of TLS sockets, with which every handshake begins; a socket that connects by itself is known already. */
function watchHandshakes(observer: ConnectionObserver): void {
  type Start = (this: TLSSocket) => void;
  const { TLSSocket } = process.getBuiltinModule('node:tls');
  const { prototype } = TLSSocket as unknown as { prototype: { _start: Start } };
  const original = prototype._start;
  const note = guard((socket: TLSSocket) => {
    const { _parent: below, _tlsOptions: options } = socket as unknown as {
      _parent?: Socket | null;
      _tlsOptions?: { isServer?: boolean };
    };
    if (!below || options?.isServer !== false || connections.has(socket)) return;
    if (exporting.has(below)) {
      exporting.add(socket);
      return;
    }
    const plain = connections.get(below);
    if (plain) observeHandshake(socket, plain, observer);
  });
  prototype._start = function _start() {
    note(this);
    return Reflect.apply(original, this, arguments);
  };
}

/** What the plain connection has been through is part of the new one, unless a span of its own told of it. */
function observeHandshake(socket: TLSSocket, plain: Connection, observer: ConnectionObserver): void {
  const connection = newConnection(socket, plain);
  connection.needsLookup = plain.needsLookup && !plain.reported;
  connection.connectedMs = connection.startedMs;
  if (plain.reported) {
    connection.isTunnelled = true;
  } else {
    connection.startedMs = plain.startedMs;
    connection.startId = plain.startId;
    if (plain.lookedUpMs !== undefined) connection.lookedUpMs = plain.lookedUpMs;
    connection.attempts = plain.attempts;
    connection.lookup = plain.lookup;
    connection.claimed = plain.claimed;
  }
  observer.securing(plain, connection);
  follow(connection, observer);
}

/** Replaces `_destroy`: the last moment at which a socket has its descriptor. */
function watchDestroy(): void {
  type Destroy = (this: Socket, error: Error | null, done: (error?: Error | null) => void) => void;
  const { prototype } = Socket as unknown as { prototype: { _destroy: Destroy } };
  const original = prototype._destroy;
  const note = guard((socket: Socket, error: Error | null) => {
    const connection = connections.get(socket);
    if (!connection || connection.path !== undefined) return;
    listByHost(connection, false);
    const wasOpen = isOpen(connection);
    connection.ownTimer = runningTimer();
    const reading = readBeforeDestroy(connection.evidence, socket, wasOpen, error);
    const attempt = connection.attempts.at(-1);
    if (attempt && attempt.result === undefined) attempt.retransmits = reading?.info.retransmits;
  });
  prototype._destroy = function (error, _done) {
    note(this, error);
    return Reflect.apply(original, this, arguments);
  };
}

/** The record of a socket's connection; one that was opened where the hook cannot see starts to be observed now. */
export function connectionOf(socket: Socket): Connection {
  const known = connections.get(socket);
  if (known) return known;
  const connection = newConnection(socket, { host: undefined, port: undefined, path: undefined });
  if (!socket.connecting) {
    connection.connectedMs = connection.startedMs;
    noteReady(connection.evidence, socket);
  }
  // A TLS socket over a socket of someone else's: its handshake may still be on its way.
  const { secureConnecting } = socket as { secureConnecting?: boolean };
  if (connection.needsTls && !secureConnecting) connection.securedMs = connection.startedMs;
  follow(connection, undefined);
  return connection;
}

function newConnection(socket: Socket, { host, port, path }: Destination): Connection {
  const connection: Connection = {
    socket,
    context: withoutEndedSpan(activeContext()),
    startId: executionAsyncId(),
    host,
    port,
    path,
    startedMs: performance.now(),
    needsLookup: host !== undefined && path === undefined && isIP(host) === 0,
    needsTls: (socket as { encrypted?: boolean }).encrypted === true,
    attempts: [],
    peerName: undefined,
    lookup: undefined,
    claimed: false,
    isTunnelled: false,
    reported: false,
    calls: 0,
    lastUsedMs: undefined,
    idleTimer: undefined,
    ownTimer: undefined,
    evidence: newEvidence(),
    peer: undefined,
  };
  connections.set(socket, connection);
  return connection;
}

function observe(socket: Socket, args: unknown[], observer: ConnectionObserver): void {
  const connection = newConnection(socket, readDestination(args));
  observer.starting(connection);
  follow(connection, observer);
}

/** Follows a socket until it is open, or closed before. `observer` is told of a connection that nobody claims. */
function follow(connection: Connection, observer: ConnectionObserver | undefined): void {
  const { socket } = connection;
  connection.reported = observer === undefined;
  listByHost(connection, true);
  if (isOpen(connection)) return;
  let isGivenBack = false;
  const opened = () => {
    stop();
    if (connection.reported || connection.claimed) return;
    // The agent has ended what nobody waited for.
    if (isGivenBack && !isOpen(connection) && !socket.errored) return;
    connection.reported = true;
    observer?.openedUnclaimed(connection);
    if (observer && isOpen(connection) && isAwaited('tls')) expectHandshake(socket);
  };
  const stop = tapEvents(socket, (event, ...values) => {
    switch (event) {
      case 'lookup':
        // With several addresses the event comes once for each.
        if (!values[0]) connection.lookedUpMs ??= performance.now();
        break;
      case 'connectionAttempt':
        connection.attempts.push({
          address: String(values[0]),
          port: Number(values[1]),
          startedMs: performance.now(),
        });
        break;
      case 'connectionAttemptFailed':
        endAttempt(connection, values[0], (values[3] as { code?: string } | undefined)?.code ?? 'failed');
        break;
      case 'connectionAttemptTimeout':
        // The next attempt gets a descriptor of its own.
        endAttempt(connection, values[0], 'timeout', readTcpInfoOf(socket).retransmits);
        break;
      case 'connect':
        connection.connectedMs = performance.now();
        connection.peerName = peerName(socket);
        endAttempt(connection, connection.peerName.address, 'connected');
        if (!connection.needsTls) opened();
        break;
      case 'secureConnect':
        connection.securedMs = performance.now();
        noteReady(connection.evidence, socket);
        opened();
        break;
      case 'free':
        // To the agent of `http`: the request that it was opened for had gone.
        isGivenBack = true;
        break;
      case 'close':
        opened();
    }
  });
}

/**
 * A driver may load `tls` when its server has agreed to it, and begin the handshake at once, as that of PostgreSQL does: the
 * module must be there before the driver hears of it.
 */
function expectHandshake(socket: Socket): void {
  const stop = tapEvents(socket, (event, data) => {
    if (event !== 'data' && event !== 'close') return;
    stop();
    if (event === 'data' && isPostgresConsent(data) && isAwaited('tls')) loadNow('tls');
  });
}

/** The whole answer of PostgreSQL to a request for TLS. */
function isPostgresConsent(data: unknown): boolean {
  return Buffer.isBuffer(data) && data.length === 1 && data[0] === 0x53;
}

/** Replaces `_onTimeout`, in which a socket's idle timer runs out; it emits nothing when data was still being written. */
function watchIdleTimers(): void {
  const { prototype } = Socket as unknown as { prototype: { _onTimeout: (this: Socket) => void } };
  const original = prototype._onTimeout;
  prototype._onTimeout = function _onTimeout() {
    const connection = connections.get(this);
    const stop =
      connection &&
      tapEvents(this, (event) => {
        if (event !== 'timeout') return;
        connection.idleTimer = { budgetMs: this.timeout ?? 0, atMs: performance.now() };
      });
    try {
      Reflect.apply(original, this, arguments);
    } finally {
      stop?.();
    }
  };
}

function endAttempt(connection: Connection, address: unknown, result: string, retransmits?: number): void {
  const attempt = connection.attempts.findLast(
    (each) => each.address === address && each.result === undefined,
  );
  if (!attempt) return;
  Object.assign(attempt, { endedMs: performance.now(), result });
  attempt.retransmits ??= retransmits;
}

/** Whether the connection is open, its handshake included. */
export function isOpen(connection: Connection): boolean {
  return (connection.needsTls ? connection.securedMs : connection.connectedMs) !== undefined;
}

/** The peer's address: the one connected to, or the last one tried. */
export function peerOf(connection: Connection): { address: string; port: number } | undefined {
  const last =
    connection.attempts.findLast((attempt) => attempt.result === 'connected') ?? connection.attempts.at(-1);
  if (last && isIP(last.address) !== 0) return last;
  const { address, port } = connection.peerName ?? peerName(connection.socket);
  return address === undefined || port === undefined ? undefined : { address, port };
}
