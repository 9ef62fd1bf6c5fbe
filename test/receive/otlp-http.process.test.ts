import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tracesToJson } from '../../collector/decode/otlp-json.ts';
import { hostReportJson, metricsOf } from '../decode/metrics-proto.ts';
import { decode, encode } from '../decode/otlp-proto.ts';
import { newSpans, startReceivers, tracesOf, type Receivers } from './receivers.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let receivers: Receivers;
beforeAll(async () => {
  receivers = await startReceivers();
});
afterAll(() => receivers.close());

function post(
  body: Uint8Array | string,
  headers: OutgoingHttpHeaders = {},
  options: { to?: Receivers; path?: string; method?: string } = {},
): Promise<Answer> {
  const { to = receivers, path = '/v1/traces', method = 'POST' } = options;
  const [host, port] = to.http.address.split(':');
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host, port, path, method, headers: { 'content-type': PROTOBUF, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What was refused: the google.rpc.Status in the answer's own encoding. */
function statusOf({ headers, body }: Answer): { code?: number; message?: string } {
  return headers['content-type'] === JSON_TYPE ? JSON.parse(body.toString()) : decode('RpcStatus', body);
}

async function isStored(span: { traceId: Buffer }): Promise<boolean> {
  return (await receivers.store.readTrace(span.traceId.toString('hex'))).length > 0;
}

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
    const before = receivers.intake.requests().logs;
    expect(await post('anything', {}, { path: '/v1/logs' })).toMatchObject({
      status: 200,
      body: Buffer.alloc(0),
    });
    expect(receivers.intake.requests().logs).toBe(before + 1);
    expect(receivers.lines.filter((line) => line.startsWith('logs'))).toHaveLength(1);
  });

  test('metrics, which are counted and dropped but for the counters of hosts', async () => {
    const before = receivers.intake.requests();
    const path = '/v1/metrics';
    const report = JSON.stringify(hostReportJson('an-http-host', { 'conntrack.count': 9 }));
    expect(await post(report, { 'content-type': JSON_TYPE }, { path })).toMatchObject({ status: 200 });
    expect(await post(metricsOf('http.server.request.duration'), {}, { path })).toMatchObject({
      status: 200,
    });
    expect(receivers.intake.requests()).toMatchObject({
      metrics: before.metrics + 2,
      metricsDropped: before.metricsDropped + 1,
    });
    const kept = receivers.intake.hosts().find(({ host }) => host === 'an-http-host');
    expect([...kept!.counters]).toEqual([['conntrack.count', 9]]);
    expect(receivers.lines.filter((line) => line.startsWith('metrics'))).toHaveLength(1);
  });

  test('metrics that cannot be decoded are refused', async () => {
    const before = receivers.intake.requests();
    expect(await post('anything', {}, { path: '/v1/metrics' })).toMatchObject({ status: 400 });
    expect(receivers.intake.requests()).toMatchObject({
      metrics: before.metrics,
      refused: before.refused + 1,
    });
  });

  test('200,000 spans in one request', { timeout: 120_000 }, async () => {
    const spans = newSpans(200_000);
    const before = receivers.intake.counters().stored;
    expect(await post(encode('TracesData', tracesOf(spans)))).toMatchObject({
      status: 200,
      body: Buffer.alloc(0),
    });
    expect(receivers.intake.counters().stored).toBe(before + 200_000);
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
    const [stored] = await receivers.store.readTrace(span!.traceId.toString('hex'));
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
    expect((await receivers.store.readTrace(sent.traceId))[0]!.name).toBe('caf\uFFFD');
  });

  test('a name that is not UTF-8, whose bytes are kept', async () => {
    const [span] = newSpans(1, { name: 'caf?' });
    const bytes = encode('TracesData', tracesOf([span!]));
    bytes[bytes.indexOf('caf?') + 3] = 0xe9;
    const answer = await post(bytes);
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toContain('text not UTF-8 (1)');
    const stored = await receivers.store.readTraceBytes(span!.traceId.toString('hex'));
    expect(Buffer.from(stored!).includes(Buffer.from([0x63, 0x61, 0x66, 0xe9]))).toBe(true);
  });
});

