/** Requests are cut into smaller ones that say the same. */
import { expect, test } from 'vitest';
import { countItems, halve, splitBySize, withoutNamelessSpans } from '../../collector/decode/otlp-pieces.ts';
import { walkRequest } from '../../collector/decode/walk-request.ts';
import { makeRequest } from '../store/make-request.ts';
import { encodeMetrics } from './metrics-proto.ts';
import { encode } from './otlp-proto.ts';

/** Each span with what it stands in, as bytes. */
function spansOf(...requests: Buffer[]): string[] {
  return requests.flatMap((request) =>
    walkRequest(request).spans.map(({ bytes, resource, scope }) =>
      [bytes, resource.bytes, scope.bytes].map((part) => Buffer.from(part).toString('hex')).join('/'),
    ),
  );
}

const ids = (id: number) => ({
  traceId: Buffer.alloc(16, 1),
  spanId: Buffer.from(id.toString(16).padStart(16, '0'), 'hex'),
});
/** One resource and one scope with many spans, and a field that nobody knows on each level. */
const UNKNOWN = Buffer.from('9a06026869', 'hex');
function large(spans: number): Buffer {
  const some = Array.from({ length: spans }, (_, index) => ({ ...ids(index + 1), name: 'x'.repeat(100) }));
  const request = encode('TracesData', {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'a' } }] },
        scopeSpans: [
          { scope: { name: 'one' }, spans: some, schemaUrl: 'u' },
          { scope: { name: 'two' }, spans: [ids(9_999)] },
        ],
        schemaUrl: 'v',
      },
    ],
  });
  return Buffer.concat([request, makeRequest({}, { id: '2' }), UNKNOWN]);
}

test('items are counted: spans, data points, log records', () => {
  expect(countItems('traces', large(5))).toBe(8);
  const metrics = encodeMetrics({
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              { name: 'a', gauge: { dataPoints: [{ asInt: '1' }, { asInt: '2' }] } },
              { name: 'b', histogram: { dataPoints: [{}] } },
              { name: 'c' },
            ],
          },
        ],
      },
    ],
  });
  expect(countItems('metrics', metrics)).toBe(3);
  expect(countItems('logs', Buffer.from([0x0a, 0x06, 0x12, 0x04, 0x12, 0x00, 0x12, 0x00]))).toBe(2);
  expect(countItems('logs', Buffer.alloc(0))).toBe(0);
  expect(() => countItems('logs', Buffer.from([0x0a, 0x06, 0x12]))).toThrow(/got a length of 6/);
});

test.each([500, 1_000, 5_000, 1_000_000])('pieces of at most %i bytes hold the same spans', (bytesMax) => {
  const request = large(200);
  const pieces = splitBySize(request, bytesMax);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(bytesMax);
  expect(pieces.length).toBeLessThan(2 + (3 * request.length) / bytesMax);
  expect(spansOf(...pieces)).toEqual(spansOf(request));
  for (const piece of pieces) expect(piece.includes(UNKNOWN)).toBe(true);
});

test('where a single item is larger, it is a piece by itself', () => {
  const request = large(3);
  const pieces = splitBySize(request, 10);
  expect(pieces.map((piece) => countItems('traces', piece))).toEqual([1, 1, 1, 1, 1, 1]);
  expect(spansOf(...pieces)).toEqual(spansOf(request));
});

test('halves end at single items', () => {
  const whole = large(20);
  let rounds = 0;
  let pieces = [whole];
  for (; rounds < 10 && pieces.some((piece) => countItems('traces', piece) > 1); rounds++) {
    const before = Math.max(...pieces.map((piece) => countItems('traces', piece)));
    pieces = pieces.flatMap(halve);
    expect(Math.max(...pieces.map((piece) => countItems('traces', piece)))).toBeLessThanOrEqual(
      Math.ceil(before / 2),
    );
  }
  expect(rounds).toBeLessThanOrEqual(6);
  expect(spansOf(...pieces)).toEqual(spansOf(whole));
  expect(halve(pieces[0]!)).toEqual([pieces[0]]);
});

test('spans without an id that could be found are left out, the rest stays as it is', () => {
  const good = large(3);
  const bad = encode('TracesData', {
    resourceSpans: [
      {
        scopeSpans: [
          { spans: [{ traceId: Buffer.alloc(16), spanId: Buffer.alloc(8, 1) }, { name: 'none' }] },
        ],
      },
    ],
  });
  const kept = withoutNamelessSpans(Buffer.concat([bad, good]));
  expect(walkRequest(kept)).toMatchObject({ refused: 0 });
  expect(spansOf(kept)).toEqual(spansOf(good));
});
