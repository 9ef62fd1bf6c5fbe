/** The W3C's rules for `traceparent`, `tracestate` and `baggage`, with the cases of its strict test suite and of level 2. */
import { describe, expect, it } from 'vitest';
import { spanOf } from '../../instrumentation/context.ts';
import { createPropagation, propagatorsOf } from '../../instrumentation/propagation.ts';
import { readHeaders } from '../../instrumentation/read-headers.ts';
import { parseTracestate } from '../../instrumentation/trace-context.ts';

const traceId = '12345678901234567890123456789012';
const spanId = '1234567890123456';
const valid = `00-${traceId}-${spanId}-01`;
const { extract, inject } = createPropagation({ traceContext: true, baggage: true });

/** What a peer is told when a request with these headers, in pairs, came in: the way of a proxy that has no span. */
function passOn(...pairs: [name: string, value: string][]): Record<string, string> {
  const context = extract(readHeaders(pairs.flat()));
  const sent: Record<string, string> = {};
  inject(spanOf(context)?.spanContext(), context, (name, value) => (sent[name] = value));
  return sent;
}
const traceparentOf = (value: string) => passOn(['traceparent', value])['traceparent'];
const tracestateOf = (...values: string[]) =>
  passOn(['traceparent', valid], ...values.map((value): [string, string] => ['tracestate', value]))[
    'tracestate'
  ];

