/** The thread of large traces, over a real store: how long one lives, and who waits for it. */
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createTraceReader, type WrittenTrace } from '../../collector/serve/traces/trace-reader.ts';
import type { Pieces } from '../../collector/serve/traces/piece-stream.ts';
import { Cancelled, StoreUnavailable } from '../../collector/store/store.ts';
import { largeTrace } from '../benchmark/large-trace.ts';
import { shopTrace, TRACE_ID } from './shop-trace.ts';
import { startApi, type Api } from './start-api.ts';

/** Some 4 MB as JSON: more than is made ahead of a client that takes nothing. */
const LARGE_SPANS = 5_000;
const largeId = 'a'.repeat(32);
/** Some 700 KB: the store reads it like a small one. */
const MEDIUM_SPANS = 1_700;
const mediumId = 'b'.repeat(32);
let api: Api;

beforeAll(async () => {
  api = await startApi({ maxRequestBytes: 16e6 });
  const requests = [
    JSON.stringify(shopTrace(60_000)),
    ...largeTrace(largeId, LARGE_SPANS, Date.now() - 60_000),
    ...largeTrace(mediumId, MEDIUM_SPANS, Date.now() - 60_000),
  ];
  for (const body of requests) {
    const response = await fetch(`${api.url}/api/import`, { method: 'POST', body });
    if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
  }
});
afterAll(() => api?.close());

/** Of a large trace. */
function piecesOf(written: WrittenTrace | null): Pieces {
  if (written === null || written instanceof Uint8Array) throw new Error('got no pieces');
  return written;
}

async function readAll(pieces: Pieces): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const piece of pieces) read.push(piece);
  return Buffer.concat(read).toString();
}

it('a thread that broke while it wrote ends no other', async () => {
  const threads: Worker[] = [];
  const note = (worker: Worker) => worker.threadName === 'traces' && threads.push(worker);
  process.on('worker', note);
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const traces = createTraceReader(api.sources.store);
  const write = async () => piecesOf(await traces.write(largeId, 'json'));
  try {
    const broken = await write();
    const exit = new Promise((resolve) => threads[0]!.once('exit', resolve));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    threads[0]!.postMessage(null);
    await exit;
    await expect(readAll(broken)).rejects.toThrow(StoreUnavailable);

    const open = await write();
    // Those of threads that are idle.
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
    (await write()).stop();
    expect(threads).toHaveLength(2);
    expect(JSON.parse(await readAll(open))).toMatchObject({ traceId: largeId });
  } finally {
    vi.useRealTimers();
    vi.restoreAllMocks();
    process.off('worker', note);
    await traces.close();
  }
});

it('clients that take slowly keep only others that ask for a large trace waiting', async () => {
  const { store } = api.sources;
  const traces = createTraceReader(store);
  const controllers: AbortController[] = [];
  const write = (traceId = largeId): Promise<Pieces> => {
    const controller = new AbortController();
    controllers.push(controller);
    return traces.write(traceId, 'json', controller.signal).then(piecesOf);
  };
  try {
    const slow = await Promise.all(Array.from({ length: 4 }, () => write()));
    // One more than may wait.
    const waiting = Array.from({ length: 17 }, (_, index) => write(index % 2 === 0 ? largeId : mediumId));
    const outcomes = waiting.map((pieces, index) =>
      pieces.then(
        () => ({ index, error: null }),
        (error: unknown) => ({ index, error }),
      ),
    );
    const refused = await Promise.race(outcomes);
    expect(refused.error).toBeInstanceOf(StoreUnavailable);

    expect((await traces.diagnose(largeId))!.verdicts).not.toHaveLength(0);
    const file = (await store.readTraceBytes(largeId))!;
    expect((await traces.list(file.slice())).traces).toMatchObject([{ traceId: largeId }]);
    expect(await traces.open(file, largeId)).toBeInstanceOf(Uint8Array);
    expect(await traces.write(TRACE_ID, 'json')).toBeInstanceOf(Uint8Array);

    // One that leaves makes room for another.
    const leaver = refused.index === 0 ? 1 : 0;
    controllers[4 + leaver]!.abort();
    expect((await outcomes[leaver]!).error).toBeInstanceOf(Cancelled);
    const two = [write(), write()];
    await expect(Promise.race(two)).rejects.toThrow(StoreUnavailable);

    // All that still wait get their turn.
    const late = [...waiting, ...two].map((pieces) => pieces.then(readAll));
    for (const pieces of slow) pieces.stop();
    const spans = (await Promise.allSettled(late)).flatMap((one) =>
      one.status === 'fulfilled' ? [(JSON.parse(one.value) as { spans: object[] }).spans.length] : [],
    );
    expect(spans).toHaveLength(16);
    expect(new Set(spans)).toEqual(new Set([LARGE_SPANS, MEDIUM_SPANS]));
  } finally {
    for (const controller of controllers) controller.abort();
    await traces.close();
  }
});
