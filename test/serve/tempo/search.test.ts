import { describe, expect, it } from 'vitest';
import { compileMatcher } from '../../../collector/query/match-span.ts';
import type { QueryTerm } from '../../../collector/query/query-term.ts';
import { asTempoHas, foundTrace, messageHead, readTraceId } from '../../../collector/serve/tempo/answers.ts';
import { readSearch } from '../../../collector/serve/tempo/search.ts';
import { parseTraceQl } from '../../../collector/serve/tempo/traceql.ts';
import type { Span } from '../../../collector/span.ts';
import { makeSpan, START_UNIX_NANO } from '../../diagnose/make-span.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const read = (query: Record<string, string>) => readSearch(new URLSearchParams(query), NOW);

const call = makeSpan({
  name: 'GET /items',
  kind: 'client',
  endUnixNano: START_UNIX_NANO + 250_000_000n,
  attributes: {
    'http.request.method': 'GET',
    'http.status_code': 502,
    cached: false,
    retried: true,
    'a b': 'c"d',
    big: 9007199254740993n,
  },
  status: { code: 'error', message: '' },
});

function doesMatch(term: QueryTerm | null | undefined, span: Span = call): boolean {
  const trace = { services: new Set<string>(), durationMs: 2000, spans: 1 };
  return !term || compileMatcher(term)(span, { trace, callee: () => null, verdicts: () => [] });
}

describe('TraceQL', () => {
  it.each([
    ['{}', true],
    ['{ }', true],
    ['{ true }', true],
    ['{ status = error }', true],
    ['{status!=error}', false],
    ['{ span:status = ok }', false],
    ['{ kind = client && span:kind != server }', true],
    ['{ name = "GET /items" }', true],
    ['{ name = "get /items" }', false],
    ['{ span:name =~ "GET .*" }', true],
    ['{ name =~ "GET" }', false],
    ['{ name !~ "POST.*" }', true],
    ['{ resource.service.name = "checkout" }', true],
    ['{ .service.name =~ "check.*|pay.*" }', true],
    ['{ resource.service.name != `checkout` }', false],
    ['{ duration > 200ms }', true],
    ['{ span:duration >= 0.25s && duration <= 250ms }', true],
    ['{ duration < 250000000 }', false],
    ['{ trace:duration > 1s && traceDuration < 3s }', true],
    ['{ span.http.status_code = 502 }', true],
    ['{ span.http.status_code >= 500 && .http.status_code < 600 }', true],
    ['{ .http.status_code > 502 }', false],
    ['{ .http.status_code = 502.0 && .http.status_code = 0502 }', true],
    ['{ span.big = 9007199254740993 }', true],
    ['{ span.big = 9007199254740992 }', false],
    ['{ span.http.request.method != "POST" }', true],
    ['{ span.unknown != "POST" }', false],
    ['{ span.unknown = nil }', true],
    ['{ span.cached != nil && event.unknown = nil }', true],
    ['{ .cached = false }', true],
    ['{ .retried }', true],
    ['{ .cached }', false],
    ['{ !.cached && !(status = ok || kind = server) }', true],
    ['{ span."a b" = "c\\"d" }', true],
    ['{ .http.request.method =~ "G.T" }', true],
    ['{ .http.request.method =~ "G" }', false],
    ['{ .http.request.method !~ "P.*" }', true],
    ['{ status = ok || .retried && kind = client }', true],
    ['{ (status = ok || .retried) && kind = server }', false],
    ['{ status = ok } || { kind = client }', true],
    ['({ status = ok } || { kind = server })', false],
    ['{ status = ok } || {}', true],
    ['{ status = error } | select(span.cached, name) with (most_recent=true)', true],
  ])('%s: %s', (query, expected) => {
    expect(doesMatch(parseTraceQl(query).term)).toBe(expected);
  });

  it.each([
    ['', 'at character 1: got the end of the query, expected {'],
    ['status = error', 'at character 1: got status = error, expected {'],
    ['{', 'at character 2: got the end of the query, expected a field'],
    ['{ status = error', 'got the end of the query, expected }'],
    ['{ status = }', 'at character 12: got }, expected a value'],
    ['{ status = broken }', 'at character 3: status = broken is not supported here'],
    ['{ status =~ "err" }', 'is not supported here'],
    ['{ duration > "1s" }', 'is not supported here'],
    ['{ duration > 1x }', 'expected a number, or a duration'],
    ['{ .a > "b" }', 'is not supported here'],
    ['{ .a = 1s }', 'is not supported here'],
    ['{ .a =~ "(" }', 'invalid TraceQL query: '],
    ['{ .a =~ "(?=b)" }', 'invalid TraceQL query: '],
    ['{ .a + 1 > 2 }', 'arithmetic is not supported here'],
    ['{ .a = 1 + 2 }', 'arithmetic is not supported here'],
    ['{ .a = .b }', 'a field compared with another is not supported here'],
    ['{ parent.a = "b" }', 'at character 3: parent.a = "b" is not supported here'],
    ['{ rootServiceName = "a" }', 'rootServiceName = "a" is not supported here'],
    ['{ nestedSetParent < 0 }', 'nestedSetParent < 0 is not supported here'],
    ['{ unknown = 1 }', 'at character 3: unknown is not supported here'],
    ['{ !true }', '! of what is always true'],
    ['{} && {}', 'a relation between sets of spans, other than ||,'],
    ['{} >> {}', 'a relation between sets of spans'],
    ['{} !~ {}', 'a relation between sets of spans'],
    ['{} | count() > 2', 'at character 6: | count is not supported here'],
    ['{} | rate()', '| rate is not supported here'],
    ['{} {}', 'got {}, expected the end of the query'],
    ['{ .a = "b }', 'expected a value'],
    [`${'('.repeat(60)}{}`, 'more than 50 levels'],
    [`{ ${'!'.repeat(60)}.a }`, 'more than 50 levels'],
    [`{ .${'a'.repeat(5000)} }`, 'more than 4096 characters'],
  ])('refuses %s', (query, message) => {
    expect(() => parseTraceQl(query)).toThrow(message);
  });

  it('takes its time, whatever it is given', () => {
    for (const text of [
      '1'.repeat(4000),
      '"\\'.repeat(2000),
      ' '.repeat(4000),
      '.'.repeat(4000),
      '&&'.repeat(2000),
    ]) {
      expect(() => parseTraceQl(`{ .a = ${text}`.slice(0, 4096))).toThrow('invalid TraceQL query');
    }
  });
});

