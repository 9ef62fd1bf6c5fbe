/** Where spans go and how, as the OTEL_EXPORTER_OTLP_* variables say; those for traces beat those for everything. */
import { readFileSync } from 'node:fs';
import { parseBaggage } from '../baggage.ts';

type Environment = Record<string, string | undefined>;

export interface ExportOptions {
  protocol: 'grpc' | 'http/protobuf';
  /** The whole URL: of gRPC only its origin counts. */
  url: string;
  /** The same for metrics; undefined when it does not follow from the other. */
  metricsUrl: string | undefined;
  /** Names in lower case. */
  headers: Record<string, string>;
  isCompressed: boolean;
  /** For one batch, its repetitions included. */
  timeoutMs: number;
  /** Files in PEM. */
  certificateFile: string | undefined;
  clientCertificateFile: string | undefined;
  clientKeyFile: string | undefined;
}

const usualTimeoutMs = 10_000;
const grpcPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const grpcMetricsPath = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

function variable(environment: Environment, name: string): string | undefined {
  const specific = environment[`OTEL_EXPORTER_OTLP_TRACES_${name}`]?.trim();
  return specific || environment[`OTEL_EXPORTER_OTLP_${name}`]?.trim() || undefined;
}

/** The protocol asked for; gRPC when none is. */
export function otlpProtocol(environment: Environment): string {
  return variable(environment, 'PROTOCOL') ?? 'grpc';
}

/** Undefined when it asks for what only OpenTelemetry's own exporters do. */
export function exportOptions(environment: Environment): ExportOptions | undefined {
  const protocol = otlpProtocol(environment);
  if (protocol !== 'grpc' && protocol !== 'http/protobuf') return undefined;
  const url = protocol === 'grpc' ? grpcUrl(environment) : httpUrl(environment);
  if (url === undefined) return undefined;
  return {
    protocol,
    url,
    metricsUrl: metricsUrlOf(protocol, url),
    headers: {
      ...headersOf(environment['OTEL_EXPORTER_OTLP_HEADERS']),
      ...headersOf(environment['OTEL_EXPORTER_OTLP_TRACES_HEADERS']),
    },
    isCompressed: variable(environment, 'COMPRESSION') === 'gzip',
    timeoutMs: timeoutOf(variable(environment, 'TIMEOUT')),
    certificateFile: variable(environment, 'CERTIFICATE'),
    clientCertificateFile: variable(environment, 'CLIENT_CERTIFICATE'),
    clientKeyFile: variable(environment, 'CLIENT_KEY'),
  };
}

function metricsUrlOf(protocol: ExportOptions['protocol'], url: string): string | undefined {
  if (protocol === 'grpc') return new URL(grpcMetricsPath, url).href;
  return url.endsWith('/v1/traces') ? url.replace(/traces$/, 'metrics') : undefined;
}

/** `host:4317` alone is a URL to gRPC, of TLS unless told otherwise; other names than addresses (`unix:`, `dns:`) are not known here. */
function grpcUrl(environment: Environment): string | undefined {
  const text = variable(environment, 'ENDPOINT') ?? 'http://localhost:4317';
  if (proxyOf(environment)) return undefined;
  const isInsecure = variable(environment, 'INSECURE')?.toLowerCase() === 'true';
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : /^[\w.-]+(:\d+)?$/.test(text)
      ? `${isInsecure ? 'http' : 'https'}://${text}`
      : '';
  if (!isWebUrl(url)) return undefined;
  return new URL(grpcPath, url).href;
}

/** gRPC knows these; HTTP exporters do not look at them. */
function proxyOf(environment: Environment): string | undefined {
  const names = ['grpc_proxy', 'https_proxy', 'http_proxy'];
  return names.map((name) => environment[name]).find(Boolean);
}

function httpUrl(environment: Environment): string | undefined {
  const specific = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']?.trim();
  const base = environment['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() || 'http://localhost:4318';
  const url = specific || `${base.replace(/\/$/, '')}/v1/traces`;
  return isWebUrl(url) ? url : undefined;
}

function isWebUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** They are written as baggage is: `name=value,name=value`, percent-encoded. */
function headersOf(text: string | undefined): Record<string, string> {
  const entries = parseBaggage(text)?.getAllEntries() ?? [];
  return Object.fromEntries(entries.map(([name, { value }]) => [name.toLowerCase(), value]));
}

function timeoutOf(text: string | undefined): number {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : usualTimeoutMs;
}

/** For connections by TLS. Throws when a file cannot be read. */
export function tlsOptions(options: ExportOptions): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const { certificateFile, clientCertificateFile, clientKeyFile } = options;
  return {
    ...(certificateFile === undefined ? {} : { ca: readFileSync(certificateFile) }),
    ...(clientCertificateFile === undefined ? {} : { cert: readFileSync(clientCertificateFile) }),
    ...(clientKeyFile === undefined ? {} : { key: readFileSync(clientKeyFile) }),
  };
}
