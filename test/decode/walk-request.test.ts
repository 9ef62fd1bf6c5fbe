import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { decodeResource, decodeScope, decodeSpan } from '../../collector/decode/otlp-protobuf.ts';
import { ProtobufWriter } from '../../collector/decode/protobuf-writer.ts';
import { countSpans, walkRequest, type RequestSpan } from '../../collector/decode/walk-request.ts';
import type { Span } from '../../collector/span.ts';
import { encode } from './otlp-proto.ts';

const TRACE_ID = Buffer.from('5b8efff798038103d269b633813fc60c', 'hex');
const SPAN_ID = Buffer.from('eee19b7ec3c1b174', 'hex');
const NOW_UNIX_MS = 1_700_000_000_000;

function request(...spans: object[]): Buffer {
  const filled = spans.map((span) => ({ traceId: TRACE_ID, spanId: SPAN_ID, name: 'GET /', ...span }));
  return encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans: filled }] }] });
}

function walk(...spans: object[]): ReturnType<typeof walkRequest> {
  return walkRequest(request(...spans), NOW_UNIX_MS);
}

function view({ bytes, resource, scope }: RequestSpan): Span {
  return decodeSpan(bytes, decodeResource(resource.bytes, ''), decodeScope(scope.bytes, ''));
}

