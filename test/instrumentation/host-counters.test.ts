/** The counters of a host: how they are read, and how they are sent. */
import { describe, expect, it } from 'vitest';
import { headroomBytes } from '../../instrumentation/export/export-request.ts';
import { parsePressureUs, parseTable, readHostCounters } from '../../instrumentation/host/counters.ts';
import { encodeHostCounters } from '../../instrumentation/host/metrics-request.ts';
import { isReportWanted } from '../../instrumentation/host/report.ts';
import { exportOptions } from '../../instrumentation/export/options.ts';
import { decodeMetrics } from '../decode/metrics-proto.ts';

describe('a table of the kernel', () => {
  it('has a line of names and a line of values for each group', () => {
    const table = parseTable(
      'TcpExt: ListenOverflows ListenDrops\nTcpExt: 3 4\nIpExt: InOctets\nIpExt: 59376613513\n',
    );
    expect(table.get('TcpExt')).toEqual(
      new Map([
        ['ListenOverflows', 3],
        ['ListenDrops', 4],
      ]),
    );
    expect(table.get('IpExt')?.get('InOctets')).toBe(59376613513);
  });

  it('that is empty, cut off, or of another form has no values', () => {
    for (const text of ['', '\n', 'Tcp:', 'Tcp: A B\n', 'Tcp: A B\nUdp: 1 2\n'])
      expect([...parseTable(text).values()].flatMap((each) => [...each])).toEqual([]);
  });
});

it('the pressure on CPUs is the time in which some task waited', () => {
  expect(
    parsePressureUs('some avg10=75.67 avg60=75.27 avg300=63.86 total=11685478356\nfull avg10=0.00 total=0'),
  ).toBe(11685478356);
  expect(parsePressureUs('')).toBeUndefined();
});

it.skipIf(process.platform !== 'linux')('this host has counters', () => {
  const counters = readHostCounters();
  const names = counters.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['host.tcp.listen_overflows', 'host.tcp.syn_retransmits', 'host.tcp.retransmits']),
  );
  expect(new Set(names).size).toBe(names.length);
});

it('a report is cumulative sums and gauges, of any size', () => {
  const request = encodeHostCounters(
    [
      { name: 'host.tcp.retransmits', value: 2 ** 40 + 5, isTotal: true },
      { name: 'host.conntrack.count', value: 12, isTotal: false },
      { name: 'process.event_loop.utilization', value: 0.25, isTotal: false },
    ],
    { 'host.name': 'vm' },
    { name: 'scope', version: '1' },
    1,
  );
  const decoded = decodeMetrics(request.subarray(headroomBytes));
  expect(decoded).toMatchObject({
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'host.name', value: { stringValue: 'vm' } }] },
        scopeMetrics: [
          {
            scope: { name: 'scope' },
            metrics: [
              {
                name: 'sockeye.host.tcp.retransmits',
                sum: {
                  dataPoints: [{ asInt: String(2 ** 40 + 5) }],
                  aggregationTemporality: 2,
                  isMonotonic: true,
                },
              },
              { name: 'sockeye.host.conntrack.count', gauge: { dataPoints: [{ asInt: '12' }] } },
              { name: 'sockeye.process.event_loop.utilization', gauge: { dataPoints: [{ asDouble: 0.25 }] } },
            ],
          },
        ],
      },
    ],
  });
});

it('is sent unless it is told not to be', () => {
  expect(isReportWanted({})).toBe(true);
  expect(isReportWanted({ SOCKEYE_HOST_METRICS: 'false' })).toBe(false);
  expect(isReportWanted({ SOCKEYE_HOST_METRICS: '0' })).toBe(false);
  expect(isReportWanted({ OTEL_METRICS_EXPORTER: 'none' })).toBe(false);
});

it.each([
  { env: {}, url: 'http://localhost:4317/opentelemetry.proto.collector.metrics.v1.MetricsService/Export' },
  {
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:1/base' },
    url: 'http://c:1/base/v1/metrics',
  },
  {
    env: {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:1/spans',
    },
    url: undefined,
  },
])('goes to where spans go: $url', ({ env, url }) => {
  expect(exportOptions(env)?.metricsUrl).toBe(url);
});
