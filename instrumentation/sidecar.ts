/**
 * Whether a mesh proxy stands between this process and its peers: it accepts every connection itself, so what can be seen
 * of connecting ends there. Known by its listeners in this network namespace, or by what it adds to answers.
 */
import { readFile } from 'node:fs';

/** The ports to which a mesh redirects what leaves and enters. */
const meshPorts = new Map([
  [15001, 'istio'],
  [15006, 'istio'],
  [4140, 'linkerd'],
  [4143, 'linkerd'],
]);

let sidecar: string | undefined;
let isAsked = false;

/** The mesh, once it is known. */
export function knownSidecar(): string | undefined {
  return sidecar;
}

/** Looks for the listeners, once, out of the way: to be called when the process opens its first connection. */
export function lookForSidecar(): void {
  if (isAsked || process.platform !== 'linux') return;
  isAsked = true;
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    readFile(table, 'latin1', (error, text) => {
      if (!error) sidecar ??= meshListening(text);
    });
  }
}

/** The mesh whose port is listened on, by a table of `/proc/net/tcp`. Pure. */
export function meshListening(table: string): string | undefined {
  for (const [, port] of table.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A /gm)) {
    const mesh = meshPorts.get(Number.parseInt(port!, 16));
    if (mesh) return mesh;
  }
  return undefined;
}

/** What Envoy adds to an answer. */
export function hasEnvoyHeaders(headers: Readonly<Record<string, unknown>>): boolean {
  for (const name in headers) if (name.startsWith('x-envoy-')) return true;
  return false;
}
