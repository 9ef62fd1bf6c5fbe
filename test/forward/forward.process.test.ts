/** Real collectors: what one takes, the others get, whatever ends in between. */
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { FREE_PORTS, startCollector, withFolder, type Collector } from '../main/collector.ts';
import { splitPassed } from '../../collector/decode/passed-collectors.ts';
import { encodeMetrics, hostReportJson } from '../decode/metrics-proto.ts';
import { startOtlpServer } from './otlp-server.ts';
import { exportByGrpc, post, statusOf, traceBytes, traceNumbers, traceOf } from './senders.ts';

// A backend that was away for some time is asked again half a minute later.
vi.setConfig({ testTimeout: 150_000 });

const ENDS_WELL = 'sockeye: SIGTERM: finishing what was accepted\n';

/** One answer lists so many. */
const TRACES_OF_KILLS_MAX = 900;
/** One record that says "hi", and a field that nobody knows. */
const LOGS = Buffer.from('0a10120e120c2a040a0268699a0603616263', 'hex');

const running = new Set<Collector>();

async function start(...args: string[]): Promise<Collector> {
  const collector = await startCollector(args);
  running.add(collector);
  return collector;
}

/** A place to start collectors in, all of which end with the test. */
function withCollectors(work: (folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    try {
      await work(folder);
    } finally {
      for (const { process, ended } of running) {
        process.kill('SIGKILL');
        await ended;
      }
      running.clear();
    }
  });
}

/** The ports of one that has run, for one that is to run in its place. */
const samePorts = ({ otlpGrpc, otlpHttp, web }: Collector) => [
  '--otlp-grpc',
  otlpGrpc,
  '--otlp-http',
  otlpHttp.replace('http://', ''),
  '--web',
  web.replace('http://', ''),
];
const storedSpans = async (collector: Collector) => (await statusOf(collector)).store.spans;
const forwarded = async (collector: Collector) => (await statusOf(collector)).forward;

test('every span arrives over gRPC and over HTTP, byte for byte, and nothing stays in the queue', () =>
  withCollectors(async (folder) => {
    const byGrpc = await start(...FREE_PORTS, '--data', join(folder, 'grpc'));
    const byHttp = await start(...FREE_PORTS, '--data', join(folder, 'http'));
    const urls = [`grpc://${byGrpc.otlpGrpc}`, byHttp.otlpHttp];
    const from = await start(
      ...FREE_PORTS,
      '--data',
      join(folder, 'from'),
      ...urls.flatMap((url) => ['--forward', url]),
    );
    for (const url of urls) expect(from.stdout).toMatch(new RegExp(`^forward +${url}$`, 'm'));
    for (let trace = 0; trace < 20; trace++) expect(await post(from, traceOf(trace))).toBe(200);
    // Sent again, and imported, it is not forwarded.
    expect(await post(from, traceOf(0))).toBe(200);
    const imported = await fetch(`${from.web}/api/import`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(traceOf(99)),
    });
    expect(imported.status).toBe(200);
    const counts = { sent: 40, refused: 0, dropped: 0, queued: 0, queuedBytes: 0, failing: false };
    await expect.poll(() => forwarded(from)).toMatchObject(urls.map((url) => ({ url, ...counts })));
    for (const to of [byGrpc, byHttp]) {
      expect((await statusOf(to)).spans).toMatchObject({ received: 40, stored: 40 });
      for (let trace = 0; trace < 20; trace++)
        expect(await traceBytes(to, trace)).toBe(await traceBytes(from, trace));
    }
    expect(await (await fetch(`${from.web}/metrics`)).text()).toContain(
      `sockeye_forward_items_total{destination="${urls[0]}",signal="traces",outcome="sent"} 40`,
    );
    expect((await from.stop()).stderr).toBe(ENDS_WELL);
  }));

test('what a backend that is down should have got, it gets when it is up; others get it meanwhile', () =>
  withCollectors(async (folder) => {
    const data = ['--data', join(folder, 'late')];
    const early = await start(...FREE_PORTS, '--data', join(folder, 'early'));
    const late = await start(...FREE_PORTS, ...data);
    await late.stop();
    const from = await start(
      ...FREE_PORTS,
      '--data',
      join(folder, 'from'),
      '--forward',
      `grpc://${late.otlpGrpc}`,
      '--forward',
      early.otlpHttp,
    );
    for (let trace = 0; trace < 10; trace++) await post(from, traceOf(trace));
    await expect.poll(() => storedSpans(early)).toBe(20);
    await expect
      .poll(() => forwarded(from))
      .toMatchObject([
        { failing: true, sent: 0, queued: 20, lastError: expect.stringContaining('UNAVAILABLE') },
        { failing: false, sent: 20, queued: 0, lastError: null },
      ]);
    const back = await start(...samePorts(late), ...data);
    await expect.poll(() => storedSpans(back), { timeout: 40_000 }).toBe(20);
    await expect.poll(() => forwarded(from)).toMatchObject([{ failing: false, sent: 20, queued: 0 }, {}]);
    const { stderr } = await from.stop();
    expect(stderr.match(/forwarding to grpc:\S+ fails/g)).toHaveLength(1);
    expect(stderr.match(/forwarding to grpc:\S+ works again, after \d+ s/g)).toHaveLength(1);
    expect(stderr).not.toContain(early.otlpHttp);
  }));

