/** A reader thread: answers queries from a connection of its own, so that none of them delays an append. */
import { workerData } from 'node:worker_threads';
import { openForReading } from '../open-database.ts';
import { serveThread } from '../thread.ts';
import { createReader, type ReaderData } from './create-reader.ts';

serveThread(() => {
  const { folder, isSearcher } = workerData as ReaderData;
  const log = (line: string) => console.error(`sockeye: ${line}`);
  return createReader(openForReading(folder), folder, log, isSearcher);
});
