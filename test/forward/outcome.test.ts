/** What answers mean: which to send again, and when. */
import { expect, test } from 'vitest';
import { encodeMessage } from '../../collector/decode/otlp-json.ts';
import { EXPORT_TRACE_RESPONSE } from '../../collector/decode/otlp-schema.ts';
import {
  outcomeOfAnswer,
  outcomeOfGrpc,
  outcomeOfHttp,
  retryAfterMs,
} from '../../collector/forward/outcome.ts';
import { failureOf, rpcStatusBytes } from '../../collector/receive/otlp-answer.ts';
import { StoreUnavailable } from '../../collector/store/store.ts';

/** As a collector of ours answers. */
const OVERLOADED = rpcStatusBytes(failureOf(new StoreUnavailable('full')));
const NOW = Date.UTC(2026, 10, 23);
const http = (status: number, headers: Record<string, string> = {}, body = '') =>
  outcomeOfHttp(status, headers, Buffer.from(body), NOW);

test.each([
  [1, 'busy'],
  [2, 'failed'],
  [3, 'refused'],
  [4, 'late'],
  [5, 'unknown there'],
  [6, 'refused'],
  [7, 'shut out'],
  [8, 'too large'],
  [9, 'refused'],
  [10, 'busy'],
  [11, 'busy'],
  [12, 'unknown there'],
  [13, 'failed'],
  [14, 'busy'],
  [15, 'busy'],
  [16, 'shut out'],
])('gRPC %i is %s', (code, is) => {
  expect(outcomeOfGrpc(code, 'why', null)).toMatchObject({ is, message: expect.stringContaining('why') });
});

test('RetryInfo says when, and makes an exhausted resource one that comes back', () => {
  expect(outcomeOfGrpc(14, 'full', OVERLOADED)).toMatchObject({ is: 'busy', afterMs: 1_000 });
  expect(outcomeOfGrpc(8, 'full', OVERLOADED)).toMatchObject({ is: 'busy', afterMs: 1_000 });
  expect(outcomeOfGrpc(14, 'full', Buffer.from('nonsense'))).toMatchObject({ is: 'busy', afterMs: null });
});

test.each([
  [200, 'taken'],
  [204, 'taken'],
  [301, 'shut out'],
  [400, 'refused'],
  [401, 'shut out'],
  [403, 'shut out'],
  [404, 'unknown there'],
  [405, 'unknown there'],
  [413, 'too large'],
  [415, 'refused'],
  [429, 'busy'],
  [500, 'failed'],
  [502, 'busy'],
  [503, 'busy'],
  [504, 'busy'],
])('HTTP %i is %s', (status, is) => {
  expect(http(status)).toMatchObject({ is });
});

test('Retry-After is seconds or a date', () => {
  expect(http(429, { 'retry-after': '7' })).toMatchObject({ afterMs: 7_000 });
  expect(http(503)).toMatchObject({ afterMs: null });
  expect(retryAfterMs(new Date(NOW + 3_000).toUTCString(), NOW)).toBe(3_000);
  expect(retryAfterMs(new Date(NOW - 3_000).toUTCString(), NOW)).toBe(0);
  expect(retryAfterMs('soon', NOW)).toBeNull();
});

test('a partial success says how many were rejected, and why', () => {
  const answer = encodeMessage(EXPORT_TRACE_RESPONSE, {
    partialSuccess: { rejectedSpans: '3', errorMessage: 'too old' },
  });
  expect(outcomeOfAnswer(answer)).toEqual({ is: 'taken', rejected: 3, message: 'too old' });
  expect(outcomeOfAnswer(Buffer.alloc(0))).toEqual({ is: 'taken', rejected: 0, message: '' });
  expect(outcomeOfAnswer(Buffer.from('nonsense'))).toEqual({ is: 'taken', rejected: 0, message: '' });
});

test('a message is one line, of status bytes or of whatever a proxy says', () => {
  const status = rpcStatusBytes(failureOf(new StoreUnavailable('the disk\nis full')));
  const said = outcomeOfHttp(503, { 'content-type': 'application/x-protobuf' }, status, NOW);
  expect(said.message).toBe('HTTP 503: the disk is full');
  expect(http(502, { 'content-type': 'text/html' }, '<h1>\n Bad gateway').message).toBe(
    'HTTP 502: <h1> Bad gateway',
  );
  expect(http(502).message).toBe('HTTP 502');
  expect(http(400, {}, 'x'.repeat(5_000)).message.length).toBeLessThan(320);
});
