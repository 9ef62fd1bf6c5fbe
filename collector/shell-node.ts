/**
 * The Node that a shell finds as `node`. Under npm, and where this collector brought a Node of its own, it is not the one that
 * runs here: it may be too old for the hook.
 */
import { execFile } from 'node:child_process';
import { basename, delimiter, dirname } from 'node:path';
import { promisify } from 'node:util';

const ASK_TIMEOUT_MS = 2_000;

/** `node` where the shell's can load the hook, else the path of the one that runs here. Never rejects. */
export async function findNode(): Promise<string> {
  // Where the shell's runs here there is no other to name.
  if (!process.execPath.includes('node_modules')) return 'node';
  const version = await versionOf('node', shellPath(process.env['PATH'] ?? ''));
  return version !== null && loadsHook(version) ? 'node' : process.execPath;
}

/** Without what npm puts in front of it. Pure. */
export function shellPath(path: string): string {
  const isOfNpm = (folder: string) =>
    basename(folder) === 'node-gyp-bin' ||
    (basename(folder) === '.bin' && basename(dirname(folder)) === 'node_modules');
  return path
    .split(delimiter)
    .filter((folder) => !isOfNpm(folder))
    .join(delimiter);
}

/** Whether the hook records there; the same floor as in `instrumentation/register.cjs`. Pure. */
export function loadsHook(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return (major === 22 && minor >= 18) || (major === 24 && minor >= 3) || major > 24;
}

/** Null where there is none, or where Node may start no other program. */
async function versionOf(command: string, path: string): Promise<string | null> {
  const env = { ...process.env, PATH: path, NODE_OPTIONS: '' };
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'], { env, timeout: ASK_TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return null;
  }
}
