/**
 * The store on SQLite: threads over one file, behind the store's contract. The thread that calls this never opens the
 * database.
 *
 *     writer     everything that changes the store
 *     searcher   what reads a range, and may take long
 *     finder     what reads by id, and how the store is: never behind a search
 *     large      large traces; there only when one was asked for lately
 *     diagnoser  what judges traces, below the others; there only when one failed lately
 */
import type { TracePhases } from '../../serve/wire.ts';
import type { PinOutcome, Store } from '../store.ts';
import { createAppender } from './append-batches.ts';
import { createAsking } from './ask-for-sums.ts';
import {
  createQueueGauge,
  type ForwardLane,
  type ForwardPosition,
  type ForwardQueuePlace,
} from './forwarding.ts';
import { createIdleReader } from './idle-reader.ts';
import { RequestRing } from './request-ring.ts';
import { createUndiagnosedReader } from './read-undiagnosed.ts';
import type { FailedRows } from './read/failed-rows.ts';
import type { ViewAnswer, ViewAsked } from './read/trace-views.ts';
import { FEW_ROWS } from './write/folding.ts';
import type { RetentionLimits, SliceOutcome } from './write/retention.ts';
import { startThread, type Thread } from './thread.ts';

export interface StoreOptions {
  /** Made when it is missing; for this process alone. */
  readonly folder: string;
  /** Told when the store broke: it takes and gives nothing any more, and is to be opened anew. */
  readonly onFailure?: (error: Error) => void;
  /** What is to be kept for other backends until they have it; none where nothing is forwarded. */
  readonly forward?: readonly ForwardLane[];
}

/** What a forwarder reads, and says, besides. */
export interface ForwardingStore extends Store {
  readonly forwardQueue: ForwardQueuePlace;
  noteForwarded(positions: readonly ForwardPosition[]): Promise<void>;
}

/** Twice what senders have in flight at full speed; a request that finds no room goes without. */
const RING_BYTES = 8 << 20;
/** The finder is busy with so many spans for some 20 ms. */
const SPANS_OF_FINDER_MAX = 2_000;

