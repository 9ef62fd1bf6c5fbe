/** What is done about a damaged write-ahead log before SQLite opens it. */
import { renameSync } from 'node:fs';
import { StoreOpenError } from '../store.ts';
import { checkLog } from './check-log.ts';

/**
 * What the log has lost is said, or is a reason not to open the file: SQLite itself would say nothing. A log that is
 * damaged and not needed is set aside, or left to the collector to do so.
 */
export function rescueLog(path: string, needless: 'set aside' | 'leave'): void {
  const log = checkLog(path);
  if (log.kind === 'whole') return;
  if (log.kind === 'needless') {
    if (needless === 'leave') {
      throw new StoreOpenError(
        `${path}-wal: got a damaged log that is not needed any more, expected none; start the collector, which sets it aside`,
      );
    }
    renameSync(`${path}-wal`, `${path}-wal.damaged`);
    console.error(
      `sockeye: ${path}-wal is damaged, but all of it is in the file already: it was set aside as ${path}-wal.damaged, and nothing is lost`,
    );
    return;
  }
  const found = `got ${log.whole} whole pages, expected the ${log.committed} that were committed`;
  if (log.kind === 'mixed') {
    throw new StoreOpenError(
      `${path}-wal: ${found}, some of which are in ${path} already: they do not fit together any more; restore a backup of ${path} and delete its -wal and -shm, or choose another folder with --data`,
    );
  }
  console.error(
    `sockeye: ${path}-wal is damaged: ${found}; what was acknowledged last, in the others, is lost, the rest is served`,
  );
}
