import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { tracesFromJson, tracesToJson } from '../../collector/decode/otlp-json.ts';
import { walkRequest } from '../../collector/decode/walk-request.ts';
import { decode } from './otlp-proto.ts';

const TRACE_ID = '5b8efff798038103d269b633813fc60c';

function json(span: object): string {
  const filled = { traceId: TRACE_ID, spanId: 'eee19b7ec3c1b174', ...span };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [filled] }] }] });
}

/** The span as protobufjs reads it from the bytes that were made of the JSON. */
function spanOf(text: string): Record<string, unknown> {
  type Document = { resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[] };
  const document = decode('TracesData', tracesFromJson(text)) as unknown as Document;
  return document.resourceSpans[0]!.scopeSpans[0]!.spans[0]!;
}

function attribute(value: object): unknown {
  const { attributes } = spanOf(json({ attributes: [{ key: 'k', value }] }));
  return (attributes as { value: unknown }[])[0]!.value;
}

test('an empty document is an empty request', () => {
  expect(tracesFromJson('{}')).toHaveLength(0);
});

test('ids are hex in either case', () => {
  const [span] = walkRequest(tracesFromJson(json({ traceId: TRACE_ID.toUpperCase() }))).spans;
  expect(span!.traceId).toBe(TRACE_ID);
});

test.each(['abc', TRACE_ID.slice(1), `${TRACE_ID}0`, TRACE_ID.slice(2), '', '0'.repeat(32)])(
  'the trace id "%s" refuses its span, not the request',
  (traceId) => {
    const { spans, refused } = walkRequest(tracesFromJson(json({ traceId })));
    expect(spans).toHaveLength(0);
    expect(refused).toBe(1);
  },
);

test('enums are numbers or names', () => {
  expect(spanOf(json({ kind: 3, status: { code: 2 } }))).toMatchObject({ kind: 3, status: { code: 2 } });
  expect(spanOf(json({ kind: 'SPAN_KIND_CLIENT', status: { code: 'STATUS_CODE_ERROR' } }))).toMatchObject({
    kind: 3,
    status: { code: 2 },
  });
});

test.each(['1700000000123456789', '"1700000000123456789"'])('the time %s is exact', (time) => {
  const text = json({ startTimeUnixNano: 'TIME' }).replace('"TIME"', time);
  expect(spanOf(text).startTimeUnixNano).toBe('1700000000123456789');
});

test.each([
  [{ intValue: '9223372036854775807' }, { intValue: '9223372036854775807' }],
  [{ intValue: '-9223372036854775808' }, { intValue: '-9223372036854775808' }],
  [{ intValue: 5 }, { intValue: '5' }],
  [{ intValue: 0 }, { intValue: '0' }],
  [{ doubleValue: 'NaN' }, { doubleValue: NaN }],
  [{ doubleValue: '-Infinity' }, { doubleValue: -Infinity }],
  [{ doubleValue: 12 }, { doubleValue: 12 }],
  [{ bytesValue: 'AP8B' }, { bytesValue: 'AP8B' }],
  [{ bytesValue: 'AP-_' }, { bytesValue: 'AP+/' }],
  [{ stringValue: '' }, { stringValue: '' }],
  [{ boolValue: false }, { boolValue: false }],
  [{}, {}],
  [{ stringValue: null }, {}],
])('the value %j', (value, expected) => {
  expect(attribute(value)).toEqual(expected);
});

test.each([
  ['{"intValue":-9223372036854775808}', { intValue: '-9223372036854775808' }],
  ['{"intValue" : 9007199254740993 }', { intValue: '9007199254740993' }],
  ['{"arrayValue":{"values":[]},"x":[1234567890123456789,-1234567890123456789]}', { arrayValue: {} }],
  ['{"doubleValue":1234567890123456789}', { doubleValue: Number('1234567890123456789') }],
  ['{"doubleValue":0.1234567890123456789}', { doubleValue: Number('0.1234567890123456789') }],
  ['{"doubleValue":1234567890123456.5}', { doubleValue: 1234567890123456.5 }],
  ['{"doubleValue":1234567890123456789e-9}', { doubleValue: Number('1234567890.123456789') }],
  ['{"stringValue":":1234567890123456789,"}', { stringValue: ':1234567890123456789,' }],
  [String.raw`{"stringValue":"\\\",1234567890123456789,\\"}`, { stringValue: '\\",1234567890123456789,\\' }],
])('beside a long integer, %s', (value, expected) => {
  const text = json({ startTimeUnixNano: 'TIME', attributes: [{ key: 'k', value: 'VALUE' }] });
  const span = spanOf(text.replace('"TIME"', '1700000000123456789').replace('"VALUE"', () => value));
  expect(span.startTimeUnixNano).toBe('1700000000123456789');
  expect(span.attributes).toEqual([{ key: 'k', value: expected }]);
});

