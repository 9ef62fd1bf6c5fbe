/** What the threads of the store, and the forwarder, say to each other of the queue of what is forwarded. */
import { randomBytes } from 'node:crypto';
import type { Signal } from '../../decode/otlp-pieces.ts';

/** One signal on its way to one backend. */
export interface ForwardLane {
  /** The backend's name, as long as its queue is to be known again. */
  readonly destination: string;
  readonly signal: Signal;
}

export interface ForwardPosition extends ForwardLane {
  /** This entry and those before need not be kept for it. */
  readonly takenTo: number;
}

/** Shared memory in which the writer says how the queue is, and what the collector is known by. */
export type QueueGauge = BigInt64Array<SharedArrayBuffer>;
export const LAST_ENTRY = 0;
export const QUEUE_BYTES = 1;
/** How often all entries were deleted: what was read of them before is not to be sent any more. */
export const PURGES = 2;
/**
 * What others know it by that forward to each other. Another one with each start: a copy of the folder, somewhere else, must not
 * be taken for it.
 */
export const COLLECTOR_ID = 3;

export function createQueueGauge(): QueueGauge {
  const gauge = new BigInt64Array(new SharedArrayBuffer(4 * BigInt64Array.BYTES_PER_ELEMENT));
  gauge[COLLECTOR_ID] = randomBytes(8).readBigInt64LE();
  return gauge;
}

/** What an entry is sealed as: damage is found by its checksum before anything is made of it. */
export const QUEUE_PART = 'forward_queue';

/** Where another thread finds the queue. */
export interface ForwardQueuePlace {
  readonly folder: string;
  readonly gauge: QueueGauge;
}
