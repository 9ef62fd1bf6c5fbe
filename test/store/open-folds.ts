/** A store that is written and read in the test's own thread, step by step; it is closed when the test ends. */
import { onTestFinished } from 'vitest';
import { openForReading, openForWriting } from '../../collector/store/sqlite/open-database.ts';
import { createReader } from '../../collector/store/sqlite/read/create-reader.ts';
import { createFolds } from './write-blocks.ts';

export function openFolds(folder: string, log: (line: string) => void = () => {}) {
  const { database, release } = openForWriting(folder);
  const reader = createReader(openForReading(folder), folder, log);
  onTestFinished(() => {
    void reader['close']!(null as never, () => false);
    database.close();
    release();
  });
  return { database, reader, ...createFolds(database) };
}
