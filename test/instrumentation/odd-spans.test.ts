/** Odd input to the hook's recorder, and the limits of a span. */
import { SpanKind, TraceFlags, type Attributes } from '@opentelemetry/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { rootContext, withSpan } from '../../instrumentation/context.ts';
import { HookSpan } from '../../instrumentation/record/hook-span.ts';
import { UnrecordedSpan } from '../../instrumentation/record/unrecorded-span.ts';
import { namedIn, record, remote, start, type Recording } from './recording.ts';

let recording: Recording;
beforeEach(() => {
  recording = record();
});

const spanNamed = (name: string) => namedIn(recording, name);

describe('odd input', () => {
  it.each<{ what: string; value: unknown; sent: unknown }>([
    { what: 'a whole number', value: 7, sent: 7n },
    { what: 'a negative whole number', value: -7, sent: -7n },
    { what: 'minus zero', value: -0, sent: 0n },
    { what: 'the largest safe whole number', value: Number.MAX_SAFE_INTEGER, sent: 9007199254740991n },
    { what: 'a whole number beyond', value: 2 ** 60, sent: 1n << 60n },
    { what: 'the smallest of 64 bits', value: -(2 ** 63), sent: -(1n << 63n) },
    { what: 'a whole number beyond 64 bits', value: 2 ** 63, sent: 2 ** 63 },
    { what: 'a fraction', value: 0.1, sent: 0.1 },
    { what: 'no number', value: NaN, sent: NaN },
    { what: 'infinity', value: -Infinity, sent: -Infinity },
    { what: 'an empty text', value: '', sent: '' },
    { what: 'half a surrogate pair', value: 'a\ud800b', sent: 'a\ufffdb' },
    { what: 'text beyond ASCII', value: 'ü→🐟'.repeat(50), sent: 'ü→🐟'.repeat(50) },
    { what: 'a null', value: null, sent: null },
    {
      what: 'a list with everything',
      value: [1, 'a', null, [true], { k: 1 }],
      sent: [1n, 'a', null, [true], { k: 1n }],
    },
    { what: 'a list with a hole', value: [1, undefined], sent: [1n, null] },
    { what: 'a map', value: { a: { b: 1 }, c: undefined }, sent: { a: { b: 1n } } },
    { what: 'bytes', value: new Uint8Array([1, 255]), sent: '01ff' },
    {
      what: 'a map without a prototype',
      value: Object.assign(Object.create(null), { k: 1 }),
      sent: { k: 1n },
    },
  ])('of an attribute: $what', async ({ value, sent }) => {
    const span = recording.tracer.startSpan('odd');
    span.setAttribute('odd', value as string);
    span.end();
    expect((await spanNamed('odd')).attributes['odd']).toEqual(sent);
  });

  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  let deep: unknown = 1;
  for (let level = 0; level < 100; level++) deep = [deep];
  it.each<{ what: string; value: unknown }>([
    { what: 'a function', value: () => {} },
    { what: 'a symbol', value: Symbol('s') },
    { what: 'a bigint', value: 1n },
    { what: 'a circle', value: circle },
    { what: 'a list within a hundred lists', value: deep },
    { what: 'a date', value: new Date() },
    { what: 'a Map', value: new Map([['a', 1]]) },
    { what: 'a list with a function', value: [() => {}] },
  ])('of an attribute: $what is dropped and counted', async ({ value }) => {
    const span = recording.tracer.startSpan('bad', { attributes: { good: 1 } });
    span.setAttribute('bad', value as string);
    span.end();
    expect(await spanNamed('bad')).toMatchObject({ attributes: { good: 1n }, dropped: { attributes: 1 } });
  });

  it('of attribute keys: empty ones are dropped, __proto__ is one like others, long ones are kept', async () => {
    const span = recording.tracer.startSpan('keys');
    span.setAttribute('', 1).setAttribute('__proto__', 'p').setAttribute('k'.repeat(10_000), 1);
    span.end();
    const sent = await spanNamed('keys');
    expect(sent.keys).toEqual(['__proto__', 'k'.repeat(10_000)]);
    expect(sent.dropped.attributes).toBe(1);
  });

  it('a name of a megabyte, beyond ASCII, is sent whole', async () => {
    const name = 'ü'.repeat(1 << 20);
    recording.tracer.startSpan(name).end();
    recording.tracer.startSpan('next').end();
    const [long, next] = await recording.ended();
    expect(long!.name).toBe(name);
    expect(next!.name).toBe('next');
  });

  it.each([
    { what: 'one byte', from: 0, to: 128 },
    { what: 'two bytes', from: 16_250, to: 16_400 },
  ])('spans around the longest whose length takes $what are sent whole', async ({ from, to }) => {
    const names = Array.from({ length: to - from }, (_, index) => 'n'.repeat(from + index));
    for (const name of names) recording.tracer.startSpan(name).end();
    expect((await recording.ended()).map(({ name }) => name)).toEqual(names);
  });

  it('what is no text, no time and no link does no harm', async () => {
    const { tracer } = recording;
    const span = tracer.startSpan(undefined as unknown as string, { startTime: NaN, kind: SpanKind.SERVER });
    span.addEvent(7 as unknown as string, { when: 1 }, 'never' as unknown as Date);
    span.addLink({ context: { traceId: 'short', spanId: '', traceFlags: 0 } });
    span.setAttributes(undefined as unknown as Attributes);
    span.end('soon' as unknown as Date);
    const sent = await spanNamed('undefined');
    expect(sent.events.map(({ name }) => name)).toEqual(['7']);
    expect(sent).toMatchObject({ links: [], dropped: { links: 1 } });
    expect(sent.endNano).toBeGreaterThan(1_600_000_000_000_000_000n);
  });

  it('what the program changes after it was handed over stays as it was', async () => {
    const list = [1, 2];
    const map = { inner: [1] };
    const span = recording.tracer.startSpan('kept', { attributes: { list } });
    span.setAttribute('map', map);
    list.push(3);
    map.inner.push(2);
    span.end();
    expect((await spanNamed('kept')).attributes).toEqual({ list: [1n, 2n], map: { inner: [1n] } });
  });

  it('a parent whose ids are none begins a trace', async () => {
    const invalid = new UnrecordedSpan({
      traceId: '0'.repeat(32),
      spanId: 'x',
      traceFlags: TraceFlags.SAMPLED,
    });
    recording.tracer.startSpan('orphan', {}, withSpan(rootContext, invalid)).end();
    expect((await spanNamed('orphan')).parentSpanId).toBe('');
  });
});

