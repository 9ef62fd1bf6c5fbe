/**
 * One arena of the C library's memory for all threads. Left to itself, glibc gives each thread arenas of its own, and what
 * is freed in one is of no use to another thread: at full load an eighth of what was resident. Sharing one cost no CPU that
 * could be measured. What has 1 MiB and more, as the columns of a table and all that a fold makes, is mapped by itself, and so
 * given back when it is freed: left to itself, glibc raises that limit to 32 MiB, and what is small soon lies behind what was
 * large. glibc is told before a program begins: by `npm start` and by the image, and an installed command begins once more.
 */
const VARIABLE = 'MALLOC_ARENA_MAX';
const MAPPED_VARIABLE = 'MALLOC_MMAP_THRESHOLD_';
const MAPPED_BYTES_MIN = 1 << 20;
/** Says that this was tried: newer glibc takes the first away from a program that has capabilities of its own. */
const BEGUN_VARIABLE = 'SOCKEYE_BEGUN_ANEW';

/** What to begin once more with; null where nothing is to be gained by it. */
export function environmentWithOneArena(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv | null {
  const wanted = { [VARIABLE]: '1', [MAPPED_VARIABLE]: `${MAPPED_BYTES_MIN}`, ...environment };
  const isTold = environment[VARIABLE] !== undefined && environment[MAPPED_VARIABLE] !== undefined;
  return isTold || environment[BEGUN_VARIABLE] !== undefined ? null : { ...wanted, [BEGUN_VARIABLE]: '1' };
}

/** Does not return where the program begins once more: the same process with the same arguments and open files. */
export function beginWithOneArena(environment: NodeJS.ProcessEnv): void {
  // A parent's channel of messages would not be open any more.
  if (process.platform !== 'linux' || process.execve === undefined || process.send !== undefined) return;
  // Node counts it as the start of another program, which it may have been told to refuse.
  if (process.permission?.has('child') === false) return;
  const wanted = environmentWithOneArena(environment);
  if (wanted === null) return;
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], wanted);
}
