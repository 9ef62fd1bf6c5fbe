/** The hook's own recorder, from the API's calls to the bytes: decoded again by protobufjs. */
import {
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { activeContext, rootContext, spanOf, suppressed, withSpan } from '../../instrumentation/context.ts';
import { droppedAttribute, SpanQueue } from '../../instrumentation/export/span-queue.ts';
import { encodeResource, headroomBytes } from '../../instrumentation/export/export-request.ts';
import { HookSpan } from '../../instrumentation/record/hook-span.ts';
import { spanLimits } from '../../instrumentation/record/limits.ts';
import { samplerOf } from '../../instrumentation/record/sampler.ts';
import { OpenSpans } from '../../instrumentation/record/open-spans.ts';
import type { SpanOwner, SpanRecord } from '../../instrumentation/record/span-record.ts';
import { createTracerProvider } from '../../instrumentation/record/tracer.ts';
import { UnrecordedSpan } from '../../instrumentation/record/unrecorded-span.ts';
import type { SpanStart } from '../../instrumentation/recorder.ts';
import { decodeSpans, type DecodedRequest, type DecodedSpan } from './decode-spans.ts';

const scope = { name: 'the hook', version: '1' };
const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true };

interface Recording {
  tracer: Tracer;
  owner: SpanOwner;
  sampler: ReturnType<typeof samplerOf>['sampler'];
  queue: SpanQueue;
  requests: DecodedRequest[];
  overflows: number;
  /** Sends what has ended, and gives its spans. */
  ended(): Promise<DecodedSpan[]>;
}

type Settings = Partial<ConstructorParameters<typeof SpanQueue>[0]> & {
  environment?: Record<string, string>;
};

function record({ environment = {}, ...queueOptions }: Settings = {}): Recording {
  const { sampler } = samplerOf(environment);
  const limits = spanLimits(environment);
  const recording = { requests: [] as DecodedRequest[], overflows: 0 } as Recording;
  const queue = new SpanQueue({
    resource: () => encodeResource({ 'service.name': 'test', 'process.pid': 7 }),
    scope,
    delayMs: 60_000,
    spansMax: 10_000,
    batchSpansMax: 1_000,
    deliver(request) {
      recording.requests.push(decodeSpans(request.subarray(headroomBytes)));
      return Promise.resolve(0);
    },
    overflowed: () => (recording.overflows += 1),
    ...queueOptions,
  });
  const ownerOf = (each: { name: string }): SpanOwner => ({
    limits,
    open: new OpenSpans<SpanRecord>(),
    take: (span) => queue.add(each, span),
  });
  return Object.assign(recording, {
    queue,
    sampler,
    owner: ownerOf(scope),
    tracer: createTracerProvider({ sampler, ownerOf }).getTracer('own', '2', { schemaUrl: 'https://s.test' }),
    async ended() {
      await queue.flush();
      return recording.requests.flatMap(({ spans }) => spans);
    },
  });
}

let recording: Recording;
beforeEach(() => {
  recording = record();
});

const spanNamed = async (name: string) => (await recording.ended()).find((span) => span.name === name)!;

