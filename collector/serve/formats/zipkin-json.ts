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

export function toZipkinSpan(span: Span): ZipkinSpan {
  const { startUnixNano, endUnixNano, attributes } = span;
  const kind = span.kind.toUpperCase();
  const isShared = attributes.get(SHARED_KEY) === true;
  const sharesId = isShared && isSharedServer(span);
  const parentId = sharesId ? (textAttribute(attributes, SHARED_PARENT_KEY) ?? '') : span.parentSpanId;
  const remoteEndpoint = remoteEndpointOf(span);
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
    localEndpoint: { serviceName: serviceOf(span) },
    ...(remoteEndpoint && { remoteEndpoint }),
    annotations: span.events.map((event) => ({
      timestamp: microseconds(event.timeUnixNano),
      value:
        event.attributes.size === 0
          ? event.name
          : JSON.stringify({ [event.name]: wireAttributes(event.attributes) }),
    })),
    tags: { ...toTags(span.resource.attributes), ...toTags(attributes), ...fieldTags(span) },
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

function toTags(attributes: Attributes): Record<string, string> {
  const tags = [...attributes].filter(([key]) => !FIELD_KEYS.has(key));
  return Object.fromEntries(tags.map(([key, value]) => [key, attributeText(value)]));
}

/** Who a client or producer called, as far as its attributes say. */
function remoteEndpointOf({ kind, attributes }: Span): Endpoint | null {
  if (kind !== 'client' && kind !== 'producer') return null;
  const textOf = (key: string) => attributeText(attributes.get(key) ?? null);
  const serviceName = textOf('peer.service') || textOf('server.address') || textOf('db.system.name');
  const address = textOf('network.peer.address');
  const port = Number(textOf('network.peer.port') || textOf('server.port'));
  const endpoint = {
    ...(serviceName !== '' && { serviceName }),
    ...(address !== '' && (address.includes(':') ? { ipv6: address } : { ipv4: address })),
    ...(port > 0 && { port }),
  };
  return Object.keys(endpoint).length > 0 ? endpoint : null;
}

function microseconds(nanos: bigint): number {
  return Number(nanos / 1000n);
}
