/**
 * Who may ask: the checks that every HTTP port makes before it looks at a path.
 *
 * A page on the internet can make a browser send requests to loopback. It cannot forge `Host` and `Origin`:
 * a foreign `Host` is a rebound DNS name, a foreign `Origin` on a state-changing request is another site's page.
 * Where a token is set, every request needs it: `Authorization: Bearer TOKEN`, or `Basic` with the token as the
 * password, which is what a browser can ask its user for and then sends by itself, for event streams too.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hostname, networkInterfaces } from 'node:os';
import { clip } from './http-error.ts';

export interface Guard {
  /** What `Host` may name: lower case, without port and brackets. */
  readonly hosts: ReadonlySet<string>;
  /** Bound to every address: this machine's own addresses and name are fine too. */
  readonly wildcard: boolean;
  /** Origins beside our own that may use the port; `*` is any. */
  readonly origins: ReadonlySet<string>;
  readonly token: string | null;
}

export interface Refusal {
  readonly status: 401 | 403;
  readonly code: 'foreign_host' | 'foreign_origin' | 'token_required';
  readonly message: string;
  readonly got: string;
  readonly expected: string;
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '::1'];
const WILDCARD_HOSTS = new Set(['0.0.0.0', '::', '']);
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** `host` is what the port is bound to, as configured; `names` are further names it is reached by. */
export function createGuard(options: {
  host: string;
  origins: readonly string[];
  token: string | null;
  names?: readonly string[];
}): Guard {
  const host = options.host.toLowerCase().replace(/^\[|\]$/g, '');
  const names = (options.names ?? []).map((name) => name.toLowerCase());
  return {
    hosts: new Set([...LOOPBACK_HOSTS, host, ...names]),
    wildcard: WILDCARD_HOSTS.has(host),
    origins: new Set(options.origins),
    token: options.token,
  };
}

/** The first reason to refuse a request, or null. A preflight carries no token, so none is asked of it. */
export function refuseRequest(
  guard: Guard,
  method: string,
  headers: IncomingHttpHeaders,
  localNames: () => readonly string[] = readLocalNames,
): Refusal | null {
  if (!isHostAllowed(guard, headers.host, localNames)) {
    return {
      status: 403,
      code: 'foreign_host',
      message: 'The Host header names neither the bound address nor localhost nor a configured name.',
      got: clip(headers.host ?? 'no Host header'),
      expected: [...guard.hosts].filter((host) => !WILDCARD_HOSTS.has(host)).join(', '),
    };
  }
  if (isPreflight(method, headers)) return null;
  if (guard.token !== null && !isTokenValid(guard.token, headers.authorization)) {
    return {
      status: 401,
      code: 'token_required',
      message: 'This collector was started with a token.',
      got: headers.authorization === undefined ? 'no Authorization header' : 'another token',
      expected: 'Authorization: Bearer TOKEN',
    };
  }
  if (!SAFE_METHODS.has(method) && !isOriginAllowed(guard, headers.origin, headers.host)) {
    return {
      status: 403,
      code: 'foreign_origin',
      message: 'A page of another origin may not change anything here.',
      got: clip(headers.origin ?? ''),
      expected: `no Origin, that of ${clip(headers.host ?? '')}, or one given with --cors`,
    };
  }
  return null;
}

/** The answer's CORS headers: none for an origin that was not configured, so that browsers withhold the answer. */
export function corsHeaders(guard: Guard, headers: IncomingHttpHeaders): Record<string, string> {
  if (guard.origins.size === 0) return {};
  const origin = headers.origin;
  if (origin === undefined || !isOriginListed(guard, origin)) return { vary: 'Origin' };
  const cors: Record<string, string> = { vary: 'Origin', 'access-control-allow-origin': origin };
  const asked = headers['access-control-request-headers'];
  if (headers['access-control-request-method'] !== undefined) {
    cors['access-control-allow-methods'] = 'GET, HEAD, POST, PUT, DELETE';
    cors['access-control-allow-headers'] = asked ?? 'content-type';
    cors['access-control-max-age'] = '600';
  }
  return cors;
}

/** A browser asking whether it may send the real request. */
export function isPreflight(method: string, headers: IncomingHttpHeaders): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

export function isHostAllowed(
  guard: Guard,
  header: string | undefined,
  localNames: () => readonly string[],
): boolean {
  const host = hostOf(header);
  if (host === null) return false;
  if (guard.hosts.has(host)) return true;
  return guard.wildcard && localNames().includes(host);
}

/** Same origin is judged by `Host`, which has been checked before; no Origin means no browser. */
export function isOriginAllowed(guard: Guard, origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || isOriginListed(guard, origin)) return true;
  return host !== undefined && /^https?:\/\/(.*)$/i.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase();
}

export function isTokenValid(token: string, authorization: string | undefined): boolean {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  const given =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(credentials, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
      : credentials;
  // Digests have one length, so the comparison tells nothing about the token's.
  return timingSafeEqual(digest(given), digest(token));
}

function isOriginListed(guard: Guard, origin: string): boolean {
  return guard.origins.has(origin) || guard.origins.has('*');
}

/** `name`, `name:port` or `[v6]:port` without port, brackets and the root's dot; null when it is none of them. */
function hostOf(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/i.exec(header ?? '');
  const host = match?.[1] ?? match?.[2];
  return host === undefined ? null : host.toLowerCase().replace(/\.$/, '');
}

/** Read when asked, because addresses come and go while the collector runs. */
function readLocalNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [hostname().toLowerCase(), ...addresses.map(({ address }) => address.toLowerCase())];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
