/** The hook as users get it: packed, and installed into an empty folder. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface PackedHook {
  /** For `node --require`. */
  file: string;
  remove(): Promise<void>;
}

export async function packHook(): Promise<PackedHook> {
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-packed-hook-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await run('npm', ['pack', '--workspace=@sockeye/instrumentation', `--pack-destination=${folder}`], {
      cwd: root,
    });
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
    if (!tarball) throw new Error('npm pack made no tarball');
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    await run('npm', ['install', ...quiet, `./${tarball}`], { cwd: folder });
    return { file: join(folder, 'node_modules/@sockeye/instrumentation/register.cjs'), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
