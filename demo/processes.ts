/** Child processes of the demo: started, waited for, reported when they die, and gone when the demo is gone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const startTimeoutMs = 30_000;
const endTimeoutMs = 10_000;

/** How to start one child. Its standard output is read line by line until `ready` has what it waits for. */
export interface Program<T> {
  name: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** Called with all lines printed so far; anything but undefined means the child is up. */
  ready: (lines: string[]) => T | undefined;
}

export interface Running<T> {
  child: ChildProcess;
  value: T;
}

export interface Processes {
  start<T>(program: Program<T>): Promise<Running<T>>;
  /** Ends one child with a signal; it is not reported as a death. */
  end(child: ChildProcess, signal?: NodeJS.Signals): Promise<void>;
  /** A folder that is removed when everything has ended. */
  makeFolder(prefix: string): Promise<string>;
  /** Ends every child, the last started first, and returns when all have ended. */
  endAll(): Promise<void>;
}

/** `report` is told of every line a child writes to standard error, and of every child that ends by itself. */
export function createProcesses(report: (name: string, text: string) => void): Processes {
  const children: ChildProcess[] = [];
  const expected = new Set<ChildProcess>();
  const keeper = spawn(process.execPath, [fileURLToPath(new URL('keeper.ts', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  });
  // Without its keeper the demo goes on.
  keeper.stdin.on('error', () => {});
  const keep = (line: string) => keeper.stdin.write(`${line}\n`);

  async function start<T>(program: Program<T>): Promise<Running<T>> {
    const { name, args, env, ready } = program;
    // Detached: a Ctrl+C in the terminal reaches the demo alone, which ends its children in order.
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    children.push(child);
    keep(`+${child.pid}`);
    child.once('exit', (code, signal) => {
      children.splice(children.indexOf(child), 1);
      keep(`-${child.pid}`);
      if (!expected.has(child)) report(name, `ended by itself (${signal ?? `exit code ${code}`})`);
    });
    createInterface({ input: child.stderr }).on('line', (line) => report(name, line));

    const lines: string[] = [];
    const output = createInterface({ input: child.stdout });
    const up = new Promise<T>((resolve, reject) => {
      let isUp = false;
      output.on('line', (line) => {
        if (isUp) return;
        lines.push(line);
        const value = ready(lines);
        if (value === undefined) return;
        isUp = true;
        resolve(value);
      });
      child.once('exit', () => reject(new Error(`${name} ended before it was up`)));
      const timeout = setTimeout(
        () => reject(new Error(`${name} was not up after ${startTimeoutMs} ms`)),
        startTimeoutMs,
      );
      timeout.unref();
    });
    return { child, value: await up };
  }

  async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    expected.add(child);
    const exited = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT'); // a fault may have stopped it
    const late = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
    await exited;
    clearTimeout(late);
  }

  async function makeFolder(prefix: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), prefix));
    keep(folder);
    return folder;
  }

  async function endAll(): Promise<void> {
    for (const child of children.toReversed()) await end(child);
    keeper.stdin.end();
    if (keeper.exitCode === null && keeper.signalCode === null) await once(keeper, 'exit');
  }

  return { start, end, makeFolder, endAll };
}
