/** One measurement: a fresh process of the service under one kind of instrumentation, a fixed number of requests, and what they cost. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Load, LoadResult } from './load.ts';
import type { Received } from './receiver.ts';

export const variants = ['bare', 'stock', 'ours'] as const;
export type Variant = (typeof variants)[number];
export const modes = ['http', 'fetch'] as const;
export type Mode = (typeof modes)[number];

export interface Measurement {
  /** User and system time of the service's process, from the first measured request until its last span had arrived. */
  cpuUsPerRequest: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  rssBytes: number;
  /** From the start of the process to the first line of the program. */
  firstLineMs: number;
  expectedSpans: number;
  /** Of the expected spans, those that did not arrive, or not below the right parent. */
  missingSpans: number;
}

export interface Plan {
  requests: number;
  connections: number;
  /** The Node that runs the service, and its flags. */
  node: string;
  flags: readonly string[];
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const registers: Record<Variant, string[]> = {
  bare: [],
  stock: [
    '--require',
    createRequire(import.meta.url).resolve('@opentelemetry/auto-instrumentations-node/register'),
  ],
  ours: ['--require', path('../../../instrumentation/register.cjs')],
};

/** A child process that answers each message with one of its own. */
class Peer {
  readonly child: ChildProcess;
  constructor(child: ChildProcess) {
    this.child = child;
  }
  async next<Answer>(): Promise<Answer> {
    const gone = new AbortController();
    const ended = once(this.child, 'exit', gone).then(([code]) => {
      throw new Error(`${this.child.spawnargs.at(-1)} ended with ${String(code)}`);
    });
    try {
      const [answer] = (await Promise.race([once(this.child, 'message', gone), ended])) as [Answer];
      return answer;
    } finally {
      gone.abort();
      ended.catch(() => {});
    }
  }
  ask<Answer>(message: object): Promise<Answer> {
    this.child.send(message);
    return this.next();
  }
  async close(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }
}

/** What every measurement shares: the load generator with its backend, and the receiver. */
export async function startSurroundings(): Promise<{
  measure(variant: Variant, mode: Mode, plan: Plan): Promise<Measurement>;
  close(): Promise<void>;
}> {
  const load = new Peer(fork(path('load.ts')));
  const receiver = new Peer(fork(path('receiver.ts')));
  const [{ backendPort }, { port: receiverPort }] = await Promise.all([
    load.next<{ backendPort: number }>(),
    receiver.next<{ port: number }>(),
  ]);
  return {
    async measure(variant, mode, plan) {
      await receiver.ask({ reset: true });
      const service = new Peer(
        fork(path('service.cjs'), [mode, `http://127.0.0.1:${backendPort}/items`], {
          execPath: plan.node,
          execArgv: [...plan.flags, ...registers[variant]],
          env: environment(variant, receiverPort),
        }),
      );
      try {
        return await measureService(service, load, receiver, variant, plan);
      } finally {
        await service.close();
      }
    },
    async close() {
      await Promise.all([load.close(), receiver.close()]);
    },
  };
}

/** The same for all: traces alone, by gRPC, in batches that leave soon; nothing that asks the network where it runs. */
function environment(variant: Variant, receiverPort: number): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(OTEL_|SOCKEYE_|NODE_OPTIONS)/.test(name),
  );
  return {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    OTEL_SERVICE_NAME: 'bench',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiverPort}`,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '500',
    ...(variant === 'stock' ? { OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process,serviceinstance' } : {}),
  };
}

async function measureService(
  service: Peer,
  load: Peer,
  receiver: Peer,
  variant: Variant,
  { requests, connections }: Plan,
): Promise<Measurement> {
  const { port, firstLineMs } = await service.next<{ port: number; firstLineMs: number }>();
  const spansOf = (count: number) => (variant === 'bare' ? 0 : 2 * count);
  const awaitSpans = (count: number) => (count === 0 ? undefined : receiver.ask({ awaited: count }));
  const run = (count: number) => load.ask<LoadResult>({ port, requests: count, connections } satisfies Load);

  // Until V8 has compiled most of it: with half as many, its compiler was a sixth of what a fetch took, bare.
  const warmUp = Math.ceil(requests / 2);
  await run(warmUp);
  await awaitSpans(spansOf(warmUp));
  await receiver.ask({ reset: true });
  const before = await service.ask<{ cpuUs: number }>({});
  const { requestsPerSecond, p50Ms, p99Ms, failed } = await run(requests);
  await awaitSpans(spansOf(requests));
  const after = await service.ask<{ cpuUs: number; rssBytes: number }>({});
  if (failed > 0) throw new Error(`${failed} of ${requests} requests failed`);

  const expectedSpans = spansOf(requests);
  const { server, paired } = await receiver.ask<Received>({ count: true });
  return {
    cpuUsPerRequest: (after.cpuUs - before.cpuUs) / requests,
    requestsPerSecond,
    p50Ms,
    p99Ms,
    rssBytes: after.rssBytes,
    firstLineMs,
    expectedSpans,
    missingSpans: expectedSpans === 0 ? 0 : Math.max(0, requests - server) + Math.max(0, requests - paired),
  };
}
