import { describe, expect, it } from 'vitest';
import { compileMatcher } from '../../../collector/query/match-span.ts';
import { searchTerm } from '../../../collector/query/open-query.ts';
import { UNKNOWN_PEER } from '../../../collector/serve/compatible/named-calls.ts';
import { linksOf, namesOf, readTraceId, shortTraceId } from '../../../collector/serve/zipkin/answers.ts';
import { readSearch } from '../../../collector/serve/zipkin/search.ts';
import type { Span } from '../../../collector/span.ts';
import { makeSpan, START_UNIX_NANO } from '../../diagnose/make-span.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const DAY_MS = 86_400_000;
const read = (query: string) => readSearch(new URLSearchParams(query), NOW);

function doesMatch(query: string, span: Span, callee: string | null = null): boolean {
  const term = searchTerm(read(query));
  if (term === null) return true;
  return compileMatcher(term)(span, {
    trace: { services: new Set(), durationMs: 0, spans: 1 },
    callee: () => callee,
    verdicts: () => [],
  });
}

const call = makeSpan({
  resource: { attributes: new Map([['service.name', 'Checkout']]), droppedAttributes: 0, schemaUrl: '' },
  name: 'POST',
  kind: 'client',
  endUnixNano: START_UNIX_NANO + 250_000_000n,
  attributes: { 'http.request.method': 'POST', 'url.full': 'http://payments/pay', 'http.status_code': 502 },
  status: { code: 'error', message: '' },
});

describe('Zipkin’s search', () => {
  it('is of the last day, and of ten traces, where nothing is said', () => {
    expect(read('')).toMatchObject({
      range: { fromUnixMs: NOW - DAY_MS, toUnixMs: NOW + 1 },
      limit: 10,
      sort: 'newest',
      term: null,
      minDurationMs: null,
      maxDurationMs: null,
    });
  });

  it('ends at endTs, which is included, begins lookback before it, and takes microseconds', () => {
    expect(
      read('endTs=5000&lookback=2000&limit=3&minDuration=1500&maxDuration=1500000&unknown=1'),
    ).toMatchObject({
      range: { fromUnixMs: 3000, toUnixMs: 5001 },
      limit: 3,
      minDurationMs: 1.5,
      maxDurationMs: 1500,
    });
  });

  it('begins with time itself, and gives as many traces as are given at most', () => {
    expect(read('endTs=5000&lookback=9999999999999999999')).toMatchObject({ range: { fromUnixMs: 0 } });
    expect(read('endTs=9999999999999999999').range.toUnixMs).toBe(8.64e15);
    expect(read('limit=1001').limit).toBe(1000);
  });

  it.each([
    ['serviceName=checkout', true],
    ['serviceName=CHECKOUT', true],
    ['serviceName=check', false],
    ['serviceName=check.ut', false],
    ['serviceName=', true],
    ['spanName=post', true],
    ['spanName=post+/pay', true],
    ['spanName=pos', false],
    ['spanName=get', false],
    ['spanName=all', true],
    ['remoteServiceName=Payments', true],
    ['remoteServiceName=pay', false],
    ['annotationQuery=error', true],
    ['annotationQuery=error=true', true],
    ['annotationQuery=error=boom', false],
    ['annotationQuery=otel.status_code=ERROR', true],
    ['annotationQuery=otel.status_code=OK', false],
    ['annotationQuery=http.request.method', true],
    ['annotationQuery=http.request.method=POST', true],
    ['annotationQuery=http.request.method=post', false],
    ['annotationQuery= http.request.method = POST  and http.status_code=502 ', true],
    ['annotationQuery=http.request.method=POST and http.status_code=200', false],
    ['annotationQuery=http.request.method=GET and http.request.method', false],
    ['annotationQuery= and ', true],
    ['annotationQuery=url.full=http://payments/pay', true],
    ['minDuration=250000', true],
    ['minDuration=250001', false],
    ['minDuration=1&maxDuration=249999', false],
    ['serviceName=checkout&spanName=post&annotationQuery=error&minDuration=1', true],
  ])('%s: %s', (query, expected) => {
    expect(doesMatch(query, call, 'payments')).toBe(expected);
  });

  it('finds what is called only by those who call', () => {
    const server = makeSpan({ name: 'GET /', kind: 'server' });
    expect(doesMatch('remoteServiceName=checkout', server)).toBe(false);
  });

  it.each([
    ['limit=0', 'limit <= 0'],
    ['limit=-1', 'limit <= 0'],
    ['endTs=0', 'endTs <= 0'],
    ['lookback=-5', 'lookback <= 0'],
    ['minDuration=0', 'minDuration <= 0'],
    ['maxDuration=5', 'maxDuration is only valid with minDuration'],
    ['minDuration=5&maxDuration=4', 'maxDuration < minDuration'],
    ['limit=ten', 'limit: got ten, expected a whole number'],
    ['endTs=1e3', 'endTs: got 1e3, expected a whole number'],
  ])('refuses %s in Zipkin’s words', (query, message) => {
    expect(() => read(query)).toThrow(message);
  });
});

describe('ids and names', () => {
  it('are as Zipkin has them', () => {
    expect(readTraceId('A1')).toBe('000000000000000000000000000000a1');
    expect(shortTraceId('000000000000000000000000000000a1')).toBe('00000000000000a1');
    expect(shortTraceId('5b8efff798038103d269b633813fc60c')).toBe('5b8efff798038103d269b633813fc60c');
    expect(namesOf(['b', 'A', 'B'])).toEqual(['a', 'b']);
  });

  it.each([
    ['', 'traceId is empty'],
    ['f'.repeat(33), 'traceId.length > 32'],
    ['0x1', '0x1 should be lower-hex encoded with no prefix'],
    ['000', 'traceId is all zeros'],
  ])('refuse %j', (id, message) => {
    expect(() => readTraceId(id)).toThrow(message);
  });
});

it('links are edges by lower-case names, without those of users and to nobody known', () => {
  const edge = { kind: 'http', timeoutPhases: {}, p50Ms: 0, p95Ms: 0, p99Ms: 0, serverP95Ms: 0 } as const;
  const more = { ...edge, neverArrived: 0, budgetsMs: [], retries: 0 };
  const node = { inferred: false, calls: 0, errors: 0, timeouts: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
  const links = linksOf({
    from: '',
    to: '',
    truncated: false,
    nodes: [
      { ...node, id: 'user', kind: 'user' },
      { ...node, id: 'Web', kind: 'service' },
      { ...node, id: 'web', kind: 'service' },
      { ...node, id: 'db', kind: 'database' },
    ],
    edges: [
      { ...more, from: 'user', to: 'web', calls: 9, errors: 0, timeouts: 0 },
      { ...more, from: 'web', to: UNKNOWN_PEER, calls: 9, errors: 0, timeouts: 0 },
      { ...more, from: 'Web', to: 'db', calls: 2, errors: 0, timeouts: 1 },
      { ...more, from: 'web', to: 'db', calls: 3, errors: 1, timeouts: 0 },
      { ...more, from: 'db', to: 'web', calls: 1, errors: 0, timeouts: 0 },
    ],
  });
  expect(links).toEqual([
    { parent: 'web', child: 'db', callCount: 5, errorCount: 2 },
    { parent: 'db', child: 'web', callCount: 1 },
  ]);
});