describe('a span of the program', () => {
  it('leaves with everything that was said of it', async () => {
    const parent = withSpan(rootContext, new UnrecordedSpan(remote));
    const startTime: [number, number] = [1_700_000_000, 123_456_789];
    const span = recording.tracer.startSpan(
      'first name',
      {
        kind: SpanKind.PRODUCER,
        startTime,
        attributes: { a: 1 },
        links: [{ context: remote, attributes: { l: 1 } }],
      },
      parent,
    );
    span
      .setAttributes({ b: 'two', c: [true, false] })
      .setAttribute('a', 2)
      .updateName('work');
    span.addEvent('at a time', { e: 1.5 }, new Date(1_700_000_001_000));
    span.addEvent('at another', [1_700_000_002, 5]);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'went wrong' });
    span.addLink({ context: { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 0 } });
    expect(span.isRecording()).toBe(true);
    span.end([1_700_000_003, 1]);
    expect(span.isRecording()).toBe(false);

    const sent = await spanNamed('work');
    expect(sent).toEqual({
      scope: 'own',
      traceId: remote.traceId,
      spanId: span.spanContext().spanId,
      parentSpanId: remote.spanId,
      traceState: '',
      // Sampled, and a parent that is known to be remote.
      flags: 0x301,
      name: 'work',
      kind: 4,
      startNano: 1_700_000_000_123_456_789n,
      endNano: 1_700_000_003_000_000_001n,
      attributes: { a: 2n, b: 'two', c: [true, false] },
      keys: ['a', 'b', 'c'],
      events: [
        { name: 'at a time', nano: 1_700_000_001_000_000_000n, attributes: { e: 1.5 }, dropped: 0 },
        { name: 'at another', nano: 1_700_000_002_000_000_005n, attributes: {}, dropped: 0 },
      ],
      links: [
        {
          traceId: remote.traceId,
          spanId: remote.spanId,
          traceState: '',
          attributes: { l: 1n },
          dropped: 0,
          flags: 0x301,
        },
        {
          traceId: 'c'.repeat(32),
          spanId: 'd'.repeat(16),
          traceState: '',
          attributes: {},
          dropped: 0,
          flags: 0x100,
        },
      ],
      status: { code: 2, message: 'went wrong' },
      dropped: { attributes: 0, events: 0, links: 0 },
    });
    expect(recording.requests[0]!.resource).toEqual({ 'service.name': 'test', 'process.pid': 7n });
    expect(recording.requests[0]!.scopes).toEqual([
      { name: 'own', version: '2', schemaUrl: 'https://s.test', attributes: {} },
    ]);
  });

  it('without a parent begins a trace, and its children are in it', async () => {
    const root = recording.tracer.startSpan('root');
    const child = recording.tracer.startSpan('child', {}, withSpan(rootContext, root));
    const apart = recording.tracer.startSpan('apart', { root: true }, withSpan(rootContext, root));
    for (const span of [apart, child, root]) span.end();
    const spans = new Map((await recording.ended()).map((span) => [span.name, span]));
    expect(spans.get('root')!.parentSpanId).toBe('');
    expect(spans.get('root')!.traceId).toMatch(/^[\da-f]{32}$/);
    expect(spans.get('child')).toMatchObject({
      traceId: spans.get('root')!.traceId,
      parentSpanId: spans.get('root')!.spanId,
      flags: 0x101,
    });
    expect(spans.get('apart')!.traceId).not.toBe(spans.get('root')!.traceId);
  });

  it('is the active one within startActiveSpan, and in what goes on from there', async () => {
    const seen = await recording.tracer.startActiveSpan('active', async (span) => {
      await Promise.resolve();
      return [spanOf(activeContext()) === span, span];
    });
    expect(seen[0]).toBe(true);
    expect(spanOf(activeContext())).toBeUndefined();
  });

  it('started and ended by the clock lasts as long as it did', async () => {
    const before = BigInt(Date.now() - 1) * 1_000_000n;
    const span = recording.tracer.startSpan('timed');
    const started = performance.now();
    while (performance.now() - started < 2);
    span.end();
    const after = BigInt(Date.now() + 1) * 1_000_000n;
    const { startNano, endNano } = await spanNamed('timed');
    expect(endNano - startNano).toBeGreaterThanOrEqual(2_000_000n);
    // The clock of the process may be off the wall's by less than would be put right.
    const slackNano = 50_000_000n;
    expect(startNano).toBeGreaterThanOrEqual(before - slackNano);
    expect(endNano).toBeLessThanOrEqual(after + slackNano);
  });

  it('that ends before it starts ends when it starts', async () => {
    recording.tracer.startSpan('back', { startTime: [100, 0] }).end([50, 0]);
    expect(await spanNamed('back')).toMatchObject({ startNano: 100_000_000_000n, endNano: 100_000_000_000n });
  });

  it('that has ended hears nothing any more', async () => {
    const span = recording.tracer.startSpan('over');
    span.end();
    span
      .setAttribute('late', 1)
      .addEvent('late')
      .setStatus({ code: SpanStatusCode.ERROR })
      .updateName('late');
    span.end();
    expect(await recording.ended()).toHaveLength(1);
    expect(await spanNamed('over')).toMatchObject({ attributes: {}, events: [], status: { code: 0 } });
  });

  it('keeps the status ok, whatever comes later', async () => {
    const span = recording.tracer.startSpan('well');
    span.setStatus({ code: SpanStatusCode.OK, message: 'ignored' }).setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    expect((await spanNamed('well')).status).toEqual({ code: 1, message: '' });
  });

  it('records exceptions as events', async () => {
    const span = recording.tracer.startSpan('thrown');
    span.recordException(Object.assign(new RangeError('too far'), { stack: 'here' }));
    span.recordException('just a text');
    span.recordException({ code: 42, message: 'numbered' });
    span.recordException({} as Error);
    span.end();
    const { events } = await spanNamed('thrown');
    expect(events.map(({ attributes }) => attributes)).toEqual([
      { 'exception.type': 'RangeError', 'exception.message': 'too far', 'exception.stacktrace': 'here' },
      { 'exception.message': 'just a text' },
      { 'exception.type': '42', 'exception.message': 'numbered' },
    ]);
  });

  it('is none where tracing is suppressed', async () => {
    const span = recording.tracer.startSpan('hidden', {}, suppressed(rootContext));
    span.end();
    expect(span.isRecording()).toBe(false);
    expect(await recording.ended()).toEqual([]);
  });
});

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

