import { expect, test } from 'vitest';
import { foldPending, PROCESS_ENDED } from '../../collector/diagnose/pending.ts';
import type { AttributeValue, Span } from '../../collector/span.ts';
import { makeSpan } from './make-span.ts';

const OPEN = 'aaaaaaaaaaaaaaa1';
const PARENT = 'aaaaaaaaaaaaaaa0';

function snapshot(takenMs: number, more: Record<string, AttributeValue> = {}): Span {
  const taken = BigInt(takenMs) * 1_000_000n;
  return makeSpan({
    spanId: `bbbbbbbbbbbb${String(takenMs).padStart(4, '0')}`,
    parentSpanId: OPEN,
    name: 'pending POST /buy',
    kind: 'internal',
    startUnixNano: taken,
    endUnixNano: taken,
    attributes: {
      'sockeye.pending.span_id': OPEN,
      'sockeye.pending.parent_id': PARENT,
      'sockeye.pending.name': 'POST /buy',
      'sockeye.pending.kind': 'client',
      'sockeye.pending.start_unix_nano': '100000000',
      'sockeye.pending.reason': 'open',
      'server.address': 'payments',
      ...more,
    },
  });
}

test('spans without snapshots stay as they are', () => {
  const spans = [makeSpan({ spanId: OPEN })];
  expect(foldPending(spans)).toBe(spans);
});

test('snapshots of a span that is not there are one open span, with what the latest says', () => {
  const early = snapshot(1_100, { 'sockeye.phase.connect_ms': 900 });
  const late = snapshot(2_100, { 'sockeye.phase.connect_ms': 1_900 });
  const folded = foldPending([late, early]);
  expect(folded).toHaveLength(1);
  expect(folded[0]).toMatchObject({
    spanId: OPEN,
    parentSpanId: PARENT,
    name: 'POST /buy',
    kind: 'client',
    startUnixNano: 100_000_000n,
    endUnixNano: 0n,
  });
  expect([...folded[0]!.attributes]).toEqual([
    ['server.address', 'payments'],
    ['sockeye.phase.connect_ms', 1_900],
  ]);
});

test('the span itself takes the place of its snapshots', () => {
  const ended = makeSpan({ spanId: OPEN, endUnixNano: 5n });
  expect(foldPending([snapshot(1_100), ended, snapshot(2_100)])).toEqual([ended]);
});

test('a span open when its process ended says so', () => {
  const [span] = foldPending([snapshot(1_100), snapshot(1_200, { 'sockeye.pending.reason': 'exit' })]);
  expect(span!.attributes.get(PROCESS_ENDED)).toBe(true);
});

test('an open root has no parent, however it is written', () => {
  for (const parent of ['', '0000000000000000', 'no id']) {
    expect(foldPending([snapshot(1_100, { 'sockeye.pending.parent_id': parent })])[0]!.parentSpanId).toBe('');
  }
});

test('a start that is none, or after the snapshot, is when the snapshot was taken', () => {
  for (const start of ['soon', '', '9'.repeat(19), -5, 3e18]) {
    const [span] = foldPending([snapshot(1_100, { 'sockeye.pending.start_unix_nano': start })]);
    expect(span!.startUnixNano).toBe(1_100_000_000n);
  }
});

test('an id that is none makes no snapshot: the span is shown as it came', () => {
  const odd = snapshot(1_100, { 'sockeye.pending.span_id': 'x' });
  expect(foldPending([odd])).toEqual([odd]);
});

test('Logfire’s pending span speaks of its parent', () => {
  const span = makeSpan({
    spanId: 'cccccccccccccccc',
    parentSpanId: OPEN,
    name: 'work',
    startUnixNano: 7n,
    endUnixNano: 7n,
    attributes: { 'logfire.span_type': 'pending_span', 'logfire.pending_parent_id': '0000000000000000' },
  });
  expect(foldPending([span])).toMatchObject([
    { spanId: OPEN, parentSpanId: '', name: 'work', startUnixNano: 7n, endUnixNano: 0n },
  ]);
});
