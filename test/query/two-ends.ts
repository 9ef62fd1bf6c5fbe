/** A server and a client with the hook, and what the collector makes of a call between them that was in vain. */
import { once } from 'node:events';
import http from 'node:http';
import { vi } from 'vitest';
import type { Diagnosis, Hosts, TracePage } from '../../collector/serve/wire.ts';
import { appFile, startApp, withHook, type AppOptions, type RunningApp } from '../instrumentation/run-app.ts';

type Verdict = Diagnosis['verdicts'][number];

const SOON = { timeout: 30_000, interval: 250 };
/** Reports that are so far from a call cover it, whatever clocks say. */
const ROOM_MS = 2_500;

export interface TwoEndsOptions {
  /** Of the collector. */
  otlpEndpoint: string;
  web: string;
  /** Tells these services from those of other tests. */
  name: string;
  /** Where the server listens. */
  address: string;
  /** Of `troubled-server.cjs`. */
  trouble?: { name: string; forMs: number; workers?: number };
  server?: Pick<AppOptions, 'starter' | 'flags'>;
  client?: Pick<AppOptions, 'starter'>;
}

export interface TwoEnds {
  server: RunningApp;
  port: number;
  /** Both have reported, so long ago that a call from now on is covered. */
  haveReported(): Promise<void>;
  /** The server brings its trouble on itself. */
  getIntoTrouble(): Promise<void>;
  /** The client calls on a new connection, for two seconds at most; resolves when it has given up. */
  callInVain(): Promise<void>;
  /** Of that call, when it is decided. */
  verdict(isDecided: (verdict: Verdict) => boolean, waiting?: typeof SOON): Promise<Verdict>;
  end(): Promise<void>;
}

export async function startTwoEnds(options: TwoEndsOptions): Promise<TwoEnds> {
  const { otlpEndpoint, web, name, address, trouble = { name: 'none', forMs: 0 } } = options;
  const get = async <T>(path: string) => (await (await fetch(web + path)).json()) as T;
  const [shop, pay] = [`shop-${name}`, `pay-${name}`];
  const { flags, env } = withHook(otlpEndpoint);
  const server = startApp(appFile('troubled-server.cjs'), {
    ...options.server,
    flags: [...flags, ...(options.server?.flags ?? [])],
    env: { ...env, OTEL_SERVICE_NAME: pay },
    args: [address, trouble.name, String(trouble.forMs), String(trouble.workers ?? 0)],
  });
  const port = Number((await server.line('port ')).slice('port '.length));
  const client = startApp(appFile('two-calls.cjs'), {
    ...options.client,
    flags,
    env: { ...env, OTEL_SERVICE_NAME: shop },
    args: [`http://${address}:${port}/`],
  });
  await client.line('answered');
  // One after the other they get the connections; one that has served nothing reports nothing.
  const { workers = 0 } = trouble;
  for (let count = 0; count < workers; count++)
    await once(
      http.get({ host: address, port, agent: false }, (answer) => answer.resume()),
      'response',
    );
  return {
    server,
    port,
    async haveReported() {
      await vi.waitFor(async () => {
        const { hosts } = await get<Hosts>('/api/hosts');
        const processes = hosts.flatMap((host) => host.processes);
        for (const [name, count] of [
          [shop, 1],
          [pay, Math.max(1, workers)],
        ] as const) {
          const before = processes.filter(
            ({ service, at }) => service === name && Date.now() - Date.parse(at) > ROOM_MS,
          );
          if (before.length < count) throw new Error(`${name} has not reported, or just now`);
        }
      }, SOON);
    },
    async getIntoTrouble() {
      server.child.kill('SIGUSR2');
      const ids = workers === 0 ? [0] : Array.from({ length: workers }, (_, index) => index + 1);
      await Promise.all(ids.map((id) => server.line(`troubled ${id}`)));
    },
    async callInVain() {
      client.child.kill('SIGUSR2');
      await client.line('given up');
    },
    verdict: (isDecided, waiting = SOON) =>
      vi.waitFor(async () => {
        const { traces } = await get<TracePage>(`/api/traces?service=${shop}&q=status:error`);
        const [trace] = traces;
        if (trace === undefined) throw new Error(`no call of ${shop} that failed has arrived`);
        const { verdicts } = await get<Diagnosis>(`/api/traces/${trace.traceId}/diagnosis`);
        const [verdict] = verdicts;
        if (verdict === undefined || !isDecided(verdict))
          throw new Error(`not decided: ${JSON.stringify(verdict)}`);
        return verdict;
      }, waiting),
    async end() {
      for (const app of [server, client]) app.child.kill('SIGKILL');
      await Promise.all([server.ended, client.ended]);
    },
  };
}

/** Of the facts that hosts gave, what those of this attribute say. */
export const hostFacts = ({ evidence }: Verdict, attribute: string): string[] =>
  evidence.filter((fact) => fact.source === 'host' && fact.attribute === attribute).map(({ text }) => text);