const shared = { 'shared.a': 'one' };
const start: SpanStart = {
  name: 'call',
  kind: 'client',
  startMs: 1,
  parent: rootContext,
  shared,
  attributes: { own: 'text' },
};

describe('a span of the hook', () => {
  const startHookSpan = (extra: Partial<SpanStart> = {}) =>
    new HookSpan(
      { owner: recording.owner, sampler: recording.sampler, slowMs: 1000 },
      { ...start, ...extra },
    );

  it('has what it began with, what it ended with, and what it shares with others', async () => {
    startHookSpan().end({
      endMs: 2.5,
      attributes: { end: 0.5, own: 'better', none: undefined },
      name: 'renamed',
    });
    const span = await spanNamed('renamed');
    expect(span).toMatchObject({
      kind: 3,
      attributes: { 'shared.a': 'one', own: 'better', end: 0.5 },
      status: { code: 0 },
    });
    expect(span.endNano - span.startNano).toBe(1_500_000n);
    expect(new Set(span.keys).size).toBe(span.keys.length);
  });

  it('may share something else at its end', async () => {
    startHookSpan().end({ endMs: 2, shared: [{ x: 1 }, { y: 2 }], attributes: {} });
    expect((await spanNamed('call')).attributes).toEqual({ x: 1n, y: 2n, own: 'text' });
  });

  it('takes what the program says of it; what the hook says last counts', async () => {
    const span = startHookSpan();
    const given = spanOf(span.context) as Span;
    given.setAttribute('shared.a', 'theirs').setAttribute('end', 'theirs').setAttribute('more', 1);
    span.end({ endMs: 2, attributes: { end: 'ours' }, errorMessage: 'failed' });
    const sent = await spanNamed('call');
    expect(sent).toMatchObject({
      attributes: { 'shared.a': 'theirs', own: 'text', end: 'ours', more: 1n },
      status: { code: 2, message: 'failed' },
    });
    expect(new Set(sent.keys).size).toBe(sent.keys.length);
  });

  it('ends once', async () => {
    const span = startHookSpan();
    (spanOf(span.context) as Span).end();
    span.end({ endMs: 2, attributes: {} });
    expect(await recording.ended()).toHaveLength(1);
  });
});

