/** What OTLP over HTTP refuses or cannot take now: each with its status, a message, and everything after it served. */
import { connect } from 'node:net';
import { gzipSync, deflateSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encode } from '../decode/otlp-proto.ts';
import { JSON_TYPE, PROTOBUF, postTo, statusOf, useReceivers, type Answer } from './otlp-http-client.ts';
import { newSpans, startReceivers, tracesOf } from './receivers.ts';

const { receivers, post, isStored } = useReceivers();

describe('what is refused, with its status and what was got and expected', () => {
  /** Nothing of a refused request is stored, and the next one is served. */
  async function expectRefused(
    answer: Promise<Answer>,
    status: number,
    code: number,
    message: string | RegExp,
  ): Promise<void> {
    const stored = receivers().intake.counters().stored;
    const got = await answer;
    expect(got.status).toBe(status);
    expect(statusOf(got)).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(receivers().intake.counters().stored).toBe(stored);
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

  test.each(['/v1/traces', '/v1/metrics'])('JSON to %s that would fill the memory', (path) =>
    expectRefused(
      postTo(receivers(), `[${'{},'.repeat(4_000_000)}`, { 'content-type': JSON_TYPE }, { path }),
      400,
      3,
      'got more than 4000000 objects and arrays',
    ),
  );

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
    const before = receivers().intake.requests().refused;
    await post('no protobuf');
    await post(whole, { 'content-type': 'text/plain' });
    expect(receivers().intake.requests().refused).toBe(before + 2);
  });
});

test('a request cut short at any byte is refused or stores only whole spans', async () => {
  const before = receivers().intake.counters().stored;
  const spans = newSpans(3);
  const bytes = encode('TracesData', tracesOf(spans));
  for (let length = 1; length < bytes.length; length++) {
    const { status } = await post(bytes.subarray(0, length));
    expect([200, 400]).toContain(status);
  }
  // The one message that holds everything is never whole.
  expect(receivers().intake.counters().stored).toBe(before);
});

test('random bodies are refused or hold no span, in both encodings', async () => {
  const before = receivers().intake.counters().stored;
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
  expect(receivers().intake.counters().stored).toBe(before);
});

test('a sender that goes away in the middle of a body leaves nothing behind', async () => {
  const [host, port] = receivers().http.address.split(':');
  const socket = connect(Number(port), host);
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nhost: ${host}\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: 100000\r\n\r\n`,
  );
  socket.write(Buffer.alloc(50_000));
  await expect.poll(() => receivers().intake.queue().bytes, { interval: 5 }).toBe(50_000);
  const before = receivers().intake.requests();
  socket.destroy();
  await expect.poll(() => receivers().intake.queue().bytes, { interval: 5 }).toBe(0);
  expect(await post('{}', { 'content-type': JSON_TYPE })).toMatchObject({ status: 200 });
  expect(receivers().intake.requests()).toEqual(before);
  expect(receivers().lines.filter((line) => line.includes('OTLP HTTP'))).toEqual([]);
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
    const answer = await postTo(small, body, {});
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(statusOf(answer)).toMatchObject({ code: 14, message: expect.stringContaining('intake is full') });
    slow.destroy();
    await expect.poll(() => small.intake.queue().bytes, { interval: 5 }).toBe(0);
    expect(await postTo(small, body, {})).toMatchObject({ status: 200 });
  } finally {
    await small.close();
  }
});

test('after all of this, every span that was received is accounted for', () => {
  const { received, stored, refused, dropped, duplicate, queued } = receivers().intake.counters();
  expect(received).toBe(stored + refused + dropped + duplicate + queued);
  expect(queued).toBe(0);
  expect(refused).toBeGreaterThan(0);
  expect(receivers().intake.queue().bytes).toBe(0);
});
