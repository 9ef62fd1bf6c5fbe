import { expect, test } from 'vitest';
import { findTraceEdges } from '../../collector/query/trace-edges.ts';
import type { Span, SpanKind } from '../../collector/span.ts';
import { makeSpan, START_UNIX_NANO } from '../diagnose/make-span.ts';

const id = (short: string) => (short === '' ? '' : short.padStart(16, '0'));

function span(kind: SpanKind, service: string, short: string, parent: string, error?: string): Span {
  return makeSpan({
    kind,
    spanId: id(short),
    parentSpanId: id(parent),
    startUnixNano: START_UNIX_NANO,
    endUnixNano: START_UNIX_NANO + 5_000_000n,
    status: { code: error === undefined ? 'unset' : 'error', message: '' },
    attributes: error === undefined ? {} : { 'error.type': error },
    resource: {
      attributes: new Map([['service.name', service]]),
      droppedAttributes: 0,
      schemaUrl: '',
    },
  });
}
const edgesOf = (...spans: Span[]) =>
  findTraceEdges('1', spans, (_call, paired) => paired ?? 'payments.local').edges;

test('a trace leads from outside along its calls, in their order', () => {
  expect(
    edgesOf(
      span('server', 'gateway', '1', ''),
      span('client', 'gateway', '2', '1'),
      span('server', 'checkout', '3', '2'),
      span('internal', 'checkout', '4', '3'),
      span('client', 'checkout', '5', '4', 'ETIMEDOUT'),
    ),
  ).toEqual([
    { from: null, to: 'gateway', calls: 1, errors: 0, timeouts: 0 },
    { from: 'gateway', to: 'checkout', calls: 1, errors: 0, timeouts: 0 },
    { from: 'checkout', to: 'payments.local', calls: 1, errors: 0, timeouts: 1 },
  ]);
});

test('calls along one edge are counted together', () => {
  expect(edgesOf(span('client', 'a', '1', ''), span('client', 'a', '2', '', 'ECONNREFUSED'))).toEqual([
    { from: 'a', to: 'payments.local', calls: 2, errors: 1, timeouts: 0 },
  ]);
});

test('a server span whose parent has not arrived did not come from outside', () => {
  expect(edgesOf(span('server', 'gateway', '2', '1'))).toEqual([]);
});

test('when the trace was is said, a start of 0 left out', () => {
  const unset = { ...span('internal', 'a', '1', ''), startUnixNano: 0n, endUnixNano: 0n };
  expect(findTraceEdges('1', [unset, span('client', 'a', '2', '1')], () => 'b')).toMatchObject({
    startedAt: '2023-11-14T22:13:20.000Z',
    durationMs: 5,
  });
});
