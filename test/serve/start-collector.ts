/** A collector process with a data folder that goes away with it, for tests that ask its API. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FREE_PORTS, startCollector as start } from '../main/collector.ts';

export interface Collector {
  /** `http://127.0.0.1:PORT` of the web port. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startCollector(...flags: string[]): Promise<Collector> {
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-serve-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const collector = await start([...FREE_PORTS, '--data', folder, ...flags]).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    url: collector.web,
    async close() {
      await collector.stop();
      await remove();
    },
  };
}
