/**
 * A recorder on OpenTelemetry's own SDK: NodeSDK, a batch processor and an OTLP exporter, set up by the OTEL_* variables,
 * and by the module that SOCKEYE_SDK names.
 */
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { propagation, trace, SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as HttpJsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as HttpProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin';
import { envDetector, hostDetector, osDetector, serviceInstanceIdDetector } from '@opentelemetry/resources';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { contextManager, rootContext } from './context.ts';
import { createSender } from './export/exporter.ts';
import { exportOptions } from './export/options.ts';
import { reportReachability } from './export-health.ts';
import { createHostReports, isReportWanted } from './host/report.ts';
import { createPropagation, propagatorsOf } from './propagation.ts';
import type { RecordedSpan, Recorder, SpanEnd, SpanStart, UnendedSpans } from './recorder.ts';
import { followOpenSpans } from './sdk-open-spans.ts';

const kinds = { client: SpanKind.CLIENT, server: SpanKind.SERVER, internal: SpanKind.INTERNAL };

/** Spans wait at most this long for a batch, unless OTEL_BSP_SCHEDULE_DELAY says otherwise: a page that is looked at wants them soon. */
const scheduleDelayMs = 1000;
/** The SDK's own. */
const usualQueueMax = 2048;
const scopeName = '@sockeye/instrumentation';

export interface SdkRecorderOptions {
  version: string;
  /** The service's name when the environment gives none. */
  serviceName: string | undefined;
}

export interface SdkRecorder extends Recorder {
  /** Those that have not ended, when the program does. */
  unended: UnendedSpans;
}

/** Starts the SDK and registers it with the OpenTelemetry API, so that the program's own spans join the hook's traces. */
export function startSdkRecorder({ version, serviceName }: SdkRecorderOptions): SdkRecorder {
  const { spanProcessors = [], traceExporter, ...own } = ownConfiguration(process.env['SOCKEYE_SDK']);
  const pipeline = startPipeline(traceExporter, version);
  const open = followOpenSpans(positiveNumber('OTEL_BSP_MAX_QUEUE_SIZE') ?? usualQueueMax);
  const named = pipeline ? [] : namedProcessors();
  const processors = [...(pipeline ? [pipeline.processor] : named), ...spanProcessors];
  const propagators = propagatorsOf(process.env['OTEL_PROPAGATORS']);
  const configuration: Partial<NodeSDKConfiguration> = {
    resource: defaultResource().merge(
      resourceFromAttributes({
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
        'telemetry.distro.name': scopeName,
        'telemetry.distro.version': version,
      }),
    ),
    contextManager,
    // The hook's own where they are enough: OpenTelemetry's let pass what the W3C's rules do not.
    ...(propagators ? { textMapPropagator: createPropagation(propagators).propagator } : {}),
    ...(serviceName === undefined ? {} : { serviceName }),
    ...(processors.length === 0 ? {} : { spanProcessors: [open.processor, ...processors] }),
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
  const tracer = trace.getTracer(scopeName, version);

  return {
    unended: open.unended,
    startSpan({ name, kind, startMs, parent, shared, attributes: own }: SpanStart): RecordedSpan {
      const attributes = { ...shared, ...own };
      const span = tracer.startSpan(name, { kind: kinds[kind], startTime: startMs, attributes }, parent);
      const recorded = { context: trace.setSpan(parent, span), end: (end: SpanEnd) => endSpan(span, end) };
      open.note(span, recorded);
      return recorded;
    },
    extract: (headers) => propagation.extract(rootContext, headers),
    inject(span, set) {
      propagation.inject(span.context, set, { set: (_carrier, name, value) => set(name, value) });
    },
    async flush() {
      // The processor sends what it holds, and forgets the batch that is on its way already: that one the exporter knows.
      await Promise.allSettled([pipeline?.processor, ...named].map((each) => each?.forceFlush()));
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
 * asks for another.
 */
function startPipeline(given: NodeSDKConfiguration['traceExporter'] | undefined, version: string) {
  const wanted = process.env['OTEL_TRACES_EXPORTER']?.trim();
  if (!given && wanted && wanted !== 'otlp') return undefined;
  const writeLine = (line: string) => process.stderr.write(`${line}\n`);
  const reportHost = hostReports(given !== undefined, version);
  const exporter = reportReachability(given ?? otlpExporter(), exporterAddress(), writeLine, ([span]) => {
    if (span) reportHost(span.resource.attributes);
  });
  return { exporter, processor: inBatches(exporter) };
}

/** What OTEL_TRACES_EXPORTER names. The SDK would set up the same, but none beside processors, of which the hook's is one. */
function namedProcessors(): SpanProcessor[] {
  const names = new Set(process.env['OTEL_TRACES_EXPORTER']?.split(',').map((name) => name.trim()));
  return [...names].flatMap((name) => {
    switch (name) {
      case 'console':
        return new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() });
      case 'zipkin':
        return inBatches(new ZipkinExporter());
      case 'otlp':
        return inBatches(otlpExporter());
      case 'none':
        return [];
      default:
        process.stderr.write(
          `sockeye: OTEL_TRACES_EXPORTER names "${name}", expected otlp, console, zipkin or none: it is left out.\n`,
        );
        return [];
    }
  });
}

function inBatches(exporter: SpanExporter): BatchSpanProcessor {
  return new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis: positiveNumber('OTEL_BSP_SCHEDULE_DELAY') ?? scheduleDelayMs,
    maxQueueSize: positiveNumber('OTEL_BSP_MAX_QUEUE_SIZE'),
    maxExportBatchSize: positiveNumber('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    exportTimeoutMillis: positiveNumber('OTEL_BSP_EXPORT_TIMEOUT'),
  });
}

/**
 * To be called with what the process says of itself when spans were taken: counters of the host go where the spans go. Where an
 * exporter of the program's sends those is not known, unless a variable names the receiver as well.
 */
function hostReports(isOwnExporter: boolean, version: string): (resource: Attributes) => void {
  const environment = process.env;
  const named =
    environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const exporting = isOwnExporter && !named?.trim() ? undefined : exportOptions(environment);
  if (!exporting || !isReportWanted(environment)) return () => {};
  let resource: Attributes = {};
  const { timeoutMs, metricsUrl: url } = exporting;
  const spansTaken = createHostReports({
    sender: createSender(exporting, version),
    url,
    timeoutMs,
    resource: () => resource,
    scope: { name: scopeName, version },
  });
  return (attributes) => {
    // The SDK may have been told not to look for the host.
    resource = { 'host.name': hostname(), ...attributes };
    spansTaken();
  };
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
