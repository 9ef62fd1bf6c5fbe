/** Ingest and queries at once, and each alone: who waits for whom, and what ingest costs with so much stored. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredCollector } from './open-collector.ts';
import { QUERY_KINDS, type QueryKind } from './query-kinds.ts';
import { sendRequests } from './send-requests.ts';
import { latenciesOf, timeOne, type Latencies } from './time-queries.ts';
import { memoryOf } from './watch-process.ts';
import { makeRequests } from '../workload/make-requests.ts';
import { Random } from '../workload/random.ts';
import type { Workload } from '../workload/trace-plan.ts';

export interface MixedLoad {
  /** Acknowledgements without queries, and with them. */
  readonly acknowledgedAlone: Latencies;
  readonly acknowledgedMixed: Latencies;
  readonly spansPerSAlone: number;
  readonly spansPerSMixed: number;
  /** Traces by id, without ingest, and with it. */
  readonly queriesAlone: Latencies;
  readonly queriesMixed: Latencies;
  readonly cpuUsPerSpan: number;
  /** The most that was resident at any moment. */
  readonly residentBytes: number;
}

const LOAD = { connections: 8, inFlight: 16, spansPerRequest: 512 };
const MEMORY_CHECK_MS = 200;
const ALONE_MS = 5_000;
const FAILED_SHARE = 0.001;

export async function runMixedLoad(
  measured: MeasuredCollector,
  stored: Workload,
  spans: number,
): Promise<MixedLoad> {
  const { collector, pid } = measured;
  const seed = Date.now() % 2 ** 31;
  const prepare = (part: number) => {
    const workload = {
      seed: seed + part,
      spans,
      failedShare: FAILED_SHARE,
      startUnixMs: Date.now() - 60_000,
      spreadMs: 60_000,
    };
    return [...makeRequests(workload, LOAD)];
  };
  const send = (requests: ReturnType<typeof prepare>) =>
    sendRequests({ ...LOAD, address: collector.otlpGrpc, requests });
  let residentBytes = 0;
  const memory = setInterval(() => {
    residentBytes = Math.max(residentBytes, memoryOf(pid).residentBytes);
  }, MEMORY_CHECK_MS);
  try {
    const quiet = new AbortController();
    const asking = askUntil(quiet.signal, collector.web, stored);
    await sleep(ALONE_MS);
    quiet.abort();
    const queriesAlone = latenciesOf(await asking);

    const first = prepare(0);
    const startCpuMs = await measured.untilIdle();
    const alone = await send(first);
    const cpuMs = (await measured.untilIdle()) - startCpuMs;

    const second = prepare(1);
    const over = new AbortController();
    // Two that look things up, and one that asks for everything.
    const lookups = [
      askUntil(over.signal, collector.web, stored),
      askUntil(over.signal, collector.web, stored),
    ];
    const heavy = askUntil(over.signal, collector.web, stored, QUERY_KINDS);
    const mixed = await send(second);
    over.abort();
    const queriesMixed = latenciesOf((await Promise.all(lookups)).flat());
    await heavy;
    return {
      acknowledgedAlone: latenciesOf([...alone.latenciesMs]),
      acknowledgedMixed: latenciesOf([...mixed.latenciesMs]),
      spansPerSAlone: (alone.spans / alone.elapsedMs) * 1_000,
      spansPerSMixed: (mixed.spans / mixed.elapsedMs) * 1_000,
      queriesAlone,
      queriesMixed,
      cpuUsPerSpan: (cpuMs / alone.spans) * 1_000,
      residentBytes,
    };
  } finally {
    clearInterval(memory);
  }
}

/** One query after the other, of these kinds in turn. */
async function askUntil(
  signal: AbortSignal,
  web: string,
  workload: Workload,
  kinds: readonly QueryKind[] = QUERY_KINDS.slice(0, 1),
): Promise<number[]> {
  const random = new Random();
  random.restart(workload.seed, kinds.length);
  const all: number[] = [];
  for (let turn = 0; !signal.aborted; turn++) {
    all.push(await timeOne(web, kinds[turn % kinds.length]!, workload, random));
  }
  return all;
}
