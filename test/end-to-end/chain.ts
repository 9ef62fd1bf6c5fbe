/**
 * Three services in a chain, gateway → checkout → payments, each a process of its own with the hook, and beside
 * them what makes calls fail: a full listen queue, a closed port, a server that never speaks, a name server to stop.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { World } from './collector.ts';

const namesFile = fileURLToPath(new URL('../../demo/names.cjs', import.meta.url));
const dnsFile = fileURLToPath(new URL('../../demo/services/dns.ts', import.meta.url));
const hosts = ['payments', 'full', 'closed', 'mute'].map((name) => `${name}.shop.test`);
const connectMs = 300;

export interface Chain {
  /** Calls the gateway, which calls checkout, which makes the call the path names. */
  call(path: string): Promise<{ status: number; text: string }>;
  /** Runs something while the name server is stopped. */
  withSilentDns<T>(run: () => Promise<T>): Promise<T>;
  end(): void;
}

function readPort(lines: string[]): number | undefined {
  const match = /^listening on port (\d+)$/.exec(lines.at(-1) ?? '');
  return match ? Number(match[1]) : undefined;
}

async function findClosedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Connects to a stopped process until the kernel no longer answers; fails when it always does. */
async function fillQueue(port: number): Promise<Socket[]> {
  const parked: Socket[] = [];
  while (parked.length < 8) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    parked.push(socket);
    const connected = new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)));
    if (!(await Promise.race([connected, sleep(connectMs, false)]))) return parked;
  }
  throw new Error(`the listen queue of port ${port} still takes connections`);
}

/** Starts the chain; `hookFile` is loaded by the three services with --require. */
export async function startChain({ processes, otlpEndpoint }: World, hookFile: string): Promise<Chain> {
  const start = (name: string, file: string, env: NodeJS.ProcessEnv, preload: string[] = []) =>
    processes.start({
      name,
      args: [
        ...preload,
        file.startsWith('/') ? file : fileURLToPath(new URL(`services/${file}`, import.meta.url)),
      ],
      env,
      ready: readPort,
    });

  const dns = await start('dns', dnsFile, { PORT: '0', HOSTS: hosts.join(',') });
  const mute = await start('mute', 'mute.cjs', {});
  const full = await start('full', 'mute.cjs', { BACKLOG: '1' });
  full.child.kill('SIGSTOP');
  const parked = await fillQueue(full.value);

  const startService = (name: string, file: string, env: NodeJS.ProcessEnv) =>
    start(
      name,
      file,
      {
        ...env,
        SHOP_DNS: `127.0.0.1:${dns.value}`,
        OTEL_SERVICE_NAME: name,
        OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint,
        OTEL_BSP_SCHEDULE_DELAY: '200',
      },
      ['--require', namesFile, '--require', hookFile],
    );
  const payments = await startService('payments', 'payments.cjs', {});
  const checkout = await startService('checkout', 'checkout.mjs', {
    PAYMENTS_PORT: String(payments.value),
    FULL_PORT: String(full.value),
    CLOSED_PORT: String(await findClosedPort()),
    MUTE_PORT: String(mute.value),
  });
  const gateway = await startService('gateway', 'gateway.cjs', { CHECKOUT_PORT: String(checkout.value) });

  return {
    async call(path) {
      const response = await fetch(`http://127.0.0.1:${gateway.value}${path}`);
      return { status: response.status, text: await response.text() };
    },
    async withSilentDns(run) {
      dns.child.kill('SIGSTOP');
      try {
        return await run();
      } finally {
        dns.child.kill('SIGCONT');
      }
    },
    end() {
      for (const socket of parked) socket.destroy();
    },
  };
}