describe('what is refused, with its status and what was got and expected', () => {
  /** Nothing of a refused request is stored, and the next one is served. */
  async function expectRefused(
    answer: Promise<Answer>,
    status: number,
    code: number,
    message: string | RegExp,
  ): Promise<void> {
    const stored = receivers.intake.counters().stored;
    const got = await answer;
    expect(got.status).toBe(status);
    expect(statusOf(got)).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(receivers.intake.counters().stored).toBe(stored);
    const [span] = newSpans(1);
    expect(await post(encode('TracesData', tracesOf([span!])))).toMatchObject({ status: 200 });
    expect(await isStored(span!)).toBe(true);
  }
  const whole = encode('TracesData', tracesOf(newSpans(2)));

  test('malformed protobuf', () =>
    expectRefused(post('no protobuf'), 400, 3, 'protobuf, byte 0: got .*, expected'));

  test('a whole request with one broken attribute stores none of its spans', async () => {
    const [good, bad] = newSpans(2);
    const attributes = [{ key: 'k', value: { doubleValue: 1 } }];
    const bytes = encode('TracesData', tracesOf([good!, { ...bad, attributes }]));
    bytes[bytes.lastIndexOf(0x21)] = 0x25;
    await expectRefused(post(bytes), 400, 3, 'wire type 5 for AnyValue.doubleValue, expected wire type 1');
    expect(await isStored(good!)).toBe(false);
  });

  test('malformed JSON', () =>
    expectRefused(
      post('{"resourceSpans":[', { 'content-type': JSON_TYPE }),
      400,
      3,
      'OTLP JSON: got .*, expected a JSON document',
    ));

  test('JSON that means no span', () =>
    expectRefused(
      post('{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"FAST"}]}]}]}', { 'content-type': JSON_TYPE }),
      400,
      3,
      'kind: got "FAST", expected a number or one of',
    ));

  test('protobuf announced as JSON, and the other way round', async () => {
    await expectRefused(post(whole, { 'content-type': JSON_TYPE }), 400, 3, 'OTLP JSON');
    await expectRefused(post('{"resourceSpans":[]}'), 400, 3, 'protobuf, byte');
  });

  test.each(['text/plain', 'application/xml', 'application/grpc', '', 'json'])('content type "%s"', (type) =>
    expectRefused(
      post(whole, { 'content-type': type }),
      415,
      3,
      'content type: got .*, expected application/x-protobuf or application/json',
    ),
  );

  test('content encoding br', () =>
    expectRefused(
      post(whole, { 'content-encoding': 'br' }),
      415,
      3,
      'content encoding: got br, expected identity, gzip, deflate, zstd',
    ));

  test.each(['gzip', 'deflate', 'zstd'])('bytes that are not %s', (encoding) =>
    expectRefused(
      post(whole, { 'content-encoding': encoding }),
      400,
      3,
      `${encoding} body: got .*, expected valid ${encoding}`,
    ),
  );

  test('gzip that is cut short', () =>
    expectRefused(
      post(gzipSync(whole).subarray(0, -9), { 'content-encoding': 'gzip' }),
      400,
      3,
      'gzip body: got unexpected end of file',
    ));

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
  ])('a %s bomb', (encoding, compress) => {
    const bomb = compress(Buffer.alloc(512 * 2 ** 20));
    return expectRefused(
      post(bomb, { 'content-encoding': encoding }),
      413,
      8,
      'request body: got more than 67108864 bytes, expected at most 67108864',
    );
  });

  test('a body of 65 MB', () =>
    expectRefused(
      post(Buffer.alloc(65 * 2 ** 20)),
      413,
      8,
      'request body: got 68157440 bytes, expected at most 67108864',
    ));

  test('a body of 65 MB that does not say its length', () =>
    expectRefused(
      post(Buffer.alloc(65 * 2 ** 20), { 'transfer-encoding': 'chunked' }),
      413,
      8,
      'request body: got more than 67108864 bytes',
    ));

  test('another path', () =>
    expectRefused(
      post(whole, {}, { path: '/v1/profiles' }),
      404,
      5,
      'path: got /v1/profiles, expected /v1/traces',
    ));

  test('another method', async () => {
    const answer = post('', {}, { method: 'PUT' });
    await expectRefused(answer, 405, 12, 'method: got PUT, expected POST');
    expect((await answer).headers.allow).toBe('POST, OPTIONS');
  });

  test('a foreign Host', () =>
    expectRefused(post(whole, { host: 'evil.example' }), 403, 7, 'Got evil.example'));

  test('a foreign Origin', () =>
    expectRefused(post(whole, { origin: 'https://evil.example' }), 403, 7, 'Got https://evil.example'));

  test('what is refused is counted', async () => {
    const before = receivers.intake.requests().refused;
    await post('no protobuf');
    await post(whole, { 'content-type': 'text/plain' });
    expect(receivers.intake.requests().refused).toBe(before + 2);
  });
});

