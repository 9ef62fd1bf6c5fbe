/**
 * The one door to every npm script: installs what is missing, then runs the task under the pinned Node.
 *
 * Runs on any Node >= 20, because it is what a fresh clone starts with. Tasks are started as child processes with
 * node_modules/.bin first on the path, so that `node` there is the exact version package.json pins.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: bin + delimiter + process.env.PATH };

/** Runs a command to its end; a failing one ends this process with its exit code. */
function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit', ...options });
  if (error) {
    console.error(`${command}: ${error.message}`);
    process.exit(1);
  }
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}

/** Installs when the lock file is not the one that was installed last. */
function install() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const stamp = join(root, 'node_modules', '.sockeye-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing packages (once; about a minute) …');
  // Engine warnings are about the Node that runs npm; everything after this line runs on the pinned one.
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 2, 2] });
  writeFileSync(stamp, lock);
}

/** Newest modification time below a folder or of a file, in epoch milliseconds. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let latest = stat.mtimeMs;
  for (const name of readdirSync(path)) {
    if (name === 'node_modules' || name === 'dist') continue;
    latest = Math.max(latest, newest(join(path, name)));
  }
  return latest;
}

/** Builds a workspace unless its output is newer than all of its sources. */
function build(workspace, sources, command, args) {
  const stamp = join(root, workspace, 'dist', '.built');
  const inputs = [...sources, 'package-lock.json', 'tsconfig.base.json'];
  const changed = Math.max(...inputs.map((source) => newest(join(root, source))));
  if (existsSync(stamp) && statSync(stamp).mtimeMs > changed) return;
  console.error(`Building ${workspace} …`);
  run(command, args, { cwd: join(root, workspace), stdio: ['ignore', 2, 2] });
  writeFileSync(stamp, '');
}

function buildAll() {
  build('instrumentation', ['instrumentation'], 'node', ['build.mjs']);
  build('ui', ['ui', 'collector/serve/wire.ts'], 'vite', ['build', '--logLevel=warn']);
}

const tasks = {
  build: () => buildAll(),
  start: (args) => {
    buildAll();
    run('node', ['collector/main.ts', ...args]);
  },
  demo: (args) => {
    buildAll();
    run('node', ['demo/main.ts', ...args]);
  },
  test: (args) => {
    buildAll();
    run('node', ['scripts/find-chromium.mjs', '--install']);
    run('vitest', ['run', ...args]);
  },
  check: () => {
    run('prettier', ['--check', '--log-level=warn', '.']);
    run('tsc', ['--project', 'tsconfig.json']);
    run('oxlint', ['--deny-warnings']);
    run('svelte-check', ['--workspace', 'ui', '--fail-on-warnings']);
    run('vitest', ['run', '--project', 'unit', 'test/structure']);
  },
  format: () => run('prettier', ['--write', '--log-level=warn', '.']),
};

const [name, ...args] = process.argv.slice(2);
const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined;
if (!task) {
  console.error(`run: got task "${name ?? ''}", expected one of ${Object.keys(tasks).join(', ')}`);
  process.exit(2);
}
install();
task(args);
