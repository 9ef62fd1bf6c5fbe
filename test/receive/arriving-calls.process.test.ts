/** gRPC messages that began to arrive: HTTP/2 streams written by hand, so that they can be left unfinished. */
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encode } from '../decode/otlp-proto.ts';
import { newSpans, startReceivers, tracesOf, type Receivers } from './receivers.ts';

const HEADERS = {
  ':method': 'POST',
  ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  'content-type': 'application/grpc',
  te: 'trailers',
};
const OK = '0';
const RESOURCE_EXHAUSTED = '8';
const UNAVAILABLE = '14';
const MAX_QUEUE_BYTES = 100_000;

const MAX_REQUEST_BYTES = 60_000;

let receivers: Receivers;
let session: ClientHttp2Session;
beforeEach(async () => {
  receivers = await startReceivers({ maxQueueBytes: MAX_QUEUE_BYTES, maxRequestBytes: MAX_REQUEST_BYTES });
  session = connect(`http://${receivers.grpc.address}`).on('error', () => {});
});
afterEach(async () => {
  session.destroy();
  await receivers.close();
});

/** A request of so many spans of some 1,000 bytes, with its length before it. */
function makeFrame(spans = 40): Buffer {
  const message = encode('TracesData', tracesOf(newSpans(spans, { name: 'n'.repeat(900) })));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Sends all of it but its last byte. */
function begin(frame: Buffer): ClientHttp2Stream {
  const stream = session.request(HEADERS).on('error', () => {});
  stream.write(frame.subarray(0, -1));
  return stream;
}

/** The status that answers a stream. */
async function statusOf(stream: ClientHttp2Stream, event: 'response' | 'trailers'): Promise<unknown> {
  const [headers] = (await once(stream.resume(), event)) as [Record<string, unknown>];
  return headers['grpc-status'];
}

const bytesInFlight = () => receivers.intake.queue().bytes;

test('messages on their way are bytes in flight; one without room is sent back, and room that is given up is used again', async () => {
  const frame = makeFrame();
  const kept = [begin(frame), begin(frame)];
  await expect.poll(bytesInFlight).toBe(2 * (frame.length - 1));
  const [refusal] = (await once(begin(frame), 'response')) as [Record<string, unknown>];
  expect(refusal['grpc-status']).toBe(UNAVAILABLE);
  expect(refusal['grpc-message']).toContain('intake%20is%20full');
  expect(refusal).toHaveProperty('grpc-status-details-bin');
  expect(bytesInFlight()).toBe(2 * (frame.length - 1));
  expect(receivers.intake.requests()).toMatchObject({ overloaded: 1, refused: 0 });

  kept[0]!.close();
  await expect.poll(bytesInFlight).toBe(frame.length - 1);
  kept[1]!.end(frame.subarray(-1));
  expect(await statusOf(kept[1]!, 'trailers')).toBe(OK);
  expect(receivers.intake.counters()).toMatchObject({ stored: 40, received: 40 });
  expect(bytesInFlight()).toBe(0);
});

test('messages that end with their connection are in flight no more', async () => {
  begin(makeFrame());
  await expect.poll(bytesInFlight).toBeGreaterThan(0);
  session.destroy();
  await expect.poll(bytesInFlight).toBe(0);
});

test('a message of more than half of what may be in flight is accepted', async () => {
  const frame = makeFrame(55);
  expect(frame.length).toBeGreaterThan(MAX_QUEUE_BYTES / 2);
  const stream = begin(frame);
  stream.end(frame.subarray(-1));
  expect(await statusOf(stream, 'trailers')).toBe(OK);
  expect(receivers.intake.counters()).toMatchObject({ stored: 55 });
  expect(bytesInFlight()).toBe(0);
});

test('what was answered before it was whole is in flight no more, though its sender keeps it open', async () => {
  const stream = begin(makeFrame(65));
  expect(await statusOf(stream, 'response')).toBe(RESOURCE_EXHAUSTED);
  await expect.poll(bytesInFlight).toBe(0);
});

test('a message of which a little arrives again and again is sent back after five minutes', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const frame = makeFrame();
    const stream = session.request(HEADERS).on('error', () => {});
    stream.write(frame.subarray(0, 10));
    await expect.poll(bytesInFlight).toBe(10);
    vi.advanceTimersByTime(299_000);
    stream.write(frame.subarray(10, 20));
    await expect.poll(bytesInFlight).toBe(20);
    vi.advanceTimersByTime(2_000);
    stream.write(frame.subarray(20, 30));
    const [refusal] = (await once(stream.resume(), 'response')) as [Record<string, unknown>];
    expect(refusal['grpc-status']).toBe(UNAVAILABLE);
    expect(refusal['grpc-message']).toContain('within%20300%20s');
    await expect.poll(bytesInFlight).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
