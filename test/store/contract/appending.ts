/** What is taken, recognised as a duplicate, refused, and comes back as it was sent. */
import { expect, test } from 'vitest';
import { decode, encode, fullMessage } from '../../decode/otlp-proto.ts';
import { AROUND_NOON, makeRequest, NOON_UNIX_MS, spanId, traceId } from '../make-request.ts';
import type { TestedStore } from './tested-store.ts';

export function checkAppending(tested: TestedStore): void {
  test('what was appended is read back at once, by start', async () => {
    const outcome = await tested.store.append(
      makeRequest({ id: '2', parent: '1', startMs: 5 }, { id: '1', startMs: 0 }),
    );
    expect(outcome).toEqual({ stored: 2, duplicate: 0, refused: 0, refusedMessage: '', warning: '' });
    const spans = await tested.store.readTrace(traceId('1'));
    expect(spans.map((span) => span.spanId)).toEqual([spanId('1'), spanId('2')]);
    expect(spans[0]!.startUnixNano).toBe(BigInt(NOON_UNIX_MS) * 1_000_000n);
  });

  test('every field of the protocol comes back as it was sent', async () => {
    const message = fullMessage('TracesData');
    await tested.store.append(encode('TracesData', message));
    const resourceSpans = message['resourceSpans'] as {
      scopeSpans: { spans: { traceId: Buffer }[] }[];
    }[];
    const id = resourceSpans[0]!.scopeSpans[0]!.spans[0]!.traceId.toString('hex');
    const bytes = await tested.store.readTraceBytes(id);
    const sent = decode('TracesData', encode('TracesData', message));
    const kept = decode('TracesData', bytes!) as { resourceSpans: unknown[] };
    // Each of the message's spans has a trace of its own.
    const [resource] = sent['resourceSpans'] as { scopeSpans: { spans: object[] }[] }[];
    const [scope] = resource!.scopeSpans;
    const expected = { ...resource, scopeSpans: [{ ...scope, spans: [scope!.spans[0]] }] };
    expect(kept.resourceSpans).toEqual([expected]);
  });

  test.each([3, 2_500])('a trace of %i spans is given as the page opens it', async (count) => {
    const id = (number: number) => (number + 1).toString(16);
    const parent = (number: number) => (number === 0 ? {} : { parent: id(Math.floor((number - 1) / 4)) });
    const sent = Array.from({ length: count }, (_, number) => ({ id: id(number), ...parent(number) }));
    // In two requests, the callers last.
    for (const half of [sent.slice(2), sent.slice(0, 2)]) await tested.store.append(makeRequest(...half));
    const file = (await tested.store.readTraceColumns(traceId('1')))!;
    const head = JSON.parse(Buffer.from(file.slice(4, 4 + file[0]! + file[1]! * 256)).toString());
    expect(head).toMatchObject({ traceId: traceId('1'), spans: count, complete: true, pinned: false });
    expect(head).toMatchObject({ services: ['checkout'], operations: ['GET /'], verdicts: [] });
  });

  test('a request sent again byte for byte is a duplicate, also within one turn', async () => {
    const request = makeRequest({ id: '1' }, { id: '2' });
    expect(await tested.store.append(request)).toMatchObject({ stored: 2, duplicate: 0 });
    expect(await tested.store.append(request)).toMatchObject({ stored: 0, duplicate: 2 });
    const other = makeRequest({ id: '3' });
    const outcomes = await Promise.all([tested.store.append(other), tested.store.append(other)]);
    expect(outcomes.map(({ stored }) => stored)).toEqual([1, 0]);
    expect((await tested.store.status()).spans).toBe(3);
  });

  test('a span sent again is there once, though it is batched differently, and counted once', async () => {
    await tested.store.append(makeRequest({ id: '1' }, { id: '2' }));
    await tested.store.append(makeRequest({ id: '2' }, { id: '3' }, { id: '3' }));
    expect(await tested.store.readTrace(traceId('1'))).toHaveLength(3);
    expect((await tested.store.status()).spans).toBe(3);
    await tested.store.append(makeRequest({ id: '3' }, { id: '4' }, { id: '1' }));
    expect(await tested.store.readTrace(traceId('1'))).toHaveLength(4);
    expect((await tested.store.status()).spans).toBe(4);
    const stats = await tested.store.readServiceStats(AROUND_NOON, { byOperation: false, service: null });
    expect(stats).toMatchObject([{ service: 'checkout', calls: 4 }]);
  });

  test('two different spans with one id are both kept, and so are equal spans of two resources', async () => {
    await tested.store.append(makeRequest({ id: '1', name: 'a' }, { id: '1', name: 'b' }));
    await tested.store.append(makeRequest({ id: '1', name: 'a', service: 'other' }));
    const spans = await tested.store.readTrace(traceId('1'));
    expect(spans.map((span) => span.name)).toEqual(['a', 'b', 'a']);
  });

  test('refused spans are counted and named, the rest is stored', async () => {
    const outcome = await tested.store.append(
      makeRequest({ id: '1' }, { id: '2', more: { spanId: Buffer.alloc(8) } }),
    );
    expect(outcome).toMatchObject({ stored: 1, refused: 1 });
    expect(outcome.refusedMessage).not.toBe('');
  });

  test('bytes that cannot be decoded are refused whole and leave the appends beside them alone', async () => {
    const broken = Buffer.concat([makeRequest({ id: '1' }), Buffer.from([0x0a, 0x7f])]);
    const outcomes = await Promise.allSettled([
      tested.store.append(makeRequest({ id: '2' })),
      tested.store.append(broken),
      tested.store.append(makeRequest({ id: '3' })),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { name: 'DecodeError' } });
    expect((await tested.store.status()).spans).toBe(2);
  });

  test('times of 1970 and 2262 and spans that end before they start are kept as sent', async () => {
    const odd = [
      { startTimeUnixNano: '1', endTimeUnixNano: '18446744073709551615' },
      { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '0' },
      { startTimeUnixNano: '2000000000000000001', endTimeUnixNano: '1999999999999999999' },
    ];
    const outcome = await tested.store.append(
      makeRequest(...odd.map((more, index) => ({ id: String(index + 1), more }))),
    );
    expect(outcome.stored).toBe(3);
    const spans = await tested.store.readTrace(traceId('1'));
    const times = new Map(
      spans.map((span) => [span.spanId, [String(span.startUnixNano), String(span.endUnixNano)]]),
    );
    odd.forEach(({ startTimeUnixNano, endTimeUnixNano }, index) => {
      expect(times.get(spanId(String(index + 1)))).toEqual([startTimeUnixNano, endTimeUnixNano]);
    });
    const range = { fromUnixMs: 0, toUnixMs: 8.64e15 };
    expect((await tested.search('', { range })).total).toBe(1);
  });

  test('integers beyond 2^53 come back exact', async () => {
    const attributes = [{ key: 'big', value: { intValue: '-9007199254740995' } }];
    await tested.store.append(makeRequest({ more: { attributes } }));
    const [span] = await tested.store.readTrace(traceId('1'));
    expect(span!.attributes.get('big')).toBe(-9007199254740995n);
  });

  test('a trace of 20,000 spans below one parent is stored and read whole', async () => {
    const children = Array.from({ length: 20_000 }, (_, i) => ({
      id: (i + 2).toString(16),
      parent: '1',
    }));
    expect(await tested.store.append(makeRequest({ id: '1' }, ...children))).toMatchObject({
      stored: 20_001,
    });
    expect(await tested.store.readTrace(traceId('1'))).toHaveLength(20_001);
    expect((await tested.search('trace.spans>20000')).total).toBe(1);
  });

  test('the request remains the caller’s, who may use its memory again at once', async () => {
    const request = makeRequest({ id: '1' });
    const before = Buffer.from(request);
    const appended = tested.store.append(request);
    expect(request.equals(before)).toBe(true);
    request.fill(0);
    expect(await appended).toMatchObject({ stored: 1, refused: 0 });
  });
}
