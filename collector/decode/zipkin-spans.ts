/**
 * Spans of Zipkin's v2 model, as its JSON has them, become OTLP JSON. Pure. The mapping is that of OpenTelemetry's
 * specification ("OpenTelemetry to Zipkin transformation"), read backwards.
 *
 * Zipkin holds less than OTLP: microseconds, and text for every value; what is known to be a number is read as one.
 */
import { idOfSharedServer, SHARED_PARENT_KEY } from '../span.ts';
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

/** At the place of OTLP's number; Zipkin has no word for an internal span. */
export const ZIPKIN_KINDS = ['', '', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
/** Tags that stand for fields of the span; they are not attributes too. */
const FIELD_TAGS = new Set([
  'error',
  'otel.status_code',
  'otel.scope.name',
  'otel.scope.version',
  'w3c.tracestate',
]);
/** What answers a call or message may share its id. */
const ANSWERING_KINDS: ReadonlySet<unknown> = new Set(['SERVER', 'CONSUMER']);
/** Says of a server's span that it shared the id that its parent has. */
export const SHARED_KEY = 'zipkin.shared';
export const DEBUG_KEY = 'zipkin.debug';

/** `TracesData` of spans. Throws DecodeError naming the place. */
export function fromZipkinSpans(json: readonly unknown[], placeOf: (index: number) => string): JsonObject {
  const spans = json.map((item, index) => readObject(item, placeOf(index)));
  const bySender = Map.groupBy(spans.entries(), ([index, span]) => localService(span, placeOf(index)));
  return {
    resourceSpans: [...bySender].map(([name, members]) => ({
      resource: { attributes: name === '' ? [] : [textAttribute('service.name', name)] },
      scopeSpans: members.map(([index, span]) => fromZipkinSpan(span, placeOf(index))),
    })),
  };
}

function localService({ localEndpoint }: JsonObject, where: string): string {
  const name = isObject(localEndpoint) ? localEndpoint.serviceName : undefined;
  return readText(name, `${where}.localEndpoint.serviceName`);
}

/** The span in a scope of its own, because its scope stands in its tags. */
function fromZipkinSpan(span: JsonObject, where: string): JsonObject {
  const tags = readTags(span.tags, `${where}.tags`);
  const tag = (key: string) => tags.get(key) ?? '';
  const { sharedParentId, ...ids } = readIds(span, where);
  return {
    scope: { name: tag('otel.scope.name'), version: tag('otel.scope.version') },
    spans: [
      {
        traceId: readId(span.traceId, 32, `${where}.traceId`),
        ...ids,
        traceState: tag('w3c.tracestate'),
        name: readText(span.name, `${where}.name`),
        ...readKindAndTimes(span, where),
        status: {
          code:
            tag('otel.status_code') === 'ERROR' || tags.has('error')
              ? 2
              : tag('otel.status_code') === 'OK'
                ? 1
                : 0,
          message: tag('error') === 'true' ? '' : tag('error'),
        },
        attributes: [
          ...[...tags]
            .filter(([key]) => !FIELD_TAGS.has(key))
            .map(([key, text]) => ({ key, value: typedTag(key, text) })),
          ...endpointAttributes(span, tags, where),
          ...(span.shared === true ? [{ key: SHARED_KEY, value: { boolValue: true } }] : []),
          ...(sharedParentId !== '' ? [textAttribute(SHARED_PARENT_KEY, sharedParentId)] : []),
          ...(span.debug === true ? [{ key: DEBUG_KEY, value: { boolValue: true } }] : []),
        ],
        events: readList(span.annotations, `${where}.annotations`).map((item, index) =>
          fromAnnotation(item, `${where}.annotations[${index}]`),
        ),
      },
    ],
  };
}

/** `sharedParentId`: what the shared id takes the place of; empty where none is shared. */
function readIds(
  span: JsonObject,
  where: string,
): { spanId: string; parentSpanId: string; sharedParentId: string } {
  const id = readId(span.id, 16, `${where}.id`);
  const parentId = readId(span.parentId, 16, `${where}.parentId`);
  if (span.shared !== true || !ANSWERING_KINDS.has(span.kind) || id.length !== 16)
    return { spanId: id, parentSpanId: parentId, sharedParentId: '' };
  return { spanId: idOfSharedServer(id), parentSpanId: id, sharedParentId: parentId };
}

function readKindAndTimes(span: JsonObject, where: string): JsonObject {
  const kind = readText(span.kind, `${where}.kind`);
  const start = readMicroseconds(span.timestamp, `${where}.timestamp`);
  const duration = readMicroseconds(span.duration, `${where}.duration`);
  // Without a duration it has not ended; but a message that was sent or came may have none.
  const hasEnded = (span.duration ?? null) !== null || kind === 'PRODUCER' || kind === 'CONSUMER';
  return {
    kind: Math.max(
      1,
      ZIPKIN_KINDS.findIndex((known) => known === kind),
    ),
    startTimeUnixNano: start.toString(),
    endTimeUnixNano: hasEnded ? (start + duration).toString() : '0',
  };
}

function readTags(value: unknown, where: string): Map<string, string> {
  if (value === undefined || value === null) return new Map();
  return new Map(
    Object.entries(readObject(value, where)).map(([key, tag]) => [
      key,
      typeof tag === 'number' || typeof tag === 'boolean' ? String(tag) : readText(tag, `${where}.${key}`),
    ]),
  );
}

/** What the endpoints know and the tags do not say. */
function endpointAttributes(
  span: JsonObject,
  tags: ReadonlyMap<string, string>,
  where: string,
): JsonObject[] {
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
    .filter(
      ([key, value]) =>
        value !== undefined && value !== null && value !== '' && value !== 0 && !tags.has(key),
    )
    .map(([key, value]) =>
      typeof value === 'number'
        ? { key, value: { intValue: String(value) } }
        : textAttribute(key, readText(value, where)),
    );
}

function fromAnnotation(value: unknown, where: string): JsonObject {
  const annotation = readObject(value, where);
  const text = readText(annotation.value, `${where}.value`);
  return {
    timeUnixNano: readMicroseconds(annotation.timestamp, `${where}.timestamp`).toString(),
    ...(readEvent(text) ?? { name: text }),
  };
}

/** OpenTelemetry's exporters write an event with attributes as JSON: `"name": {…}`, some with braces around it. */
function readEvent(text: string): JsonObject | null {
  const json = text.startsWith('"') ? `{${text}}` : text;
  if (!json.startsWith('{')) return null;
  let event: unknown;
  try {
    event = JSON.parse(json);
  } catch {
    return null;
  }
  const [entry, ...others] = Object.entries(event as object);
  if (entry === undefined || others.length > 0 || !isObject(entry[1])) return null;
  const attributes = Object.entries(entry[1]).map(([key, value]) => ({ key, value: anyValue(value) }));
  return { name: entry[0], attributes };
}

/** OTLP JSON's `AnyValue`; of lists and objects their JSON. */
function anyValue(value: unknown): JsonObject {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value !== 'number') return { stringValue: JSON.stringify(value) };
  return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: value };
}

function textAttribute(key: string, text: string): JsonObject {
  return { key, value: { stringValue: text } };
}
