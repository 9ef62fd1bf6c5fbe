/**
 * Calls into a worker thread and back: `startThread` on the side that asks, `serveThread` on the side that answers.
 *
 * A call may carry a cancel flag, one shared integer, because a thread that is busy with a query reads no messages.
 */
import { flushCompileCache } from 'node:module';
import { parentPort, type TransferListItem } from 'node:worker_threads';
import { DecodeError } from '../../decode/decode-error.ts';
import { startWorker } from '../../start-worker.ts';
import { BadCursor, Cancelled, StoreOpenError, StoreUnavailable } from '../store.ts';

interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
  readonly cancelFlag: Int32Array | null;
}
/** An error on its way between threads: those of the contract arrive as what they were. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly got: string;
  readonly expected: string;
}
/** `id` 0 says that the thread is ready, or why it could not start. */
type Reply =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: SentError };

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

export interface Thread {
  call<T>(
    method: string,
    argument: unknown,
    options?: { transfer?: TransferListItem[]; signal?: AbortSignal | undefined },
  ): Promise<T>;
  /** Resolves when the thread has ended; its `close` method must have been called. */
  readonly ended: Promise<void>;
}

/** Throws a method's errors, and `Cancelled` when its flag is set. */
export type Methods = { readonly [name: string]: (argument: never, isCancelled: () => boolean) => unknown };

/** What is short-lived is little: left to itself, V8 lets it grow to many times as much before it looks. */
const YOUNG_GENERATION_MB = 8;

/**
 * `name` is the thread's file, without extension. `onFailure` is told when the thread ends by an error of its own; calls are
 * refused from then on.
 */
export async function startThread(
  name: string,
  data: unknown,
  onFailure: (error: Error) => void,
): Promise<Thread> {
  const worker = startWorker(`./${name}`, import.meta.url, {
    name,
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const pending = new Map<number, Pending>();
  let stopped: Error | null = null;
  let lastId = 0;

  const stop = (error: Error): void => {
    stopped ??= error;
    for (const { reject } of pending.values()) reject(stopped);
    pending.clear();
  };
  const started = new Promise<void>((resolve, reject) => pending.set(0, { resolve, reject }));
  worker.on('message', (reply: Reply) => {
    const call = pending.get(reply.id);
    pending.delete(reply.id);
    if ('error' in reply) call?.reject(unpackError(reply.error));
    else call?.resolve(reply.result as never);
  });
  worker.on('error', (error) => {
    const reason = error instanceof Error ? error : new Error(String(error));
    stop(new StoreUnavailable(`the store's ${name} stopped: ${reason.message}`));
    onFailure(reason);
  });
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      stop(new StoreUnavailable('the store is closed'));
      resolve();
    });
  });
  await started;

  return {
    ended,
    call(method, argument, { transfer = [], signal } = {}) {
      if (stopped !== null) return Promise.reject(stopped);
      if (signal?.aborted === true) return Promise.reject(new Cancelled('the caller went away'));
      const cancelFlag = signal === undefined ? null : new Int32Array(new SharedArrayBuffer(4));
      const cancel = () => cancelFlag !== null && Atomics.store(cancelFlag, 0, 1);
      signal?.addEventListener('abort', cancel, { once: true });
      const id = ++lastId;
      const call: Call = { id, method, argument, cancelFlag };
      return new Promise<never>((resolve, reject) => {
        pending.set(id, { resolve, reject });
        worker.postMessage(call, transfer);
      }).finally(() => signal?.removeEventListener('abort', cancel));
    },
  };
}

/** Opens what the methods need, then answers calls until `close` has answered. */
export function serveThread(open: () => Methods): void {
  const port = parentPort;
  if (port === null) throw new Error('this file is a worker thread and cannot be started by itself');
  const answer = async (id: number, work: () => unknown): Promise<void> => {
    try {
      const result = await work();
      // Bytes change hands, unless others lie in their memory.
      const isOwn = result instanceof Uint8Array && result.byteLength === result.buffer.byteLength;
      port.postMessage({ id, result } satisfies Reply, isOwn ? [result.buffer as ArrayBuffer] : []);
    } catch (error) {
      port.postMessage({ id, error: packError(error) } satisfies Reply);
    }
  };
  let methods: Methods = {};
  void answer(0, () => {
    methods = open();
  }).then(() => {
    // Not only at its end, which may be sudden.
    flushCompileCache();
    if (Object.keys(methods).length === 0) port.close();
  });
  port.on('message', ({ id, method, argument, cancelFlag }: Call) => {
    const isCancelled = () => cancelFlag !== null && Atomics.load(cancelFlag, 0) === 1;
    void answer(id, () => {
      if (isCancelled()) throw new Cancelled('the caller went away');
      const run = methods[method];
      if (run === undefined) throw new Error(`the thread has no method ${method}`);
      return run(argument as never, isCancelled);
    }).then(() => {
      if (method === 'close') port.close();
    });
  });
}

export function packError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), got: '', expected: '' };
  const { got, expected } = error as { got?: string; expected?: string };
  // Our own bugs are worth their place in the code.
  const message = error.name in ERRORS ? error.message : (error.stack ?? error.message);
  return { name: error.name, message, got: got ?? '', expected: expected ?? '' };
}

const ERRORS: { readonly [name: string]: (sent: SentError) => Error } = {
  StoreUnavailable: ({ message }) => new StoreUnavailable(message),
  StoreOpenError: ({ message }) => new StoreOpenError(message),
  BadCursor: ({ message }) => new BadCursor(message),
  Cancelled: ({ message }) => new Cancelled(message),
  DecodeError: ({ message, got, expected }) =>
    new DecodeError(message.slice(0, -`: got ${got}, expected ${expected}`.length), got, expected),
};

export function unpackError(sent: SentError): Error {
  return ERRORS[sent.name]?.(sent) ?? new Error(sent.message);
}
