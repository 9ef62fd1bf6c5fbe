/** Spans of the libraries that the program uses: each one's instrumentation is loaded when the library is, and not before. */
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { sep } from 'node:path';
import type { TracerProvider } from '@opentelemetry/api';
import { guard } from '../guard.ts';
import { enabledLibraries, type Library } from './catalogue.ts';
import { libraryTracers } from './library-tracer.ts';
import { addLibraryFolder } from './peers.ts';
import { packageOf, watchModules } from './watch-modules.ts';

interface Instrumentation {
  setTracerProvider(provider: TracerProvider): void;
}

/** What `bundle.mjs` makes of an instrumentation. */
interface Bundle {
  Instrumentation: new (config: object) => Instrumentation;
  patchExports(exports: unknown, name: string, folder: string): unknown;
}

const require = createRequire(import.meta.url);

export function watchLibraries(environment: Record<string, string | undefined>): void {
  const enabled = enabledLibraries(environment);
  const byPackage = new Map(enabled.flatMap((library) => library.packages.map((name) => [name, library])));
  const fastify = enabled.find(({ name }) => name === 'fastify');
  if (fastify) watchFastify(fastify);
  if (byPackage.size === 0) return;

  watchModules((module, filename) => {
    const found = packageOf(filename, sep);
    const library = found && byPackage.get(found.packageName);
    if (!library) return;
    const { packageName, folder } = found;
    const bundle = instrument(library);
    if (library.peer) addLibraryFolder(folder, library.peer);
    const isMain = filename === mainFileOf(folder);
    const name = isMain ? packageName : packageName + filename.slice(folder.length).replaceAll(sep, '/');
    module.exports = bundle.patchExports(module.exports, name, folder);
  });
}

const instrumented = new Map<Library, Bundle & { instance: Instrumentation }>();

function instrument(library: Library): Bundle & { instance: Instrumentation } {
  const known = instrumented.get(library);
  if (known) return known;
  const bundle = require(`./bundled/${library.name}.js`) as Bundle;
  const instance = new bundle.Instrumentation(library.config ?? {});
  instance.setTracerProvider(libraryTracers);
  const loaded = { ...bundle, instance };
  instrumented.set(library, loaded);
  return loaded;
}

const mainFiles = new Map<string, string | undefined>();

/** The file that stands for the whole package, without its `exports`: those may give others to `import`. */
function mainFileOf(folder: string): string | undefined {
  if (!mainFiles.has(folder)) mainFiles.set(folder, resolve(folder));
  return mainFiles.get(folder);
}

function resolve(folder: string): string | undefined {
  try {
    return require.resolve(folder);
  } catch {
    return undefined;
  }
}

interface FastifyApp {
  decorateRequest(name: string | symbol, ...rest: unknown[]): unknown;
}
interface FastifyInstrumentation extends Instrumentation {
  plugin(): (app: FastifyApp, options: undefined, done: () => void) => void;
}

/** fastify publishes each new instance, in bundles too. */
function watchFastify(library: Library): void {
  subscribe(
    'fastify.initialization',
    guard((message) => {
      const { fastify: app } = message as { fastify: FastifyApp };
      const plugin = (instrument(library).instance as FastifyInstrumentation).plugin();
      // `request.opentelemetry` is for programs that register the plugin themselves, and those would find it taken.
      const { decorateRequest } = app;
      app.decorateRequest = (name, ...rest) =>
        name === 'opentelemetry' ? app : Reflect.apply(decorateRequest, app, [name, ...rest]);
      try {
        plugin(app, undefined, () => {});
      } finally {
        app.decorateRequest = decorateRequest;
      }
    }),
  );
}
