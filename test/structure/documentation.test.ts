/**
 * What users rely on stands in the documentation: every flag, route and limit. Causes are pages of the product itself.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { apiRoutes } from '../../collector/serve/api/routes.ts';
import { createLive } from '../../collector/serve/live.ts';
import type { Sources } from '../../collector/serve/sources.ts';
import { SETTINGS } from '../../collector/settings.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('every flag stands in docs/configuration.md', () => {
  const page = read('docs/configuration.md');
  const missing = Object.keys(SETTINGS).filter((name) => !new RegExp(`\`--${name}[ \`]`).test(page));
  expect(missing).toEqual([]);
});

test('docs/configuration.md names no flag that does not exist', () => {
  const named = [...read('docs/configuration.md').matchAll(/`--([a-z-]+)/g)].map((match) => match[1]!);
  const known = new Set([...Object.keys(SETTINGS), 'version', 'help']);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('every route stands in docs/api.md', () => {
  const page = read('docs/api.md');
  const paths = apiRoutes({} as Sources, createLive({} as Sources).route).map(({ path }) => path);
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !path.endsWith('.css') && !page.includes(path))).toEqual([]);
});

/** `NAME_MAX = …` in the sources, without those below node_modules. */
function limitsBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name === 'node_modules' || entry.name === 'dist' ? [] : limitsBelow(path);
    if (!entry.name.endsWith('.ts')) return [];
    return [...read(path).matchAll(/^(?:export )?const (\w+_MAX)\b/gm)].map((match) => match[1]!);
  });
}

test('every limit stands in docs/limits.md', () => {
  const page = read('docs/limits.md');
  const limits = [...limitsBelow('collector'), ...limitsBelow('instrumentation')];
  expect(limits.length).toBeGreaterThan(20);
  expect([...new Set(limits)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