test('a request cut short at any byte is refused or stores only whole spans', async () => {
  const before = receivers.intake.counters().stored;
  const spans = newSpans(3);
  const bytes = encode('TracesData', tracesOf(spans));
  for (let length = 1; length < bytes.length; length++) {
    const { status } = await post(bytes.subarray(0, length));
    expect([200, 400]).toContain(status);
  }
  // The one message that holds everything is never whole.
  expect(receivers.intake.counters().stored).toBe(before);
});

test('random bodies are refused or hold no span, in both encodings', async () => {
  const before = receivers.intake.counters().stored;
  let state = 20_261_122;
  const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 8;
  for (let i = 0; i < 300; i++) {
    const body = Buffer.from(Array.from({ length: next() % 200 }, next));
    const headers = {
      'content-type': [PROTOBUF, JSON_TYPE][i % 2],
      'content-encoding': ['identity', 'gzip'][next() % 2],
    };
    expect([200, 400]).toContain((await post(body, headers)).status);
  }
  expect(receivers.intake.counters().stored).toBe(before);
});

test('a sender that goes away in the middle of a body leaves nothing behind', async () => {
  const [host, port] = receivers.http.address.split(':');
  const socket = connect(Number(port), host);
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 100000\r\n\r\n`,
  );
  socket.write(Buffer.alloc(50_000));
  await expect.poll(() => receivers.intake.queue().bytes, { interval: 5 }).toBe(50_000);
  const before = receivers.intake.requests();
  socket.destroy();
  await expect.poll(() => receivers.intake.queue().bytes, { interval: 5 }).toBe(0);
  expect(await post('{}', { 'content-type': JSON_TYPE })).toMatchObject({ status: 200 });
  expect(receivers.intake.requests()).toEqual(before);
  expect(receivers.lines.filter((line) => line.includes('OTLP HTTP'))).toEqual([]);
});

test('an overloaded intake answers 503 with Retry-After, and serves again afterwards', async () => {
  const small = await startReceivers({ maxQueueBytes: 60_000, maxRequestBytes: 50_000 });
  try {
    const [host, port] = small.http.address.split(':');
    const slow = connect(Number(port), host);
    slow.write(
      `POST /v1/traces HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 50000\r\n\r\n`,
    );
    slow.write(Buffer.alloc(49_000));
    await expect.poll(() => small.intake.queue().bytes, { interval: 5 }).toBe(49_000);

    const body = encode('TracesData', tracesOf(newSpans(1, { name: 'n'.repeat(20_000) })));
    const answer = await post(body, {}, { to: small });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(statusOf(answer)).toMatchObject({ code: 14, message: expect.stringContaining('intake is full') });
    slow.destroy();
    await expect.poll(() => small.intake.queue().bytes, { interval: 5 }).toBe(0);
    expect(await post(body, {}, { to: small })).toMatchObject({ status: 200 });
  } finally {
    await small.close();
  }
});

describe('CORS', () => {
  test('a configured origin may send, preflight first; another may not', async () => {
    const open = await startReceivers({ cors: ['https://app.example'] });
    try {
      const preflight = {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      };
      const asked = await post('', preflight, { to: open, method: 'OPTIONS' });
      expect(asked.status).toBe(204);
      expect(asked.headers['access-control-allow-origin']).toBe('https://app.example');
      const sent = await post(
        '{}',
        { origin: 'https://app.example', 'content-type': JSON_TYPE },
        { to: open },
      );
      expect(sent).toMatchObject({ status: 200 });
      expect(sent.headers['access-control-allow-origin']).toBe('https://app.example');
      const foreign = await post(
        '{}',
        { origin: 'https://evil.example', 'content-type': JSON_TYPE },
        { to: open },
      );
      expect(foreign.status).toBe(403);
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    } finally {
      await open.close();
    }
  });
});

test('with a token, a request without it is 401 and stores nothing', async () => {
  const closed = await startReceivers({ token: 's3cret' });
  try {
    const body = encode('TracesData', tracesOf(newSpans(1)));
    const without = await post(body, {}, { to: closed });
    expect(without.status).toBe(401);
    expect(statusOf(without).code).toBe(16);
    expect(await post(body, { authorization: 'Bearer wrong' }, { to: closed })).toMatchObject({
      status: 401,
    });
    expect(await post(body, { authorization: 'Bearer s3cret' }, { to: closed })).toMatchObject({
      status: 200,
    });
    expect(closed.intake.counters().stored).toBe(1);
  } finally {
    await closed.close();
  }
});

test('after all of this, every span that was received is accounted for', () => {
  const { received, stored, refused, dropped, duplicate, queued } = receivers.intake.counters();
  expect(received).toBe(stored + refused + dropped + duplicate + queued);
  expect(queued).toBe(0);
  expect(refused).toBeGreaterThan(0);
  expect(receivers.intake.queue().bytes).toBe(0);
});
