import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { encodeMessage, tracesToJson } from '../../collector/decode/otlp-json.ts';
import { TRACES_DATA } from '../../collector/decode/otlp-schema.ts';
import { toOtlp } from '../../collector/serve/formats/to-otlp.ts';

const span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'GET /',
  startTimeUnixNano: '1700000000000000001',
  endTimeUnixNano: '1700000000000000002',
};
const otlp = { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
const names = (body: string | Uint8Array) =>
  [...tracesToJson(toOtlp(Buffer.from(body))).matchAll(/"name":"([^"]*)"/g)].map((match) => match[1]);

describe('the format of a file shows in its shape', () => {
  it('OTLP JSON, wherever its key stands and however it is spaced', () => {
    expect(names(JSON.stringify(otlp))).toEqual(['GET /']);
    expect(names(`\n  ${JSON.stringify(otlp, null, 2)}`)).toEqual(['GET /']);
    expect(names(`\uFEFF${JSON.stringify(otlp)}`)).toEqual(['GET /']);
    expect(names(JSON.stringify({ other: 1, ...otlp }))).toEqual(['GET /']);
    expect(names(JSON.stringify({ resource_spans: otlp.resourceSpans }))).toEqual(['GET /']);
  });

  it('OTLP JSON keeps nanoseconds that a number cannot hold', () => {
    const text = JSON.stringify(otlp).replace('"1700000000000000001"', '1700000000000000001');
    expect(tracesToJson(toOtlp(Buffer.from(text)))).toContain('1700000000000000001');
  });

  it('OTLP protobuf, also where its second byte is a brace', () => {
    expect(names(encodeMessage(TRACES_DATA, otlp))).toEqual(['GET /']);
    // 0x0a, then a length of 123: a line feed and `{` to whoever reads it as text.
    const sized = Array.from({ length: 123 }, (_, length) =>
      encodeMessage(TRACES_DATA, {
        resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, name: 'n'.repeat(length) }] }] }],
      }),
    ).find((bytes) => bytes[1] === 0x7b);
    expect(toOtlp(sized ?? Buffer.alloc(0))).toBe(sized);
  });

  it('Jaeger JSON and Zipkin JSON', () => {
    const jaeger = {
      data: [{ spans: [{ traceID: 'a', spanID: 'b', operationName: 'j', startTime: 1 }], processes: {} }],
    };
    expect(names(JSON.stringify(jaeger))).toContain('j');
    expect(names(JSON.stringify([{ traceId: 'a', id: 'b', name: 'z', timestamp: 1 }]))).toContain('z');
    expect(names('[]')).toEqual([]);
  });
});

it.each([
  ['nonsense', 'is not valid JSON'],
  ['\n{nonsense', 'in JSON'],
  ['7', 'the value 7'],
  ['null', 'the value null'],
])('%j that its sender called JSON is refused as JSON', (body, message) => {
  expect(() => toOtlp(Buffer.from(body), 'json')).toThrow(DecodeError);
  expect(() => toOtlp(Buffer.from(body), 'json')).toThrow(message);
});

it.each([
  ['', 'an empty body'],
  ['hello, world', 'the text hello, world'],
  ['{"resourceSpans": [', 'expected a JSON document'],
  ['{"a": 1, "b": 2}', 'an object with a, b'],
  ['{}', 'an object with nothing in it'],
  ['[1]', 'an array'],
  ['{"resourceSpans": 7}', 'expected'],
  ['{', 'OTLP'],
])('%j is refused with what it is', (body, message) => {
  expect(() => toOtlp(Buffer.from(body))).toThrow(DecodeError);
  expect(() => toOtlp(Buffer.from(body))).toThrow(message);
});

it.each([
  ['OTLP', '{"resourceSpans":['],
  ['Jaeger', '{"data":['],
  ['Zipkin', '['],
  ['no', '{"other":['],
])('JSON of %s traces is refused before it is parsed when it would fill the memory', (_, start) => {
  const file = Buffer.from(start + '{},'.repeat(4_000_000));
  expect(() => toOtlp(file)).toThrow('body: got more than 4000000 objects and arrays');
  // One less is parsed, and is no JSON.
  expect(() => toOtlp(file.subarray(start.length))).not.toThrow('objects and arrays');
});
