/** The lookup of a name as programs make it, by the system's `getaddrinfo`; and what each of its servers says by itself. */
import { promises as dns, getServers } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { Address, AskedServer } from './reports.ts';

/** glibc asks no more. */
const NAME_SERVERS_MAX = 3;
const SERVER_MS = 2_000;

export async function lookUp(name: string): Promise<Address[]> {
  const found = await dns.lookup(name, { all: true, order: 'verbatim' });
  // Those of several kinds of sockets are the same address.
  return [...new Map(found.map((each) => [each.address, each])).values()];
}

export function nameServers(): string[] {
  return getServers().slice(0, NAME_SERVERS_MAX);
}

export async function isInHostsFile(name: string): Promise<boolean> {
  try {
    const lines = (await readFile('/etc/hosts', 'utf8')).split('\n');
    const names = lines.flatMap((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1));
    return names.some((each) => each.toLowerCase() === name.toLowerCase());
  } catch {
    return false;
  }
}

export function askServers(name: string, timeoutMs: number): Promise<AskedServer[]> {
  return Promise.all(nameServers().map((server) => askServer(server, name, Math.min(timeoutMs, SERVER_MS))));
}

async function askServer(server: string, name: string, timeout: number): Promise<AskedServer> {
  const resolver = new dns.Resolver({ timeout, tries: 1 });
  resolver.setServers([server]);
  const beganMs = performance.now();
  // One that answers to half of it does answer.
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const ms = performance.now() - beganMs;
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const codes = answers.flatMap((answer) =>
    answer.status === 'rejected' ? [String((answer.reason as { code?: unknown }).code ?? 'failed')] : [],
  );
  const code = addresses.length > 0 ? '' : (codes.find((each) => each !== 'ENODATA') ?? codes[0] ?? '');
  return { server, ms, addresses, code };
}