describe('the search', () => {
  it('is of the last hour, and of twenty traces, where nothing is said', () => {
    expect(read({})).toEqual({
      search: {
        range: { fromUnixMs: NOW - 3_600_000, toUnixMs: NOW + 1 },
        q: '',
        term: null,
        service: null,
        operation: null,
        minDurationMs: null,
        maxDurationMs: null,
        sort: 'newest',
        limit: 20,
        cursor: null,
      },
      shown: null,
    });
  });

  it('takes seconds, and durations of the trace', () => {
    const { search, shown } = read({
      q: '{ status = error }',
      start: '1000',
      end: '2000',
      minDuration: '1s',
      maxDuration: '1m',
      limit: '9999',
      spss: '500',
      unknown: 'x',
    });
    expect(search).toMatchObject({ range: { fromUnixMs: 1_000_000, toUnixMs: 2_000_000 }, limit: 1000 });
    expect(doesMatch(search.term)).toBe(true);
    expect(doesMatch(read({ minDuration: '3s' }).search.term)).toBe(false);
    expect(doesMatch(read({ maxDuration: '1s' }).search.term)).toBe(false);
    expect(shown).toMatchObject({ spansMax: 100, fields: [{ of: 'status' }] });
  });

  it.each([
    ['service.name=check', true],
    ['service.name=CHECKOUT http.status_code=502', true],
    ['service.name=pay', false],
    ['http.request.method=ge', true],
    ['http.request.method=.*', false],
    ['name="get /items" error=true', true],
    ['status.code=error', true],
    ['status.code=ok', false],
    ['cached', true],
    ['unknown=', false],
    [' ', true],
  ])('by tags %j: %s', (tags, expected) => {
    expect(doesMatch(read({ tags }).search.term)).toBe(expected);
  });

  it.each([
    [{ q: '{' }, 'invalid TraceQL query'],
    [{ tags: '=a' }, 'invalid tags: got =a'],
    [{ tags: 'a="b' }, 'invalid tags'],
    [{ tags: 'a=b '.repeat(1025) }, 'invalid tags: more than 4096 characters'],
    [{ tags: 'root.name=a' }, 'root.name is not supported here'],
    [{ start: '5' }, 'start must be before end. received start=5 end=0'],
    [{ start: '5', end: '5' }, 'start must be before end'],
    [{ start: 'soon', end: '5' }, 'invalid start'],
    [{ end: '99999999999999' }, 'invalid end'],
    [{ limit: '0' }, 'invalid limit: must be a positive number'],
    [{ spss: 'x' }, 'invalid spss'],
    [{ minDuration: '5' }, 'invalid minDuration'],
  ])('refuses %j', (query: Record<string, string>, message) => {
    expect(() => read(query)).toThrow(message);
  });
});