function errorOf(bytes: Uint8Array): DecodeError {
  try {
    walkRequest(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error('got no error');
}

/** Seeded, so that a failure can be repeated. */
function* randomBytes(seed: number, count: number): Generator<Buffer> {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.alloc(next() % 64);
    for (let at = 0; at < bytes.length; at++) bytes[at] = next();
    yield bytes;
  }
}

test('an empty request is a request without spans', () => {
  expect(walkRequest(Buffer.alloc(0))).toEqual({ spans: [], refused: 0, refusedMessage: '', warning: '' });
});

test('spans of one scope share their resource and scope objects', () => {
  const { spans } = walk({}, {});
  expect(spans[0]!.resource).toBe(spans[1]!.resource);
  expect(spans[0]!.scope).toBe(spans[1]!.scope);
  expect(spans[0]!.traceId).toBe('5b8efff798038103d269b633813fc60c');
  expect(spans[0]!.spanId).toBe('eee19b7ec3c1b174');
});

test('a resource that stands behind its spans still describes them, and one sent in parts is whole', () => {
  const spans = encode('ResourceSpans', {
    scopeSpans: [{ spans: [{ traceId: TRACE_ID, spanId: SPAN_ID }] }],
  });
  const resource = (key: string): Buffer =>
    encode('ResourceSpans', { resource: { attributes: [{ key, value: { stringValue: 'x' } }] } });
  const parts = Buffer.concat([resource('first'), spans, resource('second')]);
  const [span] = walkRequest(Buffer.concat([Buffer.from([0x0a, parts.length]), parts])).spans;
  expect([...decodeResource(span!.resource.bytes, '').attributes.keys()]).toEqual(['first', 'second']);
});

test('a scope and its schema URL that stand behind their spans describe these, and no others', () => {
  const spans = encode('ScopeSpans', { spans: [{ traceId: TRACE_ID, spanId: SPAN_ID }] });
  const behind = (name: string) =>
    Buffer.concat([spans, encode('ScopeSpans', { scope: { name }, schemaUrl: `urn:${name}` })]);
  const field = (tag: number, content: Buffer) =>
    Buffer.concat([Buffer.from([tag, content.length]), content]);
  const scopes = [behind('first'), behind('second'), spans];
  const walked = walkRequest(Buffer.concat(scopes.map((bytes) => field(0x0a, field(0x12, bytes)))));
  expect(
    walked.spans.map(({ scope }) => [decodeScope(scope.bytes, '').name, scope.schemaUrl] as const),
  ).toEqual([
    ['first', 'urn:first'],
    ['second', 'urn:second'],
    ['', ''],
  ]);
});

test('a resource and a scope in 300,000 parts each are whole', () => {
  const attributes = [{ key: 'k', value: {} }];
  const many = (part: Buffer): Buffer => Buffer.concat(Array.from({ length: 300_000 }, () => part));
  const writer = new ProtobufWriter();
  writer.bytes(encode('ScopeSpans', { spans: [{ traceId: TRACE_ID, spanId: SPAN_ID }] }));
  writer.bytes(many(encode('ScopeSpans', { scope: { attributes } })));
  writer.prefix(2, 0);
  writer.bytes(many(encode('ResourceSpans', { resource: { attributes } })));
  writer.prefix(1, 0);
  const [span] = walkRequest(writer.finish()).spans;
  expect(many(encode('Resource', { attributes })).equals(span!.resource.bytes)).toBe(true);
  expect(many(encode('InstrumentationScope', { attributes })).equals(span!.scope.bytes)).toBe(true);
});

describe('ids', () => {
  test.each([
    ['trace id of 15 bytes', { traceId: TRACE_ID.subarray(1) }, 'trace id has 15 bytes, expected 16'],
    ['trace id of 17 bytes', { traceId: Buffer.alloc(17, 1) }, 'trace id has 17 bytes, expected 16'],
    ['missing trace id', { traceId: Buffer.alloc(0) }, 'trace id has 0 bytes, expected 16'],
    ['zero trace id', { traceId: Buffer.alloc(16) }, 'trace id is all zero'],
    ['span id of 7 bytes', { spanId: SPAN_ID.subarray(1) }, 'span id has 7 bytes, expected 8'],
    ['span id of 9 bytes', { spanId: Buffer.alloc(9, 1) }, 'span id has 9 bytes, expected 8'],
    ['zero span id', { spanId: Buffer.alloc(8) }, 'span id is all zero'],
    ['parent of 4 bytes', { parentSpanId: Buffer.alloc(4, 1) }, 'parent span id has 4 bytes, expected 8'],
  ])('a span with a %s is refused and its neighbours are not', (_what, span, reason) => {
    const { spans, refused, refusedMessage } = walk({}, span, {});
    expect(spans).toHaveLength(2);
    expect(refused).toBe(1);
    expect(refusedMessage).toBe(`1 of 3 spans refused: span 2: ${reason}`);
  });

  test('the message names the first three and counts the rest', () => {
    const { refusedMessage } = walk(...Array.from({ length: 5 }, () => ({ spanId: Buffer.alloc(8) })));
    expect(refusedMessage).toMatch(/^5 of 5 spans refused: span 1: .*; span 2: .*; span 3: .*; and 2 more$/);
  });

  test('a parent of zeros is no parent', () => {
    const [span] = walk({ parentSpanId: Buffer.alloc(8) }).spans;
    expect(view(span!)).toMatchObject({ parentSpanId: '' });
  });
});

describe('what looks wrong is kept as sent, with a warning', () => {
  const start = BigInt(NOW_UNIX_MS) * 1_000_000n;
  const times = (startUnixNano: bigint, endUnixNano: bigint): object => ({
    startTimeUnixNano: String(startUnixNano),
    endTimeUnixNano: String(endUnixNano),
  });
  const day = 86_400_000_000_000n;
  test.each([
    ['ends a nanosecond before its start', times(start, start - 1n), 'end before start (1)'],
    ['ends at its start', times(start, start), ''],
    ['has not ended', times(start, 0n), ''],
    ['starts a day from now', times(start + day, start + day), ''],
    [
      'starts later than that',
      times(start + day + 1n, start + day + 1n),
      'start more than a day from now (1)',
    ],
    [
      'starts at the end of time',
      times(2n ** 64n - 1n, 2n ** 64n - 1n),
      'start more than a day from now (1)',
    ],
    ['has a name of 1 KiB', { name: 'x'.repeat(1024) }, ''],
    ['has a name of 1 MB', { name: 'x'.repeat(1_000_000) }, 'name longer than 1024 bytes (1)'],
  ])('a span that %s', (_what, span, oddity) => {
    const { spans, refused, warning } = walk({}, span);
    expect(spans).toHaveLength(2);
    expect(refused).toBe(0);
    expect(warning).toBe(oddity && `stored as sent, though odd: ${oddity}`);
  });

  test.each([
    ['state', { traceState: '?bad' }],
    ['status', { status: { message: '?bad' } }],
    ['attribute’s name', { attributes: [{ key: '?bad', value: {} }] }],
    ['attribute', { attributes: [{ key: 'a', value: { stringValue: '?bad' } }] }],
    [
      'attribute in a list',
      { attributes: [{ key: 'a', value: { arrayValue: { values: [{ stringValue: 'é?bad' }] } } }] },
    ],
    ['event', { events: [{ name: '?bad' }] }],
    ['link', { links: [{ traceState: '?bad' }] }],
  ])('text that is not UTF-8 is found in its %s', (_place, fields) => {
    const bytes = request(fields);
    expect(walkRequest(bytes).warning).toBe('');
    bytes[bytes.indexOf('?bad')] = 0xff;
    expect(walkRequest(bytes).warning).toBe('stored as sent, though odd: text not UTF-8 (1)');
  });

  test('bytes of an attribute need not be UTF-8', () => {
    const value = { bytesValue: Buffer.from([0xff, 0xfe]) };
    expect(walkRequest(request({ attributes: [{ key: 'a', value }] })).warning).toBe('');
  });

  test('a name that is not UTF-8 keeps its bytes and reads with replacement characters', () => {
    const bytes = request({ name: 'caf?' });
    bytes[bytes.indexOf('caf?') + 3] = 0xe9;
    const { spans, warning } = walkRequest(bytes);
    expect(warning).toBe('stored as sent, though odd: text not UTF-8 (1)');
    expect(Buffer.from(spans[0]!.bytes).includes(Buffer.from([0x63, 0x61, 0x66, 0xe9]))).toBe(true);
    expect(view(spans[0]!).name).toBe('caf\uFFFD');
  });
});

describe('bytes that are no request', () => {
  test.each([
    [
      'a length beyond the end',
      [0x0a, 5, 0],
      'protobuf, byte 1: got a length of 5, expected at most the 1 bytes left',
    ],
    [
      'a varint that never ends',
      [0x0a, ...Array<number>(11).fill(0xff)],
      'protobuf, byte 1: got a varint longer than 10 bytes, expected at most 10',
    ],
    ['a tag without a value', [0x0a], 'protobuf, byte 1: got the end of the message, expected more bytes'],
    [
      'field number 0',
      [0x02, 0],
      'protobuf, byte 0: got field number 0 or beyond 2^29, expected a field number',
    ],
    ['a group', [0x0b, 0x0c], 'protobuf, byte 0: got wire type 3, expected wire type 0, 1, 2 or 5'],
    [
      'resource_spans as a number',
      [0x08, 1],
      'protobuf, byte 1: got wire type 0 for TracesData.resourceSpans, expected wire type 2',
    ],
    [
      'a text',
      [...Buffer.from('hello, world')],
      'protobuf, byte 2: got wire type 4, expected wire type 0, 1, 2 or 5',
    ],
  ])('%s is refused with its place', (_what, bytes, message) => {
    expect(errorOf(Buffer.from(bytes)).message).toBe(message);
  });

  test('a wrong wire type deep inside an attribute is refused', () => {
    const bytes = request({ attributes: [{ key: 'k', value: { doubleValue: 1 } }] });
    bytes[bytes.indexOf(Buffer.from([0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]))] = 0x22;
    expect(() => walkRequest(bytes)).toThrow(DecodeError);
  });

  test('attributes may be nested as deep as protobuf decoders go, and no deeper', () => {
    // Field numbers from the request down to the attribute's value: six messages; every array adds two.
    const path = [1, 2, 2, 9, 2];
    const nested = (levels: number): Buffer => {
      const writer = new ProtobufWriter();
      writer.delimited(1, 'x');
      for (let i = 0; i < levels; i++) {
        writer.prefix(1, 0);
        writer.prefix(5, 0);
      }
      for (const field of path.toReversed()) writer.prefix(field, 0);
      return writer.finish();
    };
    expect(walkRequest(nested(47)).refused).toBe(1);
    expect(() => walkRequest(nested(48))).toThrow('at most 100 messages in each other');
    expect(() => walkRequest(nested(100_000))).toThrow(DecodeError);
  });

  /** Whether it was refused; what is thrown beside DecodeError goes on. */
  function isRefused(bytes: Uint8Array): boolean {
    try {
      countSpans(bytes);
      for (const span of walkRequest(bytes).spans) view(span);
      return false;
    } catch (error) {
      if (error instanceof DecodeError) return true;
      throw error;
    }
  }

  test('random bytes are refused or read, never a crash', () => {
    const refused = [...randomBytes(20_261_122, 20_000)].filter(isRefused);
    expect(refused.length).toBeGreaterThan(10_000);
  });

  test('a request with any one byte changed is refused or read, never a crash', () => {
    const bytes = request({ attributes: [{ key: 'k', value: { kvlistValue: { values: [{ key: 'a' }] } } }] });
    const changed = [...bytes.keys()].flatMap((at) =>
      [0x01, 0x07, 0x80, 0xff].map((flip) => Buffer.from(bytes).fill(bytes[at]! ^ flip, at, at + 1)),
    );
    const refused = changed.filter(isRefused);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(changed.length);
  });
});

test('counting agrees with walking', () => {
  expect(countSpans(request())).toBe(0);
  expect(countSpans(request({}, { spanId: Buffer.alloc(0) }, {}))).toBe(3);
  expect(() => countSpans(Buffer.from([0x0a, 5, 0]))).toThrow(DecodeError);
});

test('200,000 spans in one request are walked', () => {
  const one = request({});
  const { spans } = walkRequest(Buffer.concat(Array.from({ length: 200_000 }, () => one)));
  expect(spans).toHaveLength(200_000);
});
