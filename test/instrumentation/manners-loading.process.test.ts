/** The hook in programs that are run, built or patched in ways of their own, and beside others of its kind. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appFile, cleanEnvironment, registerFile, runApp, startApp, withHook } from './run-app.ts';
import { usePeers } from './use-peers.ts';

const peers = usePeers();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-loading-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const urlOf = (name: string) => `http://127.0.0.1:${peers.server.port}/${name}`;
const spansOf = (url: string) =>
  peers.receiver.spans.filter(({ kind, attributes }) => kind === 'client' && attributes['url.full'] === url);
const spanOf = (url: string) =>
  peers.receiver.waitFor(({ kind, attributes }) => kind === 'client' && attributes['url.full'] === url);

describe('a program', () => {
  it.each([
    { what: 'with frozen intrinsics', file: 'ending.cjs', flags: ['--frozen-intrinsics'], more: ['return'] },
    {
      what: 'without eval',
      file: 'ending.cjs',
      flags: ['--disallow-code-generation-from-strings'],
      more: ['return'],
    },
    {
      what: 'that throws on deprecated use',
      file: 'ending.cjs',
      flags: ['--throw-deprecation'],
      more: ['return'],
    },
    { what: 'without __proto__', file: 'ending.cjs', flags: ['--disable-proto=throw'], more: ['return'] },
    { what: 'in TypeScript, run directly', file: 'typed.ts', flags: [], more: [] },
  ])('$what runs as it would, and is recorded', async ({ what, file, flags, more }) => {
    const url = urlOf(what.replaceAll(' ', '-'));
    const hook = withHook(peers.receiver.url);
    const bare = await runApp(appFile(file), { flags, args: [url, ...more] });
    const hooked = await runApp(appFile(file), {
      flags: [...flags, ...hook.flags],
      args: [url, ...more],
      env: hook.env,
    });
    expect(bare).toMatchObject({ code: 0, stdout: 'called\n' });
    // Node's warning about the flag names the process.
    const plain = (text: string) => text.replaceAll(/node:\d+/g, 'node');
    expect({ ...hooked, stderr: plain(hooked.stderr) }).toEqual({ ...bare, stderr: plain(bare.stderr) });
    await spanOf(url);
  });

  it.each(['--require', '--import'] as const)(
    'has of Node’s modules what it loads, and net (%s)',
    async (how) => {
      const { flags, env } = withHook(peers.receiver.url, how);
      expect(await runApp(appFile('loaded-modules.cjs'))).toMatchObject({ code: 0, stdout: '\n' });
      const hooked = await runApp(appFile('loaded-modules.cjs'), { flags, env });
      expect(hooked).toMatchObject({ code: 0, stdout: 'net\n', stderr: '' });
    },
  );

  it.each(['require', 'require node:', 'import', 'import node:', 'getBuiltinModule'])(
    'is seen in what has no channel however it loads http (%s)',
    async (form) => {
      const path = `/${form.replaceAll(/\W/g, '-')}`;
      const { flags, env } = withHook(peers.receiver.url);
      const bare = await runApp(appFile('upgrade-by-form.mjs'), { args: [form, path] });
      const hooked = await runApp(appFile('upgrade-by-form.mjs'), { flags, env, args: [form, path] });
      expect(bare.stdout).toMatch(/^end 1.*\nupgraded 101\n$/);
      expect(hooked).toEqual(bare);
      const span = await peers.receiver.waitFor(
        ({ kind, attributes }) => kind === 'server' && attributes['url.path'] === path,
      );
      expect(span.attributes).toMatchObject({ 'sockeye.stream': true });
    },
  );

  it('that patches http itself keeps its patch, and each call is recorded once', async () => {
    const url = urlOf('own-patch');
    const bare = await runApp(appFile('own-patch.cjs'), { args: [url] });
    const hooked = await runApp(appFile('own-patch.cjs'), { args: [url], ...withHook(peers.receiver.url) });
    expect(bare.stdout).toContain('called 1 patched');
    expect(hooked).toEqual(bare);
    const first = await spanOf(url);
    await peers.receiver.waitFor(
      (span) => span.spanId !== first.spanId && span.attributes['url.full'] === url,
    );
    // What was on its way when the program ended may come twice.
    expect(new Set(spansOf(url).map(({ spanId }) => spanId)).size).toBe(2);
  });
});

describe('a bundled program', () => {
  async function bundle(name: string, source: string): Promise<string> {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(join(folder, `${name}.entry.js`), source);
    const build = await rolldown({
      input: join(folder, `${name}.entry.js`),
      platform: 'node',
      // Everything is found where it is installed for the tests, and goes into the one file.
      resolve: { modules: [fileURLToPath(new URL('../../node_modules', import.meta.url)), 'node_modules'] },
      onLog: () => {},
    });
    await build.write({ file, format: 'esm' });
    await build.close();
    return file;
  }
  const start = (file: string) => startApp(file, withHook(peers.receiver.url));

  it('with fastify has its calls, requests, and the steps of fastify', async () => {
    const url = urlOf('bundled-fastify');
    const file = await bundle(
      'fastify',
      `import fastify from 'fastify';
       const app = fastify();
       app.get('/items/:id', async () => (await fetch('${url}')).text());
       await app.listen({ port: 0, host: '127.0.0.1' });
       console.log('port ' + app.server.address().port);`,
    );
    const app = start(file);
    try {
      const port = (await app.line('port ')).slice(5);
      expect(await (await fetch(`http://127.0.0.1:${port}/items/7`)).text()).toBe('answer');
      const call = await spanOf(url);
      const request = await peers.receiver.waitFor(
        ({ name, traceId }) => name === 'GET /items/:id' && traceId === call.traceId,
      );
      const step = await peers.receiver.waitFor(({ spanId }) => spanId === call.parentSpanId);
      expect(step.scope).toBe('@fastify/otel');
      expect(request.traceId).toBe(step.traceId);
    } finally {
      app.child.kill('SIGKILL');
      await app.ended;
    }
  });

  it('with express has its calls and requests, and no steps: what is in the bundle is not loaded as a library', async () => {
    const url = urlOf('bundled-express');
    const file = await bundle(
      'express',
      `import express from 'express';
       const app = express();
       app.get('/items/:id', async (request, response) => response.send(await (await fetch('${url}')).text()));
       const server = app.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));`,
    );
    const app = start(file);
    try {
      const port = (await app.line('port ')).slice(5);
      expect(await (await fetch(`http://127.0.0.1:${port}/items/7`)).text()).toBe('answer');
      const call = await spanOf(url);
      const request = await peers.receiver.waitFor(({ spanId }) => spanId === call.parentSpanId);
      // Express says which route matched, instrumented or not.
      expect(request).toMatchObject({ kind: 'server', name: 'GET /items/:id' });
    } finally {
      app.child.kill('SIGKILL');
      await app.ended;
    }
  });
});

describe('beside', () => {
  const stock = createRequire(import.meta.url).resolve('@opentelemetry/auto-instrumentations-node/register');

  it.each([
    { order: 'before', flags: [registerFile, stock] },
    { order: 'after', flags: [stock, registerFile] },
  ])('OpenTelemetry’s own hook, loaded $order it, the program runs as it would', async ({ order, flags }) => {
    const url = urlOf(`stock-${order}`);
    const { env } = withHook(peers.receiver.url);
    const run = await runApp(appFile('ending.cjs'), {
      flags: flags.flatMap((file) => ['--require', file]),
      args: [url, 'return'],
      env: { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    });
    expect(run).toMatchObject({ code: 0, signal: null, stdout: 'called\n' });
    await spanOf(url);
  });

  it('npm, what it runs is recorded, and npm itself is not', async () => {
    const url = urlOf('npm-run');
    copyFileSync(appFile('ending.cjs'), join(folder, 'app.cjs'));
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'by-npm', scripts: { start: `node app.cjs ${url} return` } }),
    );
    const { env } = withHook(peers.receiver.url);
    const { stdout } = await promisify(execFile)('npm', ['start', '--silent'], {
      cwd: folder,
      env: cleanEnvironment({ ...env, NODE_OPTIONS: `--require ${registerFile}`, OTEL_SERVICE_NAME: '' }),
    });
    expect(stdout).toBe('called\n');
    const span = await spanOf(url);
    expect(span.resource['service.name']).toBe('by-npm');
    expect(peers.receiver.spans.filter(({ resource }) => resource['service.name'] === 'npm')).toEqual([]);
  });
});
