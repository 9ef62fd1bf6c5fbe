/**
 * How long a lookup of a name waits for a thread. `getaddrinfo` blocks a thread of libuv's pool, and libuv lets such work
 * have half of them, two of four: the third lookup waits until one of the first two is over, be it given up or not.
 *
 * Nobody tells when a thread takes a lookup, but they are taken in order, so it follows from when the others ended. Only
 * those of sockets are known: with others in the threads the true wait is longer, never shorter.
 */
export interface Lookup {
  askedMs: number;
  /** When a thread took it. */
  begunMs: number | undefined;
}

export interface LookupQueue {
  ask(nowMs: number): Lookup;
  end(lookup: Lookup, nowMs: number): void;
}

export function lookupQueue(threads: number): LookupQueue {
  const running = new Set<Lookup>();
  const waiting: Lookup[] = [];
  const begin = (lookup: Lookup, nowMs: number) => {
    lookup.begunMs = nowMs;
    running.add(lookup);
  };
  return {
    ask(nowMs) {
      const lookup: Lookup = { askedMs: nowMs, begunMs: undefined };
      if (running.size < threads) begin(lookup, nowMs);
      else waiting.push(lookup);
      return lookup;
    },
    end(lookup, nowMs) {
      const index = running.delete(lookup) ? -1 : waiting.indexOf(lookup);
      if (index !== -1) waiting.splice(index, 1);
      while (running.size < threads && waiting.length > 0) begin(waiting.shift()!, nowMs);
    },
  };
}

/** The threads that lookups may have, by `UV_THREADPOOL_SIZE`. */
export function lookupThreads(poolSize: string | undefined): number {
  const size = Math.min(1024, Math.max(1, Number.parseInt(poolSize ?? '', 10) || 4));
  return Math.floor((size + 1) / 2);
}
