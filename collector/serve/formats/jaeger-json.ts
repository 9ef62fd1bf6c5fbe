/**
 * A trace in the JSON that Jaeger's UI and API speak, both ways. Pure. The names of the extra tags are those of
 * OpenTelemetry's own translation, so that other tools read them as they read Jaeger's.
 *
 * Jaeger holds less than OTLP: microseconds, and values of five plain types. Nested values become JSON text.
 */
import { DecodeError } from '../../decode/decode-error.ts';
import { serviceOf, type Attributes, type AttributeValue, type Resource, type Span } from '../../span.ts';
import { attributeText } from './attribute-text.ts';
import {
  isObject,
  readId,
  readList,
  readMicroseconds,
  readObject,
  readText,
  type JsonObject,
} from '../../decode/read-json.ts';

interface JaegerTag {
  key: string;
  type: 'string' | 'bool' | 'int64' | 'float64' | 'binary';
  value: string | number | boolean;
}
interface JaegerSpan {
  traceID: string;
  spanID: string;
  flags: number;
  operationName: string;
  references: { refType: 'CHILD_OF' | 'FOLLOWS_FROM'; traceID: string; spanID: string }[];
  startTime: number;
  duration: number;
  tags: JaegerTag[];
  logs: { timestamp: number; fields: JaegerTag[] }[];
  processID: string;
  warnings: null;
}
/** `Spans` is a list of JaegerSpan. */
export interface JaegerTraces<Spans> {
  data: {
    traceID: string;
    spans: Spans;
    processes: Record<string, { serviceName: string; tags: JaegerTag[] }>;
    warnings: null;
  }[];
  total: number;
  limit: number;
  offset: number;
  errors: null;
}

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];
/** Tags that stand for fields of the span; they are not attributes too. */
const FIELD_TAGS = new Set([
  'span.kind',
  'error',
  'otel.status_code',
  'otel.status_description',
  'otel.scope.name',
  'otel.scope.version',
  'w3c.tracestate',
]);

/** The spans of one trace; `listOf` lists what is made of each. */
export function toJaegerJson<Spans>(
  spans: readonly Span[],
  listOf: (spans: readonly Span[], make: (span: Span) => JaegerSpan) => Spans,
): JaegerTraces<Spans> {
  const processes = new Map<Resource, string>();
  for (const { resource } of spans) {
    if (!processes.has(resource)) processes.set(resource, `p${processes.size + 1}`);
  }
  const traceID = spans[0]?.traceId ?? '';
  const data =
    spans.length === 0
      ? []
      : [
          {
            traceID,
            spans: listOf(spans, (span) => toJaegerSpan(span, processes.get(span.resource) ?? '')),
            processes: Object.fromEntries(
              [...processes].map(([resource, id]) => [
                id,
                { serviceName: serviceOf({ resource }), tags: toTags(resource.attributes, 'service.name') },
              ]),
            ),
            warnings: null,
          },
        ];
  return { data, total: data.length, limit: 0, offset: 0, errors: null };
}

function toJaegerSpan(span: Span, processID: string): JaegerSpan {
  const { traceId: traceID, parentSpanId, startUnixNano, endUnixNano } = span;
  const parent = parentSpanId === '' ? [] : [{ refType: 'CHILD_OF' as const, traceID, spanID: parentSpanId }];
  const links = span.links.map((link) => ({
    refType: 'FOLLOWS_FROM' as const,
    traceID: link.traceId,
    spanID: link.spanId,
  }));
  return {
    traceID,
    spanID: span.spanId,
    flags: span.flags & 0xff,
    operationName: span.name,
    references: [...parent, ...links],
    startTime: microseconds(startUnixNano),
    duration: endUnixNano > startUnixNano ? microseconds(endUnixNano - startUnixNano) : 0,
    tags: [...toTags(span.attributes), ...fieldTags(span)],
    logs: span.events.map((event) => ({
      timestamp: microseconds(event.timeUnixNano),
      fields: [toTag('event', event.name), ...toTags(event.attributes)],
    })),
    processID,
    warnings: null,
  };
}

function fieldTags({ kind, status, scope, traceState }: Span): JaegerTag[] {
  const tags: JaegerTag[] = [];
  if (kind !== 'unspecified') tags.push(toTag('span.kind', kind));
  if (status.code !== 'unset') tags.push(toTag('otel.status_code', status.code.toUpperCase()));
  if (status.message !== '') tags.push(toTag('otel.status_description', status.message));
  if (status.code === 'error') tags.push(toTag('error', true));
  if (scope.name !== '') tags.push(toTag('otel.scope.name', scope.name));
  if (scope.version !== '') tags.push(toTag('otel.scope.version', scope.version));
  if (traceState !== '') tags.push(toTag('w3c.tracestate', traceState));
  return tags;
}

function toTags(attributes: Attributes, without?: string): JaegerTag[] {
  return [...attributes].filter(([key]) => key !== without).map(([key, value]) => toTag(key, value));
}

function toTag(key: string, value: AttributeValue): JaegerTag {
  if (typeof value === 'boolean') return { key, type: 'bool', value };
  if (typeof value === 'bigint') return { key, type: 'int64', value: value.toString() };
  if (typeof value === 'number' && Number.isFinite(value)) {
    return { key, type: Number.isInteger(value) ? 'int64' : 'float64', value };
  }
  if (value instanceof Uint8Array)
    return { key, type: 'binary', value: Buffer.from(value).toString('base64') };
  return { key, type: 'string', value: attributeText(value) };
}

