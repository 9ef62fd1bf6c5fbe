/** What is to be forwarded is kept with the commit that is acknowledged, and goes when every backend has it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import type { Signal } from '../../collector/decode/otlp-pieces.ts';
import { markOf } from '../../collector/decode/passed-collectors.ts';
import { backupStore } from '../../collector/store/sqlite/backup-store.ts';
import { databasePath, openForWriting } from '../../collector/store/sqlite/open-database.ts';
import { COLLECTOR_ID, createQueueGauge } from '../../collector/store/sqlite/forwarding.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import {
  openForwardQueue,
  type ForwardQueueReader,
} from '../../collector/store/sqlite/read/forward-queue.ts';
import { createForwardQueue } from '../../collector/store/sqlite/write/forward-queue.ts';
import { decode } from '../decode/otlp-proto.ts';
import { encodeMetrics, hostReportJson } from '../decode/metrics-proto.ts';
import { makeOldStore } from './make-old-store.ts';
import { makeRequest } from './make-request.ts';
import { folder } from './new-folder.ts';

const lane = (destination: string, signal: Signal = 'traces') => ({ destination, signal });
const openFor = (...forward: ReturnType<typeof lane>[]) => openStore({ folder, forward });
const METRICS = encodeMetrics(hostReportJson('a', { 'tcp.x': 1 }));

/** What the file has, beside whoever uses it. */
function look(at = folder) {
  const database = new Database(databasePath(at), { readonly: true });
  try {
    return {
      entries: database
        .prepare('SELECT signal, sum(item_count) AS items FROM forward_queue GROUP BY 1')
        .all(),
      positions: database
        .prepare(
          'SELECT destination, signal, taken_to_entry_id AS takenTo FROM forward_position ORDER BY 1, 2',
        )
        .all(),
    };
  } finally {
    database.close();
  }
}

function requestsIn(queue: ForwardQueueReader, signal: Signal): (Buffer | null)[] {
  const requests: (Buffer | null)[] = [];
  let entry = queue.next(signal, 0, Infinity);
  for (; entry !== null; entry = queue.next(signal, entry.id, Infinity)) requests.push(entry.requests);
  return requests;
}

test('nothing is kept where nothing is forwarded', async () => {
  const store = await openFor();
  await store.append(makeRequest({}));
  await store.close();
  expect(look()).toEqual({ entries: [], positions: [] });
});

test('requests are kept whole, those of spans once, and read back as they came, after a new start too', async () => {
  const store = await openFor(lane('a'), lane('a', 'metrics'));
  const first = makeRequest({ trace: '1' }, { trace: '1', id: '2', attributes: { text: 'x'.repeat(5_000) } });
  await Promise.all([store.append(first), store.append(makeRequest({ trace: '2' }))]);
  await store.append(first);
  await store.append(makeRequest({ trace: '3' }), false);
  await store.passOn('metrics', METRICS);
  await store.passOn('metrics', METRICS);
  const count = (queue: ForwardQueueReader, signal: Signal) => queue.sum(signal, 0, Infinity).items;
  for (const opened of [store, null]) {
    const again = opened ?? (await openFor(lane('a'), lane('a', 'metrics')));
    const queue = openForwardQueue(again.forwardQueue);
    expect(count(queue, 'traces')).toBe(3);
    expect(count(queue, 'metrics')).toBe(2);
    expect(queue.takenTo(lane('a'))).toBe(0);
    expect(decode('TracesData', Buffer.concat(requestsIn(queue, 'traces').map((each) => each!)))).toEqual(
      decode('TracesData', Buffer.concat([first, makeRequest({ trace: '2' })])),
    );
    expect(requestsIn(queue, 'metrics')).toEqual([METRICS, METRICS]);
    expect(queue.bytes()).toBeGreaterThan(0);
    queue.close();
    await again.close();
  }
});

test('a request that cannot be decoded is refused alone', async () => {
  const store = await openFor(lane('a'), lane('a', 'logs'));
  const [before, broken, behind] = await Promise.allSettled([
    store.append(makeRequest({ trace: '1' })),
    store.passOn('logs', Buffer.from([0x0a, 0x7f])),
    store.append(makeRequest({ trace: '2' })),
  ]);
  expect(broken).toMatchObject({ status: 'rejected', reason: expect.any(DecodeError) as unknown });
  for (const taken of [before, behind]) expect(taken).toMatchObject({ value: { stored: 1 } });
  expect(await store.status()).toMatchObject({ spans: 2 });
  expect(look().entries).toEqual([{ signal: 'traces', items: 2 }]);
  await store.close();
});

