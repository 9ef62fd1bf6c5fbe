/**
 * The thread that forwards: neither the network's thread nor the writer's is held up by what other backends do.
 *
 * It looks at the queue some times a second, which also makes batches of what comes in small requests.
 */
import { workerData } from 'node:worker_threads';
import { markOf } from '../decode/passed-collectors.ts';
import { COLLECTOR_ID, type ForwardPosition, type ForwardQueuePlace } from '../store/sqlite/forwarding.ts';
import { openForwardQueue } from '../store/sqlite/read/forward-queue.ts';
import { serveThread } from '../store/sqlite/thread.ts';
import type { Destination } from './destination.ts';
import { openGrpcBackend } from './grpc-backend.ts';
import { createHealth } from './health.ts';
import { openHttpBackend } from './http-backend.ts';
import { createLane } from './lane.ts';
import type { DestinationReport } from './report.ts';

export interface ForwarderData {
  readonly destinations: readonly Destination[];
  readonly place: ForwardQueuePlace;
  readonly queueBytesMax: number;
}

const LOOK_MS = 200;
/** What could not be read may be later. */
const BROKEN_LOOK_MS = 10_000;
/** What is dropped and still there by then is held by what is on its way, or by a disk that fails: more has come meanwhile. */
const DROPPED_WAIT_MS = 2_000;
/** What is on its way is waited for so long when the collector ends; the rest is sent after its next start. */
const STOP_GRACE_MS = 3_000;

serveThread(() => {
  const { destinations, place, queueBytesMax } = workerData as ForwarderData;
  const log = (line: string) => console.error(`sockeye: ${line}`);
  const queue = openForwardQueue(place);
  const mark = markOf(place.gauge[COLLECTOR_ID]!);
  const routes = destinations.map((destination) => {
    const backend =
      destination.protocol === 'grpc' ? openGrpcBackend(destination) : openHttpBackend(destination);
    const health = createHealth(destination.name, log);
    const lanes = destination.signals.map((signal) =>
      createLane({
        signal,
        takenTo: queue.takenTo({ destination: destination.name, signal }),
        queueBytesMax,
        mark,
        queue,
        events: health.events(signal),
        send: (request) => backend.send(signal, request),
      }),
    );
    return { destination, backend, health, lanes };
  });
  const lanes = routes.flatMap((route) => route.lanes);
  /** Up to which the oldest are given up, as long as the writer has not deleted them. */
  let dropping: { readonly toId: number; readonly untilMs: number } | null = null;

  function dropIfFull(): void {
    if (dropping !== null && performance.now() < dropping.untilMs && !queue.isGone(dropping.toId)) return;
    dropping = null;
    const excess = queue.bytes() - queueBytesMax;
    if (excess <= 0) return;
    const toId = queue.oldestOf(excess);
    for (const lane of lanes) lane.dropTo(toId);
    dropping = { toId, untilMs: performance.now() + DROPPED_WAIT_MS };
  }

  function look(): void {
    let nextMs = LOOK_MS;
    try {
      dropIfFull();
      for (const lane of lanes) lane.learn();
    } catch (error) {
      log(
        `the queue of what is forwarded cannot be read, and waits: ${(error as Error).stack ?? String(error)}`,
      );
      nextMs = BROKEN_LOOK_MS;
    }
    timer = setTimeout(look, nextMs);
  }
  let timer = setTimeout(look, 0);

  return {
    /** Asked for twice a second. */
    positions: (): ForwardPosition[] =>
      routes.flatMap(({ destination: { name }, lanes: own }) =>
        own.map((lane) => ({ destination: name, signal: lane.signal, takenTo: lane.takenTo() })),
      ),
    /** Adds up all that waits. */
    report: (): DestinationReport[] =>
      routes.map(({ destination: { name, url }, health, lanes: own }) => ({
        name,
        url,
        isFailing: health.isFailing(),
        lastError: health.last(),
        signals: Object.fromEntries(own.map((lane) => [lane.signal, lane.counters()])),
      })),
    async stop() {
      clearTimeout(timer);
      const cutOff = setTimeout(() => {
        for (const { backend } of routes) backend.close();
      }, STOP_GRACE_MS);
      await Promise.all(lanes.map((lane) => lane.stop()));
      clearTimeout(cutOff);
      for (const { backend } of routes) backend.close();
    },
    close: () => queue.close(),
  };
});
