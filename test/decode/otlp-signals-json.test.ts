/** Metrics and logs as JSON become the bytes that protobufjs, which shares nothing with us, makes and reads. */
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { DecodeError, TooLarge } from '../../collector/decode/decode-error.ts';
import { logsFromJson, metricsFromJson } from '../../collector/decode/otlp-json.ts';
import { countItems } from '../../collector/decode/otlp-pieces.ts';

const schema = protobuf.parse(
  `
  syntax = "proto3";
  message AnyValue { oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; } }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
  message Scope { string name = 1; string version = 2; }

  message MetricsData { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; string schema_url = 3; }
  message Metric {
    string name = 1; string description = 2; string unit = 3;
    oneof data { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
      ExponentialHistogram exponential_histogram = 10; Summary summary = 11; }
    repeated KeyValue metadata = 12;
  }
  enum Temporality {
    AGGREGATION_TEMPORALITY_UNSPECIFIED = 0; AGGREGATION_TEMPORALITY_DELTA = 1; AGGREGATION_TEMPORALITY_CUMULATIVE = 2; }
  message Gauge { repeated NumberDataPoint data_points = 1; }
  message Sum { repeated NumberDataPoint data_points = 1; Temporality aggregation_temporality = 2; bool is_monotonic = 3; }
  message Histogram { repeated HistogramDataPoint data_points = 1; Temporality aggregation_temporality = 2; }
  message ExponentialHistogram { repeated ExponentialPoint data_points = 1; Temporality aggregation_temporality = 2; }
  message Summary { repeated SummaryPoint data_points = 1; }
  message NumberDataPoint {
    repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    oneof value { double as_double = 4; sfixed64 as_int = 6; } repeated Exemplar exemplars = 5; uint32 flags = 8; }
  message HistogramDataPoint {
    repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
    optional double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7;
    repeated Exemplar exemplars = 8; uint32 flags = 10; optional double min = 11; optional double max = 12; }
  message ExponentialPoint {
    repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
    optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7; Buckets positive = 8; Buckets negative = 9;
    uint32 flags = 10; repeated Exemplar exemplars = 11; optional double min = 12; optional double max = 13;
    double zero_threshold = 14; }
  message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
  message SummaryPoint {
    repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
    double sum = 5; repeated Quantile quantile_values = 6; uint32 flags = 8; }
  message Quantile { double quantile = 1; double value = 2; }
  message Exemplar {
    repeated KeyValue filtered_attributes = 7; fixed64 time_unix_nano = 2;
    oneof value { double as_double = 3; sfixed64 as_int = 6; } bytes span_id = 4; bytes trace_id = 5; }

  message LogsData { repeated ResourceLogs resource_logs = 1; }
  message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
  message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
  message LogRecord {
    fixed64 time_unix_nano = 1; fixed64 observed_time_unix_nano = 11; Severity severity_number = 2; string severity_text = 3;
    AnyValue body = 5; repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8;
    bytes trace_id = 9; bytes span_id = 10; string event_name = 12; }
  enum Severity { SEVERITY_NUMBER_UNSPECIFIED = 0; SEVERITY_NUMBER_INFO2 = 10; SEVERITY_NUMBER_FATAL4 = 24; }
`,
).root;

function read(type: 'MetricsData' | 'LogsData', bytes: Buffer): unknown {
  const message = schema.lookupType(type);
  return message.toObject(message.decode(bytes), { longs: String, enums: String, bytes: String });
}

const TIME = '1764000000123456789';
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
const attributes = [
  { key: 'k', value: { arrayValue: { values: [{ intValue: '-1' }, { boolValue: false }] } } },
];
const common = { attributes, startTimeUnixNano: '1', timeUnixNano: TIME, flags: 1 };
const exemplar = { timeUnixNano: TIME, asInt: '-7' };

