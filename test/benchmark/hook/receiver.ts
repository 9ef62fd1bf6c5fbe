/**
 * The collector of the measured service, in a process of its own: takes OTLP over gRPC, counts spans as they come, and looks
 * into them only when asked, after the measurement. Messages: `{ awaited }` is answered when so many spans are there, or
 * none has come for a while; `{ count: true }` with what they are; `{ reset: true }` forgets them.
 */
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

export interface Received {
  spans: number;
  server: number;
  client: number;
  /** Client spans whose parent is one of the server spans, in the same trace. */
  paired: number;
}

const schema = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { repeated ScopeSpans scope_spans = 2; }
  message ScopeSpans { repeated bytes spans = 2; }
  message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; int32 kind = 6; }
`).root;
const requestType = schema.lookupType('Request');
const spanType = schema.lookupType('Span');
/** How long none may come before the rest is given up; and, when all are there, before those that nobody waited for are too. */
const quietMs = { missing: 4000, complete: 700 };

interface RawRequest {
  resourceSpans: { scopeSpans: { spans: Uint8Array[] }[] }[];
}
interface RawSpan {
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId: Buffer;
  kind: number;
}

let spans: Uint8Array[] = [];
let changed = () => {};

function exportSpans(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
  const { resourceSpans } = requestType.decode(call.request) as unknown as RawRequest;
  for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
  done(null, Buffer.alloc(0));
  changed();
}

function lookInto(): Received {
  const decoded = spans.map((bytes) => spanType.decode(bytes) as unknown as RawSpan);
  const id = (trace: Buffer, span: Buffer) => `${trace.toString('hex')} ${span.toString('hex')}`;
  const servers = decoded.filter(({ kind }) => kind === 2);
  const clients = decoded.filter(({ kind }) => kind === 3);
  const known = new Set(servers.map(({ traceId, spanId }) => id(traceId, spanId)));
  const paired = clients.filter(({ traceId, parentSpanId }) => known.has(id(traceId, parentSpanId)));
  return { spans: spans.length, server: servers.length, client: clients.length, paired: paired.length };
}

/** Resolves when this many spans have come, or none for a while. */
function arrival(awaited: number): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    changed = () => {
      clearTimeout(timer);
      timer = setTimeout(resolve, spans.length < awaited ? quietMs.missing : quietMs.complete);
    };
    changed();
  });
}

const server = new Server({ 'grpc.max_receive_message_length': 64 << 20 });
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
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.({ port });
});
process.on('message', async (message: { awaited: number } | { reset: true } | { count: true }) => {
  if ('reset' in message) spans = [];
  if ('awaited' in message) await arrival(message.awaited);
  process.send?.('count' in message ? lookInto() : {});
});
process.on('disconnect', () => process.exit());
