/** `sockeye demo`: starts the demo of the source tree and shares its fate. */
import { spawn } from 'node:child_process';
import { demoPath } from '../places.ts';

const EXIT_WRONG_USE = 2;

/** Returns the demo's exit code. */
export async function runDemo(args: readonly string[]): Promise<number> {
  const path = demoPath();
  if (path === null) {
    console.error(
      'sockeye: demo is not available in the installed package yet; clone the repository, npm run demo',
    );
    return EXIT_WRONG_USE;
  }
  const child = spawn(process.execPath, [path, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
