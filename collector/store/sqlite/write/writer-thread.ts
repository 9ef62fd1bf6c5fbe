/** The writer thread: everything that changes the store happens here. */
import { workerData } from 'node:worker_threads';
import { asOpenError, databasePath, isCorrupt } from '../open-database.ts';
import { serveThread, type Methods } from '../thread.ts';
import { openWriter } from './writer.ts';

serveThread(() => {
  const { folder, unfolded } = workerData as { folder: string; unfolded: Int32Array };
  const onRows = (rows: number): void => void Atomics.store(unfolded, 0, rows);
  try {
    return { ...openWriter(folder, onRows) } satisfies Methods;
  } catch (error) {
    throw isCorrupt(error) ? asOpenError(error, databasePath(folder)) : error;
  }
});
