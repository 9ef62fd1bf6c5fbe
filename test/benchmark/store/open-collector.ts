/** A collector process that is measured: started, asked how it is, watched until it has nothing left to do. */
import type { Status } from '../../../collector/serve/wire.ts';
import { FREE_PORTS, startCollector, type Collector } from '../../main/collector.ts';
import { untilQuiet } from './watch-process.ts';

export interface MeasuredCollector {
  readonly collector: Collector;
  readonly pid: number;
  /** From the start of the process until it said to be ready. */
  readonly readyMs: number;
  status(): Promise<Status>;
  /** Resolves with the CPU time used when nothing waits any more. */
  untilIdle(): Promise<number>;
  /** A clean end. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export async function openCollector(folder: string): Promise<MeasuredCollector> {
  const startMs = performance.now();
  const args = [...FREE_PORTS, '--data', folder, '--keep', '365d', '--keep-bytes', '1TB'];
  // As `npm start`, the image and the installed command do.
  const environment = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: `${1 << 20}` };
  const collector = await startCollector(args, { environment });
  const ready = await fetch(`${collector.web}/readyz`);
  if (!ready.ok) throw new Error(`/readyz: got ${ready.status}, expected 200`);
  const readyMs = performance.now() - startMs;
  const pid = collector.process.pid!;
  const status = async () => (await (await fetch(`${collector.web}/api/status`)).json()) as Status;
  return {
    collector,
    pid,
    readyMs,
    status,
    untilIdle: () =>
      untilQuiet(pid, async () => {
        const { diagnosis, spans } = await status();
        return diagnosis.backlog === 0 && spans.queued === 0;
      }),
    async stop() {
      const { code, stderr } = await collector.stop();
      if (code !== 0) throw new Error(`the collector ended with ${code}: ${stderr}`);
    },
    async kill() {
      collector.process.kill('SIGKILL');
      await collector.ended;
    },
  };
}
