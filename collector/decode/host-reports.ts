/** Finds the reports of hosts in an OTLP metrics request: what the hook reads from the kernel, of the host and of its own process. Pure. */
import { checkMessage } from './check-message.ts';
import { decodeMessage } from './otlp-json.ts';
import { HOST_METRICS } from './otlp-schema.ts';
import { ProtobufReader } from './protobuf-reader.ts';

const HOST_PREFIX = 'sockeye.host.';
const PROCESS_PREFIX = 'sockeye.process.';
const PREFIXES = [HOST_PREFIX, PROCESS_PREFIX];
/** A report takes 2 KB. What is larger is none, and too much to decode for a look. */
const REPORT_BYTES_MAX = 65_536;

export interface HostReport {
  readonly host: string;
  /** Of the network; '' when it is not known. */
  readonly namespace: string;
  /** Of the host, `host.ip`. */
  readonly addresses: readonly string[];
  /** By name, such as `tcp.listen_overflows`; none where they could not be read. */
  readonly counters: ReadonlyMap<string, number>;
  readonly process: ProcessReport;
  /** When it was made, by the sender's clock; null when that is not said. */
  readonly sentUnixMs: number | null;
}

/** Who reported, and what it said of itself. */
export interface ProcessReport {
  readonly service: string;
  /** '' when it is not known. */
  readonly pid: string;
  /** `service.instance.id`: of each thread of a process another, unless a program sets it. '' when it is not known. */
  readonly instance: string;
  /** `thread.id`; '' of a main thread, which has none. */
  readonly thread: string;
  /** By name, such as `memory.resident_bytes`. */
  readonly values: ReadonlyMap<string, number>;
}

interface Point {
  readonly timeUnixNano?: string;
  readonly asInt?: string;
  readonly asDouble?: number | string;
}
interface Metric {
  readonly name?: string;
  readonly gauge?: { readonly dataPoints?: readonly Point[] };
  readonly sum?: { readonly dataPoints?: readonly Point[] };
}
interface Attribute {
  readonly key?: string;
  readonly value?: {
    readonly stringValue?: string;
    readonly intValue?: string;
    readonly arrayValue?: { readonly values?: readonly { readonly stringValue?: string }[] };
  };
}
interface ResourceMetrics {
  readonly resource?: { readonly attributes?: readonly Attribute[] };
  readonly scopeMetrics?: readonly { readonly metrics?: readonly Metric[] }[];
}

/** Takes an `ExportMetricsServiceRequest`; metrics of anything else are passed over. Throws DecodeError. */
export function readHostReports(request: Buffer): HostReport[] {
  checkMessage(new ProtobufReader(request), HOST_METRICS, 1);
  if (request.length > REPORT_BYTES_MAX || !PREFIXES.some((prefix) => request.includes(prefix))) return [];
  const { resourceMetrics = [] } = decodeMessage(HOST_METRICS, request) as {
    resourceMetrics?: readonly ResourceMetrics[];
  };
  return resourceMetrics
    .map(reportOf)
    .filter(({ host, counters, process }) => host !== '' && counters.size + process.values.size > 0);
}

function reportOf({ resource, scopeMetrics = [] }: ResourceMetrics): HostReport {
  const given = (key: string) => resource?.attributes?.find((each) => each.key === key)?.value;
  const attribute = (key: string) => {
    const value = given(key);
    return value?.stringValue ?? value?.intValue ?? '';
  };
  const addresses = given('host.ip')?.arrayValue?.values ?? [];
  const metrics = scopeMetrics.flatMap((scope) => scope.metrics ?? []);
  return {
    host: attribute('host.name'),
    namespace: attribute('sockeye.host.network_namespace'),
    addresses: addresses.flatMap(({ stringValue = '' }) => (stringValue === '' ? [] : [stringValue])),
    counters: valuesOf(metrics, HOST_PREFIX),
    process: {
      service: attribute('service.name'),
      pid: attribute('process.pid'),
      instance: attribute('service.instance.id'),
      thread: attribute('thread.id'),
      values: valuesOf(metrics, PROCESS_PREFIX),
    },
    sentUnixMs: sentUnixMsOf(metrics),
  };
}

function valuesOf(metrics: readonly Metric[], prefix: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const metric of metrics) {
    const { name = '' } = metric;
    const value = valueOf(metric);
    if (name.startsWith(prefix) && value !== null) values.set(name.slice(prefix.length), value);
  }
  return values;
}

/** All values of a report are of one moment. */
function sentUnixMsOf(metrics: readonly Metric[]): number | null {
  for (const { sum, gauge } of metrics) {
    const unixMs = Number((sum ?? gauge)?.dataPoints?.[0]?.timeUnixNano ?? 0) / 1e6;
    if (unixMs > 0) return unixMs;
  }
  return null;
}

/** Of a metric with one value; integers come as if they had no sign. */
function valueOf({ sum, gauge }: Metric): number | null {
  const [point, ...more] = (sum ?? gauge)?.dataPoints ?? [];
  if (point === undefined || more.length > 0) return null;
  const value = Number(point.asInt ?? point.asDouble);
  return value >= 0 && value < 2 ** 63 ? value : null;
}
