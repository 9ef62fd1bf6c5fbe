/**
 * A trace in Zipkin's v2 JSON. Pure. The mapping is that of OpenTelemetry's specification ("OpenTelemetry to Zipkin
 * transformation"), so that other tools read it as they read an exporter's; the way back is decode/zipkin-spans.ts.
 */
import { DEBUG_KEY, SHARED_KEY, ZIPKIN_KINDS } from '../../decode/zipkin-spans.ts';
import {
  isSharedServer,
  serviceOf,
  SHARED_PARENT_KEY,
  textAttribute,
  type Attributes,
  type Span,
} from '../../span.ts';
import { wireAttributes } from '../../query/wire-trace.ts';
import { attributeText } from './attribute-text.ts';

interface Endpoint {
  serviceName?: string;
  ipv4?: string;
  ipv6?: string;
  port?: number;
}
export interface ZipkinSpan {
  traceId: string;
  id: string;
  parentId?: string;
  name: string;
  kind?: string;
  timestamp: number;
  duration?: number;
  localEndpoint: Endpoint;
  remoteEndpoint?: Endpoint;
  annotations: { timestamp: number; value: string }[];
  tags: Record<string, string>;
  shared?: true;
  debug?: true;
}

/** What stands in fields, not in tags. */
const FIELD_KEYS = new Set(['service.name', SHARED_KEY, SHARED_PARENT_KEY, DEBUG_KEY]);

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const IPV6 = /^[0-9a-f:]*:[0-9a-f:.]*$/i;
const PORTS = 65_536;

export function toZipkinSpan(span: Span): ZipkinSpan {
  const { startUnixNano, endUnixNano, attributes } = span;
  const kind = span.kind.toUpperCase();
  const isShared = attributes.get(SHARED_KEY) === true;
  const sharesId = isShared && isSharedServer(span);
  const parentId = sharesId ? (textAttribute(attributes, SHARED_PARENT_KEY) ?? '') : span.parentSpanId;
  const { keys, ...endpoints } = endpointsOf(span);
  return {
    traceId: span.traceId,
    // A shared id stands where the call that is answered does.
    id: sharesId ? span.parentSpanId : span.spanId,
    ...(parentId !== '' && { parentId }),
    name: span.name,
    ...(ZIPKIN_KINDS.some((known) => known === kind) && { kind }),
    timestamp: microseconds(startUnixNano),
    // Zipkin takes 0 for "unknown": what ended within a microsecond took one.
    ...(endUnixNano >= startUnixNano && { duration: Math.max(1, microseconds(endUnixNano - startUnixNano)) }),
    ...endpoints,
    annotations: span.events.map((event) => ({
      timestamp: microseconds(event.timeUnixNano),
      value:
        event.attributes.size === 0
          ? event.name
          : JSON.stringify({ [event.name]: wireAttributes(event.attributes) }),
    })),
    tags: {
      ...toTags(span.resource.attributes, FIELD_KEYS),
      ...toTags(attributes, new Set([...FIELD_KEYS, ...keys])),
      ...fieldTags(span),
    },
    ...(isShared && { shared: true }),
    ...(attributes.get(DEBUG_KEY) === true && { debug: true }),
  };
}

function fieldTags({ status, scope, traceState }: Span): Record<string, string> {
  return {
    ...(status.code !== 'unset' && { 'otel.status_code': status.code.toUpperCase() }),
    ...(status.code === 'error' && { error: status.message }),
    ...(scope.name !== '' && { 'otel.scope.name': scope.name }),
    ...(scope.version !== '' && { 'otel.scope.version': scope.version }),
    ...(traceState !== '' && { 'w3c.tracestate': traceState }),
  };
}

function toTags(attributes: Attributes, without: ReadonlySet<string>): Record<string, string> {
  const tags = [...attributes].filter(([key]) => !without.has(key));
  return Object.fromEntries(tags.map(([key, value]) => [key, attributeText(value)]));
}

/** Endpoints, and the attributes that stand in them whole: read back they are made of these (decode/zipkin-spans.ts). */
function endpointsOf(span: Span) {
  const { kind, attributes } = span;
  const textOf = (key: string) => attributeText(attributes.get(key) ?? null);
  const local = addressOf(textOf, 'network.local');
  const remote = addressOf(textOf, 'network.peer');
  const peerService = textOf('peer.service');
  const isCall = kind === 'client' || kind === 'producer';
  // What only says where a call went is a tag too.
  const called = isCall ? textOf('server.address') || textOf('db.system.name') : '';
  const port = remote.endpoint.port ?? (isCall ? portOf(textOf('server.port')) : undefined);
  const remoteEndpoint: Endpoint = {
    ...((peerService || called) !== '' && { serviceName: peerService || called }),
    ...remote.endpoint,
    ...(port !== undefined && { port }),
  };
  return {
    localEndpoint: { serviceName: serviceOf(span), ...local.endpoint },
    ...(Object.keys(remoteEndpoint).length > 0 && { remoteEndpoint }),
    keys: [...local.keys, ...remote.keys, ...(peerService === '' ? [] : ['peer.service'])],
  };
}

/** `NAMES.address` where it is one of IP, `NAMES.port` where it is one. */
function addressOf(textOf: (key: string) => string, names: string) {
  const address = textOf(`${names}.address`);
  const version = IPV4.test(address) ? 'ipv4' : IPV6.test(address) ? 'ipv6' : null;
  const port = portOf(textOf(`${names}.port`));
  const endpoint: Endpoint = { ...(version && { [version]: address }), ...(port !== undefined && { port }) };
  const keys = [version && `${names}.address`, port === undefined ? null : `${names}.port`];
  return { endpoint, keys: keys.filter((key) => key !== null) };
}

function portOf(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) < PORTS ? Number(text) : undefined;
}

function microseconds(nanos: bigint): number {
  return Number(nanos / 1000n);
}
