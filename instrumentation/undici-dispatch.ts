/**
 * When a request arrived at undici, in which context, and whether it had to wait in a pool.
 *
 * undici makes a request, which its channels tell of, only when a client of the pool takes it: until then it lies in a
 * queue, and is taken out of it in the context of whoever freed the client. So `dispatch` is replaced, once for each copy
 * of undici: on the class that all its agents, pools and clients have it from.
 */
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import { sep } from 'node:path';
import type { Context } from '@opentelemetry/api';
import { onChannel } from './channels.ts';
import { activeContext } from './context.ts';
import { fetchIn } from './fetch.ts';
import { guard } from './guard.ts';
import { watchModules } from './libraries/watch-modules.ts';
import { hostPool, type Pool } from './pool.ts';

export interface Arrival {
  startMs: number;
  context: Context;
  /** Whether undici has made its request. */
  isMade: boolean;
  /** Set when it had to wait. */
  pool: Pool | undefined;
  /** The signal by which the caller may give it up. */
  signal: AbortSignal | undefined;
}

type Dispatch = (this: object, ...args: unknown[]) => unknown;

/** The request that is being dispatched now. */
let current: Arrival | undefined;
/** Those that wait in a pool, by their options. */
const waiting = new WeakMap<object, Arrival>();
let hasWaited = false;

/** The arrival of the request that undici makes now; undefined when it did not come through a dispatcher that is watched. */
export function takeArrival(): Arrival | undefined {
  if (!current || current.isMade) return undefined;
  current.isMade = true;
  return current;
}

/** `loaded` gets the exports of each copy that the program loads. */
export function watchDispatchers(loaded: (exports: { fetch?: unknown }) => void): void {
  const mainFile = `${sep}undici${sep}index.js`;
  watchModules((module, file) => {
    if (!file.endsWith(mainFile)) return;
    const exports = module.exports as { Agent?: { prototype: object }; fetch?: unknown };
    if (exports.Agent) watchDispatch(exports.Agent.prototype);
    loaded(exports);
  });
  // Of a bundled copy there is no module: its first connection leads to it.
  onChannel<{ socket: Socket }>('undici:client:connected', ({ socket }) => {
    const client = hiddenProperty(socket, 'client');
    if (client) watchDispatch(client);
  });
}

const watched = new WeakSet<object>();

function watchDispatch(dispatcher: object): void {
  let prototype: object | null = dispatcher;
  while (prototype && !Object.hasOwn(prototype, 'dispatch'))
    prototype = Object.getPrototypeOf(prototype) as object;
  if (!prototype || watched.has(prototype)) return;
  watched.add(prototype);
  const owner = prototype as { dispatch: Dispatch };
  const original = owner.dispatch;
  const observed: Dispatch = function dispatch(...args) {
    const outer = current;
    const options = args[0] as object;
    const arrival = (hasWaited && waiting.get(options)) || (outer && !outer.isMade ? outer : arrive(options));
    current = arrival;
    try {
      return Reflect.apply(original, this, args);
    } finally {
      current = outer;
      if (!arrival.isMade) wait(arrival, this, options);
    }
  };
  Object.defineProperty(observed, 'length', { value: original.length, configurable: true });
  owner.dispatch = observed;
}

function arrive(options: object | undefined): Arrival {
  const { signal } = (options ?? {}) as { signal?: AbortSignal };
  return { startMs: performance.now(), context: activeContext(), isMade: false, pool: undefined, signal };
}

/** No request was made: the dispatcher, if it is a pool, keeps it for later. */
const wait = guard((arrival: Arrival, dispatcher: object, options: unknown) => {
  const { queued } = (dispatcher as { stats?: { queued?: unknown } }).stats ?? {};
  const url = hiddenProperty(dispatcher, 'url');
  if (typeof queued !== 'number' || !(url instanceof URL)) return;
  if (queued === 0 || typeof options !== 'object' || options === null) return;
  const connections = hiddenProperty(dispatcher, 'connections');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const max = typeof connections === 'number' ? connections : undefined;
  arrival.pool = hostPool(url.hostname, port, queued, max);
  waiting.set(options, arrival);
  hasWaited = true;
  const open = fetchIn(arrival.context);
  if (open) open.waiting = arrival;
});

/** What undici keeps under a symbol of its own. */
export function hiddenProperty(owner: object, name: string): unknown {
  for (let each: object | null = owner; each; each = Object.getPrototypeOf(each) as object | null) {
    const key = Object.getOwnPropertySymbols(each).find(({ description }) => description === name);
    if (key) return (owner as Record<symbol, unknown>)[key];
  }
  return undefined;
}
