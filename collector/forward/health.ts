/** What is said of a destination on standard error: a line when it fails first, one when it is back, and what it refuses. */
import type { Signal } from '../decode/otlp-pieces.ts';
import type { LaneEvents } from './lane.ts';

/** What is refused is said no more often, of each destination. */
const REFUSED_SAID_EVERY_MS = 60_000;

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
  let sinceUnixMs = 0;
  let last: ReturnType<Health['last']> = null;
  let refusedSaidMs = -Infinity;

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
        if (failing.size === 0) {
          sinceUnixMs = Date.now();
          log(
            `forwarding to ${name} fails and is tried again; what is to go there waits on disk: ${message}`,
          );
        }
        failing.add(signal);
      },
      works() {
        if (!failing.delete(signal) || failing.size > 0) return;
        log(
          `forwarding to ${name} works again, after ${Math.round((Date.now() - sinceUnixMs) / 1000)} s${lostText()}`,
        );
        lost.clear();
      },
      refused(items, message) {
        note(message);
        if (performance.now() - refusedSaidMs < REFUSED_SAID_EVERY_MS) return;
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
