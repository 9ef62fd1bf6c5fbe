/** Which requests are taken for ones sent again. */
import { expect, test } from 'vitest';
import {
  fingerprintOf,
  packFingerprints,
  RecentRequests,
  REMEMBERED_MS,
  unpackFingerprints,
} from '../../../collector/store/sqlite/write/recent-requests.ts';

const id = (text: string) => Buffer.from(text.padEnd(8, '-'));
const printOf = (content: string, first = 'a', last = 'b') =>
  fingerprintOf(Buffer.from(content), id(first), id(last));

test('the same bytes are known again, others are not', () => {
  const recent = new RecentRequests();
  recent.add(printOf('request'), 0);
  expect(recent.has(printOf('request'))).toBe(true);
  expect(recent.has(printOf('requesT'))).toBe(false);
  expect(recent.has(printOf('request', 'x'))).toBe(false);
  expect(recent.has(printOf('request', 'a', 'x'))).toBe(false);
  expect(recent.has({ high: 0, low: 1 })).toBe(false);
  recent.clear();
  expect(recent.has(printOf('request'))).toBe(false);
});

test('each of many thousand is known, and as many others are not', () => {
  const recent = new RecentRequests();
  const prints = Array.from({ length: 40_000 }, (_, i) => printOf(`request ${i}`));
  for (const print of prints.slice(0, 20_000)) recent.add(print, 0);
  expect(prints.map((print) => recent.has(print)).indexOf(false)).toBe(20_000);
  expect(prints.slice(20_000).some((print) => recent.has(print))).toBe(false);
});

test('a request is known for the promised time, and not for ever', () => {
  const recent = new RecentRequests();
  const first = printOf('first');
  recent.add(printOf('before'), 0);
  recent.add(first, REMEMBERED_MS - 1);
  recent.add(printOf('other'), 2 * REMEMBERED_MS - 2);
  expect(recent.has(first)).toBe(true);
  recent.add(printOf('later'), 3 * REMEMBERED_MS);
  expect(recent.has(first)).toBe(false);
});

test('a clock that is set back makes nothing known for ever', () => {
  const recent = new RecentRequests();
  const early = printOf('early');
  recent.add(early, 10 * REMEMBERED_MS);
  recent.add(printOf('a'), 0);
  recent.add(printOf('b'), REMEMBERED_MS);
  expect(recent.has(early)).toBe(false);
});

test('what is written down is read back', () => {
  const prints = [printOf('a'), printOf('b'), printOf('c')];
  expect([...unpackFingerprints(packFingerprints(prints))]).toEqual(prints);
});
