/**
 * A trace in the JSON that Jaeger's UI and API speak, both ways. Pure. What is read becomes OTLP as that of Jaeger's other
 * formats does.
 *
 * Jaeger holds less than OTLP: microseconds, and values of five plain types. Nested values become JSON text.
 */
import { DecodeError } from '../../decode/decode-error.ts';
import {
  resourceOf,
  scopeSpansOf,
  withParent,
  type JaegerReference,
  type JaegerSpan as ReadSpan,
  type JaegerTag as ReadTag,
} from '../../decode/jaeger-spans.ts';
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
  return resourceOf({
    serviceName: readText(process.serviceName, where),
    tags: readTags(process.tags, `${where}.tags`),
  });
}

function fromJaegerSpan(span: JsonObject, where: string): JsonObject {
  const startUnixNano = readMicroseconds(span.startTime, `${where}.startTime`);
  return scopeSpansOf({
    traceId: readId(span.traceID, 32, `${where}.traceID`),
    spanId: readId(span.spanID, 16, `${where}.spanID`),
    references: readReferences(span, where),
    flags: typeof span.flags === 'number' ? span.flags : 0,
    name: readText(span.operationName, `${where}.operationName`),
    startUnixNano,
    endUnixNano: startUnixNano + readMicroseconds(span.duration, `${where}.duration`),
    tags: readTags(span.tags, `${where}.tags`),
    logs: readList(span.logs, `${where}.logs`).map((log, at) => readLog(log, `${where}.logs[${at}]`)),
  });
}

function readReferences(span: JsonObject, where: string): readonly JaegerReference[] {
  const references = readList(span.references, `${where}.references`).map((item, index) => {
    const at = `${where}.references[${index}]`;
    const reference = readObject(item, at);
    return {
      isParent: reference.refType === 'CHILD_OF',
      traceId: readId(reference.traceID, 32, at),
      spanId: readId(reference.spanID, 16, at),
    };
  });
  const parentId = readId(span.parentSpanID, 16, `${where}.parentSpanID`);
  return withParent(references, readId(span.traceID, 32, where), parentId);
}

function readLog(value: unknown, where: string): ReadSpan['logs'][number] {
  const log = readObject(value, where);
  return {
    timeUnixNano: readMicroseconds(log.timestamp, `${where}.timestamp`),
    fields: readTags(log.fields, `${where}.fields`),
  };
}

function readTags(value: unknown, where: string): ReadTag[] {
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
