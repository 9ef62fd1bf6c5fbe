/** A reader thread: answers queries from a connection of its own, so that none of them delays an append. */
import { workerData } from 'node:worker_threads';
import { openForReading } from '../open-database.ts';
import { serveThread } from '../thread.ts';
import { createReader } from './create-reader.ts';

serveThread(() => {
  const { folder } = workerData as { folder: string };
  return createReader(openForReading(folder), folder, (line) => console.error(`sockeye: ${line}`));
});