test('of a signal that no backend wants nothing is kept', async () => {
  const store = await openFor(lane('a'));
  await store.passOn('metrics', METRICS);
  expect(look().entries).toEqual([]);
  expect(Number(store.forwardQueue.gauge[1])).toBe(0);
  await store.close();
});

test('of an entry, no bit can change without being noticed', async () => {
  const store = await openFor(lane('a'));
  const text = Array.from({ length: 300 }, (_, at) => Math.sin(at)).join();
  await store.append(makeRequest({ trace: '1', attributes: { text } }));
  const database = new Database(databasePath(folder));
  const data = database.prepare<[], Buffer>('SELECT data FROM forward_queue').pluck().get()!;
  const update = database.prepare('UPDATE forward_queue SET data = ?');
  const queue = openForwardQueue(store.forwardQueue);
  for (let at = 0; at < data.length; at += 7) {
    const changed = Buffer.from(data);
    changed[at]! ^= 1 << (at % 8);
    update.run(changed);
    expect(queue.next('traces', 0, 1)).toEqual({ id: 1, items: 1, requests: null });
  }
  queue.close();
  database.close();
  await store.close();
});

test('spans that were refused for their ids are not passed on', async () => {
  const store = await openFor(lane('a'));
  await store.append(makeRequest({ trace: '1' }, { trace: '0', id: '2' }, { trace: '1', id: '3' }));
  const queue = openForwardQueue(store.forwardQueue);
  const entry = queue.next('traces', 0, Infinity);
  expect(entry?.items).toBe(2);
  const { resourceSpans } = decode('TracesData', entry!.requests!) as {
    resourceSpans: { scopeSpans: { spans?: object[] }[] }[];
  };
  expect(resourceSpans.map(({ scopeSpans }) => scopeSpans[0]!.spans?.length ?? 0)).toEqual([1, 0, 1]);
  queue.close();
  await store.close();
});

test('an entry goes when the last backend that wants its signal has it', async () => {
  const store = await openFor(lane('a'), lane('b'), lane('a', 'logs'));
  await store.append(makeRequest({ trace: '1' }));
  await store.append(makeRequest({ trace: '2' }));
  await store.passOn('logs', Buffer.from([0x0a, 0x04, 0x12, 0x02, 0x12, 0x00]));
  await store.noteForwarded([{ ...lane('a'), takenTo: 3 }]);
  expect(look().entries).toEqual([
    { signal: 'logs', items: 1 },
    { signal: 'traces', items: 2 },
  ]);
  await store.noteForwarded([
    { ...lane('b'), takenTo: 1 },
    { ...lane('a', 'logs'), takenTo: 3 },
  ]);
  expect(look().entries).toEqual([{ signal: 'traces', items: 1 }]);
  await store.close();
});

test('of a clearing whose commit fails, nothing is subtracted', () => {
  const { database, release } = openForWriting(folder);
  database.pragma('foreign_keys = ON');
  database.exec(`
    CREATE TEMP TABLE known (id INTEGER PRIMARY KEY);
    CREATE TEMP TABLE unknown (id INTEGER REFERENCES known DEFERRABLE INITIALLY DEFERRED);
    CREATE TEMP TRIGGER fails AFTER DELETE ON main.forward_queue BEGIN INSERT INTO unknown VALUES (1); END;`);
  const queue = createForwardQueue(database, { lanes: [lane('a')], gauge: createQueueGauge() });
  const inFile = () => database.prepare('SELECT total(byte_count) FROM forward_queue').pluck().get();
  const write = () => {
    queue.add('traces', makeRequest({}), 1);
    database.transaction(() => queue.write(0)).immediate();
    queue.settle(true);
  };
  write();
  expect(() => queue.advance([{ ...lane('a'), takenTo: 1 }])).toThrow('FOREIGN KEY');
  write();
  expect(queue.bytes()).toBe(inFile());
  database.exec('DROP TRIGGER fails');
  queue.advance([{ ...lane('a'), takenTo: 2 }]);
  expect([queue.bytes(), inFile()]).toEqual([0, 0]);
  database.close();
  release();
});

