/**
 * Server spans of `node:http2`, one a stream a client began; of gRPC when its content type says so.
 *
 * A span ends when the handler has ended the response, which of gRPC is when its status has been sent. When the client
 * resets the stream, Node closes the response with it: the span ends there and says so.
 */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { performance } from 'node:perf_hooks';
import type { Attributes } from '@opentelemetry/api';
import { onChannel } from './channels.ts';
import { emitWithin, enterContext } from './context.ts';
import { isStreamedPath } from './grpc.ts';
import { guard } from './guard.ts';
import { recordedMethod } from './http-names.ts';
import { makeRoom } from './listening.ts';
import { peerName, type PeerName } from './peer-name.ts';
import type { Headers as SentHeaders, OpenState, RecordedSpan, Recorder } from './recorder.ts';
import { splitTarget } from './redact.ts';
import { noteActivity } from './strain/monitor.ts';
import { noteService } from './strain/service.ts';
import { describeRpc, grpcMessageIn, grpcStatusIn, grpcStatusName, isGrpc, isServerFault } from './rpc.ts';

type Headers = Record<string, unknown>;

interface StreamVisit {
  span: RecordedSpan;
  isGrpc: boolean;
  /** Open by design, as known before the answer. */
  isStream: boolean;
  startMs: number;
  ended: boolean;
}

export function watchHttp2Server(recorder: Recorder): void {
  onChannel<{ stream: ServerHttp2Stream; headers: Headers }>(
    'http2.server.stream.start',
    ({ stream, headers }) => {
      // Streams with even numbers are pushed by the server itself.
      if (stream.id !== undefined && stream.id % 2 === 1) streamStarted(recorder, stream, headers);
    },
  );
}

function streamStarted(recorder: Recorder, stream: ServerHttp2Stream, headers: Headers): void {
  const startMs = performance.now();
  noteActivity(startMs);
  const { name, attributes } = describeStream(stream, headers);
  const parent = recorder.extract(headers as SentHeaders);
  const span = recorder.startSpan({ name, kind: 'server', startMs, parent, attributes });
  const visit: StreamVisit = {
    span,
    isGrpc: isGrpc(headers['content-type']),
    isStream: attributes['sockeye.stream'] === true,
    startMs,
    ended: false,
  };
  // Node emits the stream in the next turn, in what is entered here; its own events in the context of the connection.
  enterContext(span.context);
  emitWithin(span.context, stream);
  span.source = { describeOpen: (nowMs) => describeOpen(visit, stream, nowMs) };
  makeRoom(stream);
  const end = guard(() => endVisit(visit, stream));
  if (!visit.isGrpc) stream.once('prefinish', end);
  stream.once('close', end);
}

function describeStream(
  stream: ServerHttp2Stream,
  headers: Headers,
): { name: string; attributes: Attributes } {
  const session = stream.session as ServerHttp2Session;
  const { socket } = session;
  const attributes: Attributes = { 'network.protocol.version': '2' };
  const authority = String(headers[':authority'] ?? headers['host'] ?? '');
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  if (host) attributes['server.address'] = host.replace(/^\[(.*)\]$/, '$1');
  const serverPort = port === undefined ? socket.localPort : Number(port);
  if (serverPort !== undefined) attributes['server.port'] = serverPort;
  const peer = peerOf(session);
  if (peer.address !== undefined) attributes['network.peer.address'] = peer.address;
  if (peer.port !== undefined) attributes['network.peer.port'] = peer.port;
  const userAgent = headers['user-agent'];
  if (typeof userAgent === 'string') attributes['user_agent.original'] = userAgent;
  const target = String(headers[':path'] ?? '/');
  if (isGrpc(headers['content-type'])) {
    if (isStreamedPath(target)) attributes['sockeye.stream'] = true;
    const { name, attributes: rpc } = describeRpc(target);
    return { name, attributes: { ...rpc, ...attributes } };
  }
  const { method, original, spanName } = recordedMethod(String(headers[':method'] ?? 'GET'));
  const { path, query } = splitTarget(target);
  attributes['http.request.method'] = method;
  attributes['url.scheme'] = String(headers[':scheme'] ?? 'http');
  attributes['url.path'] = path;
  if (query !== undefined) attributes['url.query'] = query;
  if (original !== undefined) attributes['http.request.method_original'] = original;
  if (method === 'CONNECT') attributes['sockeye.stream'] = true;
  return { name: spanName, attributes };
}

/** Asked for once a session: the system call takes more than a microsecond. */
const peers = new WeakMap<ServerHttp2Session, PeerName>();

function peerOf(session: ServerHttp2Session): PeerName {
  let peer = peers.get(session);
  if (!peer) peers.set(session, (peer = peerName(session.socket)));
  return peer;
}

/** A stream by design is not waited for once it has begun. */
function describeOpen(
  { startMs, isStream }: StreamVisit,
  stream: ServerHttp2Stream,
  nowMs: number,
): OpenState | undefined {
  const sent = stream.sentHeaders as Headers | undefined;
  if (stream.headersSent && (isStream || isEventStream(sent))) return undefined;
  const attributes: Attributes = {};
  noteService(attributes, startMs, nowMs, false);
  return { attributes };
}

function endVisit(visit: StreamVisit, stream: ServerHttp2Stream): void {
  if (visit.ended) return;
  visit.ended = true;
  const endMs = performance.now();
  const attributes: Attributes = {};
  // Closed before the handler had ended the response: by the client, or with its connection.
  if (stream.aborted) attributes['sockeye.client.left_ms'] = endMs - visit.startMs;
  const errorMessage = visit.isGrpc
    ? readGrpcStatus(attributes, stream)
    : readHttpStatus(attributes, stream.sentHeaders as Headers | undefined);
  noteService(attributes, visit.startMs, endMs, errorMessage !== undefined);
  visit.span.end({ endMs, attributes, ...(errorMessage === undefined ? {} : { errorMessage }) });
}

function readHttpStatus(attributes: Attributes, sent: Headers | undefined): string | undefined {
  const status = Number(sent?.[':status']);
  if (isEventStream(sent)) attributes['sockeye.stream'] = true;
  if (!status) return undefined;
  attributes['http.response.status_code'] = status;
  if (status < 500) return undefined;
  attributes['error.type'] = String(status);
  return '';
}

function isEventStream(sent: Headers | undefined): boolean {
  return String(sent?.['content-type'] ?? '').startsWith('text/event-stream');
}

/** In the trailers, or in the headers when there is nothing else. */
function grpcStatusSent(stream: ServerHttp2Stream): { code: number; headers: Headers } | undefined {
  const { sentTrailers, sentHeaders } = stream as unknown as {
    sentTrailers?: Headers;
    sentHeaders?: Headers;
  };
  for (const headers of [sentTrailers, sentHeaders]) {
    const code = grpcStatusIn(headers);
    if (headers && code !== undefined) return { code, headers };
  }
  return undefined;
}

function readGrpcStatus(attributes: Attributes, stream: ServerHttp2Stream): string | undefined {
  const sent = grpcStatusSent(stream);
  if (!sent) return undefined;
  const name = grpcStatusName(sent.code);
  attributes['rpc.response.status_code'] = name;
  if (!isServerFault(sent.code)) return undefined;
  attributes['error.type'] = name;
  return grpcMessageIn(sent.headers);
}