function microseconds(nanos: bigint): number {
  return Number(nanos / 1000n);
}

/** Jaeger's `{data: [trace, …]}`, or one trace. */
export function isJaegerJson(json: unknown): json is JsonObject {
  if (!isObject(json)) return false;
  return Array.isArray(json.data) || (Array.isArray(json.spans) && isObject(json.processes));
}

/** OTLP JSON (`TracesData`) of Jaeger traces. Throws DecodeError naming the place. */
export function fromJaegerJson(json: JsonObject): JsonObject {
  const traces = Array.isArray(json.data) ? readList(json.data, 'data') : [json];
  return {
    resourceSpans: traces.flatMap((item, index) => {
      const where = `data[${index}]`;
      const trace = readObject(item, where);
      const processes = isObject(trace.processes) ? trace.processes : {};
      const spans = readList(trace.spans, `${where}.spans`).map((span, at) => {
        return readObject(span, `${where}.spans[${at}]`);
      });
      const byProcess = Map.groupBy(spans.entries(), ([, span]) => span.processID ?? span.process);
      return [...byProcess].map(([id, members]) => {
        const process = typeof id === 'string' ? processes[id] : id;
        return {
          resource: fromProcess(process, `${where}.processes`),
          scopeSpans: members.map(([at, span]) => fromJaegerSpan(span, `${where}.spans[${at}]`)),
        };
      });
    }),
  };
}

function fromProcess(value: unknown, where: string): JsonObject {
  const process = value === undefined ? {} : readObject(value, where);
  const service = { key: 'service.name', value: { stringValue: readText(process.serviceName, where) } };
  return { attributes: [service, ...readTags(process.tags, `${where}.tags`)] };
}

/** The span in a scope of its own, because its scope stands in its tags. */
function fromJaegerSpan(span: JsonObject, where: string): JsonObject {
  const tags = readTags(span.tags, `${where}.tags`);
  const field = (key: string) => {
    const value = tags.find((tag) => tag.key === key)?.value ?? {};
    return String(Object.values(value)[0] ?? '');
  };
  const start = readMicroseconds(span.startTime, `${where}.startTime`);
  const end = start + readMicroseconds(span.duration, `${where}.duration`);
  const traceId = readId(span.traceID, 32, `${where}.traceID`);
  const references = readReferences(span, where);
  const parent = references.find((one) => one.isParent && one.traceId === traceId);
  const isError = field('otel.status_code') === 'ERROR' || field('error') === 'true';
  return {
    scope: { name: field('otel.scope.name'), version: field('otel.scope.version') },
    spans: [
      {
        traceId,
        spanId: readId(span.spanID, 16, `${where}.spanID`),
        parentSpanId: parent?.spanId ?? '',
        traceState: field('w3c.tracestate'),
        flags: typeof span.flags === 'number' ? span.flags & 0xff : 0,
        name: readText(span.operationName, `${where}.operationName`),
        kind: Math.max(0, KINDS.indexOf(field('span.kind'))),
        startTimeUnixNano: start.toString(),
        endTimeUnixNano: end.toString(),
        status: {
          code: isError ? 2 : field('otel.status_code') === 'OK' ? 1 : 0,
          message: field('otel.status_description'),
        },
        attributes: tags.filter(({ key }) => !FIELD_TAGS.has(key)),
        events: readList(span.logs, `${where}.logs`).map((log, at) => fromLog(log, `${where}.logs[${at}]`)),
        links: references
          .filter((one) => one !== parent)
          .map((one) => ({ traceId: one.traceId, spanId: one.spanId })),
      },
    ],
  };
}

function readReferences(span: JsonObject, where: string) {
  const references = readList(span.references, `${where}.references`).map((item, index) => {
    const at = `${where}.references[${index}]`;
    const reference = readObject(item, at);
    return {
      isParent: reference.refType === 'CHILD_OF',
      traceId: readId(reference.traceID, 32, at),
      spanId: readId(reference.spanID, 16, at),
    };
  });
  // Before references, a span named its parent in a field.
  const spanId = readId(span.parentSpanID, 16, `${where}.parentSpanID`);
  if (spanId !== '' && !references.some(({ isParent }) => isParent)) {
    references.push({ isParent: true, traceId: readId(span.traceID, 32, where), spanId });
  }
  return references;
}

function fromLog(value: unknown, where: string): JsonObject {
  const log = readObject(value, where);
  const fields = readTags(log.fields, `${where}.fields`);
  const name = fields.find(({ key }) => key === 'event');
  return {
    timeUnixNano: readMicroseconds(log.timestamp, `${where}.timestamp`).toString(),
    name: String(name?.value['stringValue'] ?? ''),
    attributes: fields.filter((field) => field !== name),
  };
}

function readTags(value: unknown, where: string): { key: string; value: JsonObject }[] {
  return readList(value, where).map((item, index) => {
    const at = `${where}[${index}]`;
    const tag = readObject(item, at);
    return { key: readText(tag.key, at), value: fromTagValue(tag, at) };
  });
}

function fromTagValue({ type, value }: JsonObject, where: string): JsonObject {
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  if (!isPlain) throw new DecodeError(`${where}.value`, typeof value, 'a string, number or boolean');
  if (type === 'bool') return { boolValue: value === true || value === 'true' };
  if (type === 'int64') return { intValue: String(value) };
  if (type === 'float64') return { doubleValue: Number(value) };
  if (type === 'binary') return { bytesValue: String(value) };
  return { stringValue: String(value) };
}
