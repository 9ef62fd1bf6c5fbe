/** The thread of large traces, over a real store: how long one lives. */
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createTraceReader, type WrittenTrace } from '../../collector/serve/traces/trace-reader.ts';
import type { Pieces } from '../../collector/serve/traces/piece-stream.ts';
import { StoreUnavailable } from '../../collector/store/store.ts';
import { largeTrace } from '../benchmark/large-trace.ts';
import { startApi, type Api } from './start-api.ts';

/** Some 4 MB as JSON: more than is made ahead of a client that takes nothing. */
const LARGE_SPANS = 5_000;
const largeId = 'a'.repeat(32);
let api: Api;

beforeAll(async () => {
  api = await startApi({ maxRequestBytes: 16e6 });
  for (const body of largeTrace(largeId, LARGE_SPANS, Date.now() - 60_000)) {
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
