/** Makes blocks for tests, however long that takes: the store's own clock is not waited for. */
import { openForWriting, type Connection } from '../../collector/store/sqlite/open-database.ts';
import { createAppend } from '../../collector/store/sqlite/write/append.ts';
import { fold } from '../../collector/store/sqlite/write/fold.ts';
import { createInterner } from '../../collector/store/sqlite/write/interner.ts';
import { createWriterParts } from '../../collector/store/sqlite/write/parts.ts';
import { RecentRequests } from '../../collector/store/sqlite/write/recent-requests.ts';
import { Unfolded } from '../../collector/store/sqlite/write/unfolded.ts';

/** On the writer's connection to the file of a folder. */
export function writing(folder: string, work: (database: Connection) => void): void {
  const { database, release } = openForWriting(folder);
  try {
    work(database);
  } finally {
    database.close();
    release();
  }
}

/** The writer's parts on its connection; `foldAll` makes a block of requests, and gives what its steps said. */
export function createFolds(database: Connection) {
  const parts = createWriterParts(database);
  const append = createAppend({ database, interner: createInterner(database), recent: new RecentRequests() });
  return {
    parts,
    foldAll(...requests: readonly Buffer[]): number[] {
      const unfolded = new Unfolded();
      append(unfolded, requests);
      return [...fold(parts, unfolded)];
    },
  };
}

/** Each part, of requests, becomes a block. */
export function writeBlocks(folder: string, parts: readonly (readonly Buffer[])[]): void {
  writing(folder, (database) => {
    const { foldAll } = createFolds(database);
    for (const requests of parts) foldAll(...requests);
  });
}
