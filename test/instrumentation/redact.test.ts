import { expect, it } from 'vitest';
import { fullUrl, redactQuery, splitTarget } from '../../instrumentation/redact.ts';

it.each([
  ['token=abc', 'token=REDACTED'],
  ['page=2&access_token=abc&x', 'page=2&access_token=REDACTED&x'],
  [
    'X-Amz-Signature=a&sig=b&apiKey=c&password=d',
    'X-Amz-Signature=REDACTED&sig=REDACTED&apiKey=REDACTED&password=REDACTED',
  ],
  ['code=1&zipcode=2', 'code=REDACTED&zipcode=2'],
  ['q=a%20b&design=blue', 'q=a%20b&design=blue'],
  ['', ''],
])('the query %o is recorded as %o', (query, recorded) => {
  expect(redactQuery(query)).toBe(recorded);
});

it('a target without a query has none, one with an empty query keeps its mark', () => {
  expect(splitTarget('/a')).toEqual({ path: '/a', query: undefined });
  expect(fullUrl('http://h', splitTarget('/a?'))).toBe('http://h/a?');
});

it('a fragment is left out', () => {
  expect(splitTarget('/a?b=1#c')).toEqual({ path: '/a', query: 'b=1' });
});

it('user names and passwords are left out, an @ of the path stays', () => {
  expect(fullUrl('http://user:pw@host:1', splitTarget('/@me'))).toBe('http://host:1/@me');
  expect(fullUrl('', splitTarget('http://user:pw@host/a@b'))).toBe('http://host/a@b');
});
