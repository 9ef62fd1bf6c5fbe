import { expect, it } from 'vitest';
import { decodeTraces } from '../../../collector/decode/decode-traces.ts';
import { tracesFromJson } from '../../../collector/decode/otlp-json.ts';
import { foldDocument } from '../../../collector/serve/compatible/fold-document.ts';

const ID = '00000000000000a1';
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const span = (more: object = {}) => ({
  traceId: '4d'.repeat(16),
  spanId: ID,
  name: 'GET',
  kind: 3,
  startTimeUnixNano: '1000',
  endTimeUnixNano: '5000',
  ...more,
});
const documentOf = (...spans: readonly object[]) =>
  tracesFromJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
const fold = (...spans: readonly object[]) => decodeTraces(foldDocument(documentOf(...spans)));

it('gives back what it got where nothing is open or sent again', () => {
  const document = documentOf(span(), span({ spanId: '00000000000000a2' }));
  expect(foldDocument(document)).toBe(document);
  const empty = Buffer.alloc(0);
  expect(foldDocument(empty)).toBe(empty);
});

it('keeps the later version of a span, and both sides of a call that share its id', () => {
  const versions = fold(span({ endTimeUnixNano: '0' }), span(), span({ endTimeUnixNano: '4000' }));
  expect(versions.map(({ endUnixNano }) => endUnixNano)).toEqual([5000n]);
  const sides = fold(span(), span({ kind: 2 }), span({ kind: 2 }));
  expect(sides.map(({ kind }) => kind).toSorted()).toEqual(['client', 'server']);
});

it('says of an open span that its process ended before it did', () => {
  const snapshot = {
    spanId: '00000000000000b1',
    parentSpanId: ID,
    startTimeUnixNano: '7000',
    endTimeUnixNano: '7000',
  };
  const attributes = [
    text('sockeye.pending.span_id', ID),
    text('sockeye.pending.start_unix_nano', '1000'),
    text('sockeye.pending.reason', 'exit'),
    { key: 'ratio', value: { doubleValue: 'NaN' } },
  ];
  const [open] = fold(span({ ...snapshot, attributes }));
  expect(open).toMatchObject({ spanId: ID, parentSpanId: '', startUnixNano: 1000n, endUnixNano: 7000n });
  expect([...open!.attributes]).toEqual([
    ['ratio', NaN],
    ['sockeye.pending.process_ended', true],
  ]);
});

it('takes Logfire’s pending spans for what they are', () => {
  const pending = {
    spanId: '00000000000000b1',
    parentSpanId: ID,
    attributes: [
      text('logfire.span_type', 'pending_span'),
      text('logfire.pending_parent_id', '00000000000000a0'),
    ],
  };
  expect(fold(span(pending), span())).toHaveLength(1);
  expect(fold(span(pending))).toMatchObject([{ spanId: ID, parentSpanId: '00000000000000a0' }]);
});
