/**
 * Runs Node's own tests without and with the hook, and tells which pass without it and fail with it. Not part of any check: it
 * needs the folder `test/` of Node's source, of the version that runs this.
 *
 *   node scripts/run-node-tests.mjs PATH/TO/node/test [PATTERN]
 *
 * PATTERN is a regular expression for the files' names; without it: http, https, http2, net, tls, dns and async.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startReceiver } from '../test/instrumentation/otlp-receiver.ts';

const LIMIT_MS = 60_000;
const hook = fileURLToPath(new URL('../instrumentation/register.cjs', import.meta.url));

const [folder, pattern = '^test-(http|https|http2|net|tls|dns|async)-'] = process.argv.slice(2);
if (folder === undefined) {
  console.error('run-node-tests: expected the folder test/ of the source of Node, got nothing');
  process.exit(2);
}
const wanted = new RegExp(pattern);
const files = ['parallel', 'sequential'].flatMap((part) =>
  readdirSync(join(folder, part))
    .filter((name) => wanted.test(name) && /\.m?js$/.test(name))
    .map((name) => join(part, name)),
);

/** The hook has somebody to send to. */
const receiver = await startReceiver();
const hookEnvironment = {
  NODE_OPTIONS: `--require ${hook}`,
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  OTEL_BSP_SCHEDULE_DELAY: '100',
};

/** The flags that a test asks for in its first lines. */
function flagsOf(file) {
  const flags = /^\/\/ Flags:(.*)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? '';
  return flags.trim().split(/\s+/).filter(Boolean);
}

/** Null when the test passed, else what it said. */
function run(file, worker, environment) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flagsOf(file), join(folder, file)], {
      env: {
        PATH: process.env.PATH,
        TEST_THREAD_ID: String(worker),
        NODE_SKIP_FLAG_CHECK: '1',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    child.once('close', (code, signal) => resolve(code === 0 ? null : `${signal ?? code}\n${said}`));
  });
}

const failures = [];
let passed = 0;
let next = 0;
async function work(worker) {
  for (let file = files[next++]; file !== undefined; file = files[next++]) {
    if ((await run(file, worker, {})) !== null) continue;
    // What fails once may be the machine's fault: with the hook it has to fail twice, and to pass in between without.
    const first = await run(file, worker, hookEnvironment);
    const isHooks =
      first !== null &&
      (await run(file, worker, {})) === null &&
      (await run(file, worker, hookEnvironment)) !== null;
    passed += 1;
    if (!isHooks) continue;
    failures.push(file);
    console.log(`${file}\n${first.trim().split('\n').slice(0, 30).join('\n').replaceAll(/^/gm, '    ')}\n`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, (_each, worker) => work(worker)));
receiver.close();

console.log(
  `Node ${process.versions.node}: ${files.length} tests, ${passed} pass without the hook, ${failures.length} of them fail with it`,
);
for (const file of failures.toSorted()) console.log(`  ${file}`);