const metrics = [
  {
    name: 'a',
    description: 'of a',
    unit: 'By',
    metadata: attributes,
    gauge: { dataPoints: [{ asDouble: 0 }] },
  },
  {
    name: 'b',
    sum: {
      dataPoints: [
        { ...common, asInt: '-9223372036854775808', exemplars: [exemplar] },
        { ...common, asInt: '0' },
      ],
      aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
      isMonotonic: true,
    },
  },
  {
    name: 'c',
    histogram: {
      dataPoints: [
        {
          ...common,
          count: '4',
          sum: 0,
          min: 0,
          max: 2.5,
          bucketCounts: ['1', '0', '18446744073709551615'],
          explicitBounds: [-0.5, 1e300],
        },
      ],
      aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA',
    },
  },
  {
    name: 'd',
    exponentialHistogram: {
      dataPoints: [
        {
          ...common,
          count: '4',
          scale: -3,
          zeroCount: '1',
          zeroThreshold: 0.1,
          positive: { offset: 2147483647, bucketCounts: ['1', '300', '0'] },
          negative: { offset: -2147483648, bucketCounts: ['2'] },
        },
      ],
      aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA',
    },
  },
  {
    name: 'e',
    summary: {
      dataPoints: [{ ...common, count: '2', sum: 3.5, quantileValues: [{ quantile: 0.99, value: 3 }] }],
    },
  },
];

test('every kind of metric is there as it was', () => {
  const data = {
    resourceMetrics: [
      {
        resource,
        scopeMetrics: [{ scope: { name: 's', version: '1' }, metrics, schemaUrl: 'x' }],
        schemaUrl: 'y',
      },
    ],
  };
  const bytes = metricsFromJson(JSON.stringify(data));
  expect(read('MetricsData', bytes)).toEqual(data);
  expect(countItems('metrics', bytes)).toBe(6);
});

test('a log record is there as it was, its ids in hex', () => {
  const ids = { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'EEE19B7EC3C1B174' };
  const record = {
    timeUnixNano: TIME,
    observedTimeUnixNano: '18446744073709551615',
    severityNumber: 'SEVERITY_NUMBER_INFO2',
    severityText: 'info',
    body: { stringValue: '' },
    attributes,
    droppedAttributesCount: 2,
    flags: 1,
    eventName: 'seen',
  };
  const data = (more: object) => ({
    resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{ ...record, ...more }] }] }],
  });
  const bytes = logsFromJson(JSON.stringify(data(ids)));
  const base64 = ({ traceId, spanId }: typeof ids) => ({
    traceId: Buffer.from(traceId, 'hex').toString('base64'),
    spanId: Buffer.from(spanId, 'hex').toString('base64'),
  });
  expect(read('LogsData', bytes)).toEqual(data(base64(ids)));
  expect(countItems('logs', bytes)).toBe(1);
});

test('numbers and names of enums, long numbers, names with underscores and fields that nobody knows are taken', () => {
  const text = `{"resource_metrics":[{"scope_metrics":[{"metrics":[{"name":"a","new":[1],"sum":{"aggregation_temporality":2,
    "data_points":[{"as_int":9007199254740993,"time_unix_nano":${TIME}}]}}]}]}]}`;
  expect(read('MetricsData', metricsFromJson(text))).toEqual({
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              {
                name: 'a',
                sum: {
                  aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
                  dataPoints: [{ asInt: '9007199254740993', timeUnixNano: TIME }],
                },
              },
            ],
          },
        ],
      },
    ],
  });
  const severity = (severityNumber: unknown) =>
    logsFromJson(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityNumber }] }] }] }));
  expect(severity(24)).toEqual(severity('SEVERITY_NUMBER_FATAL4'));
});

test.each([
  ['{"resourceLogs":{}}', 'LogsData.resourceLogs: got an object, expected an array'],
  [
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"soon"}]}]}]}',
    '.logRecords[0].timeUnixNano',
  ],
  ['{', 'expected a JSON document'],
])('%s is refused, and where it is wrong is said', (text, message) => {
  expect(() => logsFromJson(text)).toThrow(DecodeError);
  expect(() => logsFromJson(text)).toThrow(message);
});

test('a count that is none is refused at its place', () => {
  const of = (bucketCounts: unknown[]) =>
    JSON.stringify({
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ histogram: { dataPoints: [{ bucketCounts }] } }] }] }],
    });
  expect(() => metricsFromJson(of(['1', -1]))).toThrow(
    '.histogram.dataPoints[0].bucketCounts[1]: got -1, expected an integer from 0',
  );
});

test('logs that are larger as protobuf than they may be are too large', () => {
  const text = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{}, {}] }] }] });
  expect(logsFromJson(text, 8)).toHaveLength(8);
  expect(() => logsFromJson(text, 7)).toThrow(TooLarge);
});
