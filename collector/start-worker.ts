/**
 * Starts a worker thread from a module beside the caller: TypeScript in the source tree, JavaScript in a build.
 *
 * Node takes the types out of TypeScript by WebAssembly, in each thread. V8 compiles wrappers for the JavaScript that this
 * calls often and shares them among threads; a thread that gave one back while starting died of SIGSEGV, and the process with
 * it (Node 24.21, V8's `TierUpWasmToJSWrapper` below `WasmEngine::FreeDeadCode`). So none is compiled in threads.
 */
import { setFlagsFromString } from 'node:v8';
import { Worker, type WorkerOptions } from 'node:worker_threads';

const isBuild = import.meta.url.endsWith('.js');
/** The most that the flag takes. */
const CALLS_UNTIL_COMPILED = 2_147_483_647;

/** `path` is without extension and relative to `base`, the URL of the calling module. */
export function startWorker(path: string, base: string, options: WorkerOptions): Worker {
  if (!isBuild) setFlagsFromString(`--wasm-wrapper-tiering-budget=${CALLS_UNTIL_COMPILED}`);
  return new Worker(new URL(`${path}.${isBuild ? 'js' : 'ts'}`, base), {
    // The program's own options (--input-type, --eval, …) are not meant for a thread.
    execArgv: [],
    ...options,
  });
}
