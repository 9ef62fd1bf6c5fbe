/**
 * The thread of diagnoses: reads what it judges from a connection of its own, and leaves the processor to the others.
 */
import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';
import { workerData } from 'node:worker_threads';
import { openForReading } from '../open-database.ts';
import { serveThread } from '../thread.ts';
import { createReader, type ReaderData } from './create-reader.ts';

/**
 * Linux schedules threads; elsewhere the thread is one like the others. Not the lowest priority: the log of the store grows
 * while it reads, so that it must not be kept from ending.
 */
function giveWay(): void {
  try {
    setPriority(
      Number(basename(readlinkSync('/proc/thread-self'))),
      constants.priority.PRIORITY_BELOW_NORMAL,
    );
  } catch {
    // Diagnoses come all the same.
  }
}

serveThread(() => {
  giveWay();
  const { folder } = workerData as ReaderData;
  return createReader(openForReading(folder), folder, (line) => console.error(`sockeye: ${line}`));
});
