/**
 * The messages of OTLP traces as the specification writes them (opentelemetry-proto 1.9), encoded and decoded by
 * protobufjs: an implementation that shares nothing with the one under test.
 */
import protobuf from 'protobufjs';

const PROTO = `
syntax = "proto3";

message TracesData { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }

message Span {
  bytes trace_id = 1;
  bytes span_id = 2;
  string trace_state = 3;
  bytes parent_span_id = 4;
  fixed32 flags = 16;
  string name = 5;
  enum SpanKind {
    SPAN_KIND_UNSPECIFIED = 0;
    SPAN_KIND_INTERNAL = 1;
    SPAN_KIND_SERVER = 2;
    SPAN_KIND_CLIENT = 3;
    SPAN_KIND_PRODUCER = 4;
    SPAN_KIND_CONSUMER = 5;
  }
  SpanKind kind = 6;
  fixed64 start_time_unix_nano = 7;
  fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9;
  uint32 dropped_attributes_count = 10;
  message Event {
    fixed64 time_unix_nano = 1;
    string name = 2;
    repeated KeyValue attributes = 3;
    uint32 dropped_attributes_count = 4;
  }
  repeated Event events = 11;
  uint32 dropped_events_count = 12;
  message Link {
    bytes trace_id = 1;
    bytes span_id = 2;
    string trace_state = 3;
    repeated KeyValue attributes = 4;
    uint32 dropped_attributes_count = 5;
    fixed32 flags = 6;
  }
  repeated Link links = 13;
  uint32 dropped_links_count = 14;
  Status status = 15;
}
message Status {
  string message = 2;
  enum StatusCode { STATUS_CODE_UNSET = 0; STATUS_CODE_OK = 1; STATUS_CODE_ERROR = 2; }
  StatusCode code = 3;
}

message Resource {
  repeated KeyValue attributes = 1;
  uint32 dropped_attributes_count = 2;
  repeated EntityRef entity_refs = 3;
}
message EntityRef {
  string schema_url = 1;
  string type = 2;
  repeated string id_keys = 3;
  repeated string description_keys = 4;
}
message InstrumentationScope {
  string name = 1;
  string version = 2;
  repeated KeyValue attributes = 3;
  uint32 dropped_attributes_count = 4;
}
message KeyValue { string key = 1; AnyValue value = 2; int32 key_strindex = 3; }
message AnyValue {
  oneof value {
    string string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    ArrayValue array_value = 5;
    KeyValueList kvlist_value = 6;
    bytes bytes_value = 7;
    int32 string_value_strindex = 8;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }

message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }

message RpcStatus { int32 code = 1; string message = 2; repeated Any details = 3; }
message Any { string type_url = 1; bytes value = 2; }
message RetryInfo { Duration retry_delay = 1; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
`;

const root = protobuf.parse(PROTO).root;

export function messageType(name: string): protobuf.Type {
  return root.lookupType(name);
}

/** Plain objects in, bytes out. 64-bit integers are decimal strings, bytes are Buffers. */
export function encode(name: string, message: object): Buffer {
  const type = messageType(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** The inverse of `encode`: only fields that were set; 64-bit integers decimal, bytes base64. */
export function decode(name: string, bytes: Uint8Array): Record<string, unknown> {
  const type = messageType(name);
  return type.toObject(type.decode(bytes), { longs: String, bytes: String });
}

/** A message with every field of every level set to a value of its own; AnyValue once for each of its types. */
export function fullMessage(name: string): Record<string, unknown> {
  let next = 1;
  const fill = (type: protobuf.Type, depth: number): Record<string, unknown> => {
    const message: Record<string, unknown> = {};
    for (const field of type.fieldsArray) {
      const value = field.repeated ? listOf(field, depth) : valueOf(field, depth);
      if (value !== undefined) message[field.name] = value;
    }
    return message;
  };
  const valueOf = (field: protobuf.Field, depth: number): unknown => {
    field.resolve();
    const { resolvedType } = field;
    if (resolvedType instanceof protobuf.Enum) return 1;
    if (resolvedType instanceof protobuf.Type) {
      if (resolvedType.name === 'AnyValue') return { stringValue: `value ${next++}` };
      return fill(resolvedType, depth + 1);
    }
    if (field.type === 'string') return `${field.name} ${next++} é`;
    if (field.type === 'bytes') return Buffer.alloc(field.name === 'traceId' ? 16 : 8, next++);
    if (field.type === 'fixed64') return String(1_700_000_000_000_000_000n + BigInt(next++));
    if (field.type === 'int64') return '-9007199254740995';
    return next++;
  };
  const listOf = (field: protobuf.Field, depth: number): unknown[] => {
    field.resolve();
    if (field.resolvedType?.name === 'KeyValue')
      return anyValues().map((value) => ({ ...value, key: `key ${next++}` }));
    return [valueOf(field, depth), valueOf(field, depth)];
  };
  return fill(messageType(name), 0);
}

/** One attribute for each type a value may have, nested ones included. */
function anyValues(): { value?: object; keyStrindex?: number }[] {
  const scalars = [
    { stringValue: 'text' },
    { stringValue: '' },
    { boolValue: true },
    { boolValue: false },
    { intValue: '-9007199254740995' },
    { intValue: '0' },
    { doubleValue: 0.1 },
    { doubleValue: 0 },
    { bytesValue: Buffer.from([0, 255, 1]) },
    { stringValueStrindex: 7 },
    {},
  ];
  const list = { arrayValue: { values: scalars } };
  const map = { kvlistValue: { values: [{ key: 'inner', value: list }, { key: 'empty' }] } };
  const empties = [{ arrayValue: { values: [] } }, { kvlistValue: { values: [] } }];
  return [...[...scalars, list, map, ...empties].map((value) => ({ value })), { keyStrindex: 5 }, {}];
}
