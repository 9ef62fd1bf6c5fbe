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

/** Each part, of requests, becomes a block. */
export function writeBlocks(folder: string, parts: readonly (readonly Buffer[])[]): void {
  writing(folder, (database) => {
    const writer = createWriterParts(database);
    const append = createAppend({
      database,
      interner: createInterner(database),
      recent: new RecentRequests(),
    });
    const unfolded = new Unfolded();
    for (const requests of parts) {
      append(unfolded, requests);
      for (const _ of fold(writer, unfolded));
      unfolded.clear();
    }
  });
}
