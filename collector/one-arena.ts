/**
 * One arena of the C library's memory for all threads. Left to itself, glibc gives each thread arenas of its own, and what
 * is freed in one is of no use to another thread: at full load an eighth of what was resident. Sharing one cost no CPU that
 * could be measured. glibc is told before a program begins: by `npm start` and by the image, and an installed command
 * begins once more.
 */
const VARIABLE = 'MALLOC_ARENA_MAX';

/** Does not return where the program begins once more: the same process with the same arguments and open files. */
export function beginWithOneArena(environment: NodeJS.ProcessEnv): void {
  if (process.platform !== 'linux' || environment[VARIABLE] !== undefined) return;
  // A parent's channel of messages would not be open any more.
  if (process.execve === undefined || process.send !== undefined) return;
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...environment, [VARIABLE]: '1' });
}
