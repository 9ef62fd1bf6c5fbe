/** What is told of a span that has not ended. */
import { describe, expect, it } from 'vitest';
import { rootContext } from '../../instrumentation/context.ts';
import { HookSpan } from '../../instrumentation/record/hook-span.ts';
import { spanLimits } from '../../instrumentation/record/limits.ts';
import { OpenSpans } from '../../instrumentation/record/open-spans.ts';
import { samplerOf } from '../../instrumentation/record/sampler.ts';
import { snapshotOf } from '../../instrumentation/record/snapshot.ts';
import type { SpanData } from '../../instrumentation/record/span-data.ts';
import type { SpanRecord } from '../../instrumentation/record/span-record.ts';

const slowMs = 1000;
const startMs = 100;

/** A call of the hook's, open, with what its environment says of samplers and limits. */
function openCall(environment: Record<string, string> = {}) {
  const { sampler } = samplerOf(environment);
  const owner = { limits: spanLimits(environment), open: new OpenSpans<SpanRecord>(), take: () => {} };
  const span = new HookSpan(
    { owner, sampler, slowMs },
    { name: 'GET', kind: 'client', startMs, parent: rootContext, attributes: { 'url.full': 'http://a/' } },
  );
  span.source = {
    describeOpen: (nowMs) => ({ attributes: { 'sockeye.phase.wait_ms': nowMs - startMs }, name: 'GET /a' }),
  };
  return { span, record: span.record, owner };
}

function attributesOf({ shared = [], startAttributes, ownAttributes, endAttributes }: SpanData) {
  return Object.assign(
    {},
    ...shared,
    startAttributes,
    Object.fromEntries(ownAttributes ?? []),
    endAttributes,
  ) as Record<string, unknown>;
}

describe('a snapshot', () => {
  it('is a span below the open one, without a duration, that says what that would say now', () => {
    const { record } = openCall();
    const snapshot = snapshotOf(record, 2_100, 'open', slowMs)!;
    expect(snapshot).toMatchObject({
      traceId: record.traceId,
      parentSpanId: record.spanId,
      name: 'GET /a',
      kind: 1,
      startedAt: 2_100,
      endedAt: 2_100,
    });
    expect(snapshot.spanId).not.toBe(record.spanId);
    expect(attributesOf(snapshot)).toMatchObject({
      'sockeye.pending.span_id': record.spanId,
      'sockeye.pending.name': 'GET /a',
      'sockeye.pending.kind': 'client',
      'sockeye.pending.reason': 'open',
      'sockeye.phase.wait_ms': 2_000,
      'url.full': 'http://a/',
    });
    expect(attributesOf(snapshot)).not.toHaveProperty(['sockeye.pending.parent_id']);
  });

  it('changes nothing of the span', () => {
    const { span, record } = openCall();
    const before = { ...record };
    snapshotOf(record, 2_100, 'open', slowMs);
    expect({ ...record }).toEqual(before);
    span.end({ endMs: 3_000, attributes: {} });
    expect(record).toMatchObject({ isOpen: false, endedAt: 3_000, name: 'GET' });
  });

  it('has what the program said of the span, each key once', () => {
    const { record } = openCall();
    record.setAttribute('sockeye.phase.wait_ms', 'mine');
    record.setAttribute('customer', 'a');
    const snapshot = snapshotOf(record, 2_100, 'open', slowMs)!;
    expect(snapshot.startAttributes ?? snapshot.endAttributes).toBeUndefined();
    expect(attributesOf(snapshot)).toMatchObject({ customer: 'a', 'sockeye.phase.wait_ms': 2_000 });
  });

  it('keeps to the limits, and still says of which span it is', () => {
    const { record } = openCall({ OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1' });
    const snapshot = snapshotOf(record, 2_100, 'open', slowMs)!;
    expect(attributesOf(snapshot)).toEqual({ 'sockeye.pending.span_id': record.spanId });
    expect(snapshot.droppedAttributesCount).toBeGreaterThan(0);
  });

  it('is not made of a stream that has begun', () => {
    const { span, record } = openCall();
    span.source = { describeOpen: () => undefined };
    expect(snapshotOf(record, 2_100, 'exit', slowMs)).toBeUndefined();
  });
});

describe('of a trace that is not sampled', () => {
  const environment = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };

  it('a call is told of when it is slow, and marked', () => {
    const { record } = openCall(environment);
    expect(snapshotOf(record, startMs + slowMs - 1, 'exit', slowMs)).toBeUndefined();
    const snapshot = snapshotOf(record, startMs + slowMs, 'exit', slowMs)!;
    expect(attributesOf(snapshot)).toMatchObject({
      'sockeye.sampled': false,
      'sockeye.pending.reason': 'exit',
    });
  });

  it('nothing is followed when nothing at all is wanted', () => {
    expect(openCall(environment).owner.open.count).toBe(1);
    expect(openCall({ OTEL_TRACES_SAMPLER: 'always_off' }).owner.open.count).toBe(0);
  });

  it('a call that ends is followed no more', () => {
    const { span, owner } = openCall(environment);
    span.end({ endMs: 200, attributes: {} });
    expect(owner.open.count).toBe(0);
  });
});
