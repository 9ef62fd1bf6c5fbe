import { expect, test } from 'vitest';
import { decodeResource, decodeScope, decodeSpan } from '../../../collector/decode/otlp-protobuf.ts';
import { walkRequest, type RequestSpan } from '../../../collector/decode/walk-request.ts';
import { peerOf } from '../../../collector/query/callee.ts';
import {
  durationMsOf as spanDurationMsOf,
  operationOf,
  serviceOf,
  type Span,
} from '../../../collector/span.ts';
import {
  KINDS,
  OUTCOMES,
  STATUSES,
  IS_RETRY,
  IS_SNAPSHOT,
  IS_STREAM,
  NEVER_ARRIVED,
} from '../../../collector/store/columns/codes.ts';
import { RAW_SHAPE } from '../../../collector/store/columns/shape-book.ts';
import { spanBytes } from '../../../collector/store/columns/span-bytes.ts';
import { spanFacts } from '../../../collector/store/columns/span-facts.ts';
import {
  createSpanTable,
  durationMsOf,
  resetTable,
  spanIdOf,
  startMsOf,
  traceIdOf,
  type SpanTable,
} from '../../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../../collector/store/columns/take-request.ts';
import { encode } from '../../decode/otlp-proto.ts';
import { makeRequest } from '../make-request.ts';
import { memoryInterner } from './memory-interner.ts';
import { randomSpan, requestOf, seeded } from './random-spans.ts';

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);

type Memory = ReturnType<typeof memoryInterner>;

function decoded({ bytes, resource, scope }: RequestSpan): Span {
  return decodeSpan(bytes, decodeResource(resource.bytes, ''), decodeScope(scope.bytes, ''));
}

function expectRow(table: SpanTable, row: number, sent: RequestSpan, memory: Memory): void {
  const span = decoded(sent);
  const facts = spanFacts(span);
  expect(spanBytes(table, row).toString('hex')).toBe(Buffer.from(sent.bytes).toString('hex'));
  expect(traceIdOf(table, row)).toBe(span.traceId);
  expect(spanIdOf(table, row)).toBe(span.spanId);
  expect(startMsOf(table, row)).toBeCloseTo(Number(span.startUnixNano) / 1e6, 2);
  expect(durationMsOf(table, row)).toBeCloseTo(spanDurationMsOf(span), 5);
  expect(memory.resource(table.resource[row]!)).toEqual([
    Buffer.from(sent.resource.bytes).toString('hex'),
    '',
  ]);
  expect(memory.scope(table.scope[row]!)).toEqual([Buffer.from(sent.scope.bytes).toString('hex'), '']);
  expect(memory.operation(table.operation[row]!)).toEqual([serviceOf(span), span.kind, operationOf(span)]);
  expect(memory.peer(table.peer[row]!)).toEqual(peerOf(span));
  expect({
    kind: KINDS[table.kind[row]!],
    status: STATUSES[table.status[row]!],
    outcome: OUTCOMES[table.outcome[row]!],
    flags: table.flags[row]!,
    giveUp: table.giveUps.get(row) ?? null,
  }).toEqual({
    kind: span.kind,
    status: span.status.code,
    outcome: facts.outcome,
    flags:
      (facts.isStream ? IS_STREAM : 0) |
      (facts.isRetry ? IS_RETRY : 0) |
      (facts.neverArrived ? NEVER_ARRIVED : 0) |
      (facts.isSnapshot ? IS_SNAPSHOT : 0),
    giveUp:
      facts.giveUp === null
        ? null
        : { kind: facts.giveUp.kind, phase: facts.giveUp.phase, budgetMs: facts.giveUp.budgetMs },
  });
}

