/** Where the parts of this installation are: beside each other in the source tree, elsewhere in a build. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const isBuild = import.meta.url.endsWith('.js');
/** The folder of the collector's package.json. */
const packageFolder = new URL(isBuild ? '../' : './', import.meta.url);

function place(path: string): string {
  return fileURLToPath(new URL(path, packageFolder));
}

export function version(): string {
  return (JSON.parse(readFileSync(place('package.json'), 'utf8')) as { version: string }).version;
}

/** The built page: packed beside a published build, else where the workspace builds it. */
export function pageFolder(): string {
  const packed = place('dist/page');
  return isBuild && existsSync(packed) ? packed : place('../ui/dist');
}

/** Where compiled code of the source tree is kept; the same as in scripts/run.mjs. Null in a build. */
export function compiledFolder(): string | null {
  return isBuild ? null : place('../node_modules/.cache/compiled');
}

/** What a Node service is started with, `node --require HOOK app.js`; null when it is not installed here. */
export function hookPath(): string | null {
  const inTree = place('../instrumentation/register.cjs');
  if (existsSync(inTree)) return inTree;
  try {
    return createRequire(import.meta.url).resolve('@sockeye/instrumentation/register');
  } catch {
    return null;
  }
}

/** The demo, which is part of the source tree only. */
export function demoPath(): string | null {
  const path = place('../demo/main.ts');
  return existsSync(path) ? path : null;
}
