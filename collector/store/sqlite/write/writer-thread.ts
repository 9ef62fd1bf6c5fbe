/** The writer thread: everything that changes the store happens here. */
import { workerData } from 'node:worker_threads';
import { asOpenError, databasePath, isCorrupt } from '../open-database.ts';
import { serveThread, type Methods } from '../thread.ts';
import type { ForwardQueueOptions } from './forward-queue.ts';
import { openWriter } from './writer.ts';

export interface WriterData {
  readonly folder: string;
  /** Tells how many spans are in no block yet. */
  readonly unfolded: Int32Array;
  readonly forward: ForwardQueueOptions;
}

serveThread(() => {
  const { folder, unfolded, forward } = workerData as WriterData;
  const onRows = (rows: number): void => void Atomics.store(unfolded, 0, rows);
  try {
    return { ...openWriter(folder, onRows, forward) } satisfies Methods;
  } catch (error) {
    throw isCorrupt(error) ? asOpenError(error, databasePath(folder)) : error;
  }
});