test('a backend that is gone is forgotten, a new one begins with what comes from now on', async () => {
  const first = await openFor(lane('a'), lane('b'));
  await first.append(makeRequest({ trace: '1' }));
  await first.noteForwarded([{ ...lane('b'), takenTo: 1 }]);
  await first.close();
  const second = await openFor(lane('b'), lane('c'));
  await second.append(makeRequest({ trace: '2' }));
  await expect.poll(() => look().entries).toEqual([{ signal: 'traces', items: 1 }]);
  expect(look().positions).toEqual([
    { ...lane('b'), takenTo: 1 },
    { ...lane('c'), takenTo: 1 },
  ]);
  await second.close();
  const third = await openFor();
  await expect.poll(() => look()).toEqual({ entries: [], positions: [] });
  await third.close();
});

test('an id is never used again, so that no position is past what comes', async () => {
  for (let round = 1; round <= 3; round++) {
    const store = await openFor(lane('a'));
    await store.append(makeRequest({ trace: String(round) }));
    expect(Number(store.forwardQueue.gauge[0])).toBe(round);
    await store.noteForwarded([{ ...lane('a'), takenTo: round }]);
    expect(look().entries).toEqual([]);
    await store.close();
  }
});

test('a purge deletes what waits, too', async () => {
  const store = await openFor(lane('a'));
  await store.append(makeRequest({ trace: '1' }));
  await store.purge();
  expect(look().entries).toEqual([]);
  expect(Number(store.forwardQueue.gauge[1])).toBe(0);
  const queue = openForwardQueue(store.forwardQueue);
  expect(queue.purges()).toBe(1);
  queue.close();
  await store.close();
});

test('a backup has nothing that waits: a store put in place elsewhere forwards what arrives there', async () => {
  const store = await openFor(lane('a'));
  await store.append(makeRequest({ trace: '1' }));
  const copy = join(folder, 'copy');
  mkdirSync(copy);
  backupStore(folder, databasePath(copy));
  expect(look().entries).toEqual([{ signal: 'traces', items: 1 }]);
  await store.close();
  expect(look(copy)).toEqual({ entries: [], positions: [] });
  const restored = await openStore({ folder: copy, forward: [lane('a')] });
  expect(await restored.status()).toMatchObject({ spans: 1 });
  await restored.append(makeRequest({ trace: '2' }));
  expect(look(copy).entries).toEqual([{ signal: 'traces', items: 1 }]);
  await restored.close();
});

test('a store of before there was a queue is copied too', () => {
  makeOldStore(folder, 6).close();
  const copy = join(folder, 'copy');
  mkdirSync(copy);
  backupStore(folder, databasePath(copy));
  expect(new Database(databasePath(copy)).pragma('user_version', { simple: true })).toBe(6);
});

test('what has been forwarded from here is stored, and not forwarded again; ways are kept apart', async () => {
  const store = await openFor(lane('a'), lane('a', 'metrics'));
  const queue = openForwardQueue(store.forwardQueue);
  const own = markOf(store.forwardQueue.gauge[COLLECTOR_ID]!);
  const other = markOf(1n);
  const [back, new1, new2, new3] = ['1', '2', '3', '4'].map((trace) => makeRequest({ trace }));
  const outcomes = await Promise.all([
    store.append(Buffer.concat([other, own, back!])),
    store.append(Buffer.concat([other, new1!])),
    store.append(new2!),
    store.append(Buffer.concat([other, new3!])),
    store.passOn('metrics', Buffer.concat([own, METRICS])),
  ]);
  expect(outcomes.slice(0, 4)).toEqual(
    Array.from({ length: 4 }, () => expect.objectContaining({ stored: 1 })),
  );
  expect(new Set(requestsIn(queue, 'traces').map((each) => each!.toString('hex')))).toEqual(
    new Set([Buffer.concat([other, new1!, new3!]), new2!].map((each) => each.toString('hex'))),
  );
  expect(requestsIn(queue, 'metrics')).toEqual([]);
  queue.close();
  await store.close();
});
