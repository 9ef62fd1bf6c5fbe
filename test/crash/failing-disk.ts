/**
 * Takes the disk away from a collector under load and gives it back: a full disk, or one that refuses to write. Senders
 * are told to come back later, what is stored stays readable, and nothing has to be restarted.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceError } from '@grpc/grpc-js';
import { FREE_PORTS, startCollector, type Collector } from '../main/collector.ts';
import { compareTotals } from './compare-totals.ts';
import { compareTraces, faultsOf } from './compare-traces.ts';
import { createSentLog, type SentLog } from './sent-log.ts';

/** How the disk is broken and mended, while the collector runs. */
export interface FailingDisk {
  /** The data folder. */
  readonly folder: string;
  fail(collector: Collector): void;
  mend(collector: Collector): void;
  /** Whether a collector that starts meanwhile meets the failing disk too. */
  readonly failsOnStart: boolean;
}

export interface DiskReport {
  readonly acknowledgedSpans: number;
  readonly refusals: number;
  /** What the collector said of it. */
  readonly said: readonly string[];
  readonly faults: readonly string[];
}

const LOAD = { connections: 2, inFlight: 8 };
const SPANS_PER_REQUEST = 512;
/** Enough to fill what is left of the disk. */
const SPANS = 400_000;
const REFUSALS = 5;

/** `spansBefore`: stored while the disk is well. */
export async function runFailingDisk(
  disk: FailingDisk,
  seed: number,
  spansBefore: number,
): Promise<DiskReport> {
  const faults: string[] = [];
  const said: string[] = [];
  const startUnixMs = Date.now() - 60_000;
  const logOf = (part: number, spans: number): SentLog => {
    const workload = { seed: seed * 1_000 + part, spans, failedShare: 0.02, startUnixMs, spreadMs: 60_000 };
    return createSentLog(workload, SPANS_PER_REQUEST);
  };
  const logs = [logOf(0, spansBefore), logOf(1, SPANS), logOf(2, SPANS)];
  const [before, first, second] = logs as [SentLog, SentLog, SentLog];
  const compare = async (when: string, compared: readonly SentLog[]): Promise<void> => {
    for (const log of compared) faults.push(...faultsOf(when, await compareTraces(collector.web, log)));
  };
  const start = () => startCollector([...FREE_PORTS, '--data', disk.folder]);
  let refusals = 0;
  let collector = await start();
  try {
    await before.send({ ...LOAD, address: collector.otlpGrpc });

    disk.fail(collector);
    refusals += await sendUntilRefused(collector, first, faults);
    await compare('while the disk fails', [before, first]);
    await expectAnswers(collector, faults);
    disk.mend(collector);
    await first.resend(collector.otlpGrpc);
    await compare('when the disk is back', [before, first]);
    faults.push(...(await compareTotals(collector.web, [before, first])));

    disk.fail(collector);
    refusals += await sendUntilRefused(collector, second, faults);
    collector.process.kill('SIGKILL');
    said.push(...linesOf((await collector.ended).stderr));
    if (!disk.failsOnStart) disk.mend(collector);
    collector = await start();
    await compare('after kill -9 while the disk fails', logs);
    disk.mend(collector);
    await second.resend(collector.otlpGrpc);
    await compare('at the end', logs);
    faults.push(...(await compareTotals(collector.web, logs)));
    const ended = await collector.stop();
    said.push(...linesOf(ended.stderr));
    if (ended.code !== 0) faults.push(`the end: got exit ${ended.code}, expected 0`);
  } finally {
    collector.process.kill('SIGKILL');
    await collector.ended;
  }
  const acknowledgedSpans = logs.reduce((sum, log) => sum + log.acknowledgedSpans(), 0);
  return { acknowledgedSpans, refusals, said, faults: [...faults, ...stacksIn(said)] };
}

/** Returns how often the collector asked to come back later. */
async function sendUntilRefused(collector: Collector, log: SentLog, faults: string[]): Promise<number> {
  const enough = new AbortController();
  let refusals = 0;
  const onRefused = ({ details, metadata }: ServiceError): void => {
    refusals++;
    if (metadata.get('grpc-status-details-bin').length === 0) {
      faults.push(`a refusal: got no RetryInfo, expected one: ${details}`);
    }
    if (refusals >= REFUSALS) enough.abort();
  };
  await log.send({ ...LOAD, address: collector.otlpGrpc, onRefused, signal: enough.signal });
  if (refusals === 0) faults.push('the disk failed, and every request was acknowledged');
  return refusals;
}

async function expectAnswers({ web }: Collector, faults: string[]): Promise<void> {
  for (const path of [
    '/healthz',
    '/api/status',
    '/api/map',
    '/api/services',
    '/api/traces',
    '/api/timeouts',
  ]) {
    const answer = await fetch(`${web}${path}`);
    if (!answer.ok) faults.push(`${path} while the disk fails: got ${answer.status} ${await answer.text()}`);
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function stacksIn(lines: readonly string[]): string[] {
  return lines.some((line) => /^\s+at /.test(line)) ? ['got a stack trace in the log'] : [];
}

/** Of a tmpfs: what little is left is filled by a file of ours. Null where mounting is not allowed. */
export function mountSmallDisk(folder: string, bytes: number): (FailingDisk & { unmount(): void }) | null {
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  if (mounted.status !== 0) return null;
  const ballast = join(folder, 'ballast');
  return {
    folder,
    failsOnStart: true,
    fail: () => fillDisk(ballast),
    mend: () => rmSync(ballast, { force: true }),
    unmount: () => void spawnSync('umount', ['--lazy', folder]),
  };
}

/** Leaves a little, so that the collector meets the end of the disk in the middle of a write. */
const LEFT_BYTES = 500_000;

function fillDisk(path: string): void {
  const { bavail, bsize } = statfsSync(join(path, '..'));
  const file = openSync(path, 'w');
  const block = Buffer.alloc(65_536);
  try {
    for (let left = bavail * bsize - LEFT_BYTES; left > block.length; left -= block.length) {
      writeSync(file, block);
    }
  } catch (error) {
    // The collector writes too, and may have taken what was left.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/** Writes beyond so many bytes of a file fail, as on a disk that is broken there. Null where that cannot be set. */
export function refuseWrites(folder: string): FailingDisk | null {
  const FILE_BYTES_MAX = 65_536;
  const limit = (pid: number, bytes: string) =>
    spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`]);
  if (spawnSync('prlimit', ['--version']).status !== 0) return null;
  return {
    folder,
    failsOnStart: false,
    fail: ({ process }) => void limit(process.pid!, String(FILE_BYTES_MAX)),
    mend: ({ process }) => void limit(process.pid!, 'unlimited'),
  };
}
