import { expect, test } from 'vitest';
import { decodeTraces } from '../../collector/decode/decode-traces.ts';
import { PROCESS_ENDED } from '../../collector/diagnose/pending.ts';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import { writeColumnFile } from '../../collector/query/column-file.ts';
import { orderRows } from '../../collector/query/row-order.ts';
import { traceColumns } from '../../collector/query/trace-columns.ts';
import { traceTexts } from '../../collector/query/trace-texts.ts';
import type { TraceTextsHead } from '../../collector/serve/wire.ts';
import type { Span } from '../../collector/span.ts';
import { findSpan, readColumnFile, readTraceColumns, spanAt } from '../../ui/timeline/columns.ts';
import { placeFlawsOf } from '../../ui/timeline/place-in-trace.ts';
import { makeSpan, START_UNIX_NANO } from '../diagnose/make-span.ts';
import { makeRequest } from '../store/make-request.ts';

const id = (short: string) => short.padStart(16, '0');
function span(
  short: string,
  parent: string,
  fromMs: number,
  toMs: number,
  more: Parameters<typeof makeSpan>[0] = {},
) {
  return makeSpan({
    spanId: id(short),
    parentSpanId: parent === '' ? '' : id(parent),
    kind: 'internal',
    startUnixNano: START_UNIX_NANO + BigInt(fromMs) * 1_000_000n,
    endUnixNano: START_UNIX_NANO + BigInt(toMs) * 1_000_000n,
    ...more,
  });
}
function columnsOf(...spans: Span[]) {
  const tree = buildTraceTree(spans);
  const file = writeColumnFile(
    traceColumns('1', tree, orderRows(tree), { received: spans.length, folded: spans.length }, []),
  );
  return readTraceColumns(file.buffer);
}
/** Rows as a reader of the columns sees them: id and index of the parent. */
const rowsOf = (...spans: Span[]) => {
  const columns = columnsOf(...spans);
  return Array.from({ length: columns.count }, (_, index) => [
    spanAt(columns, index).spanId.replace(/^0+/, ''),
    columns.parent[index],
  ]);
};

test('spans stand below their callers, earlier calls first, longer ones first at one moment', () => {
  expect(
    rowsOf(span('1', '', 0, 90), span('4', '1', 50, 60), span('2', '1', 10, 20), span('3', '1', 10, 40)),
  ).toEqual([
    ['1', -1],
    ['3', 0],
    ['2', 0],
    ['4', 0],
  ]);
});

test('whole roots come first, then what hangs below missing parents, then cycles, cut', () => {
  const spans = [
    span('a', 'b', 0, 5),
    span('b', 'a', 1, 4),
    span('3', 'dead', 2, 9),
    span('4', 'beef', 3, 9),
    span('5', 'dead', 4, 9),
    span('1', '', 5, 9),
  ];
  expect(rowsOf(...spans)).toEqual([
    ['1', -1],
    ['3', -2],
    ['5', -2],
    ['4', -3],
    ['a', -1],
    ['b', 4],
  ]);
  const columns = columnsOf(...spans);
  expect(columns.head.missingParents).toEqual([id('dead'), id('beef')]);
  expect([...columns.marks]).toEqual([0, 0, 0, 0, 2, 0]);
});

test('a call and its server that share an id, as Zipkin has it, are two rows', () => {
  const client = span('1', '', 0, 50, { kind: 'client' });
  const server = span('1', '', 5, 45, { kind: 'server' });
  expect(rowsOf(client, server, span('2', '1', 10, 20))).toEqual([
    ['1', -1],
    ['1', 0],
    ['2', 1],
  ]);
});

test('a server that shares the id of a call that has not arrived says so', () => {
  const attributes = { 'zipkin.parent_id': id('1') };
  const server = span('f'.repeat(15) + 'd', '2', 1, 9, { kind: 'server', attributes });
  const [root, call] = [span('1', '', 0, 10), span('2', '1', 0, 10, { kind: 'client' })];
  const columns = columnsOf(root, server);
  expect(placeFlawsOf(columns, 1)).toEqual(['the call that it answers has not arrived']);
  expect([...columns.marks, ...columnsOf(root, server, call).marks]).toEqual([0, 8, 0, 0, 0]);
});

test('a span that was sent again is counted and left out', () => {
  const columns = columnsOf(span('1', '', 0, 10), span('1', '', 0, 20, { name: 'again' }));
  expect(columns.head).toMatchObject({ spans: 1, duplicates: 1, durationMs: 20 });
});

