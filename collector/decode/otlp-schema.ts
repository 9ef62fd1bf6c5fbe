/**
 * The messages of OTLP traces as data: field numbers, JSON names and types.
 *
 * One table drives the check of incoming bytes and both directions of OTLP JSON, so a field that the protocol gains is
 * added here (and in `decodeSpan` where it is to be shown). From opentelemetry-proto 1.9: trace, common, resource and
 * collector/trace; and google.rpc.Status with RetryInfo, which answers are made of.
 */
import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT } from './protobuf-reader.ts';

/** `id` is bytes that JSON writes as hex. An enum is the list of its JSON names, in order of value. */
export type ScalarType =
  | 'string'
  | 'bytes'
  | 'id'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'sint32'
  | 'int64'
  | 'uint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'double';
export type FieldType = ScalarType | readonly string[] | MessageSchema;

export interface FieldSchema {
  readonly number: number;
  /** lowerCamelCase, as in JSON. */
  readonly name: string;
  /** As in the .proto file; some senders write JSON with it. */
  readonly snakeName: string;
  readonly type: FieldType;
  readonly repeated: boolean;
  /** What is there counts, whatever its value: a 0 is written too. */
  readonly optional: boolean;
  readonly wireType: number;
}

export interface MessageSchema {
  readonly name: string;
  /** At most one field is set, and an empty value still counts as set. */
  readonly oneof: boolean;
  readonly fields: readonly FieldSchema[];
  /** Index: field number. */
  readonly byNumber: readonly (FieldSchema | undefined)[];
}

type Repeated = { readonly each: FieldType };
type Optional = { readonly maybe: FieldType };
type FieldTable = {
  readonly [name: string]: readonly [number: number, type: FieldType | Repeated | Optional];
};

export const repeated = (each: FieldType): Repeated => ({ each });
export const optional = (maybe: FieldType): Optional => ({ maybe });

export function isMessage(type: FieldType): type is MessageSchema {
  return typeof type === 'object' && 'byNumber' in type;
}

function wireTypeOf(type: FieldType): number {
  if (isMessage(type) || type === 'string' || type === 'bytes' || type === 'id') return LENGTH_DELIMITED;
  if (type === 'fixed64' || type === 'sfixed64' || type === 'double') return FIXED64;
  return type === 'fixed32' ? FIXED32 : VARINT;
}

export function message(name: string, table: FieldTable): MessageSchema {
  return define({ name, oneof: false, fields: [], byNumber: [] }, table);
}

interface OpenSchema extends MessageSchema {
  readonly fields: FieldSchema[];
  readonly byNumber: (FieldSchema | undefined)[];
}

function define(schema: OpenSchema, table: FieldTable): MessageSchema {
  for (const [name, [number, declared]] of Object.entries(table)) {
    const isRepeated = typeof declared === 'object' && 'each' in declared;
    const isOptional = typeof declared === 'object' && 'maybe' in declared;
    const type = isRepeated ? declared.each : isOptional ? declared.maybe : declared;
    const snakeName = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const wireType = wireTypeOf(type);
    const field = { number, name, snakeName, type, repeated: isRepeated, optional: isOptional, wireType };
    schema.fields.push(field);
    while (schema.byNumber.length < number) schema.byNumber.push(undefined);
    schema.byNumber[number] = field;
  }
  return schema;
}

/** Declared before it is defined, because it contains itself. */
export const ANY_VALUE: OpenSchema = { name: 'AnyValue', oneof: true, fields: [], byNumber: [] };
export const KEY_VALUE = message('KeyValue', {
  key: [1, 'string'],
  value: [2, ANY_VALUE],
  keyStrindex: [3, 'int32'],
});
export const ARRAY_VALUE = message('ArrayValue', { values: [1, repeated(ANY_VALUE)] });
export const KEY_VALUE_LIST = message('KeyValueList', { values: [1, repeated(KEY_VALUE)] });
define(ANY_VALUE, {
  stringValue: [1, 'string'],
  boolValue: [2, 'bool'],
  intValue: [3, 'int64'],
  doubleValue: [4, 'double'],
  arrayValue: [5, ARRAY_VALUE],
  kvlistValue: [6, KEY_VALUE_LIST],
  bytesValue: [7, 'bytes'],
  stringValueStrindex: [8, 'int32'],
});

