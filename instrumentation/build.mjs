/**
 * Builds the published form of the hook: `dist/`, plain JavaScript. Run in this folder.
 *
 * Files are replaced one by one, and left-overs removed afterwards, so that a program that starts meanwhile finds them all.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleHook } from './bundle-hook.mjs';
import { bundleLibraries } from './libraries/bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const built = new Set([...(await bundleHook(here)), ...(await bundleLibraries(here)), '.built']);

for (const file of readdirSync(dist, { recursive: true })) {
  const path = join(dist, file);
  if (statSync(path).isFile() && !built.has(file)) rmSync(path);
}
