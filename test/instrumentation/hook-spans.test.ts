/** The hook's own spans in its recorder, and traces that are not sampled. */
import type { Span } from '@opentelemetry/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { rootContext, spanOf, withSpan } from '../../instrumentation/context.ts';
import { HookSpan } from '../../instrumentation/record/hook-span.ts';
import { UnrecordedSpan } from '../../instrumentation/record/unrecorded-span.ts';
import type { SpanStart } from '../../instrumentation/recorder.ts';
import { namedIn, record, remote, start, type Recording } from './recording.ts';

let recording: Recording;
beforeEach(() => {
  recording = record();
});

const spanNamed = (name: string) => namedIn(recording, name);

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
