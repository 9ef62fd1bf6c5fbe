/** A bare OTLP gRPC server for tests: knows nothing of the product, decodes what arrives, and waits for the spans asked for. */
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const schema = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; string version = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; Status status = 15;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; } }
  message ArrayValue { repeated AnyValue values = 1; }
`).root;
const requestType = schema.lookupType('Request');

export type Value = string | number | boolean | Value[] | undefined;

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer' | 'other';
  durationMs: number;
  startMs: number;
  error: boolean;
  message: string;
  attributes: Record<string, Value>;
  resource: Record<string, Value>;
  scope: string;
}

export interface Receiver {
  url: string;
  port: number;
  /** Those that have ended. */
  spans: ReceivedSpan[];
  /** What was told of those that had not. */
  snapshots: ReceivedSpan[];
  /** The export requests as they came, in order. */
  requests: Buffer[];
  /** Metadata of the export requests, in order. */
  metadata: Record<string, unknown>[];
  /** Resolves with the first span that matches and has ended, now or later. */
  waitFor(matches: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  waitForSnapshot(matches: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  close(): void;
}

interface RawValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  arrayValue?: { values: RawValue[] };
}
type RawAttributes = { key: string; value?: RawValue }[];

function plain(raw: RawValue | undefined): Value {
  if (raw?.arrayValue) return raw.arrayValue.values.map(plain);
  if (raw?.intValue !== undefined) return Number(raw.intValue);
  return raw?.stringValue ?? raw?.boolValue ?? raw?.doubleValue;
}

function attributesOf(raw: RawAttributes = []): Record<string, Value> {
  return Object.fromEntries(raw.map(({ key, value }) => [key, plain(value)]));
}

const kinds: ReceivedSpan['kind'][] = ['other', 'internal', 'server', 'client', 'producer', 'consumer'];

function decode(bytes: Buffer): ReceivedSpan[] {
  const message = requestType.toObject(requestType.decode(bytes), {
    longs: String,
    bytes: Buffer,
    arrays: true,
  }) as {
    resourceSpans: {
      resource?: { attributes: RawAttributes };
      scopeSpans: { scope?: { name: string }; spans: RawSpan[] }[];
    }[];
  };
  return message.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => readSpan(span, attributesOf(resource?.attributes), scope?.name ?? '')),
    ),
  );
}

interface RawSpan {
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId?: Buffer;
  traceState?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: RawAttributes;
  status?: { code?: number; message?: string };
}

function readSpan(raw: RawSpan, resource: Record<string, Value>, scope: string): ReceivedSpan {
  return {
    traceId: raw.traceId.toString('hex'),
    spanId: raw.spanId.toString('hex'),
    parentSpanId: raw.parentSpanId?.toString('hex') ?? '',
    traceState: raw.traceState ?? '',
    name: raw.name,
    kind: kinds[raw.kind] ?? 'other',
    startMs: Number(BigInt(raw.startTimeUnixNano) / 1000n) / 1000,
    durationMs: Number(BigInt(raw.endTimeUnixNano) - BigInt(raw.startTimeUnixNano)) / 1e6,
    error: raw.status?.code === 2,
    message: raw.status?.message ?? '',
    attributes: attributesOf(raw.attributes),
    resource,
    scope,
  };
}

const WAIT_MS = 20_000;

/** Spans as they come, and those who wait for one. */
function createList() {
  const spans: ReceivedSpan[] = [];
  let waiting: { matches: (span: ReceivedSpan) => boolean; resolve: (span: ReceivedSpan) => void }[] = [];
  return {
    spans,
    add(span: ReceivedSpan): void {
      spans.push(span);
      waiting = waiting.filter(({ matches, resolve }) => {
        if (!matches(span)) return true;
        resolve(span);
        return false;
      });
    },
    waitFor(matches: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
      const found = spans.find(matches);
      if (found) return Promise.resolve(found);
      return new Promise((resolve, reject) => {
        waiting.push({ matches, resolve });
        const names = () => spans.map(({ kind, name }) => `${kind} ${name}`).join(', ');
        const giveUp = () => reject(new Error(`no span as expected in ${WAIT_MS} ms, got: ${names()}`));
        setTimeout(giveUp, WAIT_MS).unref();
      });
    },
  };
}

/** Listens on a free port of loopback, or on the one given. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const server = new Server({ 'grpc.max_receive_message_length': 64 << 20 });
  const ended = createList();
  const open = createList();
  const requests: Buffer[] = [];
  const metadata: Record<string, unknown>[] = [];

  const exportSpans = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
    requests.push(call.request);
    metadata.push(call.metadata.getMap());
    for (const span of decode(call.request)) {
      const list = 'sockeye.pending.span_id' in span.attributes ? open : ended;
      list.add(span);
    }
    done(null, Buffer.alloc(0));
  };
  const same = (bytes: Buffer) => bytes;
  server.addService(
    {
      Export: {
        path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    { Export: exportSpans },
  );
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) =>
      error ? reject(error) : resolve(actual),
    );
  });
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    spans: ended.spans,
    snapshots: open.spans,
    requests,
    metadata,
    waitFor: ended.waitFor,
    waitForSnapshot: open.waitFor,
    close: () => server.forceShutdown(),
  };
}