/** Throws StoreOpenError when the folder or its file cannot be used. */
export async function openStore({
  folder,
  onFailure = () => {},
  forward = [],
}: StoreOptions): Promise<ForwardingStore> {
  const threads: Thread[] = [];
  /** How many spans are in no block yet, written by the writer. */
  const unfolded = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const gauge = createQueueGauge();
  const start = async (name: string, data: object): Promise<Thread> => {
    const thread = await startThread(name, { folder, ...data }, onFailure);
    threads.push(thread);
    return thread;
  };
  const startIdle = (name: string, purpose: string) =>
    createIdleReader(purpose, (onBreak) => startThread(name, { folder }, onBreak));
  const large = startIdle('read/reader-thread', 'large traces');
  const diagnoser = startIdle('read/diagnoser-thread', 'diagnoses');
  /** The writer last, so that SQLite folds the WAL into the file. */
  const closeAll = async (): Promise<void> => {
    const [, ...readers] = threads;
    await Promise.all([large.close(), diagnoser.close()]);
    // A reader that is gone already must not keep the writer open.
    for (const reader of readers) await reader.call('close', null).catch(() => {});
    await change('close', null);
    await Promise.all(threads.map((thread) => thread.ended));
  };
  // In this order: the writer makes the file.
  const writer = await start('write/writer-thread', { unfolded, forward: { lanes: forward, gauge } });
  const appender = createAppender(writer, new RequestRing(RING_BYTES));
  /** What comes after an append finds it stored. */
  const change = <T = void>(method: string, argument: unknown): Promise<T> => {
    appender.flush();
    return writer.call<T>(method, argument);
  };
  const isLittleUnfolded = () => {
    const rows = Atomics.load(unfolded, 0);
    return rows > 0 && rows < FEW_ROWS;
  };
  /** Before what is learnt with sums is read: the few spans that are not in them yet are counted. Under load they follow. */
  const settled = async <T>(read: () => Promise<T>): Promise<T> => {
    if (isLittleUnfolded()) await writer.call('settle', null);
    return read();
  };
  const asking = createAsking(() => writer.call<void>('settleAll', null));
  /** Before sums are read: what waited for somebody to ask for them is counted, too. */
  const counted = async <T>(read: () => Promise<T>): Promise<T> => {
    await asking();
    return settled(read);
  };
  const readUndiagnosed = createUndiagnosedReader({
    read: (patience, limit) => finder.call('readUndiagnosed', { patience, limit }),
    isAnyUnfolded: () => Atomics.load(unfolded, 0) > 0,
    unfoldedOf: (traceIds) => writer.call('unfoldedOf', traceIds),
  });
  const startReader = (isSearcher: boolean) =>
    start('read/reader-thread', { isSearcher }).catch(async (error: unknown) => {
      await closeAll();
      throw error;
    });
  /** What is made of a trace in the thread that reads it. */
  const viewOf = async <View>(
    method: string,
    traceId: string,
    signal?: AbortSignal,
    beforeLarge?: () => Promise<void>,
  ): Promise<View | null> => {
    const asked: ViewAsked = { traceId, spansMax: SPANS_OF_FINDER_MAX };
    const answer = await finder.call<ViewAnswer<View>>(method, asked, { signal });
    if (answer !== 'too many') return answer;
    await beforeLarge?.();
    return large.call<View | null>(method, { traceId, spansMax: Infinity }, signal);
  };
  const searcher = await startReader(true);
  const finder = await startReader(false);
  const learn = async (reader: Thread, method: 'learnTraces' | 'learnLists'): Promise<void> => {
    for (let known: number | null = 0; known !== null;)
      known = await reader.call<number | null>(method, known);
  };
  // What it fails for, a store that is closed or cannot be read, is told to whoever asks for a trace.
  void learn(finder, 'learnTraces').catch(() => {});
  void learn(searcher, 'learnLists').catch(() => {});
  let closing: Promise<void> | null = null;

  return {
    append: (request, isForwarded = true) => appender.append(request, isForwarded ? 'traces' : 'unforwarded'),
    async passOn(signal, request) {
      await appender.append(request, signal);
    },
    forwardQueue: { folder, gauge },
    noteForwarded: (positions) => change('noteForwarded', positions),
    readTrace: (traceId) => finder.call('readTrace', traceId),
    readTraceBytes: (traceId, signal, beforeLarge) =>
      viewOf<Uint8Array>('readTraceBytes', traceId, signal, beforeLarge),
    readTraceColumns: (traceId, signal) =>
      settled(() => viewOf<Uint8Array>('readTraceColumns', traceId, signal)),
    readTracePhases: (traceId, signal) => viewOf<TracePhases>('readTracePhases', traceId, signal),
    readSpans: (ids) => finder.call('readSpans', ids),
    // Which service answers behind an address is learnt with the sums.
    searchTraces: (search, signal) => settled(() => searcher.call('searchTraces', search, { signal })),
    readServiceStats: (range, group) => counted(() => searcher.call('readServiceStats', { range, group })),
    readCallGroups: (range, signal) => counted(() => searcher.call('readCallGroups', range, { signal })),
    readEdgeCalls: (range, edge, outcome, limit) =>
      counted(() => searcher.call('readEdgeCalls', { range, edge, outcome, limit })),
    readCallCounts: (range, steps, signal) =>
      counted(() => searcher.call('readCallCounts', { range, steps }, { signal })),
    readLatency: (asked, signal) => counted(() => searcher.call('readLatency', asked, { signal })),
    readLatencyDiffers: (asked, brush, signal) =>
      counted(() => searcher.call('readLatencyDiffers', { asked, brush }, { signal })),
    readVersions: (range) => counted(() => searcher.call('readVersions', range)),
    readNormals: (keys, exceptTraceId) => settled(() => finder.call('readNormals', { keys, exceptTraceId })),
    readAttributeKeys: (range, prefix, limit, of) =>
      searcher.call('readAttributeKeys', { range, prefix, limit, of }),
    readAttributeValues: (range, key, prefix, limit) =>
      searcher.call('readAttributeValues', { range, key, prefix, limit }),
    async readUndiagnosed(patience, limit) {
      if (isLittleUnfolded()) await writer.call('settleFailures', patience);
      return readUndiagnosed(patience, limit);
    },
    // Their edges are named as those that are counted.
    readVerdicts: (range) => counted(() => searcher.call('readVerdicts', range)),
    readAddressServices: (addresses) => settled(() => finder.call('readAddressServices', addresses)),
    readKeptVerdicts: (traceId) => finder.call('readKeptVerdicts', traceId),
    readHostViews: (traceId) => finder.call('readHostViews', traceId),
    async diagnoseTraces(traceIds, hosts) {
      const failed = await writer.call<FailedRows[]>('failedRows', traceIds);
      return diagnoser.call('diagnoseTraces', { traceIds, hosts, failed }, undefined);
    },
    saveDiagnoses: (saved) => change('saveDiagnoses', saved),
    async applyRetention(keepMs, keepBytes, signal) {
      const slice: RetentionLimits = { arrivedBeforeUnixMs: Date.now() - keepMs, keepBytes };
      for (let dropped = 0; ;) {
        const outcome = await change<SliceOutcome>('dropSlice', slice);
        dropped += outcome.dropped;
        if (!outcome.more || signal?.aborted === true) return dropped;
      }
    },
    changeIncidentState: (wanted) => change<boolean>('changeIncidentState', wanted),
    readIncidentStates: () => finder.call('readIncidentStates', null),
    pinTrace: (traceId) => change<PinOutcome>('pinTrace', traceId),
    unpinTrace: (traceId) => change('unpinTrace', traceId),
    isPinned: (traceId) => finder.call('isPinned', traceId),
    status: () => settled(() => finder.call('status', null)),
    purge: () => change('purge', null),
    close: () => (closing ??= closeAll()),
  };
}
