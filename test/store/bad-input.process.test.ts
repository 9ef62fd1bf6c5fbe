/** What a store must bear from senders, clocks and disks: nothing is lost, nobody else pays for it. */
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, test, vi } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import type { TraceSummary } from '../../collector/serve/wire.ts';
import { serviceOf } from '../../collector/span.ts';
import { databasePath, openForReading } from '../../collector/store/sqlite/open-database.ts';
import { openWriter } from '../../collector/store/sqlite/write/writer.ts';
import type { Store, TimeRange } from '../../collector/store/store.ts';
import { withCollector } from '../main/collector.ts';
import { AROUND_NOON, makeRequest, NOON_UNIX_MS, traceId, type SentSpan } from './make-request.ts';
import { folder, open } from './new-folder.ts';

const timeout = 120_000;

async function found(store: Store, q: string, range: TimeRange = AROUND_NOON): Promise<string[]> {
  const search = { range, term: parseQuery(q), sort: 'newest', limit: 20, cursor: null } as const;
  return (await store.searchTraces(search)).traces
    .map((trace) => trace.traceId.replace(/^0+/, ''))
    .toSorted();
}

interface BlockRange {
  readonly kind: string;
  readonly first: number | null;
  readonly last: number | null;
  readonly spans: number;
}
function blocks(): BlockRange[] {
  const reader = openForReading(folder);
  try {
    return reader
      .prepare<[], BlockRange>(
        `SELECT kind, first_start_unix_ms AS first, last_start_unix_ms AS last, span_count AS spans FROM block
         ORDER BY first_start_unix_ms`,
      )
      .all();
  } finally {
    reader.close();
  }
}

test('a journal entry that does not decode is set aside; those around it are served, counted and folded', async () => {
  let store = await open();
  for (const trace of ['1', '2', '3']) await store.append(makeRequest({ trace, service: `s${trace}` }));
  await store.close();
  const database = new Database(databasePath(folder));
  const ids = database.prepare<[], number>('SELECT segment_id FROM segment ORDER BY 1').pluck().all();
  expect(ids).toHaveLength(3);
  // Right by its checksum, but of another kind: the data of a block's part.
  database.prepare("UPDATE segment SET data = x'1234567800000000' WHERE segment_id = ?").run(ids[1]);
  database.close();
  store = await open();
  expect(await store.status()).toMatchObject({ spans: 2 });
  expect(await found(store, '')).toEqual(['1', '3']);
  expect(await store.readTrace(traceId('2'))).toEqual([]);
  const stats = await store.readServiceStats(AROUND_NOON, { byOperation: false, service: null });
  expect(stats.map(({ service }) => service).toSorted()).toEqual(['s1', 's3']);
  const reader = openForReading(folder);
  expect(reader.prepare('SELECT segment_id, reason FROM damage').all()).toEqual([
    { segment_id: ids[1], reason: expect.stringContaining('checksum') },
  ]);
  reader.close();
  await store.append(makeRequest({ trace: '4' }));
  expect(await found(store, '')).toEqual(['1', '3', '4']);
});

describe('clocks', () => {
  test('when the clock jumps back an hour, nothing is lost, doubled or uncounted, before and after a restart', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let writer = openWriter(folder);
    const append = async (atUnixMs: number, bytes: Buffer) => {
      vi.setSystemTime(atUnixMs);
      return (await writer.append({ bytes, lengths: [bytes.length] }))[0];
    };
    try {
      const first = makeRequest({ trace: 'a', service: 'before' });
      await append(NOON_UNIX_MS, first);
      writer.settle();
      await append(NOON_UNIX_MS - 3_600_000, makeRequest({ trace: 'a', id: '2', service: 'after' }));
      await append(
        NOON_UNIX_MS - 3_599_000,
        makeRequest({ trace: 'b', service: 'after', startMs: -3_600_000 }),
      );
      // Sent again after the jump: known all the same.
      expect(await append(NOON_UNIX_MS - 3_598_000, first)).toMatchObject({ stored: 0, duplicate: 1 });
      writer.close();
      writer = openWriter(folder);
      await append(NOON_UNIX_MS - 3_597_000, makeRequest({ trace: 'a', id: '3', service: 'restarted' }));
      writer.settle();
    } finally {
      writer.close();
      vi.useRealTimers();
    }
    const store = await open();
    expect((await store.readTrace(traceId('a'))).map(serviceOf).toSorted()).toEqual([
      'after',
      'before',
      'restarted',
    ]);
    const range = { fromUnixMs: NOON_UNIX_MS - 7_200_000, toUnixMs: NOON_UNIX_MS + 3_600_000 };
    expect(await found(store, '', range)).toEqual(['a', 'b']);
    const stats = await store.readServiceStats(range, { byOperation: false, service: null });
    expect(Object.fromEntries(stats.map(({ service, calls }) => [service, calls]))).toEqual({
      after: 2,
      before: 1,
      restarted: 1,
    });
  });

  test('spans dated 1970 and 2100 are found by id and by their dates, and stretch the range of no block', async () => {
    const now = Date.now();
    const at = (unixMs: number) => ({ startMs: unixMs - NOON_UNIX_MS });
    const in2100 = Date.UTC(2100, 5, 1);
    const spans: SentSpan[] = [
      ...Array.from({ length: 200 }, (_, i) => ({ trace: `c${i.toString(16)}`, ...at(now - i) })),
      { trace: 'd1970', ...at(0) },
      { trace: 'd1971', ...at(31_536_000_000) },
      { trace: 'd2100', ...at(in2100) },
      // One trace of all times.
      { trace: 'e', id: '1', ...at(1_000) },
      { trace: 'e', id: '2', ...at(now) },
      { trace: 'e', id: '3', ...at(in2100) },
    ];
    const store = await open();
    await store.append(makeRequest(...spans));
    const check = async () => {
      expect(await store.status()).toMatchObject({ spans: spans.length });
      for (const trace of ['d1970', 'd1971', 'd2100'])
        expect(await store.readTrace(traceId(trace)), trace).toHaveLength(1);
      expect(await store.readTrace(traceId('e'))).toHaveLength(3);
      expect(await found(store, '', { fromUnixMs: 0, toUnixMs: 1_000 })).toEqual(['d1970']);
      expect(await found(store, '', { fromUnixMs: in2100 - 1, toUnixMs: in2100 + 1 })).toContain('d2100');
      const recent = { fromUnixMs: now - 60_000, toUnixMs: now + 60_000 };
      const search = { range: recent, term: null, sort: 'newest', limit: 1_000, cursor: null } as const;
      expect((await store.searchTraces(search)).total).toBe(201);
    };
    await check();
    const ranges = blocks();
    expect(ranges.reduce((sum, { spans: count }) => sum + count, 0)).toBe(spans.length);
    const scattered = ranges.filter(({ kind }) => kind === 'scattered');
    for (const { first, last } of scattered) expect([first, last]).toEqual([null, null]);
    for (const { kind, first, last } of ranges.filter((range) => !scattered.includes(range)))
      expect(last! - first!, kind).toBeLessThanOrEqual(86_400_000);
    const recent = ranges.filter(({ kind }) => kind === 'recent');
    expect(recent).toHaveLength(1);
    expect(recent[0]!.first).toBeGreaterThan(now - 3_600_000);
    expect(recent[0]!.last).toBeLessThan(now + 3_600_000);
    await check();
  });
});

