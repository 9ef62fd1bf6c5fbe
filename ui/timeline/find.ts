/** Find in one trace: here for the traces people have, in a worker for large ones. */
import type { FromFinder, ToFinder } from './find-worker.ts';
import { findInTexts, readTexts } from './texts.ts';

export interface Finder {
  /** 1 for every span that is found. Rejects only when the worker cannot run. */
  find(query: string): Promise<Uint8Array>;
  close(): void;
}

/** Below this, reading the texts takes less than a frame: some 5,000 spans. */
const WORKER_FROM_BYTES = 700_000;

/** `file` is the trace's texts, which change hands; `spanId` the ids of the spans that are shown. */
export function createFinder(file: ArrayBuffer, spanId: Uint8Array): Finder {
  if (file.byteLength < WORKER_FROM_BYTES || typeof Worker === 'undefined') {
    const texts = readTexts(file, spanId);
    return { find: (query) => Promise.resolve(findInTexts(texts, query)), close: () => {} };
  }
  const worker = new Worker(new URL('./find-worker.ts', import.meta.url), { type: 'module' });
  const waiting = new Map<number, PromiseWithResolvers<Uint8Array>>();
  let lastId = 0;
  const send = (message: ToFinder, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
  worker.addEventListener('message', ({ data }: MessageEvent<FromFinder>) => {
    waiting.get(data.id)?.resolve(data.found);
    waiting.delete(data.id);
  });
  worker.addEventListener('error', () => {
    for (const query of waiting.values()) query.reject(new Error('The worker that finds failed.'));
    waiting.clear();
  });
  send({ type: 'open', file, spanId }, [file]);
  return {
    find(query) {
      const id = ++lastId;
      const answer = Promise.withResolvers<Uint8Array>();
      waiting.set(id, answer);
      send({ type: 'find', id, query });
      return answer.promise;
    },
    close: () => worker.terminate(),
  };
}