describe('limits', () => {
  it('are those of OpenTelemetry: 128 of each, and what is beyond is counted', async () => {
    const span = recording.tracer.startSpan('full');
    for (let index = 0; index < 130; index++) {
      span.setAttribute(`k${index}`, index).addEvent(`e${index}`).addLink({ context: remote });
    }
    span.setAttribute('k0', 'again');
    span.end();
    const sent = await spanNamed('full');
    expect(sent.keys).toHaveLength(128);
    expect(sent.attributes['k0']).toBe('again');
    // Of events and links, the latest stay.
    expect(sent.events.map(({ name }) => name).slice(0, 2)).toEqual(['e2', 'e3']);
    expect(sent.dropped).toEqual({ attributes: 2, events: 2, links: 2 });
  });

  it('can be set, for the hook’s own spans as well', async () => {
    recording = record({
      environment: {
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '2',
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3',
        OTEL_SPAN_EVENT_COUNT_LIMIT: '0',
        OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '1',
      },
    });
    const span = recording.tracer.startSpan('narrow', {
      attributes: { a: 'long text', b: ['longer', 1], c: 1 },
    });
    span.addEvent('none');
    span.end();
    const hook = { owner: recording.owner, sampler: recording.sampler, slowMs: 1000 };
    new HookSpan(hook, { ...start, name: 'hook' }).end({ endMs: 2, attributes: { end: 1 } });
    expect(await spanNamed('narrow')).toMatchObject({
      attributes: { a: 'lon', b: ['lon', 1n] },
      events: [],
      dropped: { attributes: 1, events: 1 },
    });
    expect(await spanNamed('hook')).toMatchObject({
      attributes: { 'shared.a': 'one', own: 'tex' },
      dropped: { attributes: 1 },
    });
  });
});
