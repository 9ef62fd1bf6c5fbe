/** A real collector process on free ports, for tests: `node collector/main.ts`, or another entry point. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../collector/main.ts');
/** Nothing but what starts it, and what was compiled for others (vitest.config.ts). */
export const BARE_ENVIRONMENT = {
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
};
export const FREE_PORTS = [
  '--otlp-grpc',
  '127.0.0.1:0',
  '--otlp-http',
  '127.0.0.1:0',
  '--web',
  '127.0.0.1:0',
];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Collector {
  readonly process: ChildProcess;
  /** As printed: `127.0.0.1:4317`, `http://127.0.0.1:4318`, … */
  readonly otlpGrpc: string;
  readonly otlpHttp: string;
  readonly web: string;
  readonly stdout: string;
  readonly ended: Promise<Ended>;
  /** SIGTERM, and the end. */
  stop(): Promise<Ended>;
}

export interface RunOptions {
  readonly entry?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

function start(args: readonly string[], { entry = MAIN, environment = {} }: RunOptions) {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { ...BARE_ENVIRONMENT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code, signal]): Ended => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...output,
  }));
  return { child, output, ended };
}

/** Runs it to its end: for what is refused, and for --help. */
export async function runCollector(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { child, ended } = start(args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const result = await ended;
  clearTimeout(timer);
  return result;
}

/** Resolves when the addresses are printed. */
export async function startCollector(args: readonly string[], options: RunOptions = {}): Promise<Collector> {
  const { child, output, ended } = start(args, options);
  let isEnded = false;
  void ended.then(() => (isEnded = true));
  while (!/^web .*\n/m.test(output.stdout)) {
    await Promise.race([once(child.stdout, 'data'), ended]);
    if (isEnded) throw new Error(`the collector ended: ${JSON.stringify(await ended)}`);
  }
  const printed = (name: string): string =>
    new RegExp(`^${name} +(\\S+)$`, 'm').exec(output.stdout)?.[1] ?? '';
  return {
    process: child,
    otlpGrpc: printed('OTLP gRPC'),
    otlpHttp: printed('OTLP HTTP'),
    web: printed('web'),
    stdout: output.stdout,
    ended,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** A folder that is gone after the test. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-main-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A collector on a folder of its own, stopped whatever happens. */
export async function withCollector<T>(
  args: readonly string[],
  work: (collector: Collector) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    const collector = await startCollector([...FREE_PORTS, '--data', folder, ...args]);
    try {
      return await work(collector);
    } finally {
      collector.process.kill('SIGKILL');
      await collector.ended;
    }
  });
}
