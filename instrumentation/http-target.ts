/** Where a request of `node:http` goes, as its span says it; worked out once for each server, not for each request. */
import type { ClientRequest } from 'node:http';
import type { Attributes } from '@opentelemetry/api';
import { recordedMethod } from './http-names.ts';
import type { SharedAttributes } from './recorder.ts';
import { fullUrl, splitTarget } from './redact.ts';

/** Servers beyond these are worked out anew each time. */
const ORIGINS_MAX = 1_000;

export interface Origin {
  protocol: string;
  host: string;
  /** `https://host:port`, without the usual port. */
  url: string;
  port: number;
  /** By method: what the spans of its requests have in common. */
  shared: Map<string, SharedAttributes>;
}

const origins = new Map<string, Origin>();

export interface Target {
  name: string;
  shared: SharedAttributes;
  attributes: Attributes;
}

/** `port`: the one that the socket goes to, when that is known. */
export function describeTarget(request: ClientRequest, port?: number): Target {
  const { socketPath } = request as { socketPath?: string };
  const origin = originOf(request, port);
  const { method, original, spanName } = recordedMethod(request.method);
  const attributes: Attributes = { 'url.full': urlOf(request, origin) };
  if (original !== undefined) attributes['http.request.method_original'] = original;
  if (method === 'CONNECT') attributes['sockeye.stream'] = true;
  const shared =
    socketPath === undefined
      ? sharedOf(origin, method)
      : { 'http.request.method': method, 'server.address': socketPath };
  return { name: spanName, shared, attributes };
}

export function sharedOf(origin: Origin, method: string): SharedAttributes {
  const known = origin.shared.get(method);
  if (known) return known;
  const shared = {
    'http.request.method': method,
    'server.address': origin.host,
    'server.port': origin.port,
  };
  origin.shared.set(method, shared);
  return shared;
}

/** The request keeps its host but not its port: the Host header has it, unless the program wrote another host there. */
function originOf(request: ClientRequest, port: number | undefined): Origin {
  const { protocol, host } = request;
  const header = port === undefined ? request.getHeader('host') : `${host}:${port}`;
  const key = typeof header === 'string' ? header : '';
  const known = origins.get(key);
  if (known && known.host === host && known.protocol === protocol) return known;
  const usualPort = protocol === 'https:' ? 443 : 80;
  const actualPort = port ?? portIn(key, host) ?? usualPort;
  const hostInUrl = host.includes(':') ? `[${host}]` : host;
  const origin = {
    protocol,
    host,
    url: `${protocol}//${hostInUrl}${actualPort === usualPort ? '' : `:${actualPort}`}`,
    port: actualPort,
    shared: new Map(),
  };
  if (origins.size < ORIGINS_MAX || known) origins.set(key, origin);
  return origin;
}

function portIn(hostHeader: string, host: string): number | undefined {
  const [, stated, port] = /^(.*?)(?::(\d+))?$/.exec(hostHeader) ?? [];
  return stated?.replace(/^\[(.*)\]$/, '$1') === host && port !== undefined ? Number(port) : undefined;
}

function urlOf({ method, path }: ClientRequest, origin: Origin): string {
  const isPlain = method !== 'CONNECT' && path.startsWith('/') && !/[?#]/.test(path);
  if (isPlain) return origin.url + path;
  // Through a proxy the path is a URL already; that of CONNECT is the host and port to reach.
  const isWhole = method === 'CONNECT' || /^https?:\/\//i.test(path);
  return fullUrl(isWhole ? '' : origin.url, splitTarget(path));
}
