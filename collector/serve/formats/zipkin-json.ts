/**
 * A trace in Zipkin's v2 JSON, both ways. Pure. The mapping is that of OpenTelemetry's specification ("OpenTelemetry
 * to Zipkin transformation"), so that other tools read it as they read an exporter's.
 *
 * Zipkin holds less than OTLP: microseconds, and text for every value; what is known to be a number is read as one.
 */
import { serviceOf, type Attributes, type Span } from '../../span.ts';
import { wireAttributes } from '../../query/wire-trace.ts';
import { attributeText } from './attribute-text.ts';
import {
  isObject,
  readId,
  readList,
  readMicroseconds,
  readObject,
  readText,
  type JsonObject,
} from './read-json.ts';
import { typedTag } from './typed-tag.ts';

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
}

/** At the place of OTLP's number; Zipkin has no word for an internal span. */
const KINDS = ['', '', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
/** Tags that stand for fields of the span; they are not attributes too. */
const FIELD_TAGS = new Set([
  'error',
  'otel.status_code',
  'otel.scope.name',
  'otel.scope.version',
  'w3c.tracestate',
]);

export function toZipkinSpan(span: Span): ZipkinSpan {
  const { startUnixNano, endUnixNano } = span;
  const kind = span.kind.toUpperCase();
  const remoteEndpoint = remoteEndpointOf(span);
  return {
    traceId: span.traceId,
    id: span.spanId,
    ...(span.parentSpanId !== '' && { parentId: span.parentSpanId }),
    name: span.name,
    ...(KINDS.includes(kind) && { kind }),
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
    tags: { ...toTags(span.resource.attributes), ...toTags(span.attributes), ...fieldTags(span) },
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
  const tags = [...attributes].filter(([key]) => key !== 'service.name');
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

/** An array of spans, or of traces, as Zipkin's own API answers both. */
export function isZipkinJson(json: unknown): json is readonly unknown[] {
  if (!Array.isArray(json)) return false;
  const first: unknown = json.flat()[0];
  return first === undefined || (isObject(first) && 'traceId' in first && 'id' in first);
}

/** OTLP JSON (`TracesData`) of Zipkin spans. Throws DecodeError naming the place. */
export function fromZipkinJson(json: readonly unknown[]): JsonObject {
  const spans = json.flat().map((item, index) => readObject(item, `[${index}]`));
  const bySender = Map.groupBy(spans.entries(), ([, span]) => localService(span));
  return {
    resourceSpans: [...bySender].map(([name, members]) => ({
      resource: { attributes: name === '' ? [] : [textAttribute('service.name', name)] },
      scopeSpans: members.map(([index, span]) => fromZipkinSpan(span, `[${index}]`)),
    })),
  };
}

function localService({ localEndpoint }: JsonObject): string {
  return isObject(localEndpoint) ? readText(localEndpoint.serviceName, 'localEndpoint.serviceName') : '';
}

/** The span in a scope of its own, because its scope stands in its tags. */
function fromZipkinSpan(span: JsonObject, where: string): JsonObject {
  const tags = span.tags === undefined ? {} : readObject(span.tags, `${where}.tags`);
  const tag = (key: string) => readText(tags[key], `${where}.tags`);
  const annotations = readList(span.annotations, `${where}.annotations`).map((item, index) =>
    fromAnnotation(item, `${where}.annotations[${index}]`),
  );
  const start = readMicroseconds(span.timestamp, `${where}.timestamp`);
  const duration = readMicroseconds(span.duration, `${where}.duration`);
  const isError = tag('otel.status_code') === 'ERROR' || 'error' in tags;
  return {
    scope: { name: tag('otel.scope.name'), version: tag('otel.scope.version') },
    spans: [
      {
        traceId: readId(span.traceId, 32, `${where}.traceId`),
        spanId: readId(span.id, 16, `${where}.id`),
        parentSpanId: readId(span.parentId, 16, `${where}.parentId`),
        traceState: tag('w3c.tracestate'),
        name: readText(span.name, `${where}.name`),
        kind: Math.max(1, KINDS.indexOf(readText(span.kind, `${where}.kind`))),
        startTimeUnixNano: start.toString(),
        // Without a duration it has not ended.
        endTimeUnixNano: duration === 0n ? '0' : (start + duration).toString(),
        status: {
          code: isError ? 2 : tag('otel.status_code') === 'OK' ? 1 : 0,
          message: tag('error') === 'true' ? '' : tag('error'),
        },
        attributes: [
          ...Object.keys(tags)
            .filter((key) => !FIELD_TAGS.has(key))
            .map((key) => ({ key, value: typedTag(key, tag(key)) })),
          ...endpointAttributes(span, tags, where),
        ],
        events: annotations,
      },
    ],
  };
}

/** What the endpoints know and the tags do not say. */
function endpointAttributes(span: JsonObject, tags: JsonObject, where: string): JsonObject[] {
  const endpoint = (name: 'localEndpoint' | 'remoteEndpoint') =>
    isObject(span[name]) ? readObject(span[name], `${where}.${name}`) : {};
  const local = endpoint('localEndpoint');
  const remote = endpoint('remoteEndpoint');
  const found: [string, unknown][] = [
    ['network.local.address', local.ipv4 ?? local.ipv6],
    ['network.local.port', local.port],
    ['peer.service', remote.serviceName],
    ['network.peer.address', remote.ipv4 ?? remote.ipv6],
    ['network.peer.port', remote.port],
  ];
  return found
    .filter(([key, value]) => value !== undefined && value !== null && !(key in tags))
    .map(([key, value]) =>
      typeof value === 'number'
        ? { key, value: { intValue: String(value) } }
        : textAttribute(key, readText(value, where)),
    );
}

function fromAnnotation(value: unknown, where: string): JsonObject {
  const annotation = readObject(value, where);
  return {
    timeUnixNano: readMicroseconds(annotation.timestamp, `${where}.timestamp`).toString(),
    name: readText(annotation.value, `${where}.value`),
  };
}

function textAttribute(key: string, text: string): JsonObject {
  return { key, value: { stringValue: text } };
}
