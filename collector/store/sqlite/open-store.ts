/**
 * The store on SQLite: one writer thread and one reader thread over one file, behind the store's contract. The thread
 * that calls this never opens the database.
 */
import type { Store } from '../store.ts';
import type { RetentionSlice, SliceOutcome } from './retention.ts';
import { startThread } from './thread.ts';

export interface StoreOptions {
  /** Made when it is missing; for this process alone. */
  readonly folder: string;
}

/** Throws StoreOpenError when the folder or its file cannot be used. */
export async function openStore({ folder }: StoreOptions): Promise<Store> {
  // In this order: the writer makes the file.
  const writer = await startThread('writer-thread', { folder });
  const reader = await startThread('reader-thread', { folder }).catch(async (error: unknown) => {
    await writer.call('close', null);
    throw error;
  });
  let closing: Promise<void> | null = null;

  const close = async (): Promise<void> => {
    // A reader that is gone already must not keep the writer open.
    await reader.call('close', null).catch(() => {});
    await reader.ended;
    // Last, so that SQLite folds the WAL into the file.
    await writer.call('close', null);
    await writer.ended;
  };

  return {
    append(request) {
      // A copy of just these bytes can be handed over; the caller keeps its own.
      const copy = new Uint8Array(request);
      return writer.call('append', copy, { transfer: [copy.buffer] });
    },
    readTrace: (traceId) => reader.call('readTrace', traceId),
    readTraceBytes: (traceId) => reader.call('readTraceBytes', traceId),
    readSpans: (ids) => reader.call('readSpans', ids),
    searchTraces: (search, signal) => reader.call('searchTraces', search, { signal }),
    readServiceStats: (range, group) => reader.call('readServiceStats', { range, group }),
    readCallGroups: (range, signal) => reader.call('readCallGroups', range, { signal }),
    readWorkingCalls: (range, caller, callee, limit) =>
      reader.call('readWorkingCalls', { range, caller, callee, limit }),
    readNormals: (keys, exceptTraceId) => reader.call('readNormals', { keys, exceptTraceId }),
    readAttributeKeys: (range, prefix, limit) => reader.call('readAttributeKeys', { range, prefix, limit }),
    readAttributeValues: (range, key, prefix, limit) =>
      reader.call('readAttributeValues', { range, key, prefix, limit }),
    readUndiagnosed: (quietMs, limit) => reader.call('readUndiagnosed', { quietMs, limit }),
    readVerdicts: (range) => reader.call('readVerdicts', range),
    readAddressServices: (addresses) => reader.call('readAddressServices', addresses),
    saveDiagnosis: (diagnosis, spanCount) => writer.call('saveDiagnosis', { diagnosis, spanCount }),
    async applyRetention(keepMs, keepBytes, signal) {
      const slice: RetentionSlice = { arrivedBeforeUnixMs: Date.now() - keepMs, keepBytes };
      for (let dropped = 0; ;) {
        const outcome = await writer.call<SliceOutcome>('dropSlice', slice);
        dropped += outcome.dropped;
        if (!outcome.more || signal?.aborted === true) return dropped;
      }
    },
    status: () => reader.call('status', null),
    purge: () => writer.call('purge', null),
    close: () => (closing ??= close()),
  };
}
