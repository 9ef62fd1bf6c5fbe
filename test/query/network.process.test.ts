/** Networks of tests leave nothing behind. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { canMakeNetworks, makeNetwork } from './network.ts';

it.skipIf(!canMakeNetworks)('a network that fails half-way leaves no namespace', () => {
  // The first that this process makes gets an interface of this name.
  const taken = `sk${process.pid}-0a`;
  execFileSync('ip', ['link', 'add', taken, 'type', 'veth', 'peer', 'name', `sk${process.pid}-0c`]);
  try {
    expect(makeNetwork).toThrow(/File exists/);
    expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain(
      `sockeye-${process.pid}-0`,
    );
  } finally {
    spawnSync('ip', ['link', 'del', taken]);
  }
});