test('a span has its times, names, outcome and phases, the last one unfinished', () => {
  const columns = columnsOf(
    span('1', '', 0, 40, { kind: 'server' }),
    span('2', '1', 5, 35, {
      kind: 'client',
      name: 'POST',
      status: { code: 'error', message: 'timed out' },
      attributes: {
        'server.address': 'pay',
        'server.port': 443,
        'url.path': '/pay/17',
        'sockeye.phase.dns_ms': 2.5,
        'sockeye.phase.connect_ms': 27.5,
        'sockeye.timeout.phase': 'connect',
        'sockeye.timeout.budget_ms': 30,
      },
    }),
  );
  expect(spanAt(columns, 1)).toEqual({
    index: 1,
    spanId: id('2'),
    service: 'checkout',
    operation: 'POST /pay/{id}',
    kind: 'client',
    status: 'error',
    startMs: 5,
    durationMs: 30,
    skewMs: 0,
    pending: false,
    processEnded: false,
    phases: [
      { phase: 'dns', startMs: 0, durationMs: 2.5, open: false },
      { phase: 'connect', startMs: 2.5, durationMs: 27.5, open: true },
    ],
  });
  expect(columns.head.outcomes[columns.outcome[1]!]).toBe('timeout');
  expect([[...columns.budgetOf], [...columns.budgetMs]]).toEqual([[1], [30]]);
  expect(
    [...columns.silentOf].map((index, at) => [
      index,
      columns.head.callees[columns.silentCallee[at]!],
      columns.silentNever[at],
    ]),
  ).toEqual([[1, 'pay:443', 1]]);
});

test('a span that has not ended is marked and has no length', () => {
  const columns = columnsOf(span('1', '', 0, 10, { endUnixNano: 0n }));
  expect(spanAt(columns, 0)).toMatchObject({ pending: true, durationMs: 0 });
});

test('a span whose process ended before it did says so', () => {
  const attributes = { [PROCESS_ENDED]: true };
  const columns = columnsOf(span('1', '', 0, 10, { endUnixNano: 0n, attributes }));
  expect(spanAt(columns, 0)).toMatchObject({ pending: true, processEnded: true });
});

test('a span is found by its id', () => {
  const columns = columnsOf(span('1', '', 0, 10), span('abc', '1', 1, 2));
  expect([id('1'), id('abc'), id('dead'), 'no id', ''].map((text) => findSpan(columns, text))).toEqual([
    0, 1, -1, -1, -1,
  ]);
});

test('a chain of 20,000 calls is written', () => {
  const spans = Array.from({ length: 20_000 }, (_, index) =>
    span((index + 1).toString(16), index === 0 ? '' : index.toString(16), 0, 10),
  );
  const { parent, count } = columnsOf(...spans);
  expect([count, parent[19_999]]).toEqual([20_000, 19_998]);
});

test('texts hold every line once, and which span says which', () => {
  const first = span('1', '', 0, 10, {
    attributes: { 'url.path': '/a', n: 5 },
    status: { code: 'error', message: 'boom' },
  });
  const second = span('2', '1', 1, 2, {
    resource: first.resource,
    scope: first.scope,
    attributes: { 'url.path': '/a' },
    events: [
      { timeUnixNano: 0n, name: 'retry', attributes: new Map([['why', 'reset']]), droppedAttributes: 0 },
    ],
  });
  const { head, column } = readColumnFile<TraceTextsHead>(
    writeColumnFile(traceTexts([first, second])).buffer,
  );
  expect(new Set(head.texts).size).toBe(head.texts.length);
  const [ends, texts] = [column('textEnd', 'u32'), column('text', 'u32')];
  const linesOf = (index: number) =>
    Array.from(texts.slice(ends[index - 1] ?? 0, ends[index]), (text) => head.texts[text]);
  expect(linesOf(0)).toEqual(['GET /', 'internal', 'error', 'boom', 'url.path=/a', 'n=5']);
  expect(linesOf(1)).toEqual(['GET /', 'internal', 'unset', 'url.path=/a', 'retry', 'why=reset']);
  expect([...column('context', 'u32')]).toEqual([0, 0]);
  expect([...column('contextText', 'u32')].map((text) => head.texts[text])).toEqual([
    'checkout',
    'test',
    'service.name=checkout',
  ]);
});

test('a file that is cut off is refused', () => {
  for (const length of [0, 3, 40]) {
    const cut = writeColumnFile(traceTexts([])).slice(0, length);
    expect(() => readColumnFile(cut.buffer)).toThrow(/columns: got \d+ bytes|JSON/);
  }
});

test('the spans of a document come by start and share what they were sent with', () => {
  const request = makeRequest(
    { id: '2', startMs: 5, service: 'b' },
    { id: '1', startMs: 0 },
    { id: '3', startMs: 9 },
  );
  const spans = decodeTraces(request);
  expect(spans.map(({ spanId, resource }) => [spanId, resource.attributes.get('service.name')])).toEqual([
    [id('1'), 'checkout'],
    [id('2'), 'b'],
    [id('3'), 'checkout'],
  ]);
});
