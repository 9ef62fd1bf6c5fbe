/**
 * The thread of large traces: takes jobs, asks back for history, answers. One that breaks says why; the thread goes on.
 */
import { parentPort } from 'node:worker_threads';
import type { History } from '../../query/diagnose-by-history.ts';
import { runJob, type Job } from './jobs.ts';
import { reviveError, sendableError, type SentError } from './sent-error.ts';

export type ToThread =
  | { readonly type: 'job'; readonly id: number; readonly job: Job }
  | { readonly type: 'found'; readonly id: number; readonly found: unknown }
  | { readonly type: 'not-found'; readonly id: number; readonly error: SentError };

export type FromThread =
  | { readonly type: 'done'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: SentError }
  | {
      readonly type: 'ask';
      readonly id: number;
      readonly method: keyof History;
      readonly arguments: unknown[];
    };

const port = parentPort;
if (port === null) throw new Error('this file is a worker thread and cannot be started by itself');

const asked = new Map<number, PromiseWithResolvers<never>>();
let lastAsk = 0;

const ask = <T>(method: keyof History, ...given: unknown[]): Promise<T> => {
  const id = ++lastAsk;
  const answer = Promise.withResolvers<never>();
  asked.set(id, answer);
  send({ type: 'ask', id, method, arguments: given });
  return answer.promise;
};
const history: History = {
  readKeptVerdicts: (traceId) => ask('readKeptVerdicts', traceId),
  readNormals: (keys, exceptTraceId) => ask('readNormals', keys, exceptTraceId),
  readAddressServices: (addresses) => ask('readAddressServices', addresses),
  readHostViews: (traceId) => ask('readHostViews', traceId),
};

function send(message: FromThread, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

async function answer(id: number, job: Job): Promise<void> {
  try {
    const result = await runJob(job, history);
    // Its memory changes hands, unless other bytes lie in it.
    const isOwn = result instanceof Uint8Array && result.byteLength === result.buffer.byteLength;
    send({ type: 'done', id, result }, isOwn ? [result.buffer as ArrayBuffer] : []);
  } catch (error) {
    send({ type: 'failed', id, error: sendableError(error) });
  }
}

port.on('message', (message: ToThread) => {
  if (message.type === 'job') {
    void answer(message.id, message.job);
    return;
  }
  const waiting = asked.get(message.id);
  asked.delete(message.id);
  if (message.type === 'found') waiting?.resolve(message.found as never);
  else waiting?.reject(reviveError(message.error));
});