describe('answers', () => {
  const spans = [
    makeSpan({ spanId: 'a'.repeat(16), name: 'POST /buy', kind: 'server' }),
    makeSpan({ spanId: 'b'.repeat(16), parentSpanId: 'a'.repeat(16), attributes: { n: 1, x: 1.5, t: true } }),
    { ...call, spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16) },
  ];

  it('have the spans that match, and what the query speaks of', () => {
    const { term, fields } = parseTraceQl(
      '{ kind = client } | select(.n, .x, .t, resource.service.name, .none)',
    );
    const found = foundTrace('00a1', spans, { kind: 'tempo-found', shown: { term, fields, spansMax: 1 } });
    const set = {
      spans: [
        {
          spanID: 'b'.repeat(16),
          name: 'GET /',
          startTimeUnixNano: String(START_UNIX_NANO),
          durationNanos: '1000000000',
          attributes: [
            { key: 'kind', value: { stringValue: 'client' } },
            { key: 'n', value: { intValue: '1' } },
            { key: 'x', value: { doubleValue: 1.5 } },
            { key: 't', value: { boolValue: true } },
            { key: 'service.name', value: { stringValue: 'checkout' } },
          ],
        },
      ],
      matched: 2,
    };
    expect(found).toEqual({
      traceID: 'a1',
      rootServiceName: 'checkout',
      rootTraceName: 'POST /buy',
      startTimeUnixNano: String(START_UNIX_NANO),
      durationMs: 1000,
      spanSet: set,
      spanSets: [set],
      serviceStats: { checkout: { spanCount: 3, errorCount: 1 } },
    });
  });

  it('say that a root is missing, and show no spans where none are asked for', () => {
    const found = foundTrace('a1', spans.slice(1), { kind: 'tempo-found', shown: null });
    expect(found).toMatchObject({ rootServiceName: '<root span not yet received>', rootTraceName: '' });
    expect(found).not.toHaveProperty('spanSets');
  });

  it('show spans of a trace that took a part of a millisecond more than asked for', () => {
    const span = makeSpan({ endUnixNano: START_UNIX_NANO + 250_400_000n });
    const { term, fields } = parseTraceQl('{ trace:duration > 250ms }');
    const found = foundTrace('a1', [span], { kind: 'tempo-found', shown: { term, fields, spansMax: 1 } });
    expect(found).toMatchObject({ durationMs: 250, spanSets: [{ matched: 1 }] });
  });

  it('have ids as bytes and words for numbers', () => {
    const link = { traceId: '00'.repeat(16), spanId: '01'.repeat(8), attributes: [] };
    expect(
      asTempoHas({
        traceId: 'ff'.repeat(16),
        spanId: '01'.repeat(8),
        kind: 2,
        status: { code: 2, message: 'm' },
        links: [link],
      }),
    ).toEqual({
      traceId: '/////////////////////w==',
      spanId: 'AQEBAQEBAQE=',
      kind: 'SPAN_KIND_SERVER',
      status: { code: 'STATUS_CODE_ERROR', message: 'm' },
      links: [{ traceId: 'AAAAAAAAAAAAAAAAAAAAAA==', spanId: 'AQEBAQEBAQE=', attributes: [] }],
    });
    expect(asTempoHas({ traceId: '', spanId: '' })).toMatchObject({ status: {} });
  });

  it('begin, as protobuf, with a length of as many bytes as it takes', () => {
    expect([...messageHead(5)]).toEqual([0x0a, 5]);
    expect([...messageHead(300)]).toEqual([0x0a, 0xac, 0x02]);
    expect([...messageHead(2 ** 31)]).toEqual([0x0a, 0x80, 0x80, 0x80, 0x80, 0x08]);
  });

  it('are of ids in hex', () => {
    expect(readTraceId('A1')).toBe('a1'.padStart(32, '0'));
    expect(() => readTraceId('x')).toThrow('can only contain hex characters');
    expect(() => readTraceId('f'.repeat(33))).toThrow('larger than 128 bits');
  });
});
