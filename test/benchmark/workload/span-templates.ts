/**
 * Spans as OTLP protobuf, encoded once for each service, operation and outcome, with holes for what differs from span to
 * span: ids, times, path, peer and port. All holes have a fixed width, so filling them in is all that a span costs.
 */
import { encode } from '../../decode/otlp-proto.ts';
import { budgetMsOf, FAILURES, SERVICES, type FailureName, type PlannedSpan } from './trace-plan.ts';

export interface SpanTemplate {
  /** As one entry of `ScopeSpans.spans`, header included. */
  readonly bytes: Uint8Array;
  readonly traceIdAt: number;
  readonly spanIdAt: number;
  /** -1 when there is none. */
  readonly parentIdAt: number;
  readonly startAt: number;
  readonly endAt: number;
  readonly pathAt: number;
  readonly peerAddressAt: number;
  readonly portAt: number;
  /** A double, of a call that gave up; else -1. */
  readonly elapsedAt: number;
}

type Value = string | number | boolean;
interface SpanText {
  readonly kind: 'SERVER' | 'CLIENT' | 'INTERNAL';
  readonly name: string;
  readonly attributes: Record<string, Value>;
  /** null when it ended well. */
  readonly error: string | null;
}

/** What stands in a hole while the template is encoded; each occurs once. */
const HOLES = {
  traceId: Buffer.alloc(16, 0xa1),
  spanId: Buffer.alloc(8, 0xa2),
  parentId: Buffer.alloc(8, 0xa3),
  start: Buffer.alloc(8, 0xa4),
  end: Buffer.alloc(8, 0xa5),
  path: Buffer.from('#####'),
  peerAddress: Buffer.from('@@@@@@@@@@@@@@'),
  port: Buffer.from([0xdf, 0xd4, 0x03]),
};
const PORT_IN_HOLE = 59_999;
const ELAPSED_IN_HOLE_MS = 1234.56789;
const PATH = `/objects/${HOLES.path.toString()}`;
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36';
const VERBS = ['find', 'get', 'put', 'list', 'count', 'check', 'reserve', 'release', 'price', 'sync'];
const METHODS = ['GET', 'GET', 'PUT', 'GET', 'GET', 'POST', 'POST', 'DELETE', 'GET', 'POST'];

export function operationName(service: number, operation: number): string {
  return `${SERVICES[service]}.${VERBS[operation]}`;
}

export function portOf(service: number): number {
  return 8_000 + service;
}

const templates = new Map<number, SpanTemplate>();

/** The template for a span; encoded when it is first needed. */
export function templateOf(span: PlannedSpan): SpanTemplate {
  const key = keyOf(span);
  let template = templates.get(key);
  if (template === undefined) templates.set(key, (template = encodeTemplate(span)));
  return template;
}

function keyOf({ role, service, peer, operation, failure, parent }: PlannedSpan): number {
  const kind = role === 'server' ? (parent < 0 ? 0 : 1) : role === 'client' ? 2 : 3;
  // All server spans of an operation look alike, whoever calls.
  const other = role === 'client' ? peer : 0;
  return (((kind * 8 + failure + 1) * 32 + service) * 32 + other) * 16 + operation;
}

function encodeTemplate(planned: PlannedSpan): SpanTemplate {
  const { kind, name, attributes, error } = textOf(planned);
  const span = encode('Span', {
    traceId: HOLES.traceId,
    spanId: HOLES.spanId,
    ...(planned.parent >= 0 && { parentSpanId: HOLES.parentId }),
    flags: 0x101,
    name,
    kind: `SPAN_KIND_${kind}`,
    startTimeUnixNano: HOLES.start.readBigUInt64LE().toString(),
    endTimeUnixNano: HOLES.end.readBigUInt64LE().toString(),
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    status: error === null ? {} : { code: 'STATUS_CODE_ERROR', message: error },
  });
  const entry = lengthDelimited(2, span);
  const elapsed = Buffer.alloc(8);
  elapsed.writeDoubleLE(ELAPSED_IN_HOLE_MS);
  return {
    bytes: new Uint8Array(entry),
    traceIdAt: holeAt(entry, HOLES.traceId),
    spanIdAt: holeAt(entry, HOLES.spanId),
    parentIdAt: planned.parent < 0 ? -1 : holeAt(entry, HOLES.parentId),
    startAt: holeAt(entry, HOLES.start),
    endAt: holeAt(entry, HOLES.end),
    pathAt: holeAt(entry, HOLES.path),
    peerAddressAt: holeAt(entry, HOLES.peerAddress),
    portAt: holeAt(entry, HOLES.port),
    elapsedAt: Object.values(attributes).includes(ELAPSED_IN_HOLE_MS) ? holeAt(entry, elapsed) : -1,
  };
}

function holeAt(bytes: Buffer, hole: Buffer): number {
  const at = bytes.indexOf(hole);
  if (at < 0 || bytes.includes(hole, at + 1))
    throw new Error(`expected ${hole.toString('hex')} exactly once`);
  return at;
}

/** A protobuf field that holds bytes: its header, and the whole of it. */
export function lengthHeader(field: number, length: number): Buffer {
  const header = [field * 8 + 2];
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) header.push((rest & 0x7f) | 0x80);
  return Buffer.from([...header, rest]);
}

export function lengthDelimited(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([lengthHeader(field, content.length), content]);
}

