/**
 * Who a call went to. The rules in order: the service of the paired server span; a service already seen behind the
 * address; `peer.service`; the database; the messaging destination; the host.
 *
 * `peerOf` reads what the caller's span alone says and is computed once, when the span is stored; `calleeOf` adds
 * what only the rest of the storage knows.
 */
import { numberAttribute, shownName, textAttribute, type Attributes, type Span } from '../span.ts';
import type { MapEdge, NodeKind } from '../serve/wire.ts';

/** What a call's own span says of the other side. */
export interface Peer {
  /** `host:port`; null when the span names none. The key of what is remembered. */
  readonly address: string | null;
  /** The callee's name by the rules that need no other span. */
  readonly name: string;
  readonly nodeKind: NodeKind;
  readonly edgeKind: MapEdge['kind'];
}

export interface Callee {
  readonly id: string;
  readonly kind: NodeKind;
  /** Known only by what its callers say of it: it has sent no span. */
  readonly inferred: boolean;
}

/** Who calls the services that nobody else calls. */
export const USER_NODE = 'user';
/** Its name where a service or peer is called `user`. */
export const USER_NODE_OUTSIDE = `${USER_NODE} (outside)`;
const UNKNOWN_PEER = 'unknown peer';

/** Of a client or producer span; null for any other. */
export function peerOf(span: Pick<Span, 'kind' | 'attributes'>): Peer | null {
  if (span.kind !== 'client' && span.kind !== 'producer') return null;
  const { host, port } = addressOf(span.attributes);
  return { address: joinAddress(host, port), ...nameOf(span, host) };
}

/** The peer's address alone. */
export function addressOfPeer({ kind, attributes }: Pick<Span, 'kind' | 'attributes'>): string | null {
  if (kind !== 'client' && kind !== 'producer') return null;
  const { host, port } = addressOf(attributes);
  return joinAddress(host, port);
}

function joinAddress(host: string | null, port: number | null): string | null {
  return host !== null && port !== null ? `${host}:${port}` : null;
}

/** Whether it counts as a call. That a connection was got is part of the calls that it is for; that none was got is a failed one. */
export function isCall({ kind, attributes }: Pick<Span, 'kind' | 'attributes'>): boolean {
  if (kind !== 'client' && kind !== 'producer') return false;
  return firstText(attributes, ...OPERATION_KEYS) !== 'connect' || attributes.has('error.type');
}

export function calleeOf(peer: Peer, pairedService: string | null, rememberedService: string | null): Callee {
  if (pairedService !== null) return { id: pairedService, kind: 'service', inferred: false };
  if (rememberedService !== null) return { id: rememberedService, kind: 'service', inferred: false };
  return { id: peer.name, kind: peer.nodeKind, inferred: true };
}

function nameOf(span: Pick<Span, 'kind' | 'attributes'>, host: string | null): Omit<Peer, 'address'> {
  const { attributes } = span;
  const database = firstText(attributes, 'db.system.name', 'db.system');
  const messaging = textAttribute(attributes, 'messaging.system');
  const destination = firstText(attributes, 'messaging.destination.name', 'messaging.destination');
  const edgeKind = edgeKindOf(span, database !== null, messaging !== null || destination !== null);

  const peerService = firstText(attributes, 'peer.service', 'service.peer.name');
  if (peerService !== null) {
    const nodeKind = edgeKind === 'db' ? 'database' : edgeKind === 'messaging' ? 'messaging' : 'service';
    return { name: peerService, nodeKind, edgeKind };
  }
  const catalogue = firstText(attributes, 'db.namespace', 'db.name') ?? database;
  if (catalogue !== null) {
    return { name: host === null ? catalogue : `${catalogue}@${host}`, nodeKind: 'database', edgeKind };
  }
  if (destination !== null || messaging !== null) {
    return { name: destination ?? shownName(messaging ?? UNKNOWN_PEER), nodeKind: 'messaging', edgeKind };
  }
  return { name: host ?? UNKNOWN_PEER, nodeKind: 'external', edgeKind };
}

/** Of a call of HTTP; the last is all that some of Zipkin's instrumentations say. */
const HTTP_KEYS = ['http.request.method', 'http.method', 'http.path'] as const;

function edgeKindOf(
  span: Pick<Span, 'kind' | 'attributes'>,
  isDatabase: boolean,
  isMessaging: boolean,
): MapEdge['kind'] {
  const { attributes } = span;
  if (isDatabase) return 'db';
  if (isMessaging || span.kind === 'producer') return 'messaging';
  if (attributes.has('rpc.system.name') || attributes.has('rpc.system')) return 'rpc';
  return HTTP_KEYS.some((key) => attributes.has(key)) ? 'http' : 'tcp';
}

/** Text attributes that name the host; what else could tell it is not looked at where one of these is not empty. */
export const HOST_KEYS = ['server.address', 'net.peer.name'] as const;
export const HOST_FALLBACK_KEYS = [
  'url.full',
  'http.url',
  'network.peer.address',
  'net.peer.ip',
  'net.sock.peer.addr',
  'network.peer.port',
] as const;
const OPERATION_KEYS = ['db.operation.name', 'messaging.operation.name'] as const;
/** What else `peerOf` and `isCall` read. Of any other attribute it matters at most whether it is there. */
export const PEER_KEYS = [
  'server.port',
  'net.peer.port',
  'peer.service',
  'service.peer.name',
  'db.system.name',
  'db.system',
  'db.namespace',
  'db.name',
  'messaging.system',
  'messaging.destination.name',
  'messaging.destination',
  ...OPERATION_KEYS,
] as const;

/** Names before addresses: a name stays when the address behind it moves. */
function addressOf(attributes: Attributes): { host: string | null; port: number | null } {
  const port = numberAttribute(attributes, 'server.port') ?? numberAttribute(attributes, 'net.peer.port');
  const named = firstText(attributes, ...HOST_KEYS);
  if (named !== null) return { host: named, port };
  const url = URL.parse(firstText(attributes, 'url.full', 'http.url') ?? '');
  if (url !== null && url.hostname !== '') {
    return { host: url.hostname, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) };
  }
  return {
    host: firstText(attributes, 'network.peer.address', 'net.peer.ip', 'net.sock.peer.addr'),
    port: numberAttribute(attributes, 'network.peer.port') ?? port,
  };
}

function firstText(attributes: Attributes, ...keys: string[]): string | null {
  for (const key of keys) {
    const text = textAttribute(attributes, key);
    if (text !== null && text !== '') return shownName(text);
  }
  return null;
}
