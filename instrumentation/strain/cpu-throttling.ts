/**
 * How long the control group of this process was kept from running because its CPU quota was used up, from `cpu.stat`.
 * There is nothing to read outside of Linux, or without a quota.
 */
import { openSync, readFileSync, readSync } from 'node:fs';

/** Both hierarchies: of version 2 in microseconds, of version 1 in nanoseconds. */
export function readThrottledMs(cpuStat: string): number | undefined {
  const [, unit, digits] = /^throttled_(usec|time) (\d+)$/m.exec(cpuStat) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) / (unit === 'usec' ? 1e3 : 1e6);
}

/** The folder of the group below `/sys/fs/cgroup`, by what `/proc/self/cgroup` says; first the one of a container that sees only its own. */
export function cpuGroupFolders(procCgroup: string): string[] {
  const folders = ['/sys/fs/cgroup', '/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'];
  const own: string[] = [];
  for (const line of procCgroup.split('\n')) {
    const [, controllers = '', path = ''] = line.split(':');
    if (path === '' || path === '/') continue;
    if (controllers === '') own.push(`/sys/fs/cgroup${path}`);
    else if (controllers.split(',').includes('cpu')) own.push(`/sys/fs/cgroup/${controllers}${path}`);
  }
  return [...own, ...folders];
}

/** A function that reads the time now, in 5 µs; undefined when there is no quota. */
export function watchThrottling(): (() => number | undefined) | undefined {
  try {
    const folder = cpuGroupFolders(readFileSync('/proc/self/cgroup', 'utf8')).find(hasQuota);
    if (folder === undefined) return undefined;
    const file = openSync(`${folder}/cpu.stat`, 'r');
    const buffer = Buffer.alloc(1024);
    return () => {
      try {
        return readThrottledMs(buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0)));
      } catch {
        return undefined;
      }
    };
  } catch {
    return undefined;
  }
}

function hasQuota(folder: string): boolean {
  return (
    /^[1-9]/.test(readOptional(`${folder}/cpu.max`)) ||
    /^[1-9]/.test(readOptional(`${folder}/cpu.cfs_quota_us`))
  );
}

function readOptional(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
