/**
 * Rules of style that a machine can keep: names of files, their length, and nothing left open in them.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '');
const sources = tracked.filter((path) => /\.(ts|cts|mts|mjs|cjs|svelte)$/.test(path));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('there are sources to look at', () => {
  expect(sources.length).toBeGreaterThan(20);
});

test('modules are kebab-case, components are PascalCase', () => {
  const wrong = sources.filter((path) =>
    path.endsWith('.svelte')
      ? !/^[A-Z][A-Za-z0-9]*\.svelte$/.test(basename(path))
      : !/^[a-z0-9-]+(\.(test|process\.test|bench|config|svelte|d))?\.(ts|cts|mts|mjs|cjs)$/.test(
          basename(path),
        ),
  );
  expect(wrong).toEqual([]);
});

test('a source file is one idea: at most 350 lines', () => {
  const long = sources.filter((path) => !path.startsWith('test/') && read(path).split('\n').length > 351);
  expect(long).toEqual([]);
});

test('nothing is left open in a comment', () => {
  // Put together here, so that this file does not find itself.
  const marker = new RegExp(
    ['TO.DO', 'FIX.ME', 'XX.X', 'HA.CK'].map((word) => `\\b${word.replace('.', '')}\\b`).join('|'),
  );
  expect(sources.filter((path) => marker.test(read(path)))).toEqual([]);
});

test('every module says its purpose first', () => {
  const modules = sources.filter((path) =>
    /^(collector|instrumentation|ui|demo|scripts)\/.*\.(ts|cts|mjs|cjs)$/.test(path),
  );
  const silent = modules.filter((path) => !/^(#!.*\n)?\s*(\/\*\*|\/\/|\/\*)/.test(read(path)));
  expect(silent).toEqual([]);
});

test('the lock file names no place that packages came from', () => {
  expect(read('package-lock.json')).not.toMatch(/https?:\/\/[^"]*\.tgz/);
});
