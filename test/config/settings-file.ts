/** Files that settings stand in, in a folder that goes with the tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ConfigError, readConfig } from '../../collector/config.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Its path. */
export function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What is said of settings that are refused. */
export function errorOf(args: string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    readConfig(args, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('got no error');
}
