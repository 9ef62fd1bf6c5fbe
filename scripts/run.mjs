/**
 * The one door to every npm script: installs what is missing, then runs the task under the pinned Node.
 *
 * Runs on any Node >= 20, because it is what a fresh clone starts with. Tasks are started as child processes with
 * node_modules/.bin first on the path, so that `node` there is the exact version package.json pins.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const ORPHAN_CHECK_MS = 500;
const env = { ...process.env, PATH: bin + delimiter + process.env.PATH };
/** The collector keeps what was compiled for its threads (collector/compiled-code.ts); so told, Node does for all of it. */
const collectorEnv = {
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
  // Why: collector/one-arena.ts.
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: `${1 << 20}`,
  ...env,
};

/** Runs a command to its end; when it fails, this process ends with its exit code. */
async function run(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, env, stdio: 'inherit', ...options });
  // A terminal sends Ctrl+C to the whole group, child included: forwarding would make it two.
  const forwardInterrupt = () => process.stdin.isTTY || child.kill('SIGINT');
  const forwardTerminate = () => child.kill('SIGTERM');
  process.on('SIGINT', forwardInterrupt).on('SIGTERM', forwardTerminate);
  // npm passes SIGTERM to its shell, and a shell dies of it without passing it on: an orphan ends what it runs.
  const parent = process.ppid;
  const orphaned = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(orphaned);
    forwardTerminate();
  }, ORPHAN_CHECK_MS);
  const status = await new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
  clearInterval(orphaned);
  process.off('SIGINT', forwardInterrupt).off('SIGTERM', forwardTerminate);
  if (status !== 0) process.exit(status);
}

/** Installs when the lock file is not the one that was installed last. */
async function install() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stamp = join(root, 'node_modules', '.sockeye-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing packages (once; about a minute) …');
  // Its warnings are about the Node that runs npm; everything after this line runs on the pinned one.
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 2, 2] });
  writeFileSync(stamp, lock);
}

/** Newest modification time of a file, or of anything below a folder, in epoch milliseconds. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path).filter((name) => name !== 'node_modules' && name !== 'dist');
  return Math.max(stat.mtimeMs, ...inside.map((name) => newest(join(path, name))));
}

/** Builds a workspace unless its output is newer than all of its sources. */
async function build(workspace, sources, command, args) {
  const stamp = join(root, workspace, 'dist', '.built');
  const inputs = [...sources, 'package-lock.json', 'tsconfig.base.json'];
  const changed = Math.max(...inputs.map((source) => newest(join(root, source))));
  if (existsSync(stamp) && statSync(stamp).mtimeMs > changed) return;
  console.error(`Building ${workspace} …`);
  await run(command, args, { cwd: join(root, workspace), stdio: ['ignore', 2, 2] });
  writeFileSync(stamp, '');
}

async function buildAll() {
  await build('instrumentation', ['instrumentation'], 'node', ['build.mjs']);
  await build('ui', ['ui', 'collector/serve/wire.ts'], 'vite', ['build', '--logLevel=warn']);
}

const tasks = {
  build: buildAll,
  start: async (args) => {
    await buildAll();
    await run('node', ['collector/main.ts', ...args], { env: collectorEnv });
  },
  demo: async (args) => {
    await buildAll();
    await run('node', ['demo/main.ts', ...args]);
  },
  sockeye: (args) => run('node', ['collector/cli/sockeye.ts', ...args], { env: collectorEnv }),
  test: async (args) => {
    await buildAll();
    await run('node', ['scripts/find-chromium.mjs', '--install']);
    await run('node', ['scripts/install-servers.mjs']);
    await run('vitest', ['run', ...args]);
  },
  check: async () => {
    await run('prettier', ['--check', '--log-level=warn', '.']);
    await run('tsc', ['--project', 'tsconfig.json']);
    await run('oxlint', ['--deny-warnings']);
    await run('svelte-check', ['--workspace', 'ui', '--fail-on-warnings']);
    await run('vitest', ['run', '--project', 'unit', 'test/structure']);
  },
  format: () => run('prettier', ['--write', '--log-level=warn', '.']),
  screenshots: (args) => run('node', ['scripts/take-screenshots.mjs', ...args]),
  'bench:hook': async (args) => {
    if (!args.includes('--help')) await buildAll();
    await run('node', ['test/benchmark/hook.bench.ts', ...args]);
  },
  'test:tools': async (args) => {
    await buildAll();
    const file = 'test/instrumentation/tools.process.test.ts';
    await run('vitest', ['run', '--project', 'hook', file, ...args], { env: { ...env, TEST_TOOLS: '1' } });
  },
  'test:crash': (args) => run('node', ['test/crash/main.ts', ...args]),
  'bench:ingest': (args) => run('node', ['test/benchmark/ingest.bench.ts', ...args]),
  'bench:query': (args) => run('node', ['test/benchmark/query.bench.ts', ...args]),
  'bench:map': async (args) => {
    if (!args.includes('--help')) await buildAll();
    await run('node', ['test/benchmark/map-page.bench.ts', ...args]);
  },
  'bench:page': async (args) => {
    if (!args.includes('--help')) await buildAll();
    await run('node', ['test/benchmark/page.bench.ts', ...args]);
  },
  'bench:trace': async (args) => {
    if (!args.includes('--help')) await buildAll();
    await run('node', ['test/benchmark/trace-page.bench.ts', ...args]);
  },
};

const [name, ...args] = process.argv.slice(2);
if (!Object.hasOwn(tasks, name ?? '')) {
  console.error(`run: got task "${name ?? ''}", expected one of ${Object.keys(tasks).join(', ')}`);
  process.exit(2);
}
await install();
await tasks[name](args);