function anyValue(value: Value): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Eleven attributes each; a failed call has besides what the hook says of it. */
function textOf(span: PlannedSpan): SpanText {
  const { role, service, peer, operation, failure } = span;
  const name = operationName(role === 'client' ? peer : service, operation);
  const random = {
    'network.peer.address': HOLES.peerAddress.toString(),
    'network.peer.port': PORT_IN_HOLE,
  };
  const http = { 'http.request.method': METHODS[operation]!, 'network.protocol.version': '1.1' };
  if (role === 'internal') {
    const attributes = {
      'code.function.name': 'renderObject',
      'code.file.path': '/app/src/render/render-object.js',
      'code.line.number': 118,
      'thread.name': 'main',
      'cache.hit': true,
      'object.kind': 'listing',
      'object.path': PATH,
      'render.template': 'object-page-with-recommendations',
      'render.parts': 12,
      ...random,
    };
    return { kind: 'INTERNAL', name: 'render object', attributes, error: null };
  }
  if (role === 'server') {
    const failed = failure >= 0;
    const attributes = {
      ...http,
      'http.route': '/objects/{id}',
      'http.response.status_code': failed ? 503 : 200,
      'url.path': PATH,
      'url.scheme': 'http',
      'server.address': SERVICES[service]!,
      'server.port': portOf(service),
      'user_agent.original': USER_AGENT,
      ...random,
      ...(failed && { 'error.type': '503' }),
    };
    return { kind: 'SERVER', name, attributes, error: failed ? '' : null };
  }
  const host = SERVICES[peer]!;
  const attributes = {
    ...http,
    'url.full': `http://${host}:${portOf(peer)}${PATH}`,
    'server.address': host,
    'server.port': portOf(peer),
    'http.response.status_code': 200,
    'user_agent.original': USER_AGENT,
    'sockeye.connection.reused': true,
    'url.scheme': 'http',
    ...random,
  };
  if (failure < 0) return { kind: 'CLIENT', name, attributes, error: null };
  const { 'http.response.status_code': _status, ...unanswered } = attributes;
  const { more, error } = failureOf(FAILURES[failure]!.name, host, budgetMsOf(peer));
  return { kind: 'CLIENT', name, attributes: { ...unanswered, ...more }, error };
}

/** What the hook records of a call that failed this way. */
function failureOf(
  name: FailureName,
  host: string,
  budgetMs: number,
): { more: Record<string, Value>; error: string } {
  const giveUp = (phase: string, timer: string, ms: number) => ({
    'error.type': 'ETIMEDOUT',
    'sockeye.timeout.phase': phase,
    'sockeye.timeout.timer': timer,
    'sockeye.timeout.budget_ms': ms,
    'sockeye.timeout.elapsed_ms': ELAPSED_IN_HOLE_MS,
  });
  const phases = (values: Record<string, number>) =>
    Object.fromEntries(Object.entries(values).map(([phase, ms]) => [`sockeye.phase.${phase}_ms`, ms]));
  switch (name) {
    case 'connect-timeout':
      return {
        error: `connect ETIMEDOUT ${host}`,
        more: {
          ...phases({ dns: 0.4375, connect: budgetMs - 0.5 }),
          ...giveUp('connect', 'http_timeout', budgetMs),
          ...tcp({
            state: 'SYN_SENT',
            retransmits: 2,
            unacked: 1,
            bytes_sent: 0,
            bytes_acked: 0,
            backoff: 2,
          }),
          'sockeye.connection.reused': false,
        },
      };
    case 'wait-timeout':
      return {
        error: 'The operation was aborted due to timeout',
        more: {
          ...phases({ send: 0.1875, wait: budgetMs - 0.25 }),
          ...giveUp('wait', 'abort_signal', budgetMs),
          ...tcp({ state: 'ESTABLISHED', retransmits: 0, unacked: 0, bytes_sent: 312, bytes_acked: 312 }),
        },
      };
    case 'refused':
      return {
        error: `connect ECONNREFUSED ${host}`,
        more: {
          ...phases({ dns: 0.4375, connect: 0.28125 }),
          'error.type': 'ECONNREFUSED',
          ...tcp({ state: 'CLOSE', retransmits: 0, unacked: 0, segments_in: 1, total_retransmits: 0 }),
          'sockeye.connection.reused': false,
        },
      };
    case 'unavailable':
      return {
        error: '',
        more: {
          ...phases({ send: 0.1875, wait: 1.28125, receive: 0.0625 }),
          'error.type': '503',
          'http.response.status_code': 503,
        },
      };
    case 'silent-dns':
      return {
        error: `getaddrinfo EAI_AGAIN ${host}`,
        more: {
          ...phases({ dns: 5_000.25 }),
          'error.type': 'EAI_AGAIN',
          'sockeye.connection.reused': false,
        },
      };
    case 'reset':
      return {
        error: 'read ECONNRESET',
        more: {
          ...phases({ send: 0.1875, wait: 0.40625 }),
          'error.type': 'ECONNRESET',
          ...tcp({ state: 'CLOSE', retransmits: 0, unacked: 0, bytes_sent: 312, bytes_acked: 312 }),
        },
      };
  }
}

function tcp(values: Record<string, Value>): Record<string, Value> {
  const common = { source: 'tcp_info', rtt_us: 184, rto_ms: 204, not_sent: 0, bytes_received: 0 };
  return Object.fromEntries(
    Object.entries({ ...common, ...values }).map(([key, value]) => [`sockeye.tcp.${key}`, value]),
  );
}
