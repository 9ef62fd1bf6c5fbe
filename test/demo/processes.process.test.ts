/** What the demo starts is gone when the demo is gone, in whatever way it went. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { createProcesses } from '../../demo/processes.ts';

const waiting = ['--eval', `console.log('up'); setInterval(() => {}, 1000)`];
const isUp = (lines: string[]) => lines.includes('up') || undefined;

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('ends a stopped child when its parent is killed with SIGKILL', async () => {
  const processesFile = fileURLToPath(new URL('../../demo/processes.ts', import.meta.url));
  const program = `
    import { createProcesses } from ${JSON.stringify(processesFile)};
    const { child } = await createProcesses(() => {}).start({
      name: 'waiting', args: ${JSON.stringify(waiting)}, ready: (lines) => lines.includes('up') || undefined,
    });
    child.kill('SIGSTOP');
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  const pid = Number(line);
  onTestFinished(() => {
    if (exists(pid)) process.kill(pid, 'SIGKILL');
  });
  expect(exists(pid)).toBe(true);

  parent.kill('SIGKILL');
  while (exists(pid)) await sleep(50);
});

it('reports a child that ends by itself, and not one that it ended', async () => {
  const reports: string[] = [];
  const processes = createProcesses((name, text) => reports.push(`${name}: ${text}`));
  onTestFinished(() => processes.endAll());
  const fragile = await processes.start({ name: 'fragile', args: waiting, ready: isUp });
  const sturdy = await processes.start({ name: 'sturdy', args: waiting, ready: isUp });

  const exited = once(fragile.child, 'exit');
  fragile.child.kill('SIGKILL');
  await exited;
  await processes.end(sturdy.child);

  expect(reports).toEqual(['fragile: ended by itself (SIGKILL)']);
});

it('refuses a program that ends before it is up, with what it wrote', async () => {
  const reports: string[] = [];
  const processes = createProcesses((name, text) => reports.push(`${name}: ${text}`));
  onTestFinished(() => processes.endAll());
  const args = ['--eval', `console.error('no port left'); process.exit(3)`];

  await expect(processes.start({ name: 'broken', args, ready: isUp })).rejects.toThrow(
    'broken ended before it was up',
  );
  expect(reports).toContain('broken: ended by itself (exit code 3)');
});
