import { expect, test } from 'vitest';
import { decodeResource, decodeScope, decodeSpan } from '../../../collector/decode/otlp-protobuf.ts';
import { compileMatcher, type SpanSurroundings } from '../../../collector/query/match-span.ts';
import { parseQuery } from '../../../collector/query/parse-query.ts';
import { createSpanTable } from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { compileRowFilter } from '../../../collector/store/search/row-filter.ts';
import { encodeSegment } from '../../../collector/store/columns/encode-segment.ts';
import { openSegment } from '../../../collector/store/columns/segment-granule.ts';
import { memoryInterner } from '../columns/memory-interner.ts';
import { makeRequest, type SentSpan } from '../make-request.ts';

const ALONE: SpanSurroundings = {
  trace: { services: new Set(['checkout']), durationMs: 1, spans: 1 },
  callee: () => null,
  verdicts: () => [],
};

/** Marks of the filter beside what matching each decoded span says. */
function compare(query: string, ...sent: SentSpan[]) {
  const { interner, resource, scope, operation } = memoryInterner();
  const table = createSpanTable();
  takeRequest(table, interner, makeRequest(...sent), 0);
  const rows = openSegment(encodeSegment(table, 0, table.rows));
  const resourceOf = (id: number) => decodeResource(Buffer.from(resource(id)[0]!, 'hex'), '');
  const scopeOf = (id: number) => decodeScope(Buffer.from(scope(id)[0]!, 'hex'), '');
  const term = parseQuery(query)!;
  const { may, isCertain } = compileRowFilter(term, {
    service: (id) => operation(id)[0]!,
    operation: (id) => operation(id)[2]!,
    resource: (id) => resourceOf(id).attributes,
    scope: (id) => scopeOf(id).attributes,
  })(rows);
  const matches = compileMatcher(term);
  const expected = Array.from(may, (_, row) => {
    const span = decodeSpan(rows.spanBytes(row), resourceOf(rows.resource[row]!), scopeOf(rows.scope[row]!));
    return Number(matches(span, ALONE));
  });
  return { may: [...may], isCertain, expected };
}

const TAGS = [{ stringValue: 'a' }, { stringValue: 'b' }];
const SPANS: SentSpan[] = [
  { id: '7', more: { attributes: [{ key: 'tags', value: { arrayValue: { values: TAGS } } }] } },
  { id: '1', service: 'checkout', name: 'POST /buy', kind: 'server', durationMs: 300 },
  { id: '2', kind: 'client', durationMs: 20, attributes: { 'server.port': 8443, 'http.route': '/buy' } },
  { id: '3', kind: 'client', error: 'ETIMEDOUT', attributes: { 'sockeye.timeout.timer': 'kernel' } },
  { id: '4', service: 'payments', resource: { 'host.name': 'a7' }, attributes: { paid: true, total: 1.5 } },
  { id: '5', attributes: { total: 2 ** 40, 'http.route': '/sell' } },
  {
    id: '6',
    more: {
      events: [{ name: 'exception', attributes: [{ key: 'http.route', value: { stringValue: '/x' } }] }],
    },
  },
];

test.each([
  'service:payments',
  'operation:"POST /buy"',
  'operation~buy',
  'kind:client',
  'status:error',
  'timeout:true',
  'timeout:false',
  'duration>100ms',
  'http.route:/buy',
  'http.route:/x',
  'http.route:*',
  'http.route~^/[bs]',
  'server.port>=8000',
  'server.port:8443',
  'paid:true',
  'total>1',
  'total:1.5',
  'total:1099511627776',
  'host.name:a7',
  'http.route!=/buy',
  '-http.route:/buy',
  'service:checkout -kind:client duration<1s',
  'kind:client OR paid:true',
  'nothing:here',
  'tags:a',
  '-tags:b',
  'tags:c',
])('%s is told from columns, exactly', (query) => {
  const { may, isCertain, expected } = compare(query, ...SPANS);
  expect({ may, isCertain }).toEqual({ may: expected, isCertain: true });
});

test.each(['cause:B1', 'trace.spans>3', 'edge:a->b', '-edge:a->b'])(
  '%s lets through what may match, for the span itself to say',
  (query) => {
    const { may, isCertain, expected } = compare(query, ...SPANS);
    expect(isCertain).toBe(false);
    expect(may.every((mark, row) => mark >= expected[row]!)).toBe(true);
  },
);

test('an attribute given twice is not told from columns', () => {
  const twice = ['/a', '/b'].map((text) => ({ key: 'http.route', value: { stringValue: text } }));
  for (const query of ['http.route:/a', 'http.route:/b']) {
    const { may, isCertain, expected } = compare(query, { id: '1', more: { attributes: twice } });
    expect([isCertain, may[0]! >= expected[0]!]).toEqual([false, true]);
  }
});
