/**
 * The import rules of ARCHITECTURE.md, kept by the compiler's own view of each file's imports.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const SKIPPED = new Set(['node_modules', 'dist', 'sockeye-data']);

/** Stage of the collector -> stages it may import values or types from. `span.ts` is open to all of them. */
const STAGES: Record<string, readonly string[]> = {
  decode: [],
  diagnose: [],
  receive: ['decode', 'store', 'serve/guard.ts', 'settings.ts'],
  store: ['decode', 'query', 'diagnose', 'start-worker.ts'],
  query: ['decode', 'store', 'diagnose'],
  forward: ['decode', 'store'],
  serve: ['decode', 'store', 'query', 'diagnose', 'receive', 'start-worker.ts'],
};
/** The shapes of a thing are open to the stages that handle it, as types only. */
const TYPES_ONLY: Record<string, readonly string[]> = {
  store: ['serve/wire.ts'],
  query: ['serve/wire.ts'],
  receive: ['config.ts'],
  serve: ['config.ts', 'forward'],
};
const OUTSIDE_WORLD =
  /^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads)(\/|$)|^(better-sqlite3|@grpc\/)/;

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** In a Svelte component, its scripts alone. */
function scriptOf(path: string): string {
  const text = readFileSync(join(root, path), 'utf8');
  if (!path.endsWith('.svelte')) return text;
  return [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]).join('\n');
}

function importsOf(path: string): Import[] {
  const source = ts.createSourceFile(path, scriptOf(path), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean) => {
    const target = specifier.startsWith('.')
      ? relative(root, resolve(root, dirname(path), specifier))
          .split(sep)
          .join('/')
      : specifier;
    found.push({ file: path.split(sep).join('/'), target, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node.importClause?.isTypeOnly ?? false);
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      add(node.moduleSpecifier.text, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) add(argument.text, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const SOURCES = ['collector', 'instrumentation', 'ui', 'demo']
  .flatMap((folder) => filesBelow(folder))
  .filter((path) => /\.(ts|cts|mts|svelte)$/.test(path));
const imports = SOURCES.flatMap(importsOf);
const show = ({ file, target }: Import) => `${file} imports ${target}`;

test('the rules have files to look at', () => {
  for (const folder of ['collector/decode/', 'collector/diagnose/', 'ui/', 'instrumentation/']) {
    expect(imports.filter(({ file }) => file.startsWith(folder)).length, folder).toBeGreaterThan(5);
  }
});

test('span.ts imports nothing', () => {
  expect(imports.filter(({ file }) => file === 'collector/span.ts').map(show)).toEqual([]);
});

test('decode and diagnose never touch the database, the network or the file system', () => {
  const pure = imports.filter(({ file }) => /^collector\/(decode|diagnose)\//.test(file));
  expect(pure.filter(({ target }) => OUTSIDE_WORLD.test(target)).map(show)).toEqual([]);
});

test('threads of the collector are started by start-worker.ts alone, which keeps them from a crash of V8', () => {
  const starting = filesBelow('collector').filter((path) =>
    readFileSync(join(root, path), 'utf8').includes('new Worker('),
  );
  expect(starting).toEqual([join('collector', 'start-worker.ts')]);
});

test('each stage of the collector imports only the stages it may', () => {
  const broken = imports.filter(({ file, target, typeOnly }) => {
    const stage = /^collector\/(\w+)\//.exec(file)?.[1] ?? '';
    const allowed = STAGES[stage];
    if (!allowed || !target.startsWith('collector/')) return false;
    const inside = target.slice('collector/'.length);
    const permitted = [stage, ...allowed, ...(typeOnly ? (TYPES_ONLY[stage] ?? []) : [])];
    return (
      inside !== 'span.ts' && !permitted.some((part) => inside === part || inside.startsWith(`${part}/`))
    );
  });
  expect(broken.map(show)).toEqual([]);
});

test('every folder of the collector is a stage with rules, or the command line', () => {
  const folders = SOURCES.map((path) => /^collector\/(\w+)\//.exec(path.split(sep).join('/'))?.[1]);
  const known = [...Object.keys(STAGES), 'cli', undefined];
  expect([...new Set(folders)].filter((folder) => !known.includes(folder))).toEqual([]);
});

test('the page takes types from serve/wire.ts and nothing else of the collector', () => {
  const crossing = imports.filter(
    ({ file, target }) => file.startsWith('ui/') && /^(collector|instrumentation|demo|test)\//.test(target),
  );
  expect(
    crossing.filter(({ target, typeOnly }) => !(target === 'collector/serve/wire.ts' && typeOnly)).map(show),
  ).toEqual([]);
});

test('the hook and the collector import nothing from each other or the page', () => {
  const crossing = imports.filter(({ file, target }) => {
    const from = file.split('/')[0];
    const to = /^(collector|instrumentation|ui|demo)\//.exec(target)?.[1];
    return from !== 'ui' && from !== 'demo' && to !== undefined && to !== from;
  });
  expect(crossing.map(show)).toEqual([]);
});
