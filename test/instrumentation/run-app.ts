/** Runs a program in a process of its own, with the built hook or without it, and tells how it ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const registerFile = fileURLToPath(new URL('../../instrumentation/register.cjs', import.meta.url));

export const appFile = (name: string) => fileURLToPath(new URL(`apps/${name}`, import.meta.url));

export interface AppRun {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface AppOptions {
  /** What starts node, such as `unshare`, with its arguments. */
  starter?: string[];
  /** Flags of node before the program's file, such as `--require`. */
  flags?: string[];
  args?: string[];
  cwd?: string;
  env?: Record<string, string>;
}

export interface RunningApp {
  child: ChildProcess;
  ended: Promise<AppRun>;
  /** Resolves with the first line of standard output that begins like this. */
  line(start: string): Promise<string>;
}

/** The environment of a program under test: nothing of OpenTelemetry's from outside, and a service name. */
export function cleanEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(OTEL_|SOCKEYE_|NODE_OPTIONS|NODE_COMPILE_CACHE|VITEST)/.test(name),
  );
  return { ...(Object.fromEntries(inherited) as Record<string, string>), OTEL_SERVICE_NAME: 'app', ...extra };
}

/** Those that have not ended: a test that fails before it ends its own leaves none behind. */
const running = new Set<ChildProcess>();

function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}
process.once('exit', endAll);
// Other programs than tests use this file, too.
if (process.env['VITEST']) afterAll(endAll);

export function startApp(
  file: string,
  { starter = [], flags = [], args = [], cwd, env = {} }: AppOptions = {},
): RunningApp {
  const [command = '', ...rest] = [...starter, process.execPath, ...flags, file, ...args];
  const child = spawn(command, rest, {
    cwd,
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const ended = new Promise<AppRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    child,
    ended,
    line: (start) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = stdout
            .split('\n')
            .slice(0, -1)
            .find((each) => each.startsWith(start));
          if (found !== undefined) resolve(found);
        };
        child.stdout.on('data', look);
        look();
        void ended.then((run) =>
          reject(new Error(`the program ended without a line "${start}": ${JSON.stringify(run)}`)),
        );
      }),
  };
}

export function runApp(file: string, options: AppOptions = {}): Promise<AppRun> {
  return startApp(file, options).ended;
}

/** Flags and environment that load the hook and send to this address at once. */
export function withHook(
  endpoint: string,
  how: '--require' | '--import' = '--require',
): Required<Pick<AppOptions, 'flags' | 'env'>> {
  return {
    flags: [how, registerFile],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '50' },
  };
}
