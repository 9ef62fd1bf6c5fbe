/** A data folder with many spans spread over a week, loaded by way of the collector's port; kept to be used again. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCollector } from './open-collector.ts';
import { sendRequests } from './send-requests.ts';
import { cpuMsOf, folderBytes, memoryOf } from './watch-process.ts';
import { makeRequests } from '../workload/make-requests.ts';
import type { Workload } from '../workload/trace-plan.ts';

export interface LoadedFolder {
  readonly folder: string;
  readonly workload: Workload;
  readonly spans: number;
  readonly spansPerS: number;
  /** Until the collector was idle again. */
  readonly cpuUsPerSpan: number;
  readonly bytesPerSpan: number;
  readonly peakBytes: number;
}

const WEEK_MS = 7 * 86_400_000;
const HOUR_MS = 3_600_000;
const FAILED_SHARE = 0.001;
const LOAD = { connections: 8, inFlight: 16, spansPerRequest: 512 };
const FOLDER_SETTLES_MS = 10_000;

/** Takes what an earlier run has loaded into `folder`; loads it else. */
export async function loadFolder(folder: string, spans: number, seed: number): Promise<LoadedFolder> {
  const notePath = join(folder, 'loaded.json');
  if (existsSync(notePath)) {
    const loaded = JSON.parse(readFileSync(notePath, 'utf8')) as LoadedFolder;
    if (loaded.workload.spans === spans && loaded.workload.seed === seed) return { ...loaded, folder };
    throw new Error(
      `${folder}: got ${loaded.workload.spans} spans of seed ${loaded.workload.seed}, expected ${spans} of ${seed}`,
    );
  }
  mkdirSync(folder, { recursive: true });
  const startUnixMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - WEEK_MS - HOUR_MS;
  const workload = { seed, spans, failedShare: FAILED_SHARE, startUnixMs, spreadMs: WEEK_MS };
  const loaded = { folder, workload, ...(await load(folder, workload)) };
  // In one step: a folder that is half loaded is not taken for a whole one.
  writeFileSync(`${notePath}.new`, JSON.stringify(loaded));
  renameSync(`${notePath}.new`, notePath);
  return loaded;
}

async function load(folder: string, workload: Workload): Promise<Omit<LoadedFolder, 'folder' | 'workload'>> {
  const data = dataFolder(folder);
  const measured = await openCollector(data);
  try {
    const startCpuMs = cpuMsOf(measured.pid);
    const requests = makeRequests(workload, LOAD);
    const sent = await sendRequests({ ...LOAD, address: measured.collector.otlpGrpc, requests });
    await sleep(FOLDER_SETTLES_MS);
    const bytesPerSpan = folderBytes(data) / sent.spans;
    const cpuMs = (await measured.untilIdle()) - startCpuMs;
    const { peakBytes } = memoryOf(measured.pid);
    await measured.stop();
    return {
      spans: sent.spans,
      spansPerS: (sent.spans / sent.elapsedMs) * 1_000,
      cpuUsPerSpan: (cpuMs / sent.spans) * 1_000,
      bytesPerSpan,
      peakBytes,
    };
  } finally {
    await measured.kill();
  }
}

export function dataFolder(folder: string): string {
  return join(folder, 'data');
}
