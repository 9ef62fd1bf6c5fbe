/** Spans of the libraries that the program uses: each one's instrumentation is loaded when the library is, and not before. */
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { sep } from 'node:path';
import { guard } from '../guard.ts';
import { enabledLibraries, type Library } from './catalogue.ts';
import type * as loader from './instrument.ts';
import { addLibraryFolder } from './peers.ts';
import { packageOf, watchModules } from './watch-modules.ts';

const require = createRequire(import.meta.filename);

function instrument(library: Library): loader.Instrumented {
  return (require('./instrument.cjs') as typeof loader).instrument(library);
}

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
    if (library.peer) {
      addLibraryFolder(folder, library.peer);
      // It may load it itself when its connection is open already, and go on by TLS.
      process.getBuiltinModule('node:tls');
    }
    const isMain = filename === mainFileOf(folder);
    const name = isMain ? packageName : packageName + filename.slice(folder.length).replaceAll(sep, '/');
    module.exports = instrument(library).patchExports(module.exports, name, folder);
  });
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
interface FastifyInstrumentation extends loader.Instrumentation {
  plugin(): (app: FastifyApp, options: undefined, done: () => void) => void;
}

/** fastify publishes each new instance, in bundles too. */
function watchFastify(library: Library): void {
  subscribe(
    'fastify.initialization',
    guard((message) => {
      const { fastify: app } = message as { fastify: FastifyApp };
      const plugin = (instrument(library).instrumentation as FastifyInstrumentation).plugin();
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
