/** Senders that are not ours: the OpenTelemetry JS exporters against the real collector process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Status, Trace } from '../../collector/serve/wire.ts';
import { FREE_PORTS, startCollector, type Collector } from '../main/collector.ts';

let folder: string;
let collector: Collector;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sockeye-exporters-'));
  collector = await startCollector([...FREE_PORTS, '--data', folder]);
});
afterAll(async () => {
  await collector?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${collector.web}${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

const exporters: [string, (compression: CompressionAlgorithm) => SpanExporter][] = [
  ['gRPC', (compression) => new GrpcExporter({ url: `http://${collector.otlpGrpc}`, compression })],
  [
    'HTTP protobuf',
    (compression) => new ProtobufExporter({ url: `${collector.otlpHttp}/v1/traces`, compression }),
  ],
  ['HTTP JSON', (compression) => new JsonExporter({ url: `${collector.otlpHttp}/v1/traces`, compression })],
];
const cases = exporters.flatMap(([name, create]) =>
  [CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP].map(
    (compression) => [name, compression, create] as const,
  ),
);

test.each(cases)('%s, compression %s', async (name, compression, create) => {
  const before = (await get<Status>('/api/status')).spans.stored;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': `sender ${name}` }),
    spanProcessors: [new BatchSpanProcessor({ exporter: create(compression) })],
  });
  const tracer = provider.getTracer('test-tracer', '1.2.3');
  const parent = tracer.startSpan('GET /cart', {
    kind: SpanKind.SERVER,
    attributes: { list: ['a', 'b'], size: 3 },
  });
  const child = tracer.startSpan(
    'SELECT',
    { kind: SpanKind.CLIENT, links: [{ context: parent.spanContext(), attributes: { why: 'test' } }] },
    trace.setSpan(context.active(), parent),
  );
  child.addEvent('retry', { attempt: 2 });
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'timed out' });
  child.end();
  parent.end();
  await provider.shutdown();

  const { traceId, spanId } = parent.spanContext();
  const stored = await get<Trace>(`/api/traces/${traceId}`);
  expect(stored.spans).toHaveLength(2);
  expect(stored.spans.find((span) => span.spanId === spanId)).toMatchObject({
    parentSpanId: '',
    service: `sender ${name}`,
    operation: 'GET /cart',
    kind: 'server',
    attributes: { list: ['a', 'b'], size: 3 },
  });
  expect(stored.spans.find((span) => span.parentSpanId === spanId)).toMatchObject({
    operation: 'SELECT',
    kind: 'client',
    status: { code: 'error', message: 'timed out' },
    events: [{ name: 'retry', attributes: { attempt: 2 } }],
    links: [{ traceId, spanId, attributes: { why: 'test' } }],
  });
  expect((await get<Status>('/api/status')).spans.stored).toBe(before + 2);
});
