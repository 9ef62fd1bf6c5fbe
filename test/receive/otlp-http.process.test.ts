/** What OTLP over HTTP takes, in every encoding, and what looks wrong but is kept as sent. */
import { gzipSync, deflateSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { tracesToJson } from '../../collector/decode/otlp-json.ts';
import { hostReportJson, metricsOf } from '../decode/metrics-proto.ts';
import { decode, encode } from '../decode/otlp-proto.ts';
import { JSON_TYPE, PROTOBUF, useReceivers } from './otlp-http-client.ts';
import { newSpans, tracesOf } from './receivers.ts';

const { receivers, post, isStored } = useReceivers();

describe('what is accepted', () => {
  test('protobuf, answered by an empty response: partial_success is not set', async () => {
    const [span] = newSpans(1);
    const answer = await post(encode('TracesData', tracesOf([span!])));
    expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(answer.headers['content-type']).toBe(PROTOBUF);
    expect(await isStored(span!)).toBe(true);
  });

  test('JSON, answered in JSON', async () => {
    const [span] = newSpans(1);
    const text = tracesToJson(encode('TracesData', tracesOf([span!])));
    const answer = await post(text, { 'content-type': JSON_TYPE });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(JSON_TYPE);
    expect(answer.body.toString()).toBe('{}');
    expect(await isStored(span!)).toBe(true);
  });

  test.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
    ['identity', (bytes: Buffer) => bytes],
  ])('%s', async (encoding, compress) => {
    const [span] = newSpans(1);
    const bytes = encode('TracesData', tracesOf([span!]));
    expect(await post(compress(bytes), { 'content-encoding': encoding })).toMatchObject({ status: 200 });
    expect(await isStored(span!)).toBe(true);
  });

  test.each(['application/x-protobuf; charset=utf-8', 'Application/X-Protobuf', 'application/protobuf'])(
    'content type %s',
    async (type) => {
      expect(await post(encode('TracesData', tracesOf(newSpans(1))), { 'content-type': type })).toMatchObject(
        { status: 200 },
      );
    },
  );

  test.each(['application/json; charset=utf-8', 'APPLICATION/JSON'])('content type %s', async (type) => {
    const answer = await post('{"resourceSpans":[]}', { 'content-type': type });
    expect(answer).toMatchObject({ status: 200, body: Buffer.from('{}') });
  });

  test.each([PROTOBUF, JSON_TYPE])('an empty request in %s', async (type) => {
    expect(await post(type === PROTOBUF ? '' : '{}', { 'content-type': type })).toMatchObject({
      status: 200,
    });
  });

  test('logs, which are counted and dropped', async () => {
    const before = receivers().intake.requests().logs;
    expect(await post('anything', {}, { path: '/v1/logs' })).toMatchObject({
      status: 200,
      body: Buffer.alloc(0),
    });
    expect(receivers().intake.requests().logs).toBe(before + 1);
    expect(receivers().lines.filter((line) => line.startsWith('logs'))).toHaveLength(1);
  });

  test('metrics, which are counted and dropped but for the counters of hosts', async () => {
    const before = receivers().intake.requests();
    const path = '/v1/metrics';
    const report = JSON.stringify(hostReportJson('an-http-host', { 'conntrack.count': 9 }));
    expect(await post(report, { 'content-type': JSON_TYPE }, { path })).toMatchObject({ status: 200 });
    expect(await post(metricsOf('http.server.request.duration'), {}, { path })).toMatchObject({
      status: 200,
    });
    expect(receivers().intake.requests()).toMatchObject({
      metrics: before.metrics + 2,
      metricsDropped: before.metricsDropped + 1,
    });
    const kept = receivers()
      .intake.hosts()
      .find(({ host }) => host === 'an-http-host');
    expect([...kept!.reports[0]!.counters]).toEqual([['conntrack.count', 9]]);
    expect(receivers().lines.filter((line) => line.startsWith('metrics'))).toHaveLength(1);
  });

  test('metrics as JSON, of which only what hosts report is read where nobody gets the rest', async () => {
    const before = receivers().intake.requests();
    const metrics = [{ name: 'a', histogram: { dataPoints: 'not read' } }];
    const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
    const answer = await post(body, { 'content-type': JSON_TYPE }, { path: '/v1/metrics' });
    expect(answer).toMatchObject({ status: 200 });
    expect(receivers().intake.requests().metricsDropped).toBe(before.metricsDropped + 1);
  });

  test('metrics that cannot be decoded are refused', async () => {
    const before = receivers().intake.requests();
    expect(await post('anything', {}, { path: '/v1/metrics' })).toMatchObject({ status: 400 });
    expect(receivers().intake.requests()).toMatchObject({
      metrics: before.metrics,
      refused: before.refused + 1,
    });
  });

  test('200,000 spans in one request', { timeout: 120_000 }, async () => {
    const spans = newSpans(200_000);
    const before = receivers().intake.counters().stored;
    expect(await post(encode('TracesData', tracesOf(spans)))).toMatchObject({
      status: 200,
      body: Buffer.alloc(0),
    });
    expect(receivers().intake.counters().stored).toBe(before + 200_000);
    expect(await isStored(spans.at(-1)!)).toBe(true);
  });
});

