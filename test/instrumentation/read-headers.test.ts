/** Which answers are event streams, by their headers as undici gives them. */
import { expect, it } from 'vitest';
import { isRawEventStream } from '../../instrumentation/read-headers.ts';

const raw = (...headers: string[]) => headers.map((text) => Buffer.from(text));

it.each([
  { headers: raw('Date', 'now', 'Content-Type', 'text/event-stream; charset=utf-8'), is: true },
  { headers: raw('content-type', 'text/html'), is: false },
  { headers: raw('content-type', ''), is: false },
  { headers: { 'content-type': 'text/event-stream', 'set-cookie': ['a', 'b'] }, is: true },
  { headers: { 'content-type': 'text/plain' }, is: false },
  { headers: {}, is: false },
])('of HTTP/1.1 in turn, of HTTP/2 by name ($headers)', ({ headers, is }) => {
  expect(isRawEventStream(headers)).toBe(is);
});
