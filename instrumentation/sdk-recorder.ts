/**
 * A recorder on OpenTelemetry's own SDK: NodeSDK, a batch processor and an OTLP exporter, set up by the OTEL_* variables,
 * and by the module that SOCKEYE_SDK names.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { propagation, trace, SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpJsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as HttpProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { envDetector, hostDetector, osDetector, serviceInstanceIdDetector } from '@opentelemetry/resources';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { contextManager, rootContext } from './context.ts';
import { reportReachability } from './export-health.ts';
import { createPropagation, propagatorsOf } from './propagation.ts';
import type { RecordedSpan, Recorder, SpanEnd, SpanStart } from './recorder.ts';

const kinds = { client: SpanKind.CLIENT, server: SpanKind.SERVER };

/** Spans wait at most this long for a batch, unless OTEL_BSP_SCHEDULE_DELAY says otherwise: a page that is looked at wants them soon. */
const scheduleDelayMs = 1000;

export interface SdkRecorderOptions {
  version: string;
  /** The service's name when the environment gives none. */
  serviceName: string | undefined;
}

/** Starts the SDK and registers it with the OpenTelemetry API, so that the program's own spans join the hook's traces. */
export function startSdkRecorder({ version, serviceName }: SdkRecorderOptions): Recorder {
  const { spanProcessors = [], traceExporter, ...own } = ownConfiguration(process.env['SOCKEYE_SDK']);
  const pipeline = startPipeline(traceExporter);
  const propagators = propagatorsOf(process.env['OTEL_PROPAGATORS']);
  const configuration: Partial<NodeSDKConfiguration> = {
    resource: defaultResource().merge(
      resourceFromAttributes({
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
        'telemetry.distro.name': '@sockeye/instrumentation',
        'telemetry.distro.version': version,
      }),
    ),
    contextManager,
    // The hook's own where they are enough: OpenTelemetry's let pass what the W3C's rules do not.
    ...(propagators ? { textMapPropagator: createPropagation(propagators).propagator } : {}),
    ...(serviceName === undefined ? {} : { serviceName }),
    ...(pipeline === undefined ? {} : { spanProcessors: [pipeline.processor, ...spanProcessors] }),
    // The default detectors but one: the command line of a process may hold secrets.
    ...(process.env['OTEL_NODE_RESOURCE_DETECTORS']
      ? {}
      : { resourceDetectors: [serviceInstanceIdDetector, hostDetector, osDetector, envDetector] }),
    // Traces alone, unless metrics or logs are asked for by name.
    ...(process.env['OTEL_METRICS_EXPORTER'] ? {} : { metricReaders: [] }),
    ...(process.env['OTEL_LOGS_EXPORTER'] ? {} : { logRecordProcessors: [] }),
    ...own,
  };
  new NodeSDK(configuration).start();
  const tracer = trace.getTracer('@sockeye/instrumentation', version);

  return {
    startSpan({ name, kind, startMs, parent, shared, attributes: own }: SpanStart): RecordedSpan {
      const attributes = { ...shared, ...own };
      const span = tracer.startSpan(name, { kind: kinds[kind], startTime: startMs, attributes }, parent);
      return { context: trace.setSpan(parent, span), end: (end) => endSpan(span, end) };
    },
    extract: (headers) => propagation.extract(rootContext, headers),
    inject(span, set) {
      propagation.inject(span.context, set, { set: (_carrier, name, value) => set(name, value) });
    },
    async flush() {
      // The processor sends what it holds, and forgets the batch that is on its way already: that one the exporter knows.
      await Promise.allSettled([pipeline?.processor.forceFlush()]);
      await Promise.allSettled([pipeline?.exporter.forceFlush()]);
    },
  };
}

/**
 * Part of NodeSDK's options, exported by a module of the program's; none for `1` or `true`, which ask for the SDK alone. Its
 * processors come after the hook's own.
 */
function ownConfiguration(setting = ''): Partial<NodeSDKConfiguration> {
  const path = setting.trim();
  if (/^(|1|true)$/i.test(path)) return {};
  try {
    const require = createRequire(join(process.cwd(), 'main.js'));
    const loaded = require(resolve(path)) as { default?: Partial<NodeSDKConfiguration> };
    return loaded.default ?? (loaded as Partial<NodeSDKConfiguration>);
  } catch (error) {
    const [reason] = String(error).split('\n');
    process.stderr.write(
      `sockeye: SOCKEYE_SDK names no module that loads, expected a path or 1: ${path}: ${reason}. The SDK runs without it.\n`,
    );
    return {};
  }
}

function endSpan(span: Span, { endMs, shared = [], attributes, name, errorMessage }: SpanEnd): void {
  if (name !== undefined) span.updateName(name);
  for (const each of shared) span.setAttributes(each);
  span.setAttributes(attributes);
  if (errorMessage !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage });
  span.end(endMs);
}

/**
 * The exporter and its batches: the one given, else OTLP, by gRPC unless a protocol is named. Undefined when the environment
 * asks for another, which the SDK sets up.
 */
function startPipeline(given: NodeSDKConfiguration['traceExporter'] | undefined) {
  const wanted = process.env['OTEL_TRACES_EXPORTER']?.trim();
  if (!given && wanted && wanted !== 'otlp') return undefined;
  const writeLine = (line: string) => process.stderr.write(`${line}\n`);
  const exporter = reportReachability(given ?? otlpExporter(), exporterAddress(), writeLine);
  const processor = new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis: positiveNumber('OTEL_BSP_SCHEDULE_DELAY') ?? scheduleDelayMs,
    maxQueueSize: positiveNumber('OTEL_BSP_MAX_QUEUE_SIZE'),
    maxExportBatchSize: positiveNumber('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    exportTimeoutMillis: positiveNumber('OTEL_BSP_EXPORT_TIMEOUT'),
  });
  return { exporter, processor };
}

function otlpProtocol(): string {
  const { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: traces, OTEL_EXPORTER_OTLP_PROTOCOL: all } = process.env;
  return (traces || all || 'grpc').trim();
}

function otlpExporter(): GrpcExporter | HttpProtobufExporter | HttpJsonExporter {
  switch (otlpProtocol()) {
    case 'http/protobuf':
      return new HttpProtobufExporter();
    case 'http/json':
      return new HttpJsonExporter();
    default:
      return new GrpcExporter();
  }
}

/** Where the spans go, for messages. */
function exporterAddress(): string {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces, OTEL_EXPORTER_OTLP_ENDPOINT: all } = process.env;
  return traces || all || (otlpProtocol() === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318');
}

function positiveNumber(variable: string): number | undefined {
  const value = Number(process.env[variable]);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
