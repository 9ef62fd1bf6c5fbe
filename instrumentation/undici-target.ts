/** Where a request of undici goes, as its span says it; what follows from the origin is worked out once for each. */
import type { Attributes } from '@opentelemetry/api';
import { recordedMethod } from './http-names.ts';
import { sharedOf, type Origin, type Target } from './http-target.ts';
import { fullUrl, splitTarget } from './redact.ts';

/** Origins beyond these are worked out anew each time. */
const ORIGINS_MAX = 1_000;

const origins = new Map<string, Origin>();

export interface UndiciTarget extends Target {
  host: string;
  port: number;
}

/** `target` begins with a slash; to a proxy it is a URL already, and that of CONNECT is the host and port to reach. */
export function describeUndiciTarget(asked: string, given: string | URL, target: string): UndiciTarget {
  const origin = originOf(String(given));
  const { method, original, spanName } = recordedMethod(asked);
  const isPath = target.startsWith('/');
  const isPlain = isPath && !/[?#]/.test(target);
  const attributes: Attributes = {
    'url.full': isPlain ? origin.url + target : fullUrl(isPath ? origin.url : '', splitTarget(target)),
  };
  if (original !== undefined) attributes['http.request.method_original'] = original;
  return {
    name: spanName,
    shared: sharedOf(origin, method),
    attributes,
    host: origin.host,
    port: origin.port,
  };
}

function originOf(given: string): Origin {
  const known = origins.get(given);
  if (known) return known;
  const { protocol, hostname, port, origin: url } = new URL(given);
  const origin: Origin = {
    protocol,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    url,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    shared: new Map(),
  };
  if (origins.size < ORIGINS_MAX) origins.set(given, origin);
  return origin;
}
