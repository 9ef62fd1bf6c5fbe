/** `sockeye run -- PROGRAM`: its spans arrive, and everything else is as if it had been run alone. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { TracePage } from '../../collector/serve/wire.ts';
import { startCollector, type Collector } from '../serve/start-collector.ts';
import { sockeye } from './shop.ts';

const TOKEN = 'a-secret-of-tests';
let collector: Collector;
beforeAll(async () => {
  collector = await startCollector('--token', TOKEN);
});
afterAll(() => collector.close());
const environment = () => ({ SOCKEYE_URL: collector.url, SOCKEYE_TOKEN: TOKEN });
const run = (args: string[], more: NodeJS.ProcessEnv = {}) =>
  sockeye(['run', ...args], { ...environment(), ...more });

function start(script: string): { child: ChildProcess; ended: Promise<unknown[]>; output: () => string } {
  const args = [resolve('collector/cli/sockeye.ts'), 'run', '--', 'node', '-e', script];
  const env = { PATH: process.env['PATH'], ...environment() };
  // Detached: without the terminal that the tests may run in.
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, ended: once(child, 'close'), output: () => text };
}

test('spans of the program arrive under the name of its service', async () => {
  const script = `const { createServer, get } = require('node:http');
    const server = createServer((_, response) => response.end('yes')).listen(0, '127.0.0.1', () =>
      get({ port: server.address().port, host: '127.0.0.1' }, (answer) => answer.resume().on('end', () => server.close())));`;
  expect(await run(['--service', 'by-run', '--', 'node', '-e', script])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: '',
  });
  const search = async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${collector.url}/api/traces?service=by-run`, { headers });
    return ((await answer.json()) as TracePage).traces.length;
  };
  await expect.poll(search).toBeGreaterThan(0);
});

test('input, output, arguments and exit code are the program’s', async () => {
  const { child, ended, output } = start(
    `process.stdin.on('data', (text) => process.stdout.write(text.toString().toUpperCase())).on('end', () => process.exit(7))`,
  );
  child.stdin!.end('hello');
  expect(await ended).toEqual([7, null]);
  expect(output()).toBe('HELLO');
  const { stdout } = await run(['--', 'node', '-p', 'process.argv.slice(1).join()', '--', '--help', 'a b']);
  expect(stdout).toBe('--help,a b\n');
});

test('signals reach the program, and one that ends it is 128 and its number', async () => {
  const { child, ended, output } = start(
    `process.on('SIGTERM', () => process.exit(5)); setInterval(() => {}, 1000); console.log('ready')`,
  );
  await expect.poll(output).toBe('ready\n');
  child.kill('SIGTERM');
  expect(await ended).toEqual([5, null]);
  expect(await run(['--', 'node', '-e', `process.kill(process.pid, 'SIGKILL')`])).toMatchObject({
    code: 137,
  });
  const other = start(`setInterval(() => {}, 1000); console.log('ready')`);
  await expect.poll(other.output).toBe('ready\n');
  other.child.kill('SIGINT');
  expect(await other.ended).toEqual([130, null]);
});

/** `script` runs it in a terminal of its own; as util-linux has it. */
const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') === true;
function startInTerminal(script: string, input: string) {
  const line = `exec "$NODE" "$SOCKEYE" run -- node -e "$SCRIPT" ${input}`;
  const env = {
    PATH: process.env['PATH'],
    SHELL: '/bin/sh',
    NODE: process.execPath,
    SOCKEYE: resolve('collector/cli/sockeye.ts'),
    SCRIPT: `${script}; setInterval(() => {}, 1000); console.log('ready ' + process.ppid + '.')`,
    ...environment(),
  };
  const terminal = spawn('script', ['-qec', line, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  terminal.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    ended: once(terminal, 'close'),
    output: () => text,
    /** Of our command. */
    ready: () => vi.waitUntil(() => Number(/ready (\d+)\./.exec(text)?.[1]), { timeout: 10_000 }),
    interrupt: () => terminal.stdin.write('\u0003'),
  };
}

test.runIf(hasScript)('in a terminal an interrupt comes once, wherever input comes from', async () => {
  const script = `let had = 0;
    process.on('SIGINT', () => {
      console.log('had ' + ++had);
      if (had === 1) setTimeout(() => process.exit(0), 600);
    })`;
  for (const input of ['< /dev/null', '']) {
    const { ready, interrupt, output, ended } = startInTerminal(script, input);
    await ready();
    interrupt();
    await expect.poll(output).toContain('had 1');
    expect(await ended).toEqual([0, null]);
    expect(output()).not.toContain('had 2');
  }
});

test.runIf(hasScript)('nothing outlives a program that a terminal interrupts', async () => {
  const { ready, interrupt, ended } = startInTerminal('0', '');
  await ready();
  interrupt();
  expect(await ended).toEqual([130, null]);
});

test('what is set already stays', async () => {
  const script =
    'const { NODE_OPTIONS: o, OTEL_SERVICE_NAME: s, OTEL_EXPORTER_OTLP_ENDPOINT: e, OTEL_EXPORTER_OTLP_HEADERS: h } = process.env; JSON.stringify([o, s, e, h])';
  const set = {
    NODE_OPTIONS: '--no-warnings',
    OTEL_SERVICE_NAME: 'mine',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9998',
  };
  const { stdout, stderr } = await run(['--', 'node', '-p', script], { ...set, OTEL_SDK_DISABLED: 'true' });
  const [options, ...others] = JSON.parse(stdout) as string[];
  expect(options).toMatch(/^--no-warnings --require .*register\.cjs$/);
  expect(others).toEqual(['mine', 'http://127.0.0.1:9998', null]);
  expect(stderr).toBe('');
  const asked = await run(['--url', collector.url, '--', 'node', '-e', '0'], set);
  expect(asked.stderr).toMatch(/got --url and OTEL_EXPORTER_OTLP_ENDPOINT, expected one of them: spans go/);
});

test('a collector that takes spans on its own machine only is told of', async () => {
  const other = createServer((_, response) => {
    const addresses = { otlpGrpc: '127.0.0.1:9997', otlpHttp: '127.0.0.1:9996', web: '' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ addresses }));
  });
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  try {
    const { port } = other.address() as AddressInfo;
    // A name of this machine that does not look like one.
    const ended = await run(['--url', `http://0.0.0.0:${port}`, '--', 'node', '-e', '0'], {
      OTEL_SDK_DISABLED: 'true',
    });
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toMatch(/takes spans at http:\/\/127\.0\.0\.1:9997 of its own machine/);
    const near = await run(['--url', `http://127.0.0.1:${port}`, '--', 'node', '-e', '0'], {
      OTEL_SDK_DISABLED: 'true',
    });
    expect(near.stderr).toBe('');
  } finally {
    other.close();
  }
});

test('without a collector it says so, and the program runs', async () => {
  const ended = await run(['--url', 'http://127.0.0.1:9999', '--', 'node', '-e', 'process.exit(3)']);
  expect(ended.code).toBe(3);
  expect(ended.stderr).toMatch(
    /got a refused connection at http:\/\/127\.0\.0\.1:9999.*\n.*sockeye serve[^]*the program runs/,
  );
  const refused = await run(['--token', 'another', '--', 'node', '-e', '0']);
  expect(refused).toMatchObject({ code: 0, stderr: expect.stringContaining('the program runs') as string });
});

test('a program that is not there, or none', async () => {
  expect(await run(['--', 'no-such-program'])).toMatchObject({
    code: 127,
    stderr: expect.stringContaining('on the PATH') as string,
  });
  expect(await run(['--', resolve('test')])).toMatchObject({ code: 126 });
  expect(await run(['node', 'app.js'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('expected one behind --') as string,
  });
  expect(await run(['stray', '--', 'node'])).toMatchObject({ code: 2 });
  expect(await run(['--service', '', '--', 'node'])).toMatchObject({ code: 2 });
  expect(await run(['--help'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('sockeye run') as string,
  });
});