test(
  'an attribute of 10 MB is stored as it was sent, found, and no burden to its neighbours',
  { timeout },
  async () => {
    const text = `begin ${'x'.repeat(10_000_000)} end`;
    const store = await open();
    await store.append(
      makeRequest(
        { trace: '1', attributes: { 'note.text': 'small' } },
        { trace: '2', attributes: { 'note.text': text } },
        { trace: '3', attributes: { 'note.text': 'small' } },
      ),
    );
    const check = async () => {
      const [span] = await store.readTrace(traceId('2'));
      expect(span!.attributes.get('note.text') === text).toBe(true);
      expect(await found(store, 'note.text:small')).toEqual(['1', '3']);
      expect(await found(store, 'note.text:*')).toEqual(['1', '2', '3']);
      expect(await found(store, 'note.text~^begin')).toEqual(['2']);
      const values = await store.readAttributeValues(AROUND_NOON, 'note.text', 'small', 10);
      expect(values).toEqual([{ value: 'small', count: 2 }]);
    };
    await check();
    await store.status();
    expect(blocks().reduce((sum, { spans }) => sum + spans, 0)).toBe(3);
    await check();
  },
);

const KEYS = 1_000_000;
const KEYS_OF_SPAN = 500;
const SPANS_OF_REQUEST = 20;
/** An idle collector has some 150 MB. */
const PEAK_BYTES_MAX = 900e6;

test('a million distinct attribute keys fill no memory, and each is found', { timeout }, () =>
  withCollector([], async ({ otlpHttp, web, process: { pid } }) => {
    const headers = { 'content-type': 'application/x-protobuf' };
    const now = Date.now() - NOON_UNIX_MS;
    for (let sent = 0; sent * KEYS_OF_SPAN < KEYS; sent += SPANS_OF_REQUEST) {
      const spans = Array.from({ length: SPANS_OF_REQUEST }, (_, index): SentSpan => {
        const firstKey = (sent + index) * KEYS_OF_SPAN;
        const keys = Array.from(
          { length: KEYS_OF_SPAN },
          (_, key) => [`key.${firstKey + key}`, `value ${firstKey + key}`] as const,
        );
        return { trace: (sent + index + 1).toString(16), startMs: now, attributes: Object.fromEntries(keys) };
      });
      const body = new Uint8Array(makeRequest(...spans));
      expect((await fetch(`${otlpHttp}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
    }
    for (const wanted of [0, 123_456, KEYS - 1]) {
      const answer = await fetch(`${web}/api/traces?q=key.${wanted}:"value ${wanted}"`);
      const { traces } = (await answer.json()) as { traces: TraceSummary[] };
      const trace = Math.floor(wanted / KEYS_OF_SPAN) + 1;
      expect(traces.map(({ traceId: id }) => id)).toEqual([traceId(trace.toString(16))]);
    }
    const keys = await fetch(`${web}/api/attributes?prefix=key.&limit=10`);
    expect(((await keys.json()) as { attributes: unknown[] }).attributes).toHaveLength(10);
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

    expect(Number(peak) * 1_024).toBeLessThan(PEAK_BYTES_MAX);
  }),
);
