/**
 * Damages the files of a stopped collector at seeded places and starts it again: it serves what is not damaged and says
 * what is, or it does not start and says why. It never serves something else than was sent, and never crashes.
 */
import {
  closeSync,
  cpSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { FREE_PORTS, runCollector, startCollector, type Collector } from '../main/collector.ts';
import { Random } from '../benchmark/workload/random.ts';
import { compareTraces } from './compare-traces.ts';
import { createSentLog, type SentLog } from './sent-log.ts';

export interface DamageOptions {
  /** An empty one. */
  readonly folder: string;
  readonly seed: number;
  readonly cases: number;
  readonly spans: number;
  readonly log: (line: string) => void;
}

export interface DamageReport {
  readonly cases: number;
  /** Did not start, and said why. */
  readonly refused: number;
  /** Started, takes no new spans, and said why. */
  readonly closed: number;
  /** Of all spans of all cases, 0 to 1. */
  readonly servedShare: number;
  readonly faults: readonly string[];
}

export interface CaseResult {
  readonly words: string;
  readonly started: boolean;
  readonly takesSpans: boolean;
  readonly servedShare: number;
  readonly faults: readonly string[];
}

const LOAD = { connections: 2, inFlight: 8 };
const SPANS_PER_REQUEST = 512;
const SPANS_AFTER = 2_000;
const REGION_BYTES = 16_384;
/** The first page of a SQLite file lists its tables. */
const HEAD_BYTES = 16_384;
const FLIPS = 20;
const DAMAGE = /damage|corrupt|malformed|checksum/i;
/** Who takes no spans for so long takes none: what is damaged is set aside when it is met, and what was refused is sent again. */
const REFUSING_MS = 5_000;

interface Damage {
  readonly what: string;
  /** So much may be gone that not starting is an answer: the end of the file, or what says how to read it. */
  readonly mayRefuse: boolean;
}

const DAMAGES: readonly ((file: number, bytes: number, random: Random) => Damage)[] = [
  (file, bytes, random) => {
    const at = flipByte(file, random.below(bytes));
    return { what: `byte ${at} flipped`, mayRefuse: at < HEAD_BYTES };
  },
  (file, bytes, random) => {
    for (let flip = 0; flip < FLIPS; flip++) flipByte(file, random.below(bytes));
    return { what: `${FLIPS} bytes flipped`, mayRefuse: true };
  },
  (file, bytes, random) => {
    const at = random.below(Math.max(1, bytes - REGION_BYTES));
    const noise = Buffer.from(Array.from({ length: Math.min(REGION_BYTES, bytes) }, () => random.below(256)));
    writeSync(file, noise, 0, noise.length, at);
    return { what: `${noise.length} bytes overwritten at ${at}`, mayRefuse: true };
  },
  (file, bytes, random) => {
    const kept = random.below(bytes);
    ftruncateSync(file, kept);
    return { what: `cut off after ${kept}`, mayRefuse: true };
  },
];

function flipByte(file: number, at: number): number {
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 0xff;
  writeSync(file, byte, 0, 1, at);
  return at;
}

/** Half of the cases damage what a clean end left, half what kill -9 left. */
export async function runDamage(options: DamageOptions): Promise<DamageReport> {
  const { folder, seed, cases, log } = options;
  const startUnixMs = Date.now() - 60_000;
  const logOf = (part: number, spans: number): SentLog => {
    const workload = { seed: seed * 1_000 + part, spans, failedShare: 0.02, startUnixMs, spreadMs: 60_000 };
    return createSentLog(workload, SPANS_PER_REQUEST);
  };
  const endings = ['SIGTERM', 'SIGKILL'] as const;
  const wholes: { ending: string; path: string; sent: SentLog }[] = [];
  for (const [part, ending] of endings.entries()) {
    const path = join(folder, `ended-by-${ending}`);
    const sent = logOf(part, options.spans);
    await fillFolder(path, sent, ending);
    wholes.push({ ending, path, sent });
  }
  const random = new Random();
  const results: CaseResult[] = [];
  for (let number = 0; number < cases; number++) {
    random.restart(seed, number);
    const whole = wholes[random.below(wholes.length)]!;
    const damaged = join(folder, 'damaged');
    cpSync(whole.path, damaged, { recursive: true });
    try {
      const damage = damageFile(damaged, DAMAGES[number % DAMAGES.length]!, random);
      const what = `${damage.what}, after ${whole.ending}`;
      const result = await startDamaged(damaged, whole.sent, logOf(endings.length + number, SPANS_AFTER));
      const faults = result.started || damage.mayRefuse ? result.faults : [...result.faults, result.words];
      results.push({ ...result, faults: faults.map((fault) => `${what}: ${fault}`) });
      log(`${number + 1}/${cases} ${what}: ${result.words}`);
    } finally {
      rmSync(damaged, { recursive: true, force: true });
    }
  }
  return {
    cases,
    refused: results.filter(({ started }) => !started).length,
    closed: results.filter(({ started, takesSpans }) => started && !takesSpans).length,
    servedShare: results.reduce((sum, { servedShare }) => sum + servedShare, 0) / cases,
    faults: results.flatMap(({ faults }) => faults),
  };
}

export async function fillFolder(
  path: string,
  sent: SentLog,
  ending: 'SIGTERM' | 'SIGKILL',
  beforeEnd: (collector: Collector) => Promise<unknown> = async () => {},
): Promise<void> {
  const collector = await startCollector([...FREE_PORTS, '--data', path]);
  try {
    await sent.send({ ...LOAD, address: collector.otlpGrpc });
    await beforeEnd(collector);
  } finally {
    collector.process.kill(ending);
    await collector.ended;
  }
}

/** Any byte of any file may be hit. */
function damageFile(folder: string, damage: (typeof DAMAGES)[number], random: Random): Damage {
  const files = readdirSync(folder)
    .map((name) => ({ name, bytes: statSync(join(folder, name)).size }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  let at = random.below(files.reduce((sum, { bytes }) => sum + bytes, 0));
  const hit = files.find(({ bytes }) => (at -= bytes) < 0)!;
  const file = openSync(join(folder, hit.name), 'r+');
  try {
    const { what, mayRefuse } = damage(file, hit.bytes, random);
    return { what: `${hit.name} of ${hit.bytes}: ${what}`, mayRefuse };
  } finally {
    closeSync(file);
  }
}

/** Starts a collector on it, and compares what it serves with what was sent; `more` is sent to it. */
export async function startDamaged(folder: string, sent: SentLog, more: SentLog): Promise<CaseResult> {
  const flags = [...FREE_PORTS, '--data', folder];
  const collector = await startCollector(flags).catch(() => null);
  if (collector === null) return resultOfRefusal(flags);
  try {
    return await resultOfServing(collector, sent, more);
  } catch (error) {
    // Reads fail like this when the process is gone.
    const { code, signal, stderr } = await stopped(collector);
    const reason = `${String(error)}; exit ${code ?? signal}: ${stderr}`;
    return {
      words: 'ended by itself',
      started: true,
      takesSpans: false,
      servedShare: 0,
      faults: [`ended while serving: ${reason}`],
    };
  } finally {
    await stopped(collector);
  }
}

function stopped(collector: Collector): Collector['ended'] {
  collector.process.kill('SIGKILL');
  return collector.ended;
}

/** A damaged store says so the same way each time. */
async function resultOfRefusal(flags: readonly string[]): Promise<CaseResult> {
  const { code, stderr } = await runCollector(flags);
  const lines = stderr.trim().split('\n');
  const isClear = code === 1 && lines.length === 1 && /^sockeye: .*got .*expected/.test(stderr);
  const faults = isClear ? [] : [`got exit ${code}: ${stderr}, expected 1 and one line that says why`];
  return { words: `did not start: ${lines[0]}`, started: false, takesSpans: false, servedShare: 0, faults };
}

/** Of a collector that runs; it is stopped at the end. */
export async function resultOfServing(
  collector: Collector,
  sent: SentLog,
  more: SentLog,
): Promise<CaseResult> {
  const faults: string[] = [];
  const { spans, missing, altered, doubled, failed, examples } = await compareTraces(collector.web, sent);
  if (altered + doubled > 0) faults.push(`${altered} spans altered, ${doubled} doubled: ${examples[0]}`);
  for (const path of ['/api/status', '/api/map', '/api/services', '/api/traces', '/api/timeouts']) {
    const { status } = await fetch(`${collector.web}${path}`);
    if (status !== 200 && status !== 503) faults.push(`${path}: got ${status}, expected 200 or 503`);
  }
  const refusal = await sendOrGiveUp(collector, more);
  const added = await compareTraces(collector.web, more);
  if (added.missing + added.altered > 0)
    faults.push(`of new spans: ${added.missing} missing, ${added.altered} altered`);
  const { code, stderr } = await collector.stop();
  if (code !== 0) faults.push(`the end: got exit ${code}: ${stderr}, expected 0`);
  if (/^\s+at /m.test(stderr)) faults.push(`got a stack trace below "${stderr.split('\n')[0]}"`);
  const saidSo = DAMAGE.test(stderr);
  if (missing + failed > 0 && !saidSo) faults.push(`${missing} spans missing, and the log does not say why`);
  if (refusal !== null && !(DAMAGE.test(refusal) && stderr.includes(refusal)))
    faults.push(`takes no new spans, and the log does not say what is damaged: ${refusal}`);
  const servedShare = (spans - altered - doubled) / sent.acknowledgedSpans();
  const words =
    `served ${(servedShare * 100).toFixed(1)} % (${missing} missing, ${altered} altered, ${failed} reads failed), ` +
    `${refusal === null ? 'takes new spans' : `takes no new spans (${refusal})`}; said: ${stderr.split('\n')[0]}`;
  return { words, started: true, takesSpans: refusal === null, servedShare, faults };
}

/** Gives the last refusal when the collector takes nothing for long; null when all was taken, be it late. */
async function sendOrGiveUp({ otlpGrpc }: Collector, more: SentLog): Promise<string | null> {
  const givenUp = new AbortController();
  let refusal: string | null = null;
  let takenMs = performance.now();
  await more.send({
    ...LOAD,
    address: otlpGrpc,
    signal: givenUp.signal,
    onAcknowledged: () => (takenMs = performance.now()),
    onRefused({ details }) {
      if (performance.now() - takenMs < REFUSING_MS) return;
      refusal = details;
      givenUp.abort();
    },
  });
  return refusal;
}
