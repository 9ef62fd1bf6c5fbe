/**
 * The thread of large traces: takes jobs, asks back for history, answers; writes traces piece by piece, each when it is
 * asked for. A job that breaks says why; the thread goes on.
 */
import { parentPort } from 'node:worker_threads';
import type { History } from '../../query/diagnose-by-history.ts';
import { runJob, type Job } from './jobs.ts';
import { reviveError, sendableError, type SentError } from './sent-error.ts';
import { writeTrace, type TraceToWrite } from './write-trace.ts';

export type ToThread =
  | { readonly type: 'job'; readonly id: number; readonly job: Job }
  | { readonly type: 'write'; readonly id: number; readonly trace: TraceToWrite }
  /** The next piece of what is written. */
  | { readonly type: 'more'; readonly id: number }
  /** No further piece of it is wanted. */
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'found'; readonly id: number; readonly found: unknown }
  | { readonly type: 'not-found'; readonly id: number; readonly error: SentError };

export type FromThread =
  | { readonly type: 'done'; readonly id: number; readonly result: unknown }
  /** null after the last. */
  | { readonly type: 'piece'; readonly id: number; readonly piece: Uint8Array | null }
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

const writing = new Map<number, Generator<Uint8Array<ArrayBuffer>>>();

/** More is asked than there is: the asker does not wait for each piece before it asks for the next. */
function sendPiece(id: number): void {
  try {
    const piece = writing.get(id)?.next().value ?? null;
    if (piece === null) writing.delete(id);
    send({ type: 'piece', id, piece }, piece === null ? [] : [piece.buffer]);
  } catch (error) {
    writing.delete(id);
    send({ type: 'failed', id, error: sendableError(error) });
  }
}

port.on('message', (message: ToThread) => {
  const { id } = message;
  switch (message.type) {
    case 'job':
      return void answer(id, message.job);
    case 'write':
      return void writing.set(id, writeTrace(message.trace));
    case 'more':
      return sendPiece(id);
    case 'stop':
      return void writing.delete(id);
  }
  const waiting = asked.get(id);
  asked.delete(id);
  if (message.type === 'found') waiting?.resolve(message.found as never);
  else waiting?.reject(reviveError(message.error));
});
