/**
 * Builds the published form of the hook: `dist/`, plain JavaScript with types. Run in this folder.
 *
 * Files are replaced one by one, and left-overs removed afterwards, so that a program that starts meanwhile finds them all.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleLibraries } from './libraries/bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '--project', 'tsconfig.json'], {
  cwd: here,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

const bundled = await bundleLibraries(here);

for (const file of readdirSync(join(here, 'dist'), { recursive: true })) {
  if (bundled.has(file)) continue;
  const source = file.replace(/(\.d\.ts|\.js)$/, '.ts');
  if (source !== file && !existsSync(join(here, source))) rmSync(join(here, 'dist', file));
}