const ENTITY_REF = message('EntityRef', {
  schemaUrl: [1, 'string'],
  type: [2, 'string'],
  idKeys: [3, repeated('string')],
  descriptionKeys: [4, repeated('string')],
});
export const RESOURCE = message('Resource', {
  attributes: [1, repeated(KEY_VALUE)],
  droppedAttributesCount: [2, 'uint32'],
  entityRefs: [3, repeated(ENTITY_REF)],
});
export const SCOPE = message('InstrumentationScope', {
  name: [1, 'string'],
  version: [2, 'string'],
  attributes: [3, repeated(KEY_VALUE)],
  droppedAttributesCount: [4, 'uint32'],
});

const EVENT = message('Event', {
  timeUnixNano: [1, 'fixed64'],
  name: [2, 'string'],
  attributes: [3, repeated(KEY_VALUE)],
  droppedAttributesCount: [4, 'uint32'],
});
const LINK = message('Link', {
  traceId: [1, 'id'],
  spanId: [2, 'id'],
  traceState: [3, 'string'],
  attributes: [4, repeated(KEY_VALUE)],
  droppedAttributesCount: [5, 'uint32'],
  flags: [6, 'fixed32'],
});
const STATUS = message('Status', {
  message: [2, 'string'],
  code: [3, ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']],
});
const SPAN_KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
export const SPAN = message('Span', {
  traceId: [1, 'id'],
  spanId: [2, 'id'],
  traceState: [3, 'string'],
  parentSpanId: [4, 'id'],
  flags: [16, 'fixed32'],
  name: [5, 'string'],
  kind: [6, SPAN_KINDS.map((kind) => `SPAN_KIND_${kind}`)],
  startTimeUnixNano: [7, 'fixed64'],
  endTimeUnixNano: [8, 'fixed64'],
  attributes: [9, repeated(KEY_VALUE)],
  droppedAttributesCount: [10, 'uint32'],
  events: [11, repeated(EVENT)],
  droppedEventsCount: [12, 'uint32'],
  links: [13, repeated(LINK)],
  droppedLinksCount: [14, 'uint32'],
  status: [15, STATUS],
});

export const SCOPE_SPANS = message('ScopeSpans', {
  scope: [1, SCOPE],
  spans: [2, repeated(SPAN)],
  schemaUrl: [3, 'string'],
});
export const RESOURCE_SPANS = message('ResourceSpans', {
  resource: [1, RESOURCE],
  scopeSpans: [2, repeated(SCOPE_SPANS)],
  schemaUrl: [3, 'string'],
});
/** Of metrics what a report of a host is made of; the rest is passed over. Signed numbers are read as unsigned ones. */
const NUMBER_DATA_POINT = message('NumberDataPoint', {
  timeUnixNano: [3, 'fixed64'],
  asDouble: [4, 'double'],
  asInt: [6, 'fixed64'],
});
const METRIC = message('Metric', {
  name: [1, 'string'],
  gauge: [5, message('Gauge', { dataPoints: [1, repeated(NUMBER_DATA_POINT)] })],
  sum: [7, message('Sum', { dataPoints: [1, repeated(NUMBER_DATA_POINT)] })],
});
export const HOST_METRICS = message('MetricsData', {
  resourceMetrics: [
    1,
    repeated(
      message('ResourceMetrics', {
        resource: [1, RESOURCE],
        scopeMetrics: [2, repeated(message('ScopeMetrics', { metrics: [2, repeated(METRIC)] }))],
      }),
    ),
  ],
});

/** `ExportTraceServiceRequest` has the same bytes. */
export const TRACES_DATA = message('TracesData', { resourceSpans: [1, repeated(RESOURCE_SPANS)] });

export const EXPORT_TRACE_RESPONSE = message('ExportTraceServiceResponse', {
  partialSuccess: [
    1,
    message('ExportTracePartialSuccess', { rejectedSpans: [1, 'int64'], errorMessage: [2, 'string'] }),
  ],
});

const ANY = message('Any', { typeUrl: [1, 'string'], value: [2, 'bytes'] });
export const RPC_STATUS = message('google.rpc.Status', {
  code: [1, 'int32'],
  message: [2, 'string'],
  details: [3, repeated(ANY)],
});
export const RETRY_INFO = message('google.rpc.RetryInfo', {
  retryDelay: [1, message('Duration', { seconds: [1, 'int64'], nanos: [2, 'int32'] })],
});
