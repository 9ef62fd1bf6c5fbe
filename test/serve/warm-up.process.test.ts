/** What is asked right after a start, over a real store. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { Query } from '../../collector/query/query.ts';
import type { ServiceMap } from '../../collector/serve/wire.ts';
import { PATIENCE_MS, warmUp } from '../../collector/serve/warm-up.ts';
import { createTraceReader, type TraceReader } from '../../collector/serve/traces/trace-reader.ts';
import { largeTrace } from '../benchmark/large-trace.ts';
import { shopTrace } from './shop-trace.ts';
import { startApi, type Api } from './start-api.ts';

const largeId = 'a'.repeat(32);
/** Of small traces, the newest last. */
const ids = Array.from({ length: 8 }, (_, index) => `${index + 1}`.repeat(32));
let api: Api;

beforeAll(async () => {
  api = await startApi({ maxRequestBytes: 16e6 });
});
afterAll(() => api?.close());
afterEach(() => vi.useRealTimers());

async function importTraces(): Promise<void> {
  const bodies = [
    ...ids.map((id, index) => JSON.stringify(shopTrace(100_000 - 1_000 * index, id))),
    ...largeTrace(largeId, 600, Date.now() - 20_000),
  ];
  for (const body of bodies) {
    const response = await fetch(`${api.url}/api/import`, { method: 'POST', body });
    expect(response.status).toBe(200);
  }
}

const noTrace: Pick<TraceReader, 'write'> = {
  write: () => Promise.reject(new Error('expected no trace to be read')),
};

it('an empty store is asked for its newest traces alone', async () => {
  const map = vi.fn<Query['map']>();
  await warmUp({ ...api.sources.query, map }, noTrace);
  expect(map).not.toHaveBeenCalled();
});

it('the newest small traces are read whole, and the map and the slow ones of the hour before', async () => {
  await importTraces();
  // However long the answers take.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { query, store } = api.sources;
  const traces = createTraceReader(store);
  const maps: Promise<ServiceMap>[] = [];
  const written: string[] = [];
  const answered: number[] = [];
  await warmUp(
    {
      ...query,
      map(...asked) {
        maps.push(query.map(...asked));
        return maps.at(-1)!;
      },
      async searchTraces(...asked) {
        const page = await query.searchTraces(...asked);
        answered.push(page.traces.length);
        return page;
      },
    },
    {
      async write(...asked) {
        const answer = await traces.write(...asked);
        expect(answer).toBeInstanceOf(Uint8Array);
        written.push(asked[0]);
        return answer;
      },
    },
  );
  // Six are listed, the large one among them.
  expect(written.toSorted()).toEqual(ids.slice(-5));
  expect(answered).toEqual([6, expect.any(Number)]);
  expect((await maps[0]!).edges.length).toBeGreaterThan(0);
  vi.useRealTimers();
  await traces.close();
});

it('what cannot be answered is left to whoever asks for it', async () => {
  const searchTraces = vi.fn<Query['searchTraces']>().mockRejectedValue(new Error('the disk fails'));
  await warmUp({ ...api.sources.query, searchTraces }, noTrace);
  expect(searchTraces).toHaveBeenCalledOnce();
});

it('nobody is kept waiting for what takes long, and it is given up', async () => {
  vi.useFakeTimers();
  let isOver = false;
  let given: AbortSignal | undefined;
  const searchTraces: Query['searchTraces'] = (_search, signal) => {
    given = signal;
    return new Promise<never>(() => {});
  };
  void warmUp({ ...api.sources.query, searchTraces }, noTrace).then(() => (isOver = true));
  await vi.advanceTimersByTimeAsync(PATIENCE_MS - 1);
  expect([isOver, given?.aborted]).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect([isOver, given?.aborted]).toEqual([true, true]);
});
