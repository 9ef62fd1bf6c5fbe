/** `sockeye backup FILE`: a consistent copy of the store, while its collector runs or when it does not. */
import { resolve } from 'node:path';
import { ConfigError, readConfig } from '../config.ts';
import { backupStore } from '../store/sqlite/backup-store.ts';
import { StoreOpenError } from '../store/store.ts';

const EXIT_FAILED = 1;
const EXIT_WRONG_USE = 2;
const USAGE = `Usage: sockeye backup FILE [--data DIR]

Copies the store of the data folder into FILE, as it is at one moment. To use the copy, put it as spans.sqlite
into a folder of its own and start the collector with --data.`;

/** Returns the exit code. */
export async function runBackup(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const [path, ...flags] = args;
  try {
    if (path === undefined || path.startsWith('-')) {
      throw new ConfigError(`backup: got ${path ?? 'nothing'}, expected the file to write first\n\n${USAGE}`);
    }
    const { dataFolder } = readConfig(flags, process.env);
    const bytes = backupStore(dataFolder, resolve(path));
    console.log(`${path}: ${bytes} bytes, a copy of ${resolve(dataFolder)}`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof StoreOpenError)) throw error;
    console.error(`sockeye: ${error.message}`);
    return error instanceof ConfigError ? EXIT_WRONG_USE : EXIT_FAILED;
  }
}
