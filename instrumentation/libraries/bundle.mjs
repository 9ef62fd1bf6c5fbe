/**
 * Bundles OpenTelemetry's instrumentation of each library into `dist/libraries/bundled/`, one file each and what they share.
 *
 * Loaded from their packages they are 40 to 70 files and take 25 to 50 ms; bundled, one to three files and some 5 ms. They
 * also bring two packages that replace `require` and `import`, which the hook does not want in the program.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const bundledFolder = join('libraries', 'bundled');
const licencesFile = 'LICENSES.txt';
const standInForImports = '\0import-in-the-middle';
const entryPrefix = '\0library:';

/** The stand-ins for what replaces `require` and `import`, and an entry for each library. */
function entries(here, libraries) {
  return {
    name: 'entries',
    resolveId(id) {
      if (id === 'require-in-the-middle') return join(here, 'libraries/require-in-the-middle.ts');
      if (id === 'import-in-the-middle') return standInForImports;
      // One version for all of them, and one that is not loaded twice when the next one comes.
      if (id === '@opentelemetry/instrumentation' || id === '@opentelemetry/core')
        return this.resolve(id, join(here, 'package.json'), { skipSelf: true });
      return id.startsWith(entryPrefix) ? id : null;
    },
    load(id) {
      if (id === standInForImports) return 'export class Hook {}';
      if (!id.startsWith(entryPrefix)) return null;
      const name = id.slice(entryPrefix.length);
      const [packageName, className] = libraries.find((each) => each.name === name).instrumentation;
      return (
        `export { ${className} as Instrumentation } from '${packageName}';\n` +
        `export { patchExports } from 'require-in-the-middle';\n`
      );
    },
  };
}

/** The licences of everything that went into the bundles, as they demand. */
function licences(moduleIds) {
  const folders = new Set(
    moduleIds.flatMap((id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0] ?? []),
  );
  const texts = new Map();
  for (const folder of [...folders].toSorted()) {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = ['LICENSE', 'LICENSE.md', 'license'].map((each) => join(folder, each)).find(existsSync);
    if (file === undefined) throw new Error(`bundle: ${name} has no licence file to pass on`);
    const text = readFileSync(file, 'utf8').trim();
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`]);
  }
  return [...texts]
    .map(([text, names]) => `${names.join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** Gives the files that it wrote, relative to `dist/`. `here` is the folder of the package. */
export async function bundleLibraries(here) {
  const { libraries } = await import('./catalogue.ts');
  const folder = join(here, 'dist', bundledFolder);
  // What is CommonJS keeps everything that it requires: on its own, it does not make the others' shared files large.
  const isAlone = ({ name }) => name === 'fastify';
  const chunks = [
    ...(await bundle(
      here,
      folder,
      libraries.filter((library) => !isAlone(library)),
    )),
    ...(await bundle(here, folder, libraries.filter(isAlone))),
  ];
  writeFileSync(join(folder, licencesFile), licences(chunks.flatMap(({ moduleIds }) => moduleIds)));
  const files = [...chunks.map(({ fileName }) => fileName), licencesFile];
  return new Set(files.map((file) => join(bundledFolder, file)));
}

async function bundle(here, folder, libraries) {
  const build = await rolldown({
    cwd: here,
    input: Object.fromEntries(libraries.map(({ name }) => [name, entryPrefix + name])),
    external: ['@opentelemetry/api'],
    platform: 'node',
    plugins: [entries(here, libraries)],
  });
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared-[name].js',
  });
  await build.close();
  return output.filter(({ type }) => type === 'chunk');
}