/** Takes the request as `walkRequest` walks it: the same spans, the same words. Returns how many rows are raw. */
function expectTaken(table: SpanTable, request: Buffer, memory: Memory): number {
  const walked = walkRequest(request, NOW_UNIX_MS);
  const { fromRow, toRow, ...said } = takeRequest(table, memory.interner, request, NOW_UNIX_MS);
  expect(said).toEqual({
    refused: walked.refused,
    refusedMessage: walked.refusedMessage,
    warning: walked.warning,
  });
  expect(toRow - fromRow).toBe(walked.spans.length);
  let raw = 0;
  for (const [index, sent] of walked.spans.entries()) {
    expectRow(table, fromRow + index, sent, memory);
    if (table.shape[fromRow + index] === RAW_SHAPE) raw++;
  }
  return raw;
}

test.each([
  { percent: 0, fewest: 0, most: 400 },
  { percent: 1, fewest: 400, most: 1_100 },
  { percent: 5, fewest: 500, most: 1_200 },
])(
  'random spans, $percent in a hundred bytes strange, are rows that say them again',
  ({ percent, fewest, most }) => {
    const random = seeded(1_000 + percent);
    const table = createSpanTable();
    const memory = memoryInterner();
    let raw = 0;
    for (let round = 0; round < 60; round++) {
      const spans = Array.from({ length: 20 }, () => randomSpan(random, { percent }));
      raw += expectTaken(table, requestOf(spans, `service ${random(3)}`), memory);
      if (round % 20 === 19) resetTable(table);
    }
    expect(raw).toBeGreaterThanOrEqual(fewest);
    expect(raw).toBeLessThan(most);
  },
);

test('a bare method is named by its first route or path that says something', () => {
  const texts = ['', '/items', '/items/42'];
  const combinations = texts.flatMap((route) =>
    texts.flatMap((template) =>
      texts.map((path) => ({ 'http.route': route, 'url.template': template, 'url.path': path })),
    ),
  );
  const request = makeRequest(
    ...combinations.map((attributes, index) => ({ id: `${index + 1}`, name: 'GET', attributes })),
  );
  expectTaken(createSpanTable(), request, memoryInterner());
});

test('rows are of the scope that stands behind them, and of none when there is none', () => {
  const table = createSpanTable();
  const memory = memoryInterner();
  const random = seeded(7);
  const spans = () => Array.from({ length: 3 }, () => randomSpan(random, { percent: 0 }));
  const scopeBehind = Buffer.from([0x0a, 3, 0x0a, 1, 0x62]);
  expectTaken(table, requestOf(spans(), 'shop', scopeBehind), memory);
  expectTaken(table, requestOf(spans(), 'shop'), memory);
  const names = Array.from({ length: table.rows }, (_, row) => {
    const [bytes] = memory.scope(table.scope[row]!);
    return decodeScope(Buffer.from(bytes!, 'hex'), '').name;
  });
  expect(names).toEqual(['b', 'b', 'b', 'test', 'test', 'test']);
});

test('a resource too large to be remembered is read once for all scopes of it, and each of two for its own', () => {
  const memory = memoryInterner();
  const services: string[] = [];
  const interner = {
    ...memory.interner,
    resource(bytes: Uint8Array, schemaUrl: string): number {
      services.push(serviceOf({ resource: decodeResource(bytes, schemaUrl) }));
      return memory.interner.resource(bytes, schemaUrl);
    },
  };
  const span = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), name: 'GET' };
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const resourceSpans = (service: string) => ({
    resource: {
      attributes: [attribute('service.name', service), attribute('notes', 'x'.repeat(20_000))],
    },
    scopeSpans: Array.from({ length: 3 }, (_, number) => ({
      scope: { name: `scope ${number}` },
      spans: [span],
    })),
  });
  const request = encode('TracesData', { resourceSpans: [resourceSpans('shop'), resourceSpans('stock')] });
  const table = createSpanTable();
  takeRequest(table, interner, request, NOW_UNIX_MS);
  expect(services).toEqual(['shop', 'stock']);
  expect([...table.resource.subarray(0, table.rows)]).toEqual([1, 1, 1, 2, 2, 2]);
});
