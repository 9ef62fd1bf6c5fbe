/** The queue of what other backends have still to take, as their forwarder reads it: in short reads, on a connection of its own. */
import type { Signal } from '../../../decode/otlp-pieces.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import { openPart } from '../../columns/part.ts';
import {
  LAST_ENTRY,
  PURGES,
  QUEUE_BYTES,
  QUEUE_PART,
  type ForwardLane,
  type ForwardQueuePlace,
} from '../forwarding.ts';
import { isCorrupt, openForReading } from '../open-database.ts';

export interface QueueEntry {
  readonly id: number;
  readonly items: number;
  /** The requests, one behind the other; null where they cannot be read. */
  readonly requests: Buffer | null;
}

/** What entries hold together. */
interface QueueSum {
  readonly items: number;
  readonly bytes: number;
}

export interface ForwardQueueReader {
  /** The newest entry that is durable. */
  lastId(): number;
  /** Of all entries that are still there. */
  bytes(): number;
  /** How often all entries were deleted. */
  purges(): number;
  takenTo(lane: ForwardLane): number;
  /** The first one of a signal in `(afterId, toId]`; null when there is none. */
  next(signal: Signal, afterId: number, toId: number): QueueEntry | null;
  /** Of a signal, in `(afterId, toId]`. */
  sum(signal: Signal, afterId: number, toId: number): QueueSum;
  /** The last of the oldest entries that are so large together; 0 when there is none. */
  oldestOf(bytes: number): number;
  isGone(toId: number): boolean;
  close(): void;
}

/** Looked at at once to find the oldest. */
const OLDEST_MAX = 10_000;

interface EntryRow {
  readonly id: number;
  readonly items: number;
  readonly data: Buffer;
}

export function openForwardQueue({ folder, gauge }: ForwardQueuePlace): ForwardQueueReader {
  const database = openForReading(folder);
  const nextId = database
    .prepare<[Signal, number, number], number>(
      'SELECT entry_id FROM forward_queue WHERE signal = ? AND entry_id > ? AND entry_id <= ? ORDER BY entry_id LIMIT 1',
    )
    .pluck();
  const read = database.prepare<[number], EntryRow>(
    'SELECT entry_id AS id, item_count AS items, data FROM forward_queue WHERE entry_id = ?',
  );
  const sum = database.prepare<[Signal, number, number], QueueSum>(
    `SELECT total(item_count) AS items, total(byte_count) AS bytes
     FROM forward_queue WHERE signal = ? AND entry_id > ? AND entry_id <= ?`,
  );
  const position = database
    .prepare<[string, Signal], number>(
      'SELECT taken_to_entry_id FROM forward_position WHERE destination = ? AND signal = ?',
    )
    .pluck();
  const oldest = database.prepare<[number], { id: number; bytes: number }>(
    'SELECT entry_id AS id, byte_count AS bytes FROM forward_queue ORDER BY entry_id LIMIT ?',
  );
  const first = database.prepare<[], number | null>('SELECT min(entry_id) FROM forward_queue').pluck();

  return {
    lastId: () => Number(Atomics.load(gauge, LAST_ENTRY)),
    bytes: () => Number(Atomics.load(gauge, QUEUE_BYTES)),
    purges: () => Number(Atomics.load(gauge, PURGES)),
    takenTo: ({ destination, signal }) => position.get(destination, signal) ?? 0,
    next(signal, afterId, toId) {
      const id = nextId.get(signal, afterId, toId);
      if (id === undefined) return null;
      try {
        const row = read.get(id);
        if (row === undefined) return { id, items: 0, requests: null };
        return { id, items: row.items, requests: openPart(QUEUE_PART, row.data).loose.bytes };
      } catch (error) {
        if (!isCorrupt(error) && !(error instanceof DamagedPart)) throw error;
        return { id, items: sum.get(signal, id - 1, id)?.items ?? 0, requests: null };
      }
    },
    sum: (signal, afterId, toId) => sum.get(signal, afterId, toId)!,
    oldestOf(bytes) {
      let lastId = 0;
      let size = 0;
      for (const entry of oldest.all(OLDEST_MAX)) {
        if (size >= bytes) break;
        size += entry.bytes;
        lastId = entry.id;
      }
      return lastId;
    },
    isGone: (toId) => (first.get() ?? Infinity) > toId,
    close: () => database.close(),
  };
}
