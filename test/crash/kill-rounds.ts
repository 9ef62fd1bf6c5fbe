/**
 * Kills the collector again and again while it takes spans at full speed, and compares after every restart what it
 * acknowledged with what it stored.
 *
 *     start ── load ── kill -9 ── (start ── kill -9) ── start ── compare ── send again what was not answered ── compare
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FREE_PORTS, startCollector, type Collector, type Ended } from '../main/collector.ts';
import { Random } from '../benchmark/workload/random.ts';
import { compareTotals } from './compare-totals.ts';
import { compareTraces, faultsOf } from './compare-traces.ts';
import { createSentLog, type SentLog } from './sent-log.ts';

export interface KillOptions {
  readonly folder: string;
  readonly seed: number;
  readonly kills: number;
  /** Sent at most between two kills. */
  readonly spans: number;
  readonly log: (line: string) => void;
}

export interface KillReport {
  readonly kills: number;
  /** Before the kills. */
  readonly acknowledgedSpans: number;
  /** Sent again, because no answer came before the kill. */
  readonly requestsSentAgain: number;
  /** What is wrong, in words; empty when nothing is. */
  readonly faults: readonly string[];
}

const MAIN = resolve(import.meta.dirname, '../../collector/main.ts');
const SPANS_PER_REQUEST = 512;
const FAILED_SHARE = 0.02;
const LOAD = { connections: 8, inFlight: 16 };
/** A kill comes at most so long after the moment that was drawn in spans: within a commit, not always behind one. */
const LATER_MS_MAX = 20;
const WORKING_ON_MS_MAX = 3_000;
const STARTING_MS_MAX = 600;
const SHARE_WHILE_STARTING = 0.3;
const SHARE_AFTER_LOAD = 0.15;

export async function runKillRounds(options: KillOptions): Promise<KillReport> {
  const { folder, kills, log } = options;
  const random = new Random();
  const faults: string[] = [];
  const logs: SentLog[] = [];
  let acknowledgedSpans = 0;
  let requestsSentAgain = 0;
  const startUnixMs = Date.now() - 60_000;
  let collector = await start(folder);
  try {
    for (let kill = 0; kill < kills; kill++) {
      random.restart(options.seed, kill);
      const workload = {
        seed: options.seed * 1_000 + kill,
        spans: options.spans,
        failedShare: FAILED_SHARE,
        startUnixMs,
        spreadMs: 60_000,
      };
      const sent = createSentLog(workload, SPANS_PER_REQUEST);
      logs.push(sent);
      const moment = drawMoment(random, options.spans);
      await loadUntilKilled(collector, sent, moment);
      faults.push(...faultsOfKilled(await collector.ended));
      const startKilled = random.chance(SHARE_WHILE_STARTING)
        ? await killWhileStarting(folder, random)
        : null;
      collector = await start(folder);

      const known = await compareTraces(collector.web, sent);
      const acknowledged = sent.acknowledgedSpans();
      acknowledgedSpans += acknowledged;
      const again = sent.unansweredRequests();
      requestsSentAgain += again;
      await sent.resend(collector.otlpGrpc);
      const all = await compareTraces(collector.web, sent);
      const found = [...faultsOf('after the restart', known), ...faultsOf('after sending again', all)];
      found.push(...(await compareTotals(collector.web, logs)));
      faults.push(...found.map((fault) => `kill ${kill + 1}: ${fault}`));
      log(
        `kill ${kill + 1}/${kills} ${moment.words}${startKilled ?? ''}: ${acknowledged} spans acknowledged, ` +
          `${again} requests sent again, ${all.traces} traces compared, ${found.length} faults`,
      );
    }
    for (const [index, sent] of logs.entries()) {
      const found = faultsOf('at the end', await compareTraces(collector.web, sent));
      faults.push(...found.map((fault) => `spans of kill ${index + 1}: ${fault}`));
    }
    const ended = await collector.stop();
    if (ended.code !== 0) faults.push(`the end: got exit ${ended.code}, ${ended.stderr}, expected 0`);
  } finally {
    collector.process.kill('SIGKILL');
    await collector.ended;
  }
  return { kills, acknowledgedSpans, requestsSentAgain, faults };
}

function start(folder: string): Promise<Collector> {
  return startCollector([...FREE_PORTS, '--data', folder]);
}

interface Moment {
  readonly acknowledgedSpans: number;
  readonly laterMs: number;
  readonly words: string;
}

/** Under load; sometimes when all is acknowledged and the collector works on. */
function drawMoment(random: Random, spans: number): Moment {
  if (random.chance(SHARE_AFTER_LOAD)) {
    const laterMs = random.below(WORKING_ON_MS_MAX);
    return { acknowledgedSpans: Infinity, laterMs, words: `${laterMs} ms after the load` };
  }
  const acknowledgedSpans = random.below(Math.floor(spans * 0.9));
  const laterMs = random.below(LATER_MS_MAX);
  return { acknowledgedSpans, laterMs, words: `${laterMs} ms after span ${acknowledgedSpans}` };
}

async function loadUntilKilled(collector: Collector, sent: SentLog, moment: Moment): Promise<void> {
  const killed = new AbortController();
  const kill = (): void => {
    if (killed.signal.aborted) return;
    killed.abort();
    collector.process.kill('SIGKILL');
  };
  let timer: NodeJS.Timeout | null = null;
  const sending = sent.send({
    ...LOAD,
    address: collector.otlpGrpc,
    signal: killed.signal,
    onAcknowledged() {
      if (timer === null && sent.acknowledgedSpans() > moment.acknowledgedSpans) {
        timer = setTimeout(kill, moment.laterMs);
      }
    },
  });
  await sending;
  if (!killed.signal.aborted) await sleep(moment.laterMs);
  if (timer !== null) clearTimeout(timer);
  kill();
}

/** A crash in the middle of recovering from the one before; returns when. */
async function killWhileStarting(folder: string, random: Random): Promise<string> {
  const afterMs = random.below(STARTING_MS_MAX);
  const child = spawn(process.execPath, [MAIN, ...FREE_PORTS, '--data', folder], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await Promise.race([sleep(afterMs), ended]);
  child.kill('SIGKILL');
  await ended;
  return ` and ${afterMs} ms after the start`;
}

function faultsOfKilled({ signal, stderr }: Ended): string[] {
  const faults = signal === 'SIGKILL' ? [] : [`got its end by ${signal}, expected to be killed: ${stderr}`];
  if (/^\s+at /m.test(stderr)) faults.push(`got a stack trace below "${stderr.split('\n')[0]}"`);
  return faults;
}
