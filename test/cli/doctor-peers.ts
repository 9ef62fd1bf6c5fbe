/** Peers that `sockeye doctor` is pointed at, and the command run to its end, here or in a network of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { afterEach } from 'vitest';
import type { Diagnosis } from '../../collector/serve/wire.ts';
import { BARE_ENVIRONMENT } from '../main/collector.ts';

export interface Said {
  readonly ok: boolean;
  readonly stoppedAt: string | null;
  readonly proxy: string | null;
  readonly missing: string | null;
  readonly steps: readonly {
    readonly step: string;
    readonly address: string;
    readonly result: string;
    readonly ms: number;
    readonly failure: { readonly code: string; readonly message: string; readonly isTimeout: boolean } | null;
    readonly kernel: Readonly<Record<string, unknown>> | null;
    readonly lookup?: {
      readonly addresses: readonly { readonly address: string }[];
      readonly asked: readonly { readonly server: string; readonly code: string }[];
    };
    readonly tls?: { readonly version: string; readonly certificate: { readonly subject: string } | null };
    readonly answer?: { readonly status: number; readonly location: string; readonly bodyBytes: number };
    readonly heard?: { readonly said: string };
  }[];
  readonly verdicts: Diagnosis['verdicts'];
}

export interface Examined {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `starter` runs it elsewhere, as in a network of its own. */
export function startDoctor(
  args: readonly string[],
  environment = {},
  starter: readonly string[] = [],
  detached = false,
) {
  const [command = '', ...rest] = [
    ...starter,
    process.execPath,
    resolve('collector/cli/sockeye.ts'),
    'doctor',
    ...args,
  ];
  const child = spawn(command, rest, {
    env: { ...BARE_ENVIRONMENT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]): Examined => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  return { child, ended, output: () => stdout };
}

export async function examine(args: readonly string[], environment = {}, starter: readonly string[] = []) {
  const { code, stdout, stderr } = await startDoctor([...args, '--json'], environment, starter).ended;
  if (stdout === '') throw new Error(`doctor said nothing, but: ${stderr}`);
  const said = JSON.parse(stdout) as Said;
  const step = (name: string) => said.steps.find((each) => each.step === name);
  return { code, said, step, verdict: said.verdicts[0] };
}

export interface Peer {
  readonly port: number;
  close(): void;
}

const peers: Peer[] = [];
afterEach(() => peers.splice(0).forEach((each) => each.close()));

/** The port of one that ends with the test. */
export async function peer(starting: Promise<Peer>): Promise<number> {
  const started = await starting;
  peers.push(started);
  return started.port;
}

/** Says this to everybody, at once; null: closes. */
export async function startSpeaker(words: string | null, host = '127.0.0.1', port = 0): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (words === null) socket.end();
    else socket.write(words);
  });
  return listening(server, host, port, () => sockets.forEach((socket) => socket.destroy()));
}

export async function listening(server: Server, host = '127.0.0.1', port = 0, end = () => {}): Promise<Peer> {
  await once(server.listen(port, host), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      end();
      server.close();
    },
  };
}

export const expiredCertificate = resolve('test/cli/expired/certificate.pem');

/** Its certificate is for localhost and 127.0.0.1, until the end of 2020. */
export function startExpired(): Promise<Peer> {
  const options = {
    key: readFileSync(resolve('test/cli/expired/key.pem')),
    cert: readFileSync(expiredCertificate),
  };
  return listening(createHttpsServer(options, (_, response) => response.end('late')));
}
