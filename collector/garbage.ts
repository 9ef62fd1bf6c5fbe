/**
 * When the threads' heaps are gone through. Left to itself, V8 takes the bytes of requests and columns, which lie outside its
 * heaps of some 15 MB, for a reason to go through all of a heap every 10 MB: some 15 % of all CPU at full load was spent on it.
 * With two and a half times what is alive as the limit, threads do so a third as often; what is resident at most stayed the same.
 *
 * What is young is gone through when it has filled a semi-space. That of the network's thread grew to 8 MB, and 40 MB of bytes
 * that nobody needed any more waited for it: more than the limit above, so that all of the heap was gone through instead.
 * It stays at its first size; those of other threads begin as large as they may become.
 */
import { setFlagsFromString } from 'node:v8';

const GROWTH_PERCENT = 150;
/** Of threads that begin from now on; beyond what a thread may have it counts as that. */
const FIRST_SEMI_SPACE_MB = 3;

/** Of this process: also of threads that run already. */
export function tuneGarbageCollection(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString(`--min-semi-space-size=${FIRST_SEMI_SPACE_MB}`);
}
