/** Decodes an OTLP request of spans with protobufjs, every field of it, into plain objects for tests. */
import protobuf from 'protobufjs';

const schema = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
  message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16;
    string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
    repeated Event events = 11; uint32 dropped_events_count = 12;
    repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
  message Link {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
    uint32 dropped_attributes_count = 5; fixed32 flags = 6;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value {
      string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
      ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`).root;
const requestType = schema.lookupType('Request');

export interface DecodedLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: Record<string, unknown>;
  dropped: number;
  flags: number;
}

export interface DecodedSpan {
  scope: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  flags: number;
  name: string;
  kind: number;
  startNano: bigint;
  endNano: bigint;
  attributes: Record<string, unknown>;
  /** How often each key is there: more than once would be against OTLP. */
  keys: string[];
  events: { name: string; nano: bigint; attributes: Record<string, unknown>; dropped: number }[];
  links: DecodedLink[];
  status: { code: number; message: string };
  dropped: { attributes: number; events: number; links: number };
}

export interface DecodedRequest {
  resource: Record<string, unknown>;
  scopes: { name: string; version: string; schemaUrl: string; attributes: Record<string, unknown> }[];
  spans: DecodedSpan[];
}

type Raw = Record<string, unknown>;
const list = (value: unknown) => (value ?? []) as Raw[];
const hex = (value: unknown) => Buffer.from((value ?? []) as Uint8Array).toString('hex');
const number = (value: unknown) => Number(value ?? 0);
const text = (value: unknown) => String(value ?? '');

function plain(value: Raw | undefined): unknown {
  if (!value) return undefined;
  if ('stringValue' in value) return value['stringValue'];
  if ('boolValue' in value) return value['boolValue'];
  if ('intValue' in value) return BigInt(text(value['intValue']));
  if ('doubleValue' in value) return value['doubleValue'];
  if ('bytesValue' in value) return hex(value['bytesValue']);
  if ('arrayValue' in value) return list((value['arrayValue'] as Raw)['values']).map(plain);
  if ('kvlistValue' in value) return attributesOf((value['kvlistValue'] as Raw)['values']);
  return null;
}

function attributesOf(attributes: unknown): Record<string, unknown> {
  return Object.fromEntries(
    list(attributes).map(({ key, value }) => [text(key), plain(value as Raw | undefined)]),
  );
}

function spanOf(scope: string, raw: Raw): DecodedSpan {
  const status = (raw['status'] ?? {}) as Raw;
  return {
    scope,
    traceId: hex(raw['traceId']),
    spanId: hex(raw['spanId']),
    parentSpanId: hex(raw['parentSpanId']),
    traceState: text(raw['traceState']),
    flags: number(raw['flags']),
    name: text(raw['name']),
    kind: number(raw['kind']),
    startNano: BigInt(text(raw['startTimeUnixNano'] ?? 0)),
    endNano: BigInt(text(raw['endTimeUnixNano'] ?? 0)),
    attributes: attributesOf(raw['attributes']),
    keys: list(raw['attributes']).map(({ key }) => text(key)),
    events: list(raw['events']).map((event) => ({
      name: text(event['name']),
      nano: BigInt(text(event['timeUnixNano'] ?? 0)),
      attributes: attributesOf(event['attributes']),
      dropped: number(event['droppedAttributesCount']),
    })),
    links: list(raw['links']).map((link) => ({
      traceId: hex(link['traceId']),
      spanId: hex(link['spanId']),
      traceState: text(link['traceState']),
      attributes: attributesOf(link['attributes']),
      dropped: number(link['droppedAttributesCount']),
      flags: number(link['flags']),
    })),
    status: { code: number(status['code']), message: text(status['message']) },
    dropped: {
      attributes: number(raw['droppedAttributesCount']),
      events: number(raw['droppedEventsCount']),
      links: number(raw['droppedLinksCount']),
    },
  };
}

export function decodeSpans(bytes: Uint8Array): DecodedRequest {
  const message = requestType.toObject(requestType.decode(bytes), { longs: String, bytes: Buffer }) as {
    resourceSpans?: Raw[];
  };
  const [resourceSpans = {}] = message.resourceSpans ?? [];
  const scopeSpans = list(resourceSpans['scopeSpans']);
  return {
    resource: attributesOf((resourceSpans['resource'] as Raw | undefined)?.['attributes']),
    scopes: scopeSpans.map((each) => {
      const scope = (each['scope'] ?? {}) as Raw;
      return {
        name: text(scope['name']),
        version: text(scope['version']),
        schemaUrl: text(each['schemaUrl']),
        attributes: attributesOf(scope['attributes']),
      };
    }),
    spans: scopeSpans.flatMap((each) =>
      list(each['spans']).map((span) => spanOf(text((each['scope'] as Raw | undefined)?.['name']), span)),
    ),
  };
}
