import { describe, expect, it } from 'vitest';
import { compileMatcher } from '../../../collector/query/match-span.ts';
import { searchTerm } from '../../../collector/query/open-query.ts';
import { parseGoDuration } from '../../../collector/serve/compatible/go-duration.ts';
import {
  dependenciesOf,
  operationsOf,
  readTraceId,
  summaryOf,
  withJaegerIds,
} from '../../../collector/serve/jaeger/answers.ts';
import { readSearchV1, readSearchV3 } from '../../../collector/serve/jaeger/search.ts';
import { UNKNOWN_PEER } from '../../../collector/serve/compatible/named-calls.ts';
import { makeSpan, START_UNIX_NANO } from '../../diagnose/make-span.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const DAY_MS = 86_400_000;
const readV1 = (query: string) => readSearchV1(new URLSearchParams(query), NOW);
const readV3 = (query: string) => readSearchV3(new URLSearchParams(query), NOW);
const TIMES = 'query.startTimeMin=2026-01-31T11:00:00Z&query.startTimeMax=2026-01-31T12:00:00.5Z';

const call = makeSpan({
  name: 'POST',
  endUnixNano: START_UNIX_NANO + 250_000_000n,
  attributes: { 'http.request.method': 'POST', 'url.full': 'http://a/pay', 'http.status_code': 502 },
  status: { code: 'error', message: '' },
});

function doesMatch(search: ReturnType<typeof readV1>): boolean {
  const term = searchTerm(search);
  const trace = { services: new Set<string>(), durationMs: 0, spans: 1 };
  return term === null || compileMatcher(term)(call, { trace, callee: () => null, verdicts: () => [] });
}

it.each([
  ['1.5s', 1500],
  ['20ms', 20],
  ['1m30s', 90_000],
  ['250us', 0.25],
  ['250µs', 0.25],
  ['.5h', 1_800_000],
  ['-1s', -1000],
  ['0', 0],
  ['5', null],
  ['', null],
  ['1s ', null],
  ['s', null],
  ['1d', null],
  [`${'1s'.repeat(100)}`, null],
])('Go reads the duration %j as %j ms', (text, ms) => {
  expect(parseGoDuration(text)).toBe(ms);
});

describe('the search of the first API', () => {
  it('is of the last two days, and of a hundred traces, where nothing is said', () => {
    expect(readV1('service=a')).toMatchObject({
      range: { fromUnixMs: NOW - 2 * DAY_MS, toUnixMs: NOW + 1 },
      service: 'a',
      limit: 100,
      sort: 'newest',
      term: null,
    });
  });

  it('takes microseconds, Go’s durations, and ignores what it does not know', () => {
    expect(
      readV1(
        'service=a&start=1000000&end=2000999&minDuration=1ms&maxDuration=1m&limit=2000&lookback=1h&raw=x',
      ),
    ).toMatchObject({
      range: { fromUnixMs: 1000, toUnixMs: 2001 },
      minDurationMs: 1,
      maxDurationMs: 60_000,
      limit: 1000,
    });
  });

  it.each([
    ['', true],
    ['&operation=POST', true],
    ['&operation=POST+/pay', true],
    ['&operation=post', false],
    ['&operation=GET', false],
    ['&tags={"http.status_code":"502"}', true],
    ['&tags={"http.status_code":"500"}', false],
    ['&tags={"error":"true"}', true],
    ['&tags={"error":"false"}', false],
    ['&tags={"span.kind":"client","otel.status_code":"ERROR"}', true],
    ['&tags={"span.kind":"server"}', false],
    ['&tag=http.request.method:POST&tag=url.full:http://a/pay', true],
    ['&tag=http.request.method:GET', false],
    ['&minDuration=250ms', true],
    ['&minDuration=251ms', false],
    ['&minDuration=0s&maxDuration=0', true],
    ['&tags={"__proto__":"x"}', false],
  ])('service=checkout%s: %s', (query, expected) => {
    expect(doesMatch(readV1(`service=checkout${query}`))).toBe(expected);
  });

  it.each([
    ['', "parameter 'service' is required"],
    ['service=a&start=soon', "unable to parse param 'start'"],
    ['service=a&start=2000000&end=1000000', 'start time must be before end time'],
    ['service=a&limit=0', 'limit must be greater than 0'],
    ['service=a&minDuration=5', "unable to parse param 'minDuration'"],
    ['service=a&minDuration=2s&maxDuration=1s', "'maxDuration' should be greater than 'minDuration'"],
    ['service=a&tag=key', 'expecting key:value, received: key'],
    ['service=a&tags={', "malformed 'tags' parameter, cannot unmarshal JSON"],
    ['service=a&tags={"a":1}', "malformed 'tags' parameter, expecting JSON of strings"],
    ['service=a&tags=null', "malformed 'tags' parameter, expecting JSON of strings"],
    ['service=a&tags=["a"]', "malformed 'tags' parameter, expecting JSON of strings"],
  ])('refuses %j', (query, message) => {
    expect(() => readV1(query)).toThrow(message);
  });
});

