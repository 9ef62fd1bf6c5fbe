/**
 * Reads traces for those who ask for one whole: the API, the diagnosis, someone who looks at a file.
 *
 * Small ones are decoded and written where they are asked for. Large ones go to a thread of their own, so that the one
 * that serves the network goes on; it starts with the first and ends when there is nothing to do.
 */
import type { Diagnosis } from '../../diagnose/verdict.ts';
import type { History } from '../../query/diagnose-by-history.ts';
import { startWorker } from '../../start-worker.ts';
import { Cancelled, StoreUnavailable, type Store } from '../../store/store.ts';
import type { LookedAt, TracePhases } from '../wire.ts';
import { runJob, type Job, type JobResults } from './jobs.ts';
import { reviveError, sendableError } from './sent-error.ts';
import type { FromThread, ToThread } from './trace-thread.ts';
import { createPieceStream, type Pieces } from './piece-stream.ts';
import { createPlaces, type Place } from './places.ts';
import { writeTrace, type TraceForm, type TraceToWrite } from './write-trace.ts';

/** A small trace whole, a large one while it is being written. */
export type WrittenTrace = Uint8Array | Pieces;

export interface TraceReader {
  /**
   * null when the trace is not stored. A large one may have to wait until others are written; it stops waiting, or being
   * written, when the signal fires.
   */
  write(traceId: string, form: TraceForm, signal?: AbortSignal): Promise<WrittenTrace | null>;
  /** As the page opens it; null when it is not stored. */
  columns(traceId: string, signal?: AbortSignal): Promise<Uint8Array | null>;
  /** As its last diagnosis said it, or diagnosed from what is stored now; null when nothing is. */
  diagnose(traceId: string): Promise<Diagnosis | null>;
  /** Where its time went; null when the trace is not stored. */
  phases(traceId: string, signal?: AbortSignal): Promise<TracePhases | null>;
  /** The traces of a file. Rejects with DecodeError. */
  list(file: Uint8Array): Promise<LookedAt>;
  /** One of them; null when it is not in the file. */
  open(file: Uint8Array, traceId: string): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

/** Some 1,200 spans, or 10 ms of work. */
const BYTES_HERE_MAX = 512 * 1024;
/** Of large traces; each waits with all of its bytes in memory. */
const JOBS_WAITING_MAX = 16;
/** Large ones; each keeps its decoded spans as long as its client takes. */
const TRACES_WRITTEN_MAX = 4;
/** For one of those to end, without bytes in memory. */
const WRITES_WAITING_MAX = 16;
const IDLE_MS = 30_000;

interface Asked {
  readonly traceId: string;
  readonly form: TraceForm;
  readonly signal: AbortSignal | undefined;
}

export function createTraceReader(store: Store): TraceReader {
  const places = createPlaces(TRACES_WRITTEN_MAX, WRITES_WAITING_MAX);
  let thread: TraceThread | null = null;
  const threadNow = (): TraceThread => {
    if (thread !== null) return thread;
    const started = startThread(store, () => {
      // By then another may stand there.
      if (thread === started) thread = null;
    });
    return (thread = started);
  };

  const run = async <Kind extends Job['kind']>(
    job: Job & { readonly kind: Kind },
  ): Promise<JobResults[Kind]> => {
    if (job.bytes.length <= BYTES_HERE_MAX) return (await runJob(job, store)) as JobResults[Kind];
    return (await threadNow().run(job)) as JobResults[Kind];
  };

  /** A large one is read and written in the place; one of few spans is known for large when it was read. */
  const writeIn = async (
    place: Place,
    { traceId, form, signal }: Asked,
  ): Promise<WrittenTrace | null | 'no place'> => {
    // Together: one wait for the thread that reads both.
    const [bytes, isPinned] = await Promise.all([
      store.readTraceBytes(traceId, signal, async () => {
        if (!place.isHeld) await place.take();
      }),
      form === 'json' && store.isPinned(traceId),
    ]);
    if (signal?.aborted === true) throw new Cancelled('the caller went away');
    if (bytes === null || bytes.length <= BYTES_HERE_MAX) {
      place.release();
      return bytes && Buffer.concat([...writeTrace({ bytes, traceId, form, isPinned })]);
    }
    if (!place.isHeld) return 'no place';
    const pieces = threadNow().write({ bytes, traceId, form, isPinned }, place.release);
    signal?.addEventListener('abort', () => pieces.stop(), { once: true });
    await pieces.begun;
    return pieces;
  };

  return {
    async write(traceId, form, signal) {
      const asked: Asked = { traceId, form, signal };
      const place = places.place(signal);
      try {
        const written = await writeIn(place, asked);
        if (written !== 'no place') return written;
        await place.take();
        // Again, so that its bytes did not wait.
        return (await writeIn(place, asked)) as WrittenTrace | null;
      } catch (error) {
        place.release();
        throw error;
      }
    },
    columns: (traceId, signal) => store.readTraceColumns(traceId, signal),
    async diagnose(traceId) {
      const bytes = await store.readTraceBytes(traceId);
      return bytes === null ? null : run({ kind: 'diagnose', bytes, traceId });
    },
    phases: (traceId, signal) => store.readTracePhases(traceId, signal),
    list: async (file) => run({ kind: 'list', bytes: file }),
    open: async (file, traceId) => run({ kind: 'open', bytes: file, traceId }),
    async close() {
      places.close();
      await thread?.end();
    },
  };
}

/** Whoever waits for the thread: for the result of a job, or for pieces. */
interface Waiting {
  readonly resolve?: (result: unknown) => void;
  readonly give?: (piece: Uint8Array | null) => void;
  readonly reject: (error: Error) => void;
}

interface TraceThread {
  /** Rejects with StoreUnavailable when too many wait already. */
  run(job: Job): Promise<unknown>;
  /** `onWritten` when it needs no more memory here. */
  write(trace: TraceToWrite, onWritten: () => void): Pieces;
  end(): Promise<void>;
}

/** `onEnd` when it takes no more jobs: after a while without one, or because it broke. */
function startThread(history: History, onEnd: () => void): TraceThread {
  const worker = startWorker('./trace-thread', import.meta.url, { name: 'traces' });
  worker.unref();
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let jobs = 0;
  let idle: NodeJS.Timeout | undefined;
  const send = (message: ToThread, transfer: ArrayBuffer[] = []): void =>
    worker.postMessage(message, transfer);
  const end = async (): Promise<void> => {
    onEnd();
    clearTimeout(idle);
    await worker.terminate();
  };

  const answer = async ({ id, method, arguments: given }: FromThread & { type: 'ask' }): Promise<void> => {
    const read = history[method] as (...given: unknown[]) => Promise<unknown>;
    try {
      send({ type: 'found', id, found: await read(...given) });
    } catch (error) {
      send({ type: 'not-found', id, error: sendableError(error) });
    }
  };
  worker.on('message', (message: FromThread) => {
    if (message.type === 'ask') return void answer(message);
    const caller = waiting.get(message.id);
    if (message.type === 'piece') return caller?.give?.(message.piece);
    forget(message.id);
    if (message.type === 'done') caller?.resolve?.(message.result);
    else caller?.reject(reviveError(message.error));
  });
  worker.on('error', (error) => {
    console.error('the thread of large traces broke:', error);
    onEnd();
  });
  worker.on('exit', () => {
    const broken = new StoreUnavailable('a large trace could not be read: got no memory or time for it');
    const callers = [...waiting.values()];
    // First, so that the thread is not taken for an idle one when they leave.
    waiting.clear();
    for (const caller of callers) caller.reject(broken);
  });

  const forget = (id: number): void => {
    if (!waiting.delete(id) || waiting.size > 0) return;
    worker.unref();
    idle = setTimeout(() => void end(), IDLE_MS).unref();
  };
  const begin = (): number => {
    clearTimeout(idle);
    worker.ref();
    return ++lastId;
  };

  return {
    async run(job) {
      if (jobs >= JOBS_WAITING_MAX)
        throw new StoreUnavailable(`${jobs} large traces are being read; try again`);
      const id = begin();
      const caller = Promise.withResolvers<unknown>();
      waiting.set(id, caller);
      send({ type: 'job', id, job }, ownMemory(job.bytes));
      jobs++;
      try {
        return await caller.promise;
      } finally {
        jobs--;
      }
    },
    write(trace, onWritten) {
      const id = begin();
      send({ type: 'write', id, trace }, ownMemory(trace.bytes));
      const stream = createPieceStream(
        () => send({ type: 'more', id }),
        () => {
          send({ type: 'stop', id });
          forget(id);
          onWritten();
        },
      );
      waiting.set(id, { give: stream.give, reject: stream.fail });
      return stream;
    },
    end,
  };
}

/** What changes hands with the bytes, unless others lie in it. */
function ownMemory({ byteLength, buffer }: Uint8Array): ArrayBuffer[] {
  return byteLength === buffer.byteLength ? [buffer as ArrayBuffer] : [];
}