test('what was acknowledged before a kill -9 arrives after the next start', () =>
  withCollectors(async (folder) => {
    const to = await start(...FREE_PORTS, '--data', join(folder, 'to'));
    const args = ['--data', join(folder, 'from'), '--forward', `grpc://${to.otlpGrpc}`];
    const acknowledged: number[] = [];
    let next = 0;
    for (let round = 0; round < 3; round++) {
      const from = await start(...FREE_PORTS, ...args);
      const killed = { isDone: false };
      const send = async (): Promise<void> => {
        while (!killed.isDone && acknowledged.length < TRACES_OF_KILLS_MAX) {
          const trace = next++;
          const status = await post(from, traceOf(trace)).catch(() => 0);
          if (status === 200) acknowledged.push(trace);
        }
      };
      const sending = [send(), send(), send()];
      const enough = acknowledged.length + 40;
      await expect.poll(() => acknowledged.length).toBeGreaterThan(enough);
      from.process.kill('SIGKILL');
      killed.isDone = true;
      await Promise.all([...sending, from.ended]);
    }
    const last = await start(...FREE_PORTS, ...args);
    await expect.poll(() => forwarded(last)).toMatchObject([{ queued: 0 }]);
    expect(acknowledged.length).toBeLessThanOrEqual(TRACES_OF_KILLS_MAX + 3);
    const there = await traceNumbers(to);
    expect(acknowledged.filter((trace) => !there.has(trace))).toEqual([]);
    for (const trace of acknowledged.slice(-10))
      expect(await traceBytes(to, trace)).toBe(await traceBytes(last, trace));
    expect((await last.stop()).stderr).toBe(ENDS_WELL);
  }));

test('a stop leaves in the queue what is not sent, for the next start', () =>
  withCollectors(async (folder) => {
    const data = ['--data', join(folder, 'to')];
    const to = await start(...FREE_PORTS, ...data);
    await to.stop();
    const args = ['--data', join(folder, 'from'), '--forward', to.otlpHttp];
    const first = await start(...FREE_PORTS, ...args);
    for (let trace = 0; trace < 5; trace++) await post(first, traceOf(trace));
    expect((await first.stop()).code).toBe(0);
    const back = await start(...samePorts(to), ...data);
    const second = await start(...FREE_PORTS, ...args);
    await expect.poll(() => storedSpans(back)).toBe(10);
    await expect.poll(() => forwarded(second)).toMatchObject([{ sent: 10, queued: 0 }]);
  }));

test('between two that forward to each other everything goes there and back once', () =>
  withCollectors(async (folder) => {
    const [data, otherData] = ['one', 'other'].map((name) => ['--data', join(folder, name)] as const);
    const first = await start(...FREE_PORTS, ...otherData!);
    await first.stop();
    const one = await start(...FREE_PORTS, ...data!, '--forward', `grpc://${first.otlpGrpc}`);
    const other = await start(...samePorts(first), ...otherData!, '--forward', one.otlpHttp);
    const sent = async () => [(await forwarded(one))[0]!.sent, (await forwarded(other))[0]!.sent];
    // Nobody could tell the same bytes from another record.
    expect(await post(one, LOGS, 'logs')).toBe(200);
    for (let round = 0; round < 5; round++) {
      await Promise.all([0, 1, 2, 3].map((trace) => post(one, traceOf(4 * round + trace))));
      await expect
        .poll(async () => (await sent())[1], { timeout: 40_000 })
        .toBeGreaterThanOrEqual(8 * (round + 1));
    }
    expect(await sent()).toEqual([40, 40]);
    for (const each of [one, other])
      expect(await forwarded(each)).toMatchObject([{ queued: 0, dropped: 0, refused: 0, logs: { sent: 1 } }]);
    expect((await statusOf(one)).spans.received).toBe(80);
    for (const each of [one, other]) expect((await traceNumbers(each)).size).toBe(20);
    expect(await traceBytes(one, 3)).toBe(await traceBytes(other, 3));
  }));