test.each([
  '[1234567890123456 1]',
  '{"a":01234567890123456}',
  '{"a":--1234567890123456}',
  '{"a": 1234567890123456',
])('a long integer makes no JSON of %s', (text) =>
  expect(() => tracesFromJson(text)).toThrow('expected a JSON document'),
);

test('of a large document with a long integer no source of each value is kept', () => {
  const before = process.memoryUsage().rss;
  tracesFromJson(`{"x":[12345678901234567890${',0'.repeat(3_000_000)}]}`);
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
});

test('names may be those of the .proto file', () => {
  const text = JSON.stringify({
    resource_spans: [{ scope_spans: [{ spans: [{ trace_id: TRACE_ID, start_time_unix_nano: '5' }] }] }],
  });
  expect(spanOf(text).startTimeUnixNano).toBe('5');
});

test('unknown fields are ignored, even __proto__', () => {
  const text = json({ later: { a: [1] } }).replace('"later"', '"__proto__":{"name":"x"},"later"');
  expect(spanOf(text)).not.toHaveProperty('name');
});

describe('what cannot be meant is refused with its path', () => {
  const span = 'TracesData.resourceSpans[0].scopeSpans[0].spans[0]';
  test.each([
    [
      json({ traceId: 'W47/95gDgQPSabYzgT/GDA==' }),
      `${span}.traceId: got "W47/95gDgQPSabYzgT/GDA==", expected hex digits`,
    ],
    [
      json({ kind: 'CLIENT' }),
      `${span}.kind: got "CLIENT", expected a number or one of SPAN_KIND_UNSPECIFIED,`,
    ],
    [
      json({ startTimeUnixNano: 'soon' }),
      `${span}.startTimeUnixNano: got "soon", expected an integer from 0 to 18446744073709551615`,
    ],
    [json({ startTimeUnixNano: -1 }), `${span}.startTimeUnixNano: got -1, expected an integer from 0`],
    [json({ flags: 2 ** 32 }), `${span}.flags: got 4294967296, expected an integer from 0 to 4294967295`],
    [json({ droppedEventsCount: 1.5 }), `${span}.droppedEventsCount: got 1.5, expected an integer from 0`],
    [json({ name: 5 }), `${span}.name: got 5, expected a string`],
    [json({ events: {} }), `${span}.events: got an object, expected an array`],
    [json({ status: [] }), `${span}.status: got an array, expected an object`],
    [
      json({ attributes: [{ value: { bytesValue: '*' } }] }),
      `${span}.attributes[0].value.bytesValue: got "*", expected base64`,
    ],
    [
      json({ attributes: [{ value: { boolValue: 1 } }] }),
      `${span}.attributes[0].value.boolValue: got 1, expected true or false`,
    ],
    [
      json({ attributes: [{ value: { doubleValue: 'x' } }] }),
      `${span}.attributes[0].value.doubleValue: got "x", expected a number`,
    ],
    ['[]', 'TracesData: got an array, expected an object'],
    ['{"resourceSpans":', 'OTLP JSON: got '],
    ['', 'OTLP JSON: got '],
  ])('%s', (text, message) => {
    expect(() => tracesFromJson(text)).toThrow(message);
    expect(() => tracesFromJson(text)).toThrow(DecodeError);
  });

  test('nesting without end', () => {
    const deep = `${'{"arrayValue":{"values":['.repeat(50_000)}${']}}'.repeat(50_000)}`;
    const text = json({ attributes: [{ key: 'k', value: 'DEEP' }] }).replace('"DEEP"', deep);
    expect(() => tracesFromJson(text)).toThrow(DecodeError);
  });
});

test('every prefix of a document is refused', () => {
  const text = json({ kind: 3, startTimeUnixNano: '1', attributes: [{ key: 'k', value: { intValue: 1 } }] });
  for (let length = 0; length < text.length; length++) {
    expect(() => tracesFromJson(text.slice(0, length))).toThrow(DecodeError);
  }
});

test('exported JSON has hex ids, numeric enums, decimal strings and base64', () => {
  const text = json({
    kind: 'SPAN_KIND_SERVER',
    startTimeUnixNano: '1700000000123456789',
    attributes: [
      { key: 'bytes', value: { bytesValue: 'AP8B' } },
      { key: 'nan', value: { doubleValue: 'NaN' } },
    ],
  });
  expect(JSON.parse(tracesToJson(tracesFromJson(text))).resourceSpans[0].scopeSpans[0].spans[0]).toEqual({
    traceId: TRACE_ID,
    spanId: 'eee19b7ec3c1b174',
    kind: 2,
    startTimeUnixNano: '1700000000123456789',
    attributes: [
      { key: 'bytes', value: { bytesValue: 'AP8B' } },
      { key: 'nan', value: { doubleValue: 'NaN' } },
    ],
  });
});
