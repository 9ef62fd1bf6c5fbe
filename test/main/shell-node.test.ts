import { execFileSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { expect, it } from 'vitest';
import { findNode, loadsHook, shellPath } from '../../collector/shell-node.ts';

it('the path of a shell is that of npm without what npm put there', () => {
  const path = ['/app/node_modules/.bin', '/x/node-gyp-bin', '/home/me/.bin', '/usr/bin'].join(delimiter);
  expect(shellPath(path)).toBe(['/home/me/.bin', '/usr/bin'].join(delimiter));
});

it.each([
  ['v20.19.5', false],
  ['v22.17.1', false],
  ['v22.18.0', true],
  ['v23.11.0', false],
  ['v24.2.0', false],
  ['v24.3.0', true],
  ['v26.0.0', true],
  ['', false],
])('%s loads the hook: %s', (version, loads) => {
  expect(loadsHook(version)).toBe(loads);
});

it('what is named records, whatever Node a shell finds', async () => {
  const env = { ...process.env, PATH: shellPath(process.env['PATH'] ?? ''), NODE_OPTIONS: '' };
  expect(loadsHook(execFileSync(await findNode(), ['--version'], { env, encoding: 'utf8' }))).toBe(true);
});
