/** Every variable that the hook reads and every attribute of its own stands in its README, and no other. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const hook = resolve(import.meta.dirname, '../../instrumentation');
const readme = readFileSync(join(hook, 'README.md'), 'utf8');

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'dist' || entry.name === 'node_modules') return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesBelow(path);
    return /\.(ts|cjs)$/.test(entry.name) ? [readFileSync(path, 'utf8')] : [];
  });
}
const sources = sourcesBelow(hook).join('\n');

const all = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map((match) => match[1]!)),
];

/** What is in backquotes; a name that begins with a dot goes on from the last dot of the one before it. */
function namesInReadme(): Set<string> {
  const names = new Set<string>();
  let base = '';
  for (const [, code = ''] of readme.matchAll(/`([^`\n]+)`/g)) {
    const name = code.startsWith('.') ? base + code : code;
    if (/^[\w.]+$/.test(name)) base = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    names.add(name);
  }
  return names;
}
const documented = namesInReadme();

test('every variable that the hook reads is documented', () => {
  const read = all(sources, /\b((?:OTEL|SOCKEYE)_[A-Z_]*[A-Z])\b/g);
  expect(read.length).toBeGreaterThan(20);
  expect(read.filter((name) => !documented.has(name))).toEqual([]);
});

test('every attribute of the hook’s own is documented', () => {
  const given = all(sources, /(?<!Symbol\.for\()['`](sockeye\.[a-z_]+(?:\.[a-z_]+)*)['`]/g);
  expect(given.length).toBeGreaterThan(20);
  expect(given.filter((name) => !documented.has(name))).toEqual([]);
});

test('every value of a connection that the kernel gives is documented', () => {
  const attributes = readFileSync(join(hook, 'kernel/attributes.ts'), 'utf8');
  const given = [...all(attributes, /^ {4}(\w+):/gm), ...all(attributes, /values\['(\w+)'\]/g)];
  expect(given.length).toBeGreaterThan(15);
  expect(given.filter((name) => !documented.has(name))).toEqual([]);
});

test('the README names no attribute or variable of ours that there is not', () => {
  const ours = [...documented].filter((name) => /^(sockeye\.[a-z_.]*[a-z_]|SOCKEYE_[A-Z_]+)$/.test(name));
  expect(ours.length).toBeGreaterThan(20);
  // Put together in the sources from a prefix and the name of a phase, or of a value.
  const made = /^sockeye\.(phase|tcp)\./;
  const elsewhere = ['SOCKEYE_TOKEN'];
  expect(
    ours.filter((name) => !made.test(name) && !elsewhere.includes(name) && !sources.includes(name)),
  ).toEqual([]);
});
