/**
 * The faults of the demo. Each is real: a process is stopped or killed, a listen queue is filled, or customers ask
 * for what a service cannot do. Nothing in the services knows of them.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Processes } from './processes.ts';
import type { ServiceName, Shop } from './shop.ts';
import type { Request, Traffic } from './traffic.ts';

export interface Stage {
  shop: Shop;
  processes: Processes;
  traffic: Traffic;
}

export interface Fault {
  name: string;
  /** What happens, for the terminal. */
  happens: string;
  /** What the page then shows. */
  lookFor: string;
  /** Makes it happen; the function it returns ends it. */
  start(stage: Stage): Promise<() => Promise<void>>;
}

const parkedConnections = 8;
const parkTimeoutMs = 300;

/** Asks the same thing again and again until the returned function is called. */
function keepSending(traffic: Traffic, request: Request, everyMs: number, atOnce = 1): () => Promise<void> {
  const send = () => {
    for (let count = 0; count < atOnce; count++) void traffic.send(request);
  };
  send();
  const timer = setInterval(send, everyMs);
  return async () => clearInterval(timer);
}

/** Resolves with true once connected, with false after a while of silence. The socket stays open. */
async function connects(socket: Socket): Promise<boolean> {
  const connected = new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  return Promise.race([connected, sleep(parkTimeoutMs, false)]);
}

/** Stops a process and fills its listen queue, so that the kernel drops every further SYN. */
async function fillListenQueue(shop: Shop, name: ServiceName): Promise<() => Promise<void>> {
  const child = shop.child(name);
  child.kill('SIGSTOP');
  const parked: Socket[] = [];
  let full = false;
  while (!full && parked.length < parkedConnections) {
    const socket = connect(shop.portOf(name), '127.0.0.1');
    socket.on('error', () => {});
    parked.push(socket);
    full = !(await connects(socket));
  }
  return async () => {
    for (const socket of parked) socket.destroy();
    child.kill('SIGCONT');
  };
}

/** A process that is stopped: the kernel accepts connections for it, and that is all. */
function stop(child: { kill(signal: NodeJS.Signals): boolean }): () => Promise<void> {
  child.kill('SIGSTOP');
  return async () => {
    child.kill('SIGCONT');
  };
}

export const faults: Fault[] = [
  {
    name: 'syn-unanswered',
    happens: 'shipping hangs, and its listen queue is full: the kernel drops every SYN',
    lookFor: 'checkout → shipping, stuck in connect',
    start: ({ shop }) => fillListenQueue(shop, 'shipping'),
  },
  {
    name: 'gateway-504',
    happens: 'customers search deeply: 900 ms of work behind a gateway that waits 500 ms',
    lookFor: 'gateway → search, 504 after 500 ms, and search’s work that nobody waited for',
    start: async ({ traffic }) =>
      keepSending(traffic, { method: 'GET', path: '/search?q=product&deep' }, 500),
  },
  {
    name: 'tls-stalled',
    happens: 'the bank hangs: it accepts connections, but never answers the TLS handshake',
    lookFor: 'payments → api.bank.test, stuck in tls, seen from checkout’s failed orders',
    async start({ shop, traffic }) {
      const resume = stop(shop.child('bank'));
      const halt = keepSending(traffic, { method: 'POST', path: '/orders', body: { product: 7 } }, 600);
      return async () => {
        await halt();
        await resume();
      };
    },
  },
  {
    name: 'refused',
    happens: 'search has crashed: nobody listens on its port',
    lookFor: 'gateway → search and catalog → search, refused (ECONNREFUSED)',
    async start({ shop, processes }) {
      await processes.end(shop.child('search'), 'SIGKILL');
      return () => shop.restart('search');
    },
  },
  {
    name: 'slow-query',
    happens: 'a stock report asks the database one query of some seconds',
    lookFor: 'checkout gives up on inventory, which goes on for nobody (the query itself has no span)',
    start: async ({ traffic }) => keepSending(traffic, { method: 'GET', path: '/report' }, 4000),
  },
  {
    name: 'pool-wait',
    happens: 'a rush of orders, sixty at once: checkout has two sockets for inventory',
    lookFor: 'checkout → inventory, stuck in queue, with inventory itself healthy',
    start: async ({ traffic }) =>
      keepSending(traffic, { method: 'POST', path: '/orders', body: { product: 9 } }, 3000, 60),
  },
  {
    name: 'never-answers',
    happens: 'customers search for “*”, which search reads and never answers',
    lookFor: 'gateway gives up on search, whose handler never ends',
    start: async ({ traffic }) => keepSending(traffic, { method: 'GET', path: '/search?q=*' }, 600),
  },
  {
    name: 'dns-unknown',
    happens: 'customers pay with gift cards, whose host is no longer in DNS',
    lookFor: 'checkout → giftcards.shop.test, name does not exist (ENOTFOUND)',
    start: async ({ traffic }) =>
      keepSending(traffic, { method: 'POST', path: '/orders', body: { product: 3, giftCard: 'G-1' } }, 700),
  },
  {
    name: 'body-stalls',
    happens: 'customers download the catalog in Esperanto: it stops in mid-file',
    lookFor: 'gateway → catalog, stuck in receive after the first half',
    start: async ({ traffic }) =>
      keepSending(traffic, { method: 'GET', path: '/catalog.csv?language=eo' }, 800),
  },
  {
    name: 'abort-signal',
    happens: 'customers look at product 42: its relations take 700 ms, catalog waits 300 ms',
    lookFor: 'catalog → search, aborted by AbortSignal.timeout; the page still answers',
    start: async ({ traffic }) => keepSending(traffic, { method: 'GET', path: '/products/42' }, 500),
  },
  {
    name: 'budget-inversion',
    happens: 'customers pay by instalments: payments waits 3 s for the bank, checkout 1 s for payments',
    lookFor: 'checkout gives up; contributing: payments would have waited 3 s when checkout had 1 s left',
    start: async ({ traffic }) =>
      keepSending(traffic, { method: 'POST', path: '/orders', body: { product: 5, instalments: true } }, 800),
  },
  {
    name: 'dns-silent',
    happens: 'the name server hangs: look-ups get no answer',
    lookFor: 'payments → api.bank.test, stuck in dns',
    async start({ shop, traffic }) {
      const resume = stop(shop.dns);
      const halt = keepSending(traffic, { method: 'POST', path: '/orders', body: { product: 11 } }, 600);
      return async () => {
        await halt();
        await resume();
      };
    },
  },
];
