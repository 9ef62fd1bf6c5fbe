/** What is said of a destination on standard error: a line when it fails first, one when it is back, and what it refuses. */
import type { Signal } from '../decode/otlp-pieces.ts';
import type { LaneEvents } from './lane.ts';

/** What is refused, and that it fails, is said no more often, of each destination. */
const SAID_EVERY_MS = 60_000;

const ITEMS: Readonly<Record<Signal, string>> = {
  traces: 'spans',
  metrics: 'data points',
  logs: 'log records',
};

export interface Health {
  readonly events: (signal: Signal) => LaneEvents;
  /** The last failure, or refusal, since the start; null when there was none. */
  last(): { readonly message: string; readonly atUnixMs: number } | null;
  isFailing(): boolean;
}

export function createHealth(name: string, log: (line: string) => void): Health {
  const failing = new Set<Signal>();
  /** Of each signal, since it began to fail, or to be dropped. */
  const lost = new Map<Signal, number>();
  let sinceMs = 0;
  let last: ReturnType<Health['last']> = null;
  let refusedSaidMs = -Infinity;
  let failingSaidMs = -Infinity;
  /** That it fails: only then that it works again, too. */
  let isSaid = false;

  function note(message: string): void {
    last = { message, atUnixMs: Date.now() };
  }

  function lostText(): string {
    const parts = [...lost].map(([signal, items]) => `${items} ${ITEMS[signal]}`);
    return parts.length === 0 ? '' : `; ${parts.join(', ')} were dropped meanwhile, as the queue was full`;
  }

  return {
    events: (signal) => ({
      failed(message) {
        note(message);
        if (failing.size === 0) sinceMs = performance.now();
        failing.add(signal);
        if (isSaid || performance.now() - failingSaidMs < SAID_EVERY_MS) return;
        isSaid = true;
        failingSaidMs = performance.now();
        log(`forwarding to ${name} fails and is tried again; what is to go there waits on disk: ${message}`);
      },
      works() {
        if (!failing.delete(signal) || failing.size > 0 || !isSaid) return;
        isSaid = false;
        log(
          `forwarding to ${name} works again, after ${Math.round((performance.now() - sinceMs) / 1000)} s${lostText()}`,
        );
        lost.clear();
      },
      refused(items, message) {
        note(message);
        if (performance.now() - refusedSaidMs < SAID_EVERY_MS) return;
        refusedSaidMs = performance.now();
        log(`${name} refuses ${items} ${ITEMS[signal]}, which are given up: ${message}`);
      },
      dropped(items, reason) {
        if (reason === 'damaged') {
          log(
            `${items} ${ITEMS[signal]} on their way to ${name} cannot be read from the queue and are dropped`,
          );
          return;
        }
        if (lost.size === 0) {
          log(
            `the queue of what is forwarded is full: the oldest of what waits for ${name} goes (--forward-queue-bytes)`,
          );
        }
        lost.set(signal, (lost.get(signal) ?? 0) + items);
      },
    }),
    last: () => last,
    isFailing: () => failing.size > 0,
  };
}
