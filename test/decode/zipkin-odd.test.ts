/** Whatever is sent as Zipkin's is read, or refused with its place: nothing else is thrown. Seeded. */
import { expect, it } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { decodeTraces } from '../../collector/decode/decode-traces.ts';
import { tracesFromZipkin, type ZipkinFormat } from '../../collector/decode/zipkin.ts';
import { Random } from '../benchmark/workload/random.ts';
import { PY_ZIPKIN_PROTOBUF, PY_ZIPKIN_V1, ZIPKIN_JS_V1, ZIPKIN_JS_V2 } from './zipkin-captures.ts';

const ROUNDS = 3_000;
const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e300,
  2 ** 63,
  '',
  'cs',
  '0'.repeat(33),
  'not hex',
  '\ud800',
  '{"a":{}}',
  '\u0000',
  [],
  {},
  [[]],
  { __proto__: null, toString: 1 },
  [null],
];

/** The same with one value, anywhere, put for another. */
function withOdd(value: unknown, random: Random): unknown {
  const isLeaf = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
  if (isLeaf || random.below(8) === 0) return ODD[random.below(ODD.length)];
  const keys = Object.keys(value);
  const key = keys[random.below(keys.length)]!;
  const changed = withOdd((value as Record<string, unknown>)[key], random);
  if (Array.isArray(value))
    return value.map((each: unknown, index) => (String(index) === key ? changed : each));
  return { ...value, [key]: changed };
}

/** What came of it; throws what is no DecodeError. */
function outcomeOf(body: Uint8Array, format: ZipkinFormat): 'read' | 'refused' {
  let bytes: Uint8Array;
  try {
    bytes = tracesFromZipkin(body, format);
  } catch (error) {
    if (error instanceof DecodeError) return 'refused';
    throw error;
  }
  // What is handed on can be decoded.
  decodeTraces(bytes);
  return 'read';
}

it.each([
  ['v1', [...ZIPKIN_JS_V1, ...PY_ZIPKIN_V1]],
  ['v2', ZIPKIN_JS_V2],
] as const)('odd values in %s', (format, spans) => {
  const random = new Random();
  const outcomes = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    random.restart(20261123, round);
    let sent: unknown = spans;
    for (let change = 0; change <= random.below(3); change++) sent = withOdd(sent, random);
    outcomes.add(outcomeOf(Buffer.from(JSON.stringify(sent)), format));
  }
  expect([...outcomes].toSorted()).toEqual(['read', 'refused']);
});

it('flipped bytes of protobuf', () => {
  const random = new Random();
  const outcomes = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    random.restart(20261123, round);
    const body = Buffer.from(PY_ZIPKIN_PROTOBUF);
    for (let flip = 0; flip <= random.below(4); flip++) body[random.below(body.length)] = random.below(256);
    outcomes.add(outcomeOf(body, 'protobuf'));
  }
  expect([...outcomes].toSorted()).toEqual(['read', 'refused']);
});

it('random bytes, in each format', () => {
  const random = new Random();
  for (let round = 0; round < ROUNDS; round++) {
    random.restart(7, round);
    const body = Buffer.from(Array.from({ length: random.below(60) }, () => random.below(256)));
    for (const format of ['v1', 'v2', 'protobuf'] as const) outcomeOf(body, format);
  }
  expect(outcomeOf(Buffer.from([0xff]), 'v2')).toBe('refused');
});