describe('a trace that is not sampled', () => {
  const unsampled = withSpan(rootContext, new UnrecordedSpan({ ...remote, traceFlags: 0 }));
  const endAs = (name: string, lastedMs: number, errorMessage?: string, attributes = {}) =>
    new HookSpan(
      { owner: recording.owner, sampler: recording.sampler, slowMs: 1000 },
      { ...start, name, parent: unsampled },
    ).end({ endMs: start.startMs + lastedMs, attributes, errorMessage });

  it('is told of where it failed or was slow, and says that it is not sampled', async () => {
    endAs('fine', 999.9);
    endAs('slow', 1000);
    endAs('failed', 1, 'reset');
    endAs('stream', 5000, undefined, { 'sockeye.stream': true });
    const spans = await recording.ended();
    expect(spans.map(({ name }) => name)).toEqual(['slow', 'failed']);
    for (const span of spans) {
      expect(span.attributes['sockeye.sampled']).toBe(false);
      expect(span.flags & 1).toBe(0);
      expect(span.traceId).toBe(remote.traceId);
    }
  });

  it('has no spans of the program’s', async () => {
    const span = recording.tracer.startSpan('own', {}, unsampled);
    expect(span.isRecording()).toBe(false);
    expect(span.spanContext()).toMatchObject({ traceId: remote.traceId, traceFlags: 0 });
    span.end();
    expect(await recording.ended()).toEqual([]);
  });

  it('is told of in nothing when everything is off', async () => {
    recording = record({ environment: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' } });
    endAs('failed', 5000, 'reset');
    expect(await recording.ended()).toEqual([]);
  });
});

describe('the queue', () => {
  const end = (count: number) => {
    for (let index = 0; index < count; index++) recording.tracer.startSpan(`span ${index}`).end();
  };

  it('sends a batch when it is full, and the rest when it is told to', async () => {
    recording = record({ batchSpansMax: 10 });
    end(25);
    expect(recording.requests.map(({ spans }) => spans.length)).toEqual([10, 10]);
    expect(await recording.ended()).toHaveLength(25);
  });

  it('keeps so many, and no more: what is beyond is dropped, counted, and told with the next batch', async () => {
    let answer: (lost: number) => void = () => {};
    const sent: DecodedRequest[] = [];
    recording = record({
      batchSpansMax: 10,
      spansMax: 20,
      deliver(request) {
        sent.push(decodeSpans(request.subarray(headroomBytes)));
        return new Promise((resolve) => (answer = resolve));
      },
    });
    // Four batches are on their way, two wait; then there is no room.
    end(100);
    expect(sent).toHaveLength(4);
    expect(recording.overflows).toBe(40);
    answer(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toHaveLength(5);
    end(10);
    answer(0);
    await new Promise((resolve) => setImmediate(resolve));
    answer(0);
    await new Promise((resolve) => setImmediate(resolve));
    const told = sent.flatMap(({ scopes }) => scopes).filter(({ name }) => name === 'the hook');
    expect(told.map(({ attributes }) => attributes)).toEqual([{ [droppedAttribute]: 40n }]);
  });

  it('tells of a batch that was lost with the next one that is not', async () => {
    let lost = 3;
    recording = record({
      deliver(request) {
        recording.requests.push(decodeSpans(request.subarray(headroomBytes)));
        return Promise.resolve(lost);
      },
    });
    for (const losing of [3, 2, 0]) {
      lost = losing;
      end(losing || 1);
      await recording.queue.flush();
    }
    const told = recording.requests.map(
      ({ scopes }) => scopes.find(({ name }) => name === 'the hook')?.attributes[droppedAttribute],
    );
    expect(told).toEqual([undefined, 3n, 5n]);
  });

  it('sends what is large before it is full', () => {
    const span = recording.tracer.startSpan('x'.repeat(2 << 20));
    span.end();
    expect(recording.requests).toHaveLength(1);
  });

  it('gives what has not left to whoever asks at the end, once', () => {
    recording = record({
      batchSpansMax: 10,
      deliver: (_request, _count, left) => (left(), new Promise(() => {})),
    });
    end(15);
    const { requests, spanCount } = recording.queue.takeAll();
    expect(spanCount).toBe(5);
    expect(requests.map((request) => decodeSpans(request.subarray(headroomBytes)).spans.length)).toEqual([5]);
  });

  it('says when there is something to send, and when there is not', async () => {
    const said: boolean[] = [];
    recording.queue.onPending = (isPending) => said.push(isPending);
    end(2);
    await recording.queue.flush();
    expect(said).toEqual([true, false]);
  });

  it('holds 100,000 open spans, and sends each when it ends', async () => {
    recording = record({ spansMax: 200_000, batchSpansMax: 10_000 });
    const open = Array.from({ length: 100_000 }, (_, index) => recording.tracer.startSpan(`open ${index}`));
    expect(recording.queue.isEmpty).toBe(true);
    for (const span of open) span.end();
    const spans = await recording.ended();
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(100_000);
  });
});
