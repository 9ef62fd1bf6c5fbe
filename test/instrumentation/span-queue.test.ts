/** The queue in which ended spans wait to be sent: its bounds, batches and what is counted as dropped. */
import { beforeEach, describe, expect, it } from 'vitest';
import { droppedAttribute } from '../../instrumentation/export/span-queue.ts';
import { headroomBytes } from '../../instrumentation/export/export-request.ts';
import { decodeSpans, type DecodedRequest } from './decode-spans.ts';
import { record, type Recording } from './recording.ts';

let recording: Recording;
beforeEach(() => {
  recording = record();
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
