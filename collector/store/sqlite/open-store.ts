/**
 * The store on SQLite: threads over one file, behind the store's contract. The thread that calls this never opens the
 * database.
 *
 *     writer     everything that changes the store
 *     searcher   what reads a range, and may take long
 *     finder     what reads by id, and how the store is: never behind a search
 */
import type { Store } from '../store.ts';
import { createAppender } from './append-batches.ts';
import type { RetentionSlice, SliceOutcome } from './retention.ts';
import { startThread, type Thread } from './thread.ts';

export interface StoreOptions {
  /** Made when it is missing; for this process alone. */
  readonly folder: string;
  /** Told when the store broke: it takes and gives nothing any more, and is to be opened anew. */
  readonly onFailure?: (error: Error) => void;
}

/** Throws StoreOpenError when the folder or its file cannot be used. */
export async function openStore({ folder, onFailure = () => {} }: StoreOptions): Promise<Store> {
  const threads: Thread[] = [];
  const start = async (name: string): Promise<Thread> => {
    const thread = await startThread(name, { folder }, onFailure);
    threads.push(thread);
    return thread;
  };
  /** The writer last, so that SQLite folds the WAL into the file. */
  const closeAll = async (): Promise<void> => {
    const [, ...readers] = threads;
    // A reader that is gone already must not keep the writer open.
    for (const reader of readers) await reader.call('close', null).catch(() => {});
    await change('close', null);
    await Promise.all(threads.map((thread) => thread.ended));
  };
  // In this order: the writer makes the file.
  const writer = await start('writer-thread');
  const appender = createAppender(writer);
  /** What comes after an append finds it stored. */
  const change = <T = void>(method: string, argument: unknown): Promise<T> => {
    appender.flush();
    return writer.call<T>(method, argument);
  };
  const startReader = () =>
    start('reader-thread').catch(async (error: unknown) => {
      await closeAll();
      throw error;
    });
  const searcher = await startReader();
  const finder = await startReader();
  let closing: Promise<void> | null = null;

  return {
    append: (request) => appender.append(request),
    readTrace: (traceId) => finder.call('readTrace', traceId),
    readTraceBytes: (traceId) => finder.call('readTraceBytes', traceId),
    readSpans: (ids) => finder.call('readSpans', ids),
    searchTraces: (search, signal) => searcher.call('searchTraces', search, { signal }),
    readServiceStats: (range, group) => searcher.call('readServiceStats', { range, group }),
    readCallGroups: (range, signal) => searcher.call('readCallGroups', range, { signal }),
    readEdgeCalls: (range, edge, outcome, limit) =>
      searcher.call('readEdgeCalls', { range, edge, outcome, limit }),
    readCallCounts: (range, steps, signal) => searcher.call('readCallCounts', { range, steps }, { signal }),
    readVersions: (range) => searcher.call('readVersions', range),
    readNormals: (keys, exceptTraceId) => finder.call('readNormals', { keys, exceptTraceId }),
    readAttributeKeys: (range, prefix, limit) => searcher.call('readAttributeKeys', { range, prefix, limit }),
    readAttributeValues: (range, key, prefix, limit) =>
      searcher.call('readAttributeValues', { range, key, prefix, limit }),
    readUndiagnosed: (patience, limit) => finder.call('readUndiagnosed', { patience, limit }),
    readVerdicts: (range) => searcher.call('readVerdicts', range),
    readAddressServices: (addresses) => finder.call('readAddressServices', addresses),
    saveDiagnosis: (diagnosis, spanCount) => change('saveDiagnosis', { diagnosis, spanCount }),
    async applyRetention(keepMs, keepBytes, signal) {
      const slice: RetentionSlice = { arrivedBeforeUnixMs: Date.now() - keepMs, keepBytes };
      for (let dropped = 0; ;) {
        const outcome = await change<SliceOutcome>('dropSlice', slice);
        dropped += outcome.dropped;
        if (!outcome.more || signal?.aborted === true) return dropped;
      }
    },
    status: () => finder.call('status', null),
    purge: () => change('purge', null),
    close: () => (closing ??= closeAll()),
  };
}
