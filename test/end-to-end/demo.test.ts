/** The demo as a newcomer starts it: everything is on the map, a verdict is there, and nothing stays behind. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { ServiceMap, TracePage } from '../../collector/serve/wire.ts';

const mainFile = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));
const freePorts = ['--otlp-grpc', '127.0.0.1:0', '--otlp-http', '127.0.0.1:0', '--web', '127.0.0.1:0'];
const expectedNodes = [
  'api.bank.test',
  'catalog',
  'checkout',
  'gateway',
  'inventory',
  'payments',
  'postgres@db.shop.test',
  'search',
  'shipping.shop.test',
];

/** Process ids whose environment holds the mark, which children inherit. */
async function findMarked(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).includes(mark)),
  );
  return pids.filter((_, index) => marked[index]);
}

it.runIf(process.platform === 'linux')(
  'shows its services and a verdict within seconds, and leaves no process behind',
  { timeout: 90_000 },
  async () => {
    const mark = `DEMO_TEST=${randomUUID()}`;
    const env = { ...process.env, DEMO_TEST: mark.slice('DEMO_TEST='.length) };
    const demo = spawn(process.execPath, [mainFile, '--seconds', '60', ...freePorts], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exit = once(demo, 'exit');
    onTestFinished(async () => {
      demo.kill('SIGTERM');
      await exit;
    });
    const printed: string[] = [];
    createInterface({ input: demo.stderr }).on('line', (line) => printed.push(line));
    const page = await new Promise<string>((resolve, reject) => {
      createInterface({ input: demo.stdout }).on('line', (line) => {
        printed.push(line);
        const address = /Page +(http:\S+)/.exec(line)?.[1];
        if (address) resolve(address);
      });
      demo.once('exit', () => reject(new Error(printed.join('\n'))));
    });

    const ask = async <T>(path: string) => (await (await fetch(page + path)).json()) as T;
    let nodes: string[] = [];
    let edges: (string | undefined)[] = [];
    const isComplete = () =>
      expectedNodes.every((node) => nodes.includes(node)) && edges.includes('checkout->shipping.shop.test');
    while (demo.exitCode === null && !isComplete()) {
      await sleep(500);
      nodes = (await ask<ServiceMap>('/api/map')).nodes.map(({ id }) => id);
      const { traces } = await ask<TracePage>('/api/traces?q=timeout:true+phase:connect');
      edges = traces.map(({ verdict }) => verdict?.edge);
    }
    expect(nodes).toEqual(expect.arrayContaining(expectedNodes));
    expect(edges).toContain('checkout->shipping.shop.test');

    // Payments reads its requests by events: the call it makes then still belongs to the caller's trace.
    const { traces } = await ask<TracePage>('/api/traces?q=edge:payments-%3Eapi.bank.test');
    expect(traces.map(({ root }) => root.service)).toContain('gateway');

    demo.kill('SIGINT');
    expect(await exit).toEqual([0, null]);
    expect(printed.filter((line) => line.includes('ended by itself'))).toEqual([]);
    expect(await findMarked(mark)).toEqual([]);
  },
);
