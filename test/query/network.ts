/** Network namespaces of a test's own, each joined to this one by a pair of interfaces. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Asked without leaving one behind: tests may be filtered out, and nothing clears up after none. */
export const canMakeNetworks =
  spawnSync('unshare', ['-n', 'true']).status === 0 && spawnSync('ip', ['-V']).status === 0;

/** Whether a network of one's own takes rules that drop packets. */
export const canFilter =
  canMakeNetworks &&
  spawnSync('unshare', ['-n', 'iptables', '-A', 'OUTPUT', '-p', 'tcp', '-j', 'DROP']).status === 0;

/** How large a table is filled: four times as many take 5 s, which is too long for one test. */
const TRACKED_MAX = 65_536;

/** Whether a network of one's own tracks connections, in a table that can be filled: its size is that of the whole host. */
export const canFillConnectionTable =
  canFilter &&
  spawnSync('unshare', ['-n', 'iptables', '-t', 'raw', '-A', 'OUTPUT', '-j', 'CT', '--notrack']).status ===
    0 &&
  Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_max', 'utf8')) <= TRACKED_MAX;

export interface Network {
  /** The addresses of this side, and that of the other. */
  outside: string;
  outsideToo: string;
  inside: string;
  /** What starts a program in it. */
  starter: string[];
  run(...command: string[]): string;
  /** What leaves it for `outside` is lost on its way from now on: nobody has the address of hardware that it goes to. */
  loseWayOut(): void;
  end(): void;
}

let made = 0;

export function makeNetwork(): Network {
  const id = `${process.pid}-${made}`;
  const name = `sockeye-${id}`;
  const [here, there] = [`sk${id}a`, `sk${id}b`];
  const subnet = `10.${213 + made}.${process.pid % 250}`;
  made += 1;
  const [outside, inside, outsideToo] = [`${subnet}.1`, `${subnet}.2`, `${subnet}.3`];
  const ip = (...args: string[]) => execFileSync('ip', args);
  const end = () => {
    spawnSync('ip', ['netns', 'del', name]);
    // Connections that nobody answers keep the namespace, and with it the interfaces, for some minutes.
    spawnSync('ip', ['link', 'del', here]);
  };
  ip('netns', 'add', name);
  try {
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name);
    for (const address of [outside, outsideToo]) ip('addr', 'add', `${address}/24`, 'dev', here);
    ip('link', 'set', here, 'up');
    ip('-n', name, 'addr', 'add', `${inside}/24`, 'dev', there);
    for (const each of [there, 'lo']) ip('-n', name, 'link', 'set', each, 'up');
    // The way to the other addresses of this side.
    ip('-n', name, 'route', 'add', 'default', 'via', outsideToo);
  } catch (error) {
    end();
    throw error;
  }
  const starter = ['ip', 'netns', 'exec', name];
  return {
    outside,
    outsideToo,
    inside,
    starter,
    run: (...command) => execFileSync('ip', [...starter.slice(1), ...command], { encoding: 'utf8' }),
    loseWayOut() {
      const nowhere = ['lladdr', '02:00:00:00:00:01', 'nud', 'permanent'];
      ip('-n', name, 'neigh', 'replace', outside, ...nowhere, 'dev', there);
    },
    end,
  };
}
