/**
 * The messages of OTLP metrics and logs as data. From opentelemetry-proto 1.9; to write what came as JSON, and for that alone:
 * lists of numbers are packed, as protobuf's own encoders write them, which our reader passes over.
 */
import { ANY_VALUE, KEY_VALUE, message, optional, repeated, RESOURCE, SCOPE } from './otlp-schema.ts';

const EXEMPLAR = message('Exemplar', {
  filteredAttributes: [7, repeated(KEY_VALUE)],
  timeUnixNano: [2, 'fixed64'],
  asDouble: [3, optional('double')],
  asInt: [6, optional('sfixed64')],
  spanId: [4, 'id'],
  traceId: [5, 'id'],
});
/** Of all but summaries. */
const EXEMPLARS = repeated(EXEMPLAR);
const TEMPORALITY = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'].map((name) => `AGGREGATION_TEMPORALITY_${name}`);

const NUMBER_DATA_POINT = message('NumberDataPoint', {
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  asDouble: [4, optional('double')],
  exemplars: [5, EXEMPLARS],
  asInt: [6, optional('sfixed64')],
  attributes: [7, repeated(KEY_VALUE)],
  flags: [8, 'uint32'],
});
const HISTOGRAM_DATA_POINT = message('HistogramDataPoint', {
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, optional('double')],
  bucketCounts: [6, repeated('fixed64')],
  explicitBounds: [7, repeated('double')],
  exemplars: [8, EXEMPLARS],
  attributes: [9, repeated(KEY_VALUE)],
  flags: [10, 'uint32'],
  min: [11, optional('double')],
  max: [12, optional('double')],
});
const BUCKETS = message('Buckets', { offset: [1, 'sint32'], bucketCounts: [2, repeated('uint64')] });
const EXPONENTIAL_DATA_POINT = message('ExponentialHistogramDataPoint', {
  attributes: [1, repeated(KEY_VALUE)],
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, optional('double')],
  scale: [6, 'sint32'],
  zeroCount: [7, 'fixed64'],
  positive: [8, BUCKETS],
  negative: [9, BUCKETS],
  flags: [10, 'uint32'],
  exemplars: [11, EXEMPLARS],
  min: [12, optional('double')],
  max: [13, optional('double')],
  zeroThreshold: [14, 'double'],
});
const SUMMARY_DATA_POINT = message('SummaryDataPoint', {
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  quantileValues: [
    6,
    repeated(message('ValueAtQuantile', { quantile: [1, 'double'], value: [2, 'double'] })),
  ],
  attributes: [7, repeated(KEY_VALUE)],
  flags: [8, 'uint32'],
});
const METRIC = message('Metric', {
  name: [1, 'string'],
  description: [2, 'string'],
  unit: [3, 'string'],
  gauge: [5, message('Gauge', { dataPoints: [1, repeated(NUMBER_DATA_POINT)] })],
  sum: [
    7,
    message('Sum', {
      dataPoints: [1, repeated(NUMBER_DATA_POINT)],
      aggregationTemporality: [2, TEMPORALITY],
      isMonotonic: [3, 'bool'],
    }),
  ],
  histogram: [
    9,
    message('Histogram', {
      dataPoints: [1, repeated(HISTOGRAM_DATA_POINT)],
      aggregationTemporality: [2, TEMPORALITY],
    }),
  ],
  exponentialHistogram: [
    10,
    message('ExponentialHistogram', {
      dataPoints: [1, repeated(EXPONENTIAL_DATA_POINT)],
      aggregationTemporality: [2, TEMPORALITY],
    }),
  ],
  summary: [11, message('Summary', { dataPoints: [1, repeated(SUMMARY_DATA_POINT)] })],
  metadata: [12, repeated(KEY_VALUE)],
});

const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) =>
  ['', '2', '3', '4'].map((step) => `SEVERITY_NUMBER_${name}${step}`),
);
const LOG_RECORD = message('LogRecord', {
  timeUnixNano: [1, 'fixed64'],
  severityNumber: [2, ['SEVERITY_NUMBER_UNSPECIFIED', ...SEVERITIES]],
  severityText: [3, 'string'],
  body: [5, ANY_VALUE],
  attributes: [6, repeated(KEY_VALUE)],
  droppedAttributesCount: [7, 'uint32'],
  flags: [8, 'fixed32'],
  traceId: [9, 'id'],
  spanId: [10, 'id'],
  observedTimeUnixNano: [11, 'fixed64'],
  eventName: [12, 'string'],
});

const SCOPE_METRICS = message('ScopeMetrics', {
  scope: [1, SCOPE],
  metrics: [2, repeated(METRIC)],
  schemaUrl: [3, 'string'],
});
const RESOURCE_METRICS = message('ResourceMetrics', {
  resource: [1, RESOURCE],
  scopeMetrics: [2, repeated(SCOPE_METRICS)],
  schemaUrl: [3, 'string'],
});
const SCOPE_LOGS = message('ScopeLogs', {
  scope: [1, SCOPE],
  logRecords: [2, repeated(LOG_RECORD)],
  schemaUrl: [3, 'string'],
});
const RESOURCE_LOGS = message('ResourceLogs', {
  resource: [1, RESOURCE],
  scopeLogs: [2, repeated(SCOPE_LOGS)],
  schemaUrl: [3, 'string'],
});

/** The requests to export them have the same bytes. */
export const METRICS_DATA = message('MetricsData', { resourceMetrics: [1, repeated(RESOURCE_METRICS)] });
export const LOGS_DATA = message('LogsData', { resourceLogs: [1, repeated(RESOURCE_LOGS)] });
