/** Loads the instrumentation of a library, and sets it up; loaded itself with the first library that the program uses. */
import { createRequire } from 'node:module';
import type { TracerProvider } from '@opentelemetry/api';
import { watchPublishing } from './amqplib-publishing.ts';
import type { Library } from './catalogue.ts';
import { keepUntraced, watchSent } from './ioredis-commands.ts';
import { keepPlain, watchGiven } from './kafkajs-messages.ts';
import { libraryTracers } from './library-tracers.ts';
import { watchCheckOut, watchSelection } from './mongodb-queue.ts';
import { watchCommands } from './mysql2-contexts.ts';
import { giveBack, standIn } from './mysql2-listeners.ts';
import { watchQueue } from './mysql2-queue.ts';
import { watchTimers } from './mysql2-timers.ts';
import { watchPool, watchQueries } from './pg-contexts.ts';
import { watchSubmitted } from './pg-submitted.ts';
import { keepAdding, watchMulti } from './redis-multi.ts';
import { watchClientPool } from './redis-pool.ts';

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
  const loaded = { instrumentation, patchExports: withOwnPatches(library.name, patchExports) };
  instrumented.set(library, loaded);
  return loaded;
}

type Patch = (exports: unknown, name: string) => void;

/** What the hook patches besides, before the instrumentation does and after. */
const ownPatches: Record<string, { before: Patch[]; after: Patch[] }> = {
  mysql2: { before: [watchQueue, watchTimers, watchCommands, standIn], after: [giveBack] },
  ioredis: { before: [keepUntraced], after: [watchSent] },
  mongodb: { before: [watchCheckOut, watchSelection], after: [] },
  kafkajs: { before: [keepPlain], after: [watchGiven] },
  amqplib: { before: [], after: [watchPublishing] },
  redis: { before: [keepAdding], after: [watchMulti, watchClientPool] },
  pg: { before: [watchQueries], after: [watchPool, watchSubmitted] },
};

function withOwnPatches(library: string, patchExports: PatchExports): PatchExports {
  const patches = ownPatches[library];
  if (!patches) return patchExports;
  return (exports, name, folder) => {
    for (const patch of patches.before) patch(exports, name);
    const patched = patchExports(exports, name, folder);
    for (const patch of patches.after) patch(patched, name);
    return patched;
  };
}
