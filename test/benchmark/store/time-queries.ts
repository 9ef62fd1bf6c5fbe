/** How long a collector takes to answer: warm, many times over; cold, right after a start. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCollector, type MeasuredCollector } from './open-collector.ts';
import { QUERY_KINDS, type QueryKind } from './query-kinds.ts';
import { cpuMsOf } from './watch-process.ts';
import { Random } from '../workload/random.ts';
import type { Workload } from '../workload/trace-plan.ts';

export interface Latencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface WarmTimes extends Latencies {
  /** Of all threads, a query: on a busy machine it says more than the clock. */
  readonly cpuMs: number;
}

export interface QueryTimes {
  readonly warm: WarmTimes;
  readonly cold: Latencies;
}

/** A query without an answer by then counts as having taken so long. */
const DEADLINE_MS = 120_000;
/** However slow the queries of a kind are, this is how long it is asked at most. */
const KIND_PATIENCE_MS = 60_000;
const WARM_UPS = 5;

export async function timeWarm(
  { collector, pid }: Pick<MeasuredCollector, 'collector' | 'pid'>,
  workload: Workload,
  samples: number,
): Promise<Map<string, WarmTimes>> {
  const random = new Random();
  const times = new Map<string, WarmTimes>();
  for (const [index, kind] of QUERY_KINDS.entries()) {
    random.restart(workload.seed, index);
    for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await timeOne(collector.web, kind, workload, random);
    const all: number[] = [];
    const startMs = performance.now();
    const startCpuMs = cpuMsOf(pid);
    do all.push(await timeOne(collector.web, kind, workload, random));
    while (all.length < samples && performance.now() - startMs < KIND_PATIENCE_MS);
    times.set(kind.name, { ...latenciesOf(all), cpuMs: (cpuMsOf(pid) - startCpuMs) / all.length });
  }
  return times;
}

/** With as many starts as there are kinds, each is the first to be asked once. */
export async function timeCold(
  folder: string,
  workload: Workload,
  starts: number,
): Promise<{ readonly ready: Latencies; readonly times: Map<string, Latencies> }> {
  const random = new Random();
  const readyMs: number[] = [];
  const times = new Map(QUERY_KINDS.map(({ name }): [string, number[]] => [name, []]));
  for (let start = 0; start < starts; start++) {
    const first = start % QUERY_KINDS.length;
    dropFromCache(folder);
    const measured = await openCollector(folder);
    try {
      readyMs.push(measured.readyMs);
      random.restart(workload.seed, QUERY_KINDS.length + first);
      for (const kind of [...QUERY_KINDS.slice(first), ...QUERY_KINDS.slice(0, first)]) {
        times.get(kind.name)!.push(await timeOne(measured.collector.web, kind, workload, random));
      }
      await measured.stop();
    } finally {
      await measured.kill();
    }
  }
  return {
    ready: latenciesOf(readyMs),
    times: new Map([...times].map(([name, all]) => [name, latenciesOf(all)])),
  };
}

export async function timeOne(
  web: string,
  kind: QueryKind,
  workload: Workload,
  random: Random,
): Promise<number> {
  const path = kind.ask(workload, random);
  const startMs = performance.now();
  try {
    const answer = await fetch(`${web}${path}`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    const body: unknown = await answer.json();
    const elapsedMs = performance.now() - startMs;
    if (!answer.ok) throw new Error(`got ${answer.status} ${JSON.stringify(body)}, expected 200`);
    kind.check(body);
    return elapsedMs;
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') return DEADLINE_MS;
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

export function latenciesOf(all: readonly number[]): Latencies {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** What the kernel remembers of the files: the disk is to be read, as after a reboot. */
function dropFromCache(folder: string): void {
  for (const name of readdirSync(folder)) {
    spawnSync('dd', [`if=${join(folder, name)}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}
