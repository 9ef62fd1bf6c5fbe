/** Loads the instrumentation of a library, and sets it up; loaded itself with the first library that the program uses. */
import { createRequire } from 'node:module';
import type { TracerProvider } from '@opentelemetry/api';
import type { Library } from './catalogue.ts';
import { libraryTracers } from './library-tracers.ts';
import { watchCommands } from './mysql2-contexts.ts';
import { watchQueue } from './mysql2-queue.ts';
import { watchTimers } from './mysql2-timers.ts';

export interface Instrumentation {
  setTracerProvider(provider: TracerProvider): void;
}

/** What `bundle.mjs` makes of an instrumentation. */
interface Bundle {
  Instrumentation: new (config: object) => Instrumentation;
  patchExports: PatchExports;
}

/** The exports of a module, patched. `name` is the package's, and for all but its main file the path below it. */
export type PatchExports = (exports: unknown, name: string, folder: string) => unknown;

export interface Instrumented {
  readonly instrumentation: Instrumentation;
  readonly patchExports: PatchExports;
}

const require = createRequire(import.meta.filename);
const instrumented = new Map<Library, Instrumented>();

/** Only the first time does anything. */
export function instrument(library: Library): Instrumented {
  const known = instrumented.get(library);
  if (known) return known;
  const { Instrumentation, patchExports } = require(`./libraries/bundled/${library.name}.js`) as Bundle;
  const instrumentation = new Instrumentation(library.config ?? {});
  instrumentation.setTracerProvider(libraryTracers);
  const loaded = {
    instrumentation,
    patchExports: library.name === 'mysql2' ? ofMysql2(patchExports) : patchExports,
  };
  instrumented.set(library, loaded);
  return loaded;
}

function ofMysql2(patchExports: PatchExports): PatchExports {
  return (exports, name, folder) => {
    watchQueue(exports, name);
    watchTimers(exports, name);
    watchCommands(exports, name);
    return patchExports(exports, name, folder);
  };
}
