/**
 * One round of the ingest benchmark: the same requests to the bare server and to a collector on an empty folder, one
 * after the other, each in a process of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCollector } from './open-collector.ts';
import { sendRequests, type SendResult } from './send-requests.ts';
import { folderBytes, memoryOf, untilQuiet } from './watch-process.ts';
import { makeRequests, type ExportRequest } from '../workload/make-requests.ts';
import type { Workload } from '../workload/trace-plan.ts';

export interface Load {
  readonly spans: number;
  readonly failedShare: number;
  readonly spansPerRequest: number;
  readonly connections: number;
  readonly inFlight: number;
}

/** What one receiver made of the load. */
export interface Received {
  readonly spansPerS: number;
  /** Until the receiver was idle again, all threads. */
  readonly cpuUsPerSpan: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly peakBytes: number;
  readonly residentBytes: number;
}

export interface CollectorReceived extends Received {
  /** Of the whole data folder, some seconds after the load stopped. */
  readonly bytesPerSpan: number;
  readonly retries: number;
  /** Traces that waited for diagnosis when the last request was acknowledged. */
  readonly backlog: number;
  /** From the last acknowledgement until nothing was left to do. */
  readonly workedOnMs: number;
}

export interface Round {
  readonly bare: Received;
  readonly collector: CollectorReceived;
}

const BARE_SERVER = resolve(import.meta.dirname, 'bare-server.ts');
/** Compiled code, filled caches: what a receiver has that has run for some seconds. */
const WARM_UP_SPANS = 300_000;
const FOLDER_SETTLES_MS = 10_000;
/** Beyond it, requests are made while sending instead of before. */
const PREPARED_SPANS_MAX = 1_000_000;
const SEED_STEP = 1_000;

export async function runRound(load: Load, seed: number): Promise<Round> {
  const requests = prepare(load, seed);
  const bare = await measureBare(load, seed, requests);
  return { bare, collector: await measureCollector(load, seed, requests) };
}

function workloadOf(load: Load, seed: number, spans: number): Workload {
  // The last minute: about as old as spans are when they are sent.
  return { seed, spans, failedShare: load.failedShare, startUnixMs: Date.now() - 60_000, spreadMs: 60_000 };
}

function prepare(load: Load, seed: number): Iterable<ExportRequest> {
  const workload = workloadOf(load, seed, load.spans);
  const make = () => makeRequests(workload, load);
  return load.spans <= PREPARED_SPANS_MAX ? [...make()] : { [Symbol.iterator]: make };
}

async function warmUp(load: Load, seed: number, address: string): Promise<number> {
  const spans = Math.min(WARM_UP_SPANS, load.spans);
  const requests = makeRequests(workloadOf(load, seed + SEED_STEP, spans), load);
  return (await sendRequests({ ...load, address, requests })).spans;
}

function received(sent: SendResult, cpuMs: number, pid: number): Received {
  const at = (share: number) => sent.latenciesMs[Math.ceil(share * sent.latenciesMs.length) - 1]!;
  return {
    spansPerS: (sent.spans / sent.elapsedMs) * 1_000,
    cpuUsPerSpan: (cpuMs / sent.spans) * 1_000,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    ...memoryOf(pid),
  };
}

async function measureBare(load: Load, seed: number, requests: Iterable<ExportRequest>): Promise<Received> {
  const server = spawn(process.execPath, [BARE_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const address = line.toString('utf8').trim();
    const pid = server.pid!;
    await warmUp(load, seed, address);
    const startCpuMs = await untilQuiet(pid);
    const sent = await sendRequests({ ...load, address, requests });
    return received(sent, (await untilQuiet(pid)) - startCpuMs, pid);
  } finally {
    await end(server);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function measureCollector(
  load: Load,
  seed: number,
  requests: Iterable<ExportRequest>,
): Promise<CollectorReceived> {
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-ingest-'));
  const measured = await openCollector(folder);
  const { pid } = measured;
  const address = measured.collector.otlpGrpc;
  try {
    const warmUpSpans = await warmUp(load, seed, address);
    const startCpuMs = await measured.untilIdle();
    const sent = await sendRequests({ ...load, address, requests });
    const stoppedMs = performance.now();
    const memory = memoryOf(pid);
    const { backlog } = (await measured.status()).diagnosis;
    await sleep(FOLDER_SETTLES_MS);
    const bytesPerSpan = folderBytes(folder) / (sent.spans + warmUpSpans);
    const cpuMs = (await measured.untilIdle()) - startCpuMs;
    return {
      ...received(sent, cpuMs, pid),
      residentBytes: memory.residentBytes,
      bytesPerSpan,
      retries: sent.retries,
      backlog,
      workedOnMs: performance.now() - stoppedMs,
    };
  } finally {
    await measured.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
