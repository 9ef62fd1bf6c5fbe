/** OTLP metrics as the specification writes them, encoded by protobufjs, as far as tests need them. */
import protobuf from 'protobufjs';

const schema = protobuf.parse(`
  syntax = "proto3";
  message MetricsData { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; int64 int_value = 3; ArrayValue array_value = 5; } }
  message ArrayValue { repeated AnyValue values = 1; }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
  message Scope { string name = 1; }
  message Metric {
    string name = 1; string unit = 3;
    oneof data { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; }
  }
  message Gauge { repeated NumberDataPoint data_points = 1; }
  message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
  message NumberDataPoint {
    repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    oneof value { double as_double = 4; sfixed64 as_int = 6; }
  }
  message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
  message HistogramDataPoint { fixed64 time_unix_nano = 3; fixed64 count = 4; repeated double explicit_bounds = 7; }
`).root;
const type = schema.lookupType('MetricsData');

export function encodeMetrics(json: object): Buffer {
  return Buffer.from(type.encode(type.fromObject(json)).finish());
}

export function decodeMetrics(bytes: Uint8Array): Record<string, unknown> {
  return type.toObject(type.decode(bytes), { longs: String, arrays: true });
}

export function hostReportJson(host: string, counters: Record<string, number>): object {
  const metrics = Object.entries(counters).map(([name, value]) => ({
    name: `sockeye.host.${name}`,
    sum: { dataPoints: [{ asInt: String(value) }], aggregationTemporality: 2, isMonotonic: true },
  }));
  const attributes = [{ key: 'host.name', value: { stringValue: host } }];
  return { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] };
}

export const hostReport = (host: string, counters: Record<string, number>): Buffer =>
  encodeMetrics(hostReportJson(host, counters));

/** A histogram, as any SDK sends. */
export function metricsOf(name: string): Buffer {
  const histogram = { dataPoints: [{ count: 3, explicitBounds: [1, 5] }], aggregationTemporality: 2 };
  return encodeMetrics({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name, histogram }] }] }] });
}
