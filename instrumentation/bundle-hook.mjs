/**
 * Bundles the hook into `dist/`: what every program loads, in one file, and what only some do, in one each.
 *
 * CommonJS, because an ES module that imports from a module of Node's gets all that this has, and so loads what that would
 * load when asked: `node:http` brings undici, `node:fs` the readline. As 70 ES modules the hook took 90 ms to load, as this
 * it takes 15.
 */
import { rolldown } from 'rolldown';

/** Loaded from where they are needed by `require('./NAME.cjs')`: all of them stand side by side. */
const entries = {
  start: 'start.ts',
  'sdk-recorder': 'sdk-recorder.ts',
  instrument: 'libraries/instrument.ts',
};
/** Runs in a thread of its own, and shares nothing with the others. */
const threadEntries = { 'hand-over-thread': 'export/hand-over-thread.ts' };

/** Gives the files that it wrote, relative to `dist/`. `here` is the folder of the package. */
export async function bundleHook(here) {
  return new Set([...(await bundle(here, entries)), ...(await bundle(here, threadEntries))]);
}

async function bundle(here, input) {
  const build = await rolldown({
    cwd: here,
    input,
    // Packages stay packages, and are loaded when they are needed.
    external: (id) => !/^(\.|\/|[a-z]:\\)/i.test(id) && !Object.values(input).includes(id),
    platform: 'node',
  });
  const { output } = await build.write({
    dir: 'dist',
    format: 'cjs',
    strict: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: 'shared-[name].cjs',
    // All that several of them need is needed by `start`: one file more, not five.
    codeSplitting: {
      groups: [
        { name: 'hook', minShareCount: 2 },
        { name: 'hook', test: /rolldown.runtime/ },
      ],
    },
  });
  await build.close();
  return output.map(({ fileName }) => fileName);
}