describe('spans with ids that no one could find again', () => {
  const cases = [
    ['short trace id', { traceId: Buffer.alloc(15, 1) }, 'trace id has 15 bytes, expected 16'],
    ['zero trace id', { traceId: Buffer.alloc(16) }, 'trace id is all zero'],
    ['long span id', { spanId: Buffer.alloc(9, 1) }, 'span id has 9 bytes, expected 8'],
    ['zero span id', { spanId: Buffer.alloc(8) }, 'span id is all zero'],
  ] as const;

  test.each(cases)(
    '%s: rejected with a message in protobuf, the rest is stored',
    async (_what, fields, reason) => {
      const [good, bad] = newSpans(2);
      const answer = await post(encode('TracesData', tracesOf([good!, { ...bad, ...fields }])));
      expect(answer.status).toBe(200);
      expect(decode('ExportTraceServiceResponse', answer.body)).toEqual({
        partialSuccess: { rejectedSpans: '1', errorMessage: `1 of 2 spans refused: span 2: ${reason}` },
      });
      expect(await isStored(good!)).toBe(true);
    },
  );

  test.each(cases)('%s: the same in JSON', async (_what, fields, reason) => {
    const [good, bad] = newSpans(2);
    const text = tracesToJson(encode('TracesData', tracesOf([good!, { ...bad, ...fields }])));
    const answer = await post(text, { 'content-type': JSON_TYPE });
    expect(JSON.parse(answer.body.toString())).toEqual({
      partialSuccess: { rejectedSpans: '1', errorMessage: `1 of 2 spans refused: span 2: ${reason}` },
    });
    expect(await isStored(good!)).toBe(true);
  });
});

describe('what looks wrong is stored as sent, and the answer says so', () => {
  const now = BigInt(Date.now()) * 1_000_000n;
  test.each([
    [
      'an end before the start',
      { startTimeUnixNano: String(now), endTimeUnixNano: String(now - 1n) },
      'end before start (1)',
    ],
    [
      'a start in the far future',
      { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '18446744073709551615' },
      'start more than a day from now (1)',
    ],
    ['a name of 1 MB', { name: 'n'.repeat(1_000_000) }, 'name longer than 1024 bytes (1)'],
  ])('%s', async (_what, fields, oddity) => {
    const [span] = newSpans(1, fields);
    const answer = await post(encode('TracesData', tracesOf([span!])));
    expect(decode('ExportTraceServiceResponse', answer.body)).toEqual({
      partialSuccess: { errorMessage: `stored as sent, though odd: ${oddity}` },
    });
    const [stored] = await receivers().store.readTrace(span!.traceId.toString('hex'));
    const { name, startUnixNano, endUnixNano } = stored!;
    const kept = { name, startTimeUnixNano: String(startUnixNano), endTimeUnixNano: String(endUnixNano) };
    expect(kept).toMatchObject(fields);
  });

  test('JSON that is not UTF-8, which reads with U+FFFD', async () => {
    const [span] = newSpans(1, { name: 'caf?' });
    const hex = (id: Buffer) => id.toString('hex');
    const sent = { ...span!, traceId: hex(span!.traceId), spanId: hex(span!.spanId) };
    const bytes = Buffer.from(JSON.stringify(tracesOf([sent])));
    bytes[bytes.indexOf('caf?') + 3] = 0xe9;
    const answer = await post(bytes, { 'content-type': JSON_TYPE });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual({
      partialSuccess: {
        rejectedSpans: '0',
        errorMessage: 'the body is not UTF-8: stored with U+FFFD where it is not',
      },
    });
    expect((await receivers().store.readTrace(sent.traceId))[0]!.name).toBe('caf\uFFFD');
  });

  test('a name that is not UTF-8, whose bytes are kept', async () => {
    const [span] = newSpans(1, { name: 'caf?' });
    const bytes = encode('TracesData', tracesOf([span!]));
    bytes[bytes.indexOf('caf?') + 3] = 0xe9;
    const answer = await post(bytes);
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toContain('text not UTF-8 (1)');
    const stored = await receivers().store.readTraceBytes(span!.traceId.toString('hex'));
    expect(Buffer.from(stored!).includes(Buffer.from([0x63, 0x61, 0x66, 0xe9]))).toBe(true);
  });
});
