/** The program's own spans in the hook's recorder, from the API's calls to the bytes. */
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { activeContext, rootContext, spanOf, suppressed, withSpan } from '../../instrumentation/context.ts';
import { UnrecordedSpan } from '../../instrumentation/record/unrecorded-span.ts';
import { namedIn, record, remote, type Recording } from './recording.ts';

let recording: Recording;
beforeEach(() => {
  recording = record();
});

const spanNamed = (name: string) => namedIn(recording, name);

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
