/** The package as users get it: packed, installed into an empty folder, loaded by name in both module systems. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startHttpServer, type Fault } from './faults.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { runApp } from './run-app.ts';

const source = fileURLToPath(new URL('../../instrumentation', import.meta.url));
const run = promisify(execFile);

let receiver: Receiver;
let server: Fault;
let folder: string;
let packed: string[];

beforeAll(async () => {
  receiver = await startReceiver();
  server = await startHttpServer();
  folder = mkdtempSync(join(tmpdir(), 'sockeye-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: source });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user-app', private: true }));
  await run(
    'npm',
    ['install', `./${tarball}`, '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'],
    { cwd: folder },
  );
}, 120_000);

afterAll(() => {
  receiver.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

it('holds the hook, its build and its README, and no source or test', () => {
  expect(packed).toContain('register.cjs');
  expect(packed).toContain('README.md');
  expect(packed).toContain('dist/start.cjs');
  const others = packed.filter(
    (path) => !/^(register\.cjs|README\.md|LICENSE|package\.json|dist\/[\w./-]+\.(cjs|js|txt))$/.test(path),
  );
  expect(others).toEqual([]);
});

const call = (url: string) =>
  `get('${url}', (response) => response.resume().once('end', () => console.log('called')));`;
const hook = '@sockeye/instrumentation/register';

it.each([
  { what: 'CommonJS with --require', file: 'a.cjs', flags: ['--require', hook], first: '' },
  { what: 'CommonJS with --import', file: 'b.cjs', flags: ['--import', hook], first: '' },
  {
    what: 'CommonJS with the hook in its first line',
    file: 'c.cjs',
    flags: [],
    first: `require('${hook}');\n`,
  },
  { what: 'an ES module with --require', file: 'd.mjs', flags: ['--require', hook], first: '' },
  { what: 'an ES module with --import', file: 'e.mjs', flags: ['--import', hook], first: '' },
  {
    what: 'an ES module with the hook in its first line',
    file: 'f.mjs',
    flags: [],
    first: `import '${hook}';\n`,
  },
])('records $what', async ({ file, flags, first }) => {
  const url = `http://127.0.0.1:${server.port}/${file}`;
  const http = file.endsWith('.mjs')
    ? "import { get } from 'node:http';"
    : "const { get } = require('node:http');";
  writeFileSync(join(folder, file), `${first}${http}\n${call(url)}\n`);
  const result = await runApp(join(folder, file), {
    flags,
    cwd: folder,
    env: { OTEL_SERVICE_NAME: '', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  expect(result).toEqual({ code: 0, signal: null, stdout: 'called\n', stderr: '' });
  const span = await receiver.waitFor(({ attributes }) => attributes['url.full'] === url);
  expect(span.resource).toMatchObject({
    'service.name': 'user-app',
    'telemetry.distro.name': '@sockeye/instrumentation',
  });
});
