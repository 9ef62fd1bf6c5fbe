/**
 * Cuts the power under load, as far as that can be done on one machine: what the file system had written to its disk at
 * that moment is kept, what waited in memory is gone. Here kill -9 is no test: the kernel writes on for a dead process.
 *
 *     collector ──▶ ext4 ──▶ loop device ──▶ image file ──copy while all stands still──▶ image after the power cut
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FREE_PORTS, startCollector } from '../main/collector.ts';
import { Random } from '../benchmark/workload/random.ts';
import { compareTotals } from './compare-totals.ts';
import { compareTraces, faultsOf } from './compare-traces.ts';
import { createSentLog } from './sent-log.ts';

export interface PowerCutReport {
  readonly acknowledgedSpans: number;
  readonly requestsSentAgain: number;
  readonly faults: readonly string[];
}

const IMAGE_BYTES = 1_000_000_000;
const LOAD = { connections: 4, inFlight: 8 };
const SPANS_PER_REQUEST = 512;
const CHECK_MS = 5;

/** `folder` is an empty one. Null where no file system can be made and mounted. */
export async function runPowerCut(
  folder: string,
  seed: number,
  spans: number,
): Promise<PowerCutReport | null> {
  const random = new Random();
  random.restart(seed, 0);
  const disk = makeDisk(folder);
  if (disk === null) return null;
  const sent = createSentLog(
    { seed, spans, failedShare: 0.02, startUnixMs: Date.now() - 60_000, spreadMs: 60_000 },
    SPANS_PER_REQUEST,
  );
  const cutAfterSpans = random.below(Math.floor(spans * 0.9));
  let mounted = disk.mountImage();
  try {
    const collector = await startCollector([...FREE_PORTS, '--data', mounted.path]);
    const cut = new AbortController();
    const reached = Promise.withResolvers<void>();
    const sending = sent.send({
      ...LOAD,
      address: collector.otlpGrpc,
      signal: cut.signal,
      onAcknowledged: () => sent.acknowledgedSpans() > cutAfterSpans && reached.resolve(),
    });
    try {
      await Promise.race([reached.promise, sending]);
      collector.process.kill('SIGSTOP');
      await untilStopped(collector.process.pid!);
      disk.cutPower();
    } finally {
      cut.abort();
      collector.process.kill('SIGKILL');
      await collector.ended;
    }
    await sending;
    mounted.unmount();
    mounted = disk.mountCopy();
    forgetBoot(join(mounted.path, 'spans.sqlite-shm'));
    return await compareAfter(mounted.path, sent);
  } finally {
    mounted.unmount();
  }
}

/** A machine whose power was cut starts again: what was there before is older than that. */
function forgetBoot(path: string): void {
  if (existsSync(path)) utimesSync(path, 0, 0);
}

async function compareAfter(path: string, sent: ReturnType<typeof createSentLog>): Promise<PowerCutReport> {
  const collector = await startCollector([...FREE_PORTS, '--data', path]);
  try {
    const acknowledgedSpans = sent.acknowledgedSpans();
    const requestsSentAgain = sent.unansweredRequests();
    const faults = faultsOf('after the power cut', await compareTraces(collector.web, sent));
    await sent.resend(collector.otlpGrpc);
    faults.push(...faultsOf('after sending again', await compareTraces(collector.web, sent)));
    faults.push(...(await compareTotals(collector.web, [sent])));
    return { acknowledgedSpans, requestsSentAgain, faults };
  } finally {
    collector.process.kill('SIGKILL');
    await collector.ended;
  }
}

interface Mounted {
  readonly path: string;
  unmount(): void;
}

function makeDisk(folder: string): { mountImage(): Mounted; cutPower(): void; mountCopy(): Mounted } | null {
  const image = join(folder, 'disk.img');
  const copy = join(folder, 'disk-after-power-cut.img');
  const path = join(folder, 'mounted');
  mkdirSync(path);
  const isDone = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
  const mount = (file: string): Mounted => {
    if (!isDone('mount', '-o', 'loop', file, path)) throw new Error(`cannot mount ${file}`);
    let isMounted = true;
    const unmount = (): void => {
      if (isMounted) spawnSync('umount', ['--lazy', path]);
      isMounted = false;
    };
    return { path, unmount };
  };
  const isMade =
    isDone('truncate', '--size', String(IMAGE_BYTES), image) && isDone('mkfs.ext4', '-q', '-F', image);
  if (!isMade || !isDone('mount', '-o', 'loop', image, path)) return null;
  spawnSync('umount', [path]);
  return {
    mountImage: () => mount(image),
    cutPower() {
      if (!isDone('cp', '--sparse=always', image, copy)) throw new Error(`cannot copy ${image}`);
    },
    mountCopy: () => mount(copy),
  };
}

/** A thread may be in the middle of a write when the signal comes: it stops when that is done. */
async function untilStopped(pid: number): Promise<void> {
  const stateOf = (thread: string): string => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0]!;
  };
  while (!readdirSync(`/proc/${pid}/task`).every((thread) => stateOf(thread) === 'T')) await sleep(CHECK_MS);
}
