/** The shop: which services there are, who calls whom, and how each is started. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Processes } from './processes.ts';

export type ServiceName =
  'bank' | 'catalog' | 'checkout' | 'db' | 'gateway' | 'inventory' | 'payments' | 'search' | 'shipping';

interface Service {
  file: string;
  host: string;
  scheme: string;
  /** Loads the hook; the others are what a shop cannot change: a database, another team's service, a bank. */
  hook: boolean;
  calls: ServiceName[];
  about: string;
}

export const services: Record<ServiceName, Service> = {
  gateway: {
    file: 'gateway.ts',
    host: '127.0.0.1',
    scheme: 'http:',
    hook: true,
    calls: ['catalog', 'checkout', 'search', 'inventory'],
    about: 'ES module, node:http',
  },
  checkout: {
    file: 'checkout.cjs',
    host: 'checkout.shop.test',
    scheme: 'http:',
    hook: true,
    calls: ['inventory', 'payments', 'shipping'],
    about: 'CommonJS, node:http and fetch',
  },
  payments: {
    file: 'payments.ts',
    host: 'payments.shop.test',
    scheme: 'http:',
    hook: true,
    calls: ['bank'],
    about: 'ES module, node:https',
  },
  inventory: {
    file: 'inventory.cjs',
    host: 'inventory.shop.test',
    scheme: 'http:',
    hook: true,
    calls: ['db'],
    about: 'CommonJS, pg',
  },
  catalog: {
    file: 'catalog.ts',
    host: 'catalog.shop.test',
    scheme: 'http:',
    hook: true,
    calls: ['db', 'search'],
    about: 'ES module, fetch and pg',
  },
  search: {
    file: 'search.ts',
    host: 'search.shop.test',
    scheme: 'http:',
    hook: true,
    calls: [],
    about: 'ES module, node:http',
  },
  shipping: {
    file: 'shipping.ts',
    host: 'shipping.shop.test',
    scheme: 'http:',
    hook: false,
    calls: [],
    about: 'node:http, another team’s',
  },
  db: {
    file: 'postgres.ts',
    host: 'db.shop.test',
    scheme: 'postgres:',
    hook: false,
    calls: [],
    about: 'PostgreSQL',
  },
  bank: {
    file: 'bank.ts',
    host: 'api.bank.test',
    scheme: 'https:',
    hook: false,
    calls: [],
    about: 'HTTPS, somebody else’s',
  },
};

const hookFile = fileURLToPath(new URL('../instrumentation/register.cjs', import.meta.url));
const namesFile = fileURLToPath(new URL('names.cjs', import.meta.url));
const bankCertificate = fileURLToPath(new URL('services/bank-cert.pem', import.meta.url));

export interface Shop {
  gatewayUrl: string;
  dns: ChildProcess;
  portOf(name: ServiceName): number;
  child(name: ServiceName): ChildProcess;
  /** Starts a service that was ended, at the port it had. */
  restart(name: ServiceName): Promise<void>;
}

/** Reads the one line every service prints when it is up. */
function readPort(lines: string[]): number | undefined {
  const match = /^listening on port (\d+)$/.exec(lines.at(-1) ?? '');
  return match ? Number(match[1]) : undefined;
}

/** Starts every service after those it calls; spans go to the OTLP gRPC endpoint. */
export async function startShop(processes: Processes, otlpEndpoint: string): Promise<Shop> {
  const running = new Map<ServiceName, { child: ChildProcess; value: number }>();
  const dns = await processes.start({
    name: 'dns',
    args: [fileURLToPath(new URL('services/dns.ts', import.meta.url))],
    env: {
      PORT: '0',
      HOSTS: Object.values(services)
        .map(({ host }) => host)
        .join(','),
    },
    ready: readPort,
  });

  function urlOf(name: ServiceName): string {
    const { scheme, host } = services[name];
    const address = `${host}:${running.get(name)?.value}`;
    return name === 'db' ? `${scheme}//postgres@${address}/postgres` : `${scheme}//${address}`;
  }

  async function startService(name: ServiceName, port: number): Promise<void> {
    const { file, hook, calls } = services[name];
    const urls = calls.map((callee) => [`${callee.toUpperCase()}_URL`, urlOf(callee)]);
    const preload = hook ? ['--require', namesFile, '--require', hookFile] : [];
    const started = await processes.start({
      name,
      args: [...preload, fileURLToPath(new URL(`services/${file}`, import.meta.url))],
      env: {
        ...Object.fromEntries(urls),
        PORT: String(port),
        SHOP_DNS: `127.0.0.1:${dns.value}`,
        NODE_EXTRA_CA_CERTS: bankCertificate,
        OTEL_SERVICE_NAME: name,
        OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint,
        OTEL_BSP_SCHEDULE_DELAY: '1000',
      },
      ready: readPort,
    });
    running.set(name, started);
  }

  const starts = new Map<ServiceName, Promise<void>>();
  function startAfterItsCallees(name: ServiceName): Promise<void> {
    const known = starts.get(name);
    if (known) return known;
    const start = Promise.all(services[name].calls.map(startAfterItsCallees)).then(() =>
      startService(name, 0),
    );
    starts.set(name, start);
    return start;
  }
  await startAfterItsCallees('gateway');

  function get(name: ServiceName) {
    const found = running.get(name);
    if (!found) throw new Error(`${name} is not running`);
    return found;
  }
  return {
    gatewayUrl: urlOf('gateway'),
    dns: dns.child,
    portOf: (name) => get(name).value,
    child: (name) => get(name).child,
    restart: (name) => startService(name, get(name).value),
  };
}
