/** What Zipkin's API answers, made of our answers. Pure. */
import { namedCalls } from '../compatible/named-calls.ts';
import type { ServiceMap } from '../wire.ts';
import type { ZipkinSpan } from '../formats/zipkin-json.ts';
import { badRequest } from './search.ts';

export interface DependencyLink {
  parent: string;
  child: string;
  callCount: number;
  errorCount?: number;
}

/** Zipkin has names in lower case, and ids of 64 bits with 16 digits. */
export function asZipkinHas(span: ZipkinSpan): ZipkinSpan {
  const { localEndpoint, remoteEndpoint } = span;
  return {
    ...span,
    traceId: shortTraceId(span.traceId),
    name: span.name.toLowerCase(),
    localEndpoint: withLowerName(localEndpoint),
    ...(remoteEndpoint && { remoteEndpoint: withLowerName(remoteEndpoint) }),
  };
}

function withLowerName<Endpoint extends ZipkinSpan['localEndpoint']>(endpoint: Endpoint): Endpoint {
  const { serviceName } = endpoint;
  return serviceName === undefined ? endpoint : { ...endpoint, serviceName: serviceName.toLowerCase() };
}

export function shortTraceId(traceId: string): string {
  return /^0{16}/.test(traceId) ? traceId.slice(16) : traceId;
}

/** As 32 digits. */
export function readTraceId(text: string): string {
  if (text === '') throw badRequest('traceId is empty');
  if (text.length > 32) throw badRequest('traceId.length > 32');
  if (!/^[0-9a-f]+$/i.test(text)) throw badRequest(`${text} should be lower-hex encoded with no prefix`);
  if (/^0+$/.test(text)) throw badRequest('traceId is all zeros');
  return text.toLowerCase().padStart(32, '0');
}

/** Lower case, sorted, each once. */
export function namesOf(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].toSorted();
}

export function linksOf(map: ServiceMap): DependencyLink[] {
  const links = new Map<string, DependencyLink>();
  for (const { from, to, calls, errors, timeouts } of namedCalls(map)) {
    const [parent, child] = [from.toLowerCase(), to.toLowerCase()];
    const key = JSON.stringify([parent, child]);
    const { callCount = 0, errorCount = 0 } = links.get(key) ?? {};
    const failed = errorCount + errors + timeouts;
    links.set(key, {
      parent,
      child,
      callCount: callCount + calls,
      ...(failed > 0 && { errorCount: failed }),
    });
  }
  return [...links.values()];
}

/** What Zipkin's page reads when it starts. */
export const PAGE_CONFIG = {
  environment: '',
  queryLimit: 10,
  defaultLookback: 900_000,
  searchEnabled: true,
  dependency: { enabled: true, lowErrorRate: 0.5, highErrorRate: 0.75 },
} as const;