describe('a traceparent', () => {
  it('is continued, with the parent as a remote one', () => {
    const context = extract({ traceparent: valid });
    expect(spanOf(context)?.spanContext()).toEqual({ traceId, spanId, traceFlags: 1, isRemote: true });
    expect(spanOf(context)?.isRecording()).toBe(false);
  });

  it.each(['TraceParent', 'TrAcEpArEnT', 'TRACEPARENT'])('may be spelled %s', (name) => {
    expect(passOn([name, valid])['traceparent']).toBe(valid);
  });

  it.each([
    ['of a later version', `cc-${traceId}-${spanId}-01`],
    ['of a later version with more fields', `cc-${traceId}-${spanId}-01-what-the-future-will-be-like`],
  ])('%s is continued as what is known', (_what, value) => {
    expect(traceparentOf(value)).toBe(valid);
  });

  it.each([
    ['00', '00'],
    ['01', '01'],
    ['02', '02'],
    ['03', '03'],
    ['fc', '00'],
    ['ff', '03'],
  ])('with the flags %s passes on the two that level 2 knows: %s', (flags, passed) => {
    expect(traceparentOf(`00-${traceId}-${spanId}-${flags}`)).toBe(`00-${traceId}-${spanId}-${passed}`);
  });

  it.each([
    ['is empty', ''],
    ['ends in a character too many', `${valid}.`],
    ['of version 00 has more fields', `${valid}-what-the-future-will-be-like`],
    ['of a later version goes on without a dash', `cc-${traceId}-${spanId}-01.what-the-future-will-be-like`],
    ['is of version ff', `ff-${traceId}-${spanId}-01`],
    ['has an illegal character in its version', `.0-${traceId}-${spanId}-01`],
    ['has another illegal character in its version', `0.-${traceId}-${spanId}-01`],
    ['has a version too long', `000-${traceId}-${spanId}-01`],
    ['has a version much too long', `0000-${traceId}-${spanId}-01`],
    ['has a version too short', `0-${traceId}-${spanId}-01`],
    ['has a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['has an illegal character in its trace id', `00-.${traceId.slice(1)}-${spanId}-01`],
    ['has one at the end of its trace id', `00-${traceId.slice(1)}.-${spanId}-01`],
    ['has a trace id in capitals', `00-${'A'.repeat(32)}-${spanId}-01`],
    ['has a trace id too long', `00-${traceId}3-${spanId}-01`],
    ['has a trace id too short', `00-${traceId.slice(1)}-${spanId}-01`],
    ['has a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['has an illegal character in its parent id', `00-${traceId}-.${spanId.slice(1)}-01`],
    ['has one at the end of its parent id', `00-${traceId}-${spanId.slice(1)}.-01`],
    ['has a parent id too long', `00-${traceId}-${spanId}7-01`],
    ['has a parent id too short', `00-${traceId}-${spanId.slice(1)}-01`],
    ['has illegal flags', `00-${traceId}-${spanId}-.0`],
    ['has other illegal flags', `00-${traceId}-${spanId}-0.`],
    ['has flags too long', `00-${traceId}-${spanId}-001`],
    ['has flags too short', `00-${traceId}-${spanId}-1`],
    ['is a megabyte long', `cc-${traceId}-${spanId}-01`.repeat(20_000)],
  ])('that %s begins a new trace', (_why, value) => {
    expect(traceparentOf(value)).toBeUndefined();
  });

  it('given twice begins a new trace, the same one as well', () => {
    expect(passOn(['traceparent', valid], ['traceparent', valid])['traceparent']).toBeUndefined();
    expect(passOn(['traceparent', valid], ['Traceparent', valid])['traceparent']).toBeUndefined();
  });

  it.each(['trace-parent', 'trace.parent'])('by the name of %s is none', (name) => {
    expect(passOn([name, valid])).toEqual({});
  });
});

describe('a tracestate', () => {
  const allowedKey = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/';
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => String.fromCharCode(from + index)).join('');
  const allowedValue = range(0x20, 0x2b) + range(0x2d, 0x3c) + range(0x3e, 0x7e);
  const members = (count: number) =>
    Array.from({ length: count }, (_, index) => `bar${index + 1}=${index + 1}`).join();

  it('without a traceparent is discarded', () => {
    expect(passOn(['tracestate', 'foo=1'])).toEqual({});
    expect(passOn(['traceparent', 'broken'], ['tracestate', 'foo=1'])).toEqual({});
  });

  it.each([
    { what: 'as it is', sent: ['foo=1,bar=2'], passed: 'foo=1,bar=2' },
    {
      what: 'from several headers, in their order',
      sent: ['foo=1,bar=2', 'rojo=1', 'baz=3'],
      passed: 'foo=1,bar=2,rojo=1,baz=3',
    },
    { what: 'beside an empty header', sent: ['', 'foo=1', ''], passed: 'foo=1' },
    { what: 'without empty members', sent: ['foo=1,,bar=2,'], passed: 'foo=1,bar=2' },
    {
      what: 'without white space around members',
      sent: ['foo=1 \t , \t bar=2, \t baz=3'],
      passed: 'foo=1,bar=2,baz=3',
    },
    { what: 'without white space around it', sent: ['\t foo=1 \t'], passed: 'foo=1' },
    {
      what: 'with every character a key may have',
      sent: [`${allowedKey}=1`],
      passed: `${allowedKey}=1`,
    },
    {
      what: 'with every character a key with a vendor may have',
      sent: [`${allowedKey}@a-z0-9_-*/=1`],
      passed: `${allowedKey}@a-z0-9_-*/=1`,
    },
    {
      what: 'with every character a value may have',
      sent: [`foo=${allowedValue}`],
      passed: `foo=${allowedValue}`,
    },
    { what: 'of 32 members', sent: [members(32)], passed: members(32) },
    {
      what: 'with a key of 256 characters',
      sent: [`foo=1,${'z'.repeat(256)}=1`],
      passed: `foo=1,${'z'.repeat(256)}=1`,
    },
    {
      what: 'with a tenant of 241 and a vendor of 14 characters',
      sent: [`${'t'.repeat(241)}@${'v'.repeat(14)}=1`],
      passed: `${'t'.repeat(241)}@${'v'.repeat(14)}=1`,
    },
    {
      what: 'with a value of 256 characters',
      sent: [`foo=${'v'.repeat(256)}`],
      passed: `foo=${'v'.repeat(256)}`,
    },
  ])('is passed on $what', ({ sent, passed }) => {
    expect(tracestateOf(...sent)).toBe(passed);
  });

  it.each([
    ['has a key twice', 'foo=1,foo=1'],
    ['has a key twice with other values', 'foo=1,foo=2'],
    ['has a space in a key', 'foo =1'],
    ['has a key in capitals', 'FOO=1'],
    ['has a dot in a key', 'foo.bar=1'],
    ['has a key without a vendor', 'foo@=1,bar=2'],
    ['has a key without a tenant', '@foo=1,bar=2'],
    ['has a key with two signs', 'foo@@bar=1,bar=2'],
    ['has a key of three parts', 'foo@bar@baz=1,bar=2'],
    ['has 33 members', members(33)],
    ['has a key of 257 characters', `foo=1,${'z'.repeat(257)}=1`],
    ['has a tenant of 242 characters', `foo=1,${'t'.repeat(242)}@v=1`],
    ['has a vendor of 15 characters', `foo=1,t@${'v'.repeat(15)}=1`],
    ['has a value with an equals sign', 'foo=bar=baz'],
    ['has an empty value', 'foo=,bar=3'],
    ['has a value of 257 characters', `foo=${'v'.repeat(257)}`],
    ['has a member without a value', 'foo'],
    ['has a character beyond ASCII', 'foo=ü'],
  ])('that %s is discarded, and the trace goes on', (_why, value) => {
    expect(passOn(['traceparent', valid], ['tracestate', value])).toEqual({ traceparent: valid });
  });

  it('given twice with the same key is discarded', () => {
    expect(tracestateOf('foo=1', 'foo=2')).toBeUndefined();
  });

  it('can be changed by the program: what was changed comes first, and what is invalid is not taken', () => {
    const state = parseTracestate('foo=1,bar=2')!;
    expect(state.set('bar', '3').serialize()).toBe('bar=3,foo=1');
    expect(state.set('new', '4').serialize()).toBe('new=4,foo=1,bar=2');
    expect(state.set('Bad', '4').serialize()).toBe('foo=1,bar=2');
    expect(state.unset('foo').serialize()).toBe('bar=2');
    expect(state.get('bar')).toBe('2');
    expect(parseTracestate(members(32))!.set('new', '1').get('new')).toBeUndefined();
  });
});

describe('baggage', () => {
  const baggageOf = (...values: string[]) =>
    passOn(...values.map((value): [string, string] => ['baggage', value]))['baggage'];

  it.each([
    { what: 'one entry', sent: ['user=7'], passed: 'user=7' },
    { what: 'several, without white space', sent: ['a=1 , b = 2'], passed: 'a=1,b=2' },
    { what: 'several headers', sent: ['a=1', 'b=2'], passed: 'a=1,b=2' },
    { what: 'properties', sent: ['a=1;ttl=5;secret'], passed: 'a=1;ttl=5;secret' },
    { what: 'percent-encoded text', sent: ['a=%C3%BC%20b'], passed: 'a=%C3%BC%20b' },
    { what: 'a value with an equals sign', sent: ['a=b=c'], passed: 'a=b%3Dc' },
    { what: 'what is well-formed beside what is not', sent: ['a=%,b,=c,d=4,e='], passed: 'd=4' },
    { what: 'the last of a key given twice', sent: ['a=1,a=2'], passed: 'a=2' },
  ])('passes on $what', ({ sent, passed }) => {
    expect(baggageOf(...sent)).toBe(passed);
  });

  it.each(['', ',', '=', 'a', ';', 'a=%E0%A4%A', '\u0000'])('that is %j is none', (value) => {
    expect(baggageOf(value)).toBeUndefined();
  });

  it('goes without a traceparent too', () => {
    expect(passOn(['baggage', 'a=1'])).toEqual({ baggage: 'a=1' });
  });

  it('keeps to 180 entries and 8,192 bytes', () => {
    const many = Array.from({ length: 300 }, (_, index) => `k${index}=${index}`).join();
    expect(baggageOf(many)?.split(',')).toHaveLength(180);
    const long = Array.from({ length: 10 }, (_, index) => `k${index}=${'v'.repeat(1000)}`).join();
    expect(baggageOf(long)?.split(',')).toHaveLength(8);
    expect(baggageOf(`a=${'v'.repeat(5000)},b=1`)).toBe('b=1');
  });

  it('of a program that has odd text in it is sent without what cannot be', () => {
    const context = extract({ baggage: 'a=1' });
    const key = Symbol.for('OpenTelemetry Baggage Key');
    type Entries = { setEntry(key: string, entry: object): Entries };
    const odd = (context.getValue(key) as Entries)
      .setEntry('half', { value: '\ud800' })
      .setEntry('split', { value: '1', metadata: { toString: () => 'a\r\nx-injected: 1' } });
    const sent: Record<string, string> = {};
    inject(undefined, context.setValue(key, odd), (name, value) => (sent[name] = value));
    expect(sent).toEqual({ baggage: 'a=1,half=%EF%BF%BD' });
  });
});

describe('OTEL_PROPAGATORS', () => {
  it.each([
    { text: undefined, uses: { traceContext: true, baggage: true } },
    { text: ' ', uses: { traceContext: true, baggage: true } },
    { text: 'tracecontext', uses: { traceContext: true, baggage: false } },
    { text: 'baggage', uses: { traceContext: false, baggage: true } },
    { text: 'none', uses: { traceContext: false, baggage: false } },
    { text: 'tracecontext,b3', uses: undefined },
  ])('of $text uses $uses', ({ text, uses }) => {
    expect(propagatorsOf(text)).toEqual(uses);
  });

  it('decides what is read and sent', () => {
    const none = createPropagation({ traceContext: false, baggage: false });
    const context = none.extract({ traceparent: valid, baggage: 'a=1' });
    expect(spanOf(context)).toBeUndefined();
    none.inject({ traceId, spanId, traceFlags: 1 }, context, () => expect.unreachable());
    expect(none.propagator.fields()).toEqual([]);
  });
});
