import { expect, test } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { readHostReports } from '../../collector/decode/host-reports.ts';
import { metricsFromJson } from '../../collector/decode/otlp-json.ts';
import { encodeMetrics, hostReport, hostReportJson, metricsOf } from './metrics-proto.ts';

const host = { key: 'host.name', value: { stringValue: 'vm' } };

function requestOf(metrics: object[], attributes: object[] = [host]): Buffer {
  return encodeMetrics({ resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] });
}

test('a report is the counters of a host, by name', () => {
  const [report, ...more] = readHostReports(
    hostReport('vm', { 'tcp.retransmits': 2 ** 40, 'tcp.timeouts': 0 }),
  );
  expect(more).toEqual([]);
  expect(report).toMatchObject({ host: 'vm', namespace: '' });
  expect([...report!.counters]).toEqual([
    ['tcp.retransmits', 2 ** 40],
    ['tcp.timeouts', 0],
  ]);
});

test('it says the same in JSON', () => {
  const json = JSON.stringify(hostReportJson('vm', { 'tcp.retransmits': 7 }));
  expect(readHostReports(metricsFromJson(json))).toEqual(
    readHostReports(hostReport('vm', { 'tcp.retransmits': 7 })),
  );
});

test('gauges count, and the namespace and addresses of the network are part of who reports', () => {
  const namespace = { key: 'sockeye.host.network_namespace', value: { stringValue: '4026531840' } };
  const gauge = { name: 'sockeye.host.conntrack.count', gauge: { dataPoints: [{ asDouble: 1.5 }] } };
  const values = ['10.0.0.1', 'fd00::1'].map((address) => ({ stringValue: address }));
  const addresses = { key: 'host.ip', value: { arrayValue: { values: [...values, { intValue: '7' }] } } };
  expect(readHostReports(requestOf([gauge], [host, namespace, addresses]))).toEqual([
    {
      host: 'vm',
      namespace: '4026531840',
      addresses: ['10.0.0.1', 'fd00::1'],
      counters: new Map([['conntrack.count', 1.5]]),
      process: { service: '', pid: '', instance: '', thread: '', values: new Map() },
      sentUnixMs: null,
    },
  ]);
});

test('when it was sent is the time of its values', () => {
  const point = { asInt: '3', timeUnixNano: '1767268800500000000' };
  const sum = { name: 'sockeye.host.tcp.timeouts', sum: { dataPoints: [point] } };
  expect(readHostReports(requestOf([sum]))).toMatchObject([{ sentUnixMs: 1_767_268_800_500 }]);
});

test('what a process says of itself is told from what it says of its host', () => {
  const who = [
    host,
    { key: 'service.name', value: { stringValue: 'shop' } },
    { key: 'process.pid', value: { intValue: '4711' } },
    { key: 'service.instance.id', value: { stringValue: 'a-thread' } },
    { key: 'thread.id', value: { intValue: '2' } },
  ];
  const value = { dataPoints: [{ asInt: '3' }] };
  const metrics = [
    { name: 'sockeye.host.tcp.timeouts', sum: value },
    { name: 'sockeye.process.listen.queue', gauge: value },
    { name: 'process.cpu.time', gauge: value },
  ];
  expect(readHostReports(requestOf(metrics, who))).toMatchObject([
    {
      counters: new Map([['tcp.timeouts', 3]]),
      process: {
        service: 'shop',
        pid: '4711',
        instance: 'a-thread',
        thread: '2',
        values: new Map([['listen.queue', 3]]),
      },
    },
  ]);
});

test('a process without a descriptor to read its host’s counters with tells of itself alone', () => {
  const open = { name: 'sockeye.process.descriptors.open', gauge: { dataPoints: [{ asInt: '40' }] } };
  expect(readHostReports(requestOf([open]))).toMatchObject([
    { host: 'vm', counters: new Map(), process: { values: new Map([['descriptors.open', 40]]) } },
  ]);
});

test('metrics of anything else are no report', () => {
  expect(readHostReports(metricsOf('http.server.request.duration'))).toEqual([]);
  expect(readHostReports(metricsOf('sockeye.host.tcp.retransmits'))).toEqual([]);
  expect(readHostReports(Buffer.alloc(0))).toEqual([]);
});

test('without a host’s name, a value, or with a value that no counter has, there is nothing to keep', () => {
  const named = (sum: object) => ({ name: 'sockeye.host.tcp.retransmits', sum });
  const point = { asInt: '1' };
  expect(readHostReports(requestOf([named({ dataPoints: [point] })], []))).toEqual([]);
  for (const dataPoints of [
    [],
    [point, point],
    [{}],
    [{ asInt: '-1' }],
    [{ asDouble: NaN }],
    [{ asDouble: -1 }],
  ])
    expect(readHostReports(requestOf([named({ dataPoints })]))).toEqual([]);
});

test('a request that is larger than any report is passed over', () => {
  const many = Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [`tcp.${index}`, index]));
  expect(readHostReports(hostReport('vm', many))).toEqual([]);
});

test('bytes that are no metrics are refused', () => {
  expect(() => readHostReports(Buffer.from('anything'))).toThrow(DecodeError);
  const report = hostReport('vm', { 'tcp.retransmits': 7 });
  for (let length = 1; length < report.length; length++)
    expect(() => readHostReports(report.subarray(0, length))).toThrow(DecodeError);
});
