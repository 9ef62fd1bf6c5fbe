import { describe, expect, test } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import { QuerySyntaxError } from '../../collector/query/query.ts';
import type { QueryTerm } from '../../collector/query/query-term.ts';

/** A term as a line: `and(span service = a, attribute k >= 5)`. */
function drawn(term: QueryTerm | null): string {
  if (term === null) return '';
  if (term.type === 'not') return `not(${drawn(term.term)})`;
  if (term.type !== 'field') return `${term.type}(${term.terms.map(drawn).join(', ')})`;
  return `${term.of} ${term.key} ${term.comparison} ${JSON.stringify(term.value)}`;
}

test.each([
  ['', ''],
  ['   ', ''],
  ['service:checkout', 'span service = "checkout"'],
  ['service=checkout', 'span service = "checkout"'],
  ['operation:"GET /x y"', 'span operation = "GET /x y"'],
  ['operation:"say \\"hi\\" \\\\"', 'span operation = "say \\"hi\\" \\\\"'],
  ['duration>2s', 'span duration > 2000'],
  ['duration>=1.5m', 'span duration >= 90000'],
  ['duration<250', 'span duration < 250'],
  ['duration<=10us', 'span duration <= 0.01'],
  ['kind:CLIENT', 'span kind = "client"'],
  ['timeout:true', 'span timeout = "true"'],
  ['cause:B1', 'span cause = "B1"'],
  ['edge:a->b', 'span edge = "a->b"'],
  ['cause:b1', 'span cause = "b1"'],
  ['cause:DNS', 'span cause = "DNS"'],
  ['cause:unknown', 'span cause = "unknown"'],
  ['edge:catalog', 'span edge = "catalog"'],
  ['http.route:/a:b?c=(d)', 'attribute http.route = "/a:b?c=(d)"'],
  ['http.status>=500', 'attribute http.status >= 500'],
  ['key!=x', 'attribute key != "x"'],
  ['key:*', 'attribute key exists "*"'],
  ['key:"*"', 'attribute key = "*"'],
  ['key~^a(b|c)$', 'attribute key ~ "^a(b|c)$"'],
  ['"service":x', 'attribute service = "x"'],
  ['trace.service:b', 'trace service = "b"'],
  ['trace.duration>1s', 'trace duration > 1000'],
  ['trace.spans>=10', 'trace spans >= 10'],
  ['"trace.id":x', 'attribute trace.id = "x"'],
  ['a:1 b:2', 'and(attribute a = "1", attribute b = "2")'],
  ['-a:1', 'not(attribute a = "1")'],
  ['--a:1', 'not(not(attribute a = "1"))'],
  ['a:1 b:2 OR c:3', 'or(and(attribute a = "1", attribute b = "2"), attribute c = "3")'],
  ['a:1 (b:2 OR c:3)', 'and(attribute a = "1", or(attribute b = "2", attribute c = "3"))'],
  ['-(a:1 OR b:2)', 'not(or(attribute a = "1", attribute b = "2"))'],
  ['ORDER:1', 'attribute ORDER = "1"'],
  ['__proto__:x', 'attribute __proto__ = "x"'],
])('%j reads as %j', (text, expected) => {
  expect(drawn(parseQuery(text))).toBe(expected);
});

function errorOf(text: string): unknown {
  try {
    parseQuery(text);
    return null;
  } catch (error) {
    return error;
  }
}

describe('a bad query is refused with the place where it stops making sense', () => {
  test.each([
    ['checkout', 8, /a comparison after checkout/],
    ['service:', 8, /a value/],
    [':x', 0, /a term/],
    ['a:1 OR', 6, /a term/],
    ['OR a:1', 2, /got a space, expected : or a comparison after OR; OR, in capitals, stands between/],
    ['a:1 AND b:2', 7, /got a space, .* after AND; a space means AND/],
    ['a:1 or b:2', 6, /after or; OR, in capitals/],
    ['not a:1', 3, /a - before a term means NOT/],
    ['foo bar', 3, /got a space/],
    ['foo', 3, /got the end of the query/],
    ['(a:1', 4, /\)/],
    ['a:1)', 3, /a term/],
    ['()', 1, /a term/],
    ['operation:"GET', 10, /closing "/],
    ['duration>soon', 9, /a duration/],
    ['duration>2 parsecs', 18, /a comparison after parsecs/],
    ['duration~2', 9, /one of/],
    ['service>a', 8, /one of/],
    ['kind:cleint', 5, /one of unspecified, internal/],
    ['timeout:maybe', 8, /one of true, false/],
    ['phase:lunch', 6, /one of queue, dns/],
    ['cause:Q9', 6, /got Q9, expected the code of a cause such as B1, or one of network, firewall/],
    ['a:1 edge:a->', 9, /caller->callee, or a service/],
    ['edge:->b', 5, /caller->callee/],
    ['size>big', 5, /a number/],
    ['size>', 5, /a value/],
    ['trace.color:red', 0, /trace\.service, trace\.duration or trace\.spans/],
    ['key~[', 4, /RE2/],
    ['service:(a OR b)', 8, /got \(a, expected a value whose parentheses close, or one in quotes/],
    ['key~(a b)', 4, /got \(a, .* in quotes/],
    ['key~(?=a)b', 4, /RE2/],
    ['key~(a)\\1', 4, /RE2/],
    [`${'('.repeat(60)}a:1${')'.repeat(60)}`, 51, /at most 50/],
    ['a:1 '.repeat(2000), 4096, /at most 4096/],
  ])('%j', (text, position, message) => {
    const thrown = errorOf(text);
    expect(thrown).toBeInstanceOf(QuerySyntaxError);
    expect(thrown).toMatchObject({ position });
    expect((thrown as Error).message).toMatch(message);
  });
});

test('no text, however odd, throws anything but a syntax error', () => {
  const alphabet = [
    'a',
    ':',
    '"',
    '(',
    ')',
    '-',
    ' ',
    'OR',
    '~',
    '>',
    '=',
    '*',
    '\\',
    'service',
    '2s',
    '\u{1F41F}',
    '\n',
  ];
  let seed = 7;
  const next = () => (seed = (seed * 48271) % 0x7fffffff);
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: next() % 12 }, () => alphabet[next() % alphabet.length]).join('');
    const thrown = errorOf(text);
    expect(thrown === null || thrown instanceof QuerySyntaxError, text).toBe(true);
    expect((thrown as QuerySyntaxError | null)?.position ?? 0).toBeLessThanOrEqual(text.length);
  }
});