describe('the search of the third API', () => {
  it('has a range, and takes each name in both its spellings', () => {
    const wanted = {
      range: { fromUnixMs: NOW - 3_600_000, toUnixMs: NOW + 501 },
      service: 'checkout',
      minDurationMs: 1,
      maxDurationMs: 2000,
      limit: 7,
    };
    const camel = `${TIMES}&query.serviceName=checkout&query.durationMin=1ms&query.durationMax=2s&query.searchDepth=7`;
    const snake = camel.replaceAll(/query\.(\w+)/g, (name) =>
      name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`),
    );
    expect(snake).toContain('query.start_time_min');
    expect([readV3(camel), readV3(snake)]).toMatchObject([wanted, wanted]);
    expect(readV3(TIMES)).toMatchObject({ service: null, limit: 100 });
    expect(readV3(`${TIMES}&query.num_traces=3`).limit).toBe(3);
  });

  it('asks for attributes and operations as the first does', () => {
    expect(doesMatch(readV3(`${TIMES}&query.attributes={"error":"true"}&query.operationName=POST`))).toBe(
      true,
    );
    expect(doesMatch(readV3(`${TIMES}&query.attributes={"error":"false"}`))).toBe(false);
  });

  it.each([
    ['', 'query.startTimeMin and query.startTimeMax are required'],
    ['query.startTimeMin=2026-01-31T11:00:00Z', 'query.startTimeMin and query.startTimeMax are required'],
    [TIMES.replace('11:00:00Z', 'noon'), 'malformed parameter query.startTimeMin'],
    [TIMES.replace('2026-01-31T11:00:00Z', '1700000000000'), 'malformed parameter query.startTimeMin'],
    [TIMES.replace('2026-01-31T11', '2026-01-31T13'), 'query.startTimeMin must be before'],
    [`${TIMES}&query.searchDepth=-1`, 'malformed parameter query.searchDepth'],
    [`${TIMES}&query.durationMin=1`, 'malformed parameter query.durationMin'],
    [`${TIMES}&query.attributes=x`, "malformed 'query.attributes' parameter"],
    [`${TIMES}&query.filter={}`, 'query.filter is not supported'],
  ])('refuses %j', (query, message) => {
    expect(() => readV3(query)).toThrow(message);
  });
});

describe('answers', () => {
  it('have ids of 64 bits with 16 digits, of links too', () => {
    const short = `${'0'.repeat(16)}${'a'.repeat(16)}`;
    const link = {
      spanId: 'b'.repeat(16),
      traceState: '',
      attributes: new Map(),
      droppedAttributes: 0,
      flags: 0,
    };
    const span = makeSpan({ traceId: short, links: [{ ...link, traceId: short }] });
    expect(withJaegerIds(span)).toMatchObject({
      traceId: 'a'.repeat(16),
      links: [{ traceId: 'a'.repeat(16) }],
    });
    const whole = makeSpan({ traceId: 'a'.repeat(32) });
    expect(withJaegerIds(whole)).toBe(whole);
    expect(readTraceId('A', 'traceID')).toBe('a'.padStart(32, '0'));
    expect(() => readTraceId('f'.repeat(33), 'traceID')).toThrow('cannot be longer than 32');
    expect(() => readTraceId('0x1', 'traceID')).toThrow('cannot parse traceID param');
  });

  it('name an operation once for each of its kinds', () => {
    const found = [
      { operation: 'a', kinds: ['client', 'server'] as const },
      { operation: 'b', kinds: ['unspecified'] as const },
    ];
    expect(operationsOf(found, '')).toEqual([
      { name: 'a', spanKind: 'client' },
      { name: 'a', spanKind: 'server' },
      { name: 'b', spanKind: '' },
    ]);
    expect(operationsOf(found, 'SERVER')).toEqual([{ name: 'a', spanKind: 'server' }]);
  });

  it('say of a trace who was in it, what failed, and what has lost its parent', () => {
    const resource = { attributes: new Map([['service.name', 'db']]), droppedAttributes: 0, schemaUrl: '' };
    const spans = [
      makeSpan({ spanId: 'b'.repeat(16), parentSpanId: 'a'.repeat(16), startUnixNano: START_UNIX_NANO + 5n }),
      makeSpan({ spanId: 'a'.repeat(16), status: { code: 'error', message: '' }, name: 'root' }),
      makeSpan({ spanId: 'c'.repeat(16), parentSpanId: 'd'.repeat(16), resource }),
    ];
    expect(summaryOf('1', spans)).toEqual({
      traceId: '1',
      rootServiceName: 'checkout',
      rootOperationName: 'root',
      minStartTimeUnixNano: String(START_UNIX_NANO),
      maxEndTimeUnixNano: String(START_UNIX_NANO + 1_000_000_000n),
      spanCount: 3,
      errorSpanCount: 1,
      orphanSpanCount: 1,
      services: [
        { name: 'checkout', spanCount: 2, errorSpanCount: 1 },
        { name: 'db', spanCount: 1, errorSpanCount: 0 },
      ],
    });
  });

  it('count calls by parent and child, without those from outside and of nobody known', () => {
    const edge = { timeoutPhases: {}, p50Ms: 0, p95Ms: 0, p99Ms: 0, serverP95Ms: 0, errors: 0, timeouts: 0 };
    const more = { ...edge, neverArrived: 0, budgetsMs: [], retries: 0 };
    const node = { inferred: false, calls: 0, errors: 0, timeouts: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
    const map = {
      from: '',
      to: '',
      truncated: false,
      nodes: [{ ...node, id: 'user', kind: 'user' as const }],
      edges: [
        { ...more, kind: 'http' as const, from: 'user', to: 'a', calls: 1 },
        { ...more, kind: 'http' as const, from: 'a', to: 'b', calls: 2 },
        { ...more, kind: 'rpc' as const, from: 'a', to: 'b', calls: 3 },
        { ...more, kind: 'db' as const, from: 'b', to: 'c', calls: 4 },
        { ...more, kind: 'tcp' as const, from: 'b', to: UNKNOWN_PEER, calls: 5 },
      ],
    };
    expect(dependenciesOf(map, '')).toEqual([
      { parent: 'a', child: 'b', callCount: 5 },
      { parent: 'b', child: 'c', callCount: 4 },
    ]);
    expect(dependenciesOf(map, 'c')).toEqual([{ parent: 'b', child: 'c', callCount: 4 }]);
  });
});
