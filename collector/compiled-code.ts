/**
 * Keeps what Node makes of the source tree between starts. Reading TypeScript costs each thread 13 MB, for good, and half of
 * the CPU of a start; what is kept is read instead. A build is JavaScript and needs none of it.
 */
import { enableCompileCache } from 'node:module';
import { compiledFolder } from './places.ts';

/** For threads that are started from now on. Where the folder cannot be written, nothing is kept. */
export function keepCompiledCode(environment: NodeJS.ProcessEnv): void {
  const folder = compiledFolder();
  if (folder === null || environment['NODE_COMPILE_CACHE'] !== undefined) return;
  // Threads take it from the environment, and from nothing else.
  if (enableCompileCache(folder).directory !== undefined) environment['NODE_COMPILE_CACHE'] = folder;
}
