/** Watches the lookups of names that take a thread of libuv's pool: `dns.lookup`, which is `getaddrinfo`, by whomever it is called. */
import dns from 'node:dns';
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { guard } from '../guard.ts';
import { lookupQueue, lookupThreads, type Lookup } from './lookup-queue.ts';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** The lookup that was asked for last, until it is taken. */
let latest: Lookup | undefined;

/** The lookup asked for since this was last called; undefined when there was none. */
export function takeLookup(): Lookup | undefined {
  const lookup = latest;
  latest = undefined;
  return lookup;
}

/** How long it waited for a thread, or does. */
export function waitedForThreadMs({ askedMs, begunMs }: Lookup): number {
  return (begunMs ?? performance.now()) - askedMs;
}

export function watchLookups(): void {
  const original = dns.lookup as unknown as AnyFunction;
  // libuv reads the size of its pool when the first work comes.
  let queue: ReturnType<typeof lookupQueue> | undefined;
  const ask = guard((host: unknown) => {
    latest = undefined;
    if (typeof host !== 'string' || host === '' || isIP(host) !== 0) return;
    queue ??= lookupQueue(lookupThreads(process.env['UV_THREADPOOL_SIZE']));
    latest = queue.ask(performance.now());
  });
  const end = guard((lookup: Lookup) => queue?.end(lookup, performance.now()));
  const observed: AnyFunction = function lookup(...args) {
    ask(args[0]);
    const asked = latest;
    const done = args.at(-1);
    if (!asked || typeof done !== 'function') return Reflect.apply(original, this, args);
    args[args.length - 1] = function (this: unknown, ...results: unknown[]) {
      end(asked);
      return Reflect.apply(done, this, results) as unknown;
    };
    try {
      return Reflect.apply(original, this, args);
    } catch (error) {
      end(asked);
      throw error;
    }
  };
  Object.defineProperties(observed, Object.getOwnPropertyDescriptors(original));
  Object.defineProperty(dns, 'lookup', {
    ...Object.getOwnPropertyDescriptor(dns, 'lookup'),
    value: observed,
  });
}