test('when the queue is full the oldest goes, which is counted and said', () =>
  withCollectors(async (folder) => {
    const data = ['--data', join(folder, 'to')];
    const to = await start(...FREE_PORTS, ...data);
    await to.stop();
    const args = ['--data', join(folder, 'from'), '--forward', to.otlpHttp, '--forward-queue-bytes', '10kB'];
    const from = await start(...FREE_PORTS, ...args);
    let sent = 0;
    const dropped = async () => (await forwarded(from))[0]!.dropped;
    await expect
      .poll(
        async () => {
          for (let at = 0; at < 20; at++) await post(from, traceOf(sent++));
          return dropped();
        },
        { timeout: 30_000 },
      )
      .toBeGreaterThan(10);
    await expect.poll(async () => (await forwarded(from))[0]!.queuedBytes).toBeLessThan(10_000);
    const back = await start(...samePorts(to), ...data);
    await expect.poll(async () => (await forwarded(from))[0]!.queued, { timeout: 40_000 }).toBe(0);
    const [counts] = await forwarded(from);
    expect(counts!.sent + counts!.dropped).toBe(2 * sent);
    expect(counts!.refused).toBe(0);
    expect(await storedSpans(back)).toBe(counts!.sent);
    expect(await traceBytes(back, sent - 1)).not.toBe('');
    expect(await traceBytes(back, 0)).toBe('');
    const { stderr } = await from.stop();
    expect(stderr.match(/is full: the oldest of what waits for/g)).toHaveLength(1);
    expect(stderr).toContain(`${counts!.dropped} spans were dropped meanwhile`);
  }));

test('metrics and logs are passed on as they came, counters of hosts are kept here as well', () =>
  withCollectors(async (folder) => {
    const got = await startOtlpServer();
    try {
      const args = ['--data', join(folder, 'from'), '--forward', got.url];
      const from = await start(...FREE_PORTS, ...args);
      const report = encodeMetrics(hostReportJson('a-host', { 'tcp.x': 1, 'tcp.y': 2 }));
      expect(await exportByGrpc(from.otlpGrpc, 'metrics', report)).toHaveLength(0);
      expect(await post(from, LOGS, 'logs')).toBe(200);
      // The same once more: other records may have the same bytes.
      expect(await post(from, report, 'metrics')).toBe(200);
      expect(await exportByGrpc(from.otlpGrpc, 'logs', LOGS)).toHaveLength(0);
      expect(await post(from, Buffer.from([0x0a, 0x05]), 'logs')).toBe(400);
      await expect
        .poll(() => forwarded(from))
        .toMatchObject([{ sent: 0, metrics: { sent: 4, queued: 0 }, logs: { sent: 2, queued: 0 } }]);
      const bodies = (path: string) =>
        Buffer.concat(
          got.requests.filter((each) => each.path === path).map(({ body }) => splitPassed(body).rest),
        );
      expect(bodies('/v1/metrics')).toEqual(Buffer.concat([report, report]));
      expect(bodies('/v1/logs')).toEqual(Buffer.concat([LOGS, LOGS]));
      const metrics = await (await fetch(`${from.web}/metrics`)).text();
      expect(metrics).toContain('sockeye_host_counter{host="a-host"');
      expect(metrics).toContain('sockeye_other_requests_dropped_total{signal="logs"} 0');
      expect((await from.stop()).stderr).toBe(ENDS_WELL);
    } finally {
      await got.close();
    }
  }));

test('metrics and logs that come as JSON are passed on as protobuf', () =>
  withCollectors(async (folder) => {
    const got = await startOtlpServer();
    try {
      const from = await start(...FREE_PORTS, '--data', join(folder, 'from'), '--forward', got.url);
      const json = (document: object) => Buffer.from(JSON.stringify(document));
      const report = hostReportJson('a-host', { 'tcp.x': 1 });
      expect(await post(from, json(report), 'metrics', 'application/json')).toBe(200);
      const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'hi' } }] }] }] };
      expect(await post(from, json(logs), 'logs', 'application/json; charset=utf-8')).toBe(200);
      expect(await post(from, json({ resourceLogs: 1 }), 'logs', 'application/json')).toBe(400);
      await expect
        .poll(() => got.requests.map(({ path }) => path).toSorted())
        .toEqual(['/v1/logs', '/v1/metrics']);
      const bodyOf = (path: string) =>
        splitPassed(got.requests.find((each) => each.path === path)!.body).rest;
      expect(bodyOf('/v1/metrics')).toEqual(encodeMetrics(report));
      expect(bodyOf('/v1/logs')).toEqual(Buffer.from('0a0a120812062a040a026869', 'hex'));
      const metrics = await (await fetch(`${from.web}/metrics`)).text();
      expect(metrics).toContain('sockeye_host_counter{host="a-host"');
      expect(metrics).toContain('sockeye_other_requests_dropped_total{signal="logs"} 0');
    } finally {
      await got.close();
    }
  }));

test('metrics and logs whose JSON becomes larger than a request may be are refused for good', () =>
  withCollectors(async (folder) => {
    const got = await startOtlpServer();
    try {
      const limits = ['--max-request-bytes', '1MiB', '--max-queue-bytes', '2MiB'];
      const from = await start(
        ...FREE_PORTS,
        '--data',
        join(folder, 'from'),
        '--forward',
        got.url,
        ...limits,
      );
      const explicitBounds = Array.from({ length: 400_000 }, () => 0);
      const metrics = [{ name: 'a', histogram: { dataPoints: [{ explicitBounds }] } }];
      const body = Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }));
      expect(body.length).toBeLessThan(2 ** 20);
      expect(await post(from, body, 'metrics', 'application/json')).toBe(413);
      expect(await post(from, LOGS, 'logs')).toBe(200);
    } finally {
      await got.close();
    }
  }));
