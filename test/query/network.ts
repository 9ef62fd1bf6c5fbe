/** A network namespace of a test's own, joined to this one by a pair of interfaces. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';

/** Asked without leaving one behind: tests may be filtered out, and nothing clears up after none. */
export const canMakeNetworks =
  spawnSync('unshare', ['-n', 'true']).status === 0 && spawnSync('ip', ['-V']).status === 0;

/** Whether a network of one's own takes rules that drop packets. */
export const canFilter =
  canMakeNetworks &&
  spawnSync('unshare', ['-n', 'iptables', '-A', 'OUTPUT', '-p', 'tcp', '-j', 'DROP']).status === 0;

export interface Network {
  /** The address of this side, and of the other. */
  outside: string;
  inside: string;
  /** What starts a program in it. */
  starter: string[];
  run(...command: string[]): void;
  end(): void;
}

let made = 0;

export function makeNetwork(): Network {
  const id = `${process.pid}-${made}`;
  const name = `sockeye-${id}`;
  const [here, there] = [`sk${id}a`, `sk${id}b`];
  const subnet = `10.${213 + made}.${process.pid % 250}`;
  made += 1;
  const [outside, inside] = [`${subnet}.1`, `${subnet}.2`];
  const ip = (...args: string[]) => execFileSync('ip', args);
  ip('netns', 'add', name);
  ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name);
  ip('addr', 'add', `${outside}/24`, 'dev', here);
  ip('link', 'set', here, 'up');
  ip('-n', name, 'addr', 'add', `${inside}/24`, 'dev', there);
  ip('-n', name, 'link', 'set', there, 'up');
  const starter = ['ip', 'netns', 'exec', name];
  return {
    outside,
    inside,
    starter,
    run: (...command) => execFileSync(starter[0]!, [...starter.slice(1), ...command]),
    end: () => spawnSync('ip', ['netns', 'del', name]),
  };
}
