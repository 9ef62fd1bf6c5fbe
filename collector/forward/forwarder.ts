/** Forwarding as the collector sees it: a thread that sends, and whose progress is told to the store from time to time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwardLane, ForwardPosition } from '../store/sqlite/forwarding.ts';
import type { ForwardingStore } from '../store/sqlite/open-store.ts';
import { startThread } from '../store/sqlite/thread.ts';
import { StoreUnavailable } from '../store/store.ts';
import type { Destination } from './destination.ts';
import type { ForwarderData } from './forwarder-thread.ts';
import type { DestinationReport } from './report.ts';

/** What a crash makes to be sent again is what was taken in that time, at most. */
const REPORT_MS = 500;

export interface Forwarder {
  status(): Promise<readonly DestinationReport[]>;
  /** What is on its way is waited for, shortly; the rest stays in the queue. */
  stop(): Promise<void>;
}

export interface ForwarderOptions {
  readonly store: Pick<ForwardingStore, 'forwardQueue' | 'noteForwarded'>;
  readonly destinations: readonly Destination[];
  readonly queueBytesMax: number;
  readonly log: (line: string) => void;
  /** Told when the thread broke. */
  readonly onFailure: (error: Error) => void;
}

/** Signals on their way to destinations: what the store keeps a queue for. */
export function lanesOf(destinations: readonly Destination[]): ForwardLane[] {
  return destinations.flatMap(({ name, signals }) =>
    signals.map((signal) => ({ destination: name, signal })),
  );
}

/** Null where there are no destinations. */
export async function startForwarder(options: ForwarderOptions): Promise<Forwarder | null> {
  const { store, destinations, queueBytesMax, log, onFailure } = options;
  if (destinations.length === 0) return null;
  const data: ForwarderData = { destinations, queueBytesMax, place: store.forwardQueue };
  const thread = await startThread('../../forward/forwarder-thread', data, onFailure);
  const noted = new Map<string, number>();
  const stopping = new AbortController();

  async function noteProgress(): Promise<void> {
    const positions = await thread.call<ForwardPosition[]>('positions', null);
    const keyOf = ({ destination, signal }: ForwardPosition) => `${signal} ${destination}`;
    const moved = positions.filter((position) => noted.get(keyOf(position)) !== position.takenTo);
    if (moved.length === 0) return;
    await store.noteForwarded(moved);
    for (const position of moved) noted.set(keyOf(position), position.takenTo);
  }

  async function run(): Promise<void> {
    let isSaid = false;
    while (!stopping.signal.aborted) {
      try {
        await noteProgress();
        isSaid = false;
      } catch (error) {
        if (stopping.signal.aborted) break;
        if (!isSaid) {
          const known = error instanceof StoreUnavailable;
          log(`what was forwarded stays in the queue: ${known ? error.message : (error as Error).stack}`);
        }
        isSaid = true;
      }
      await sleep(REPORT_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
  const running = run();

  return {
    status: () => thread.call<DestinationReport[]>('report', null),
    async stop() {
      stopping.abort();
      await running;
      // A thread that broke, or a store, has nothing more to say: what is still in the queue is sent again.
      await thread
        .call('stop', null)
        .then(noteProgress)
        .catch(() => {});
      await thread.call('close', null).catch(() => {});
      await thread.ended;
    },
  };
}
